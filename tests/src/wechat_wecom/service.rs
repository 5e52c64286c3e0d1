//! Customer service: the list of what happened, which is pulled by a cursor, and how often a customer may be answered.
//!
//! <https://developer.work.weixin.qq.com/document/path/94670>, <https://developer.work.weixin.qq.com/document/path/94677>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{callback, errors::Code, state::State, world::Customer};

/// So many messages may be sent, in so long a time after a customer wrote.
const ANSWERS_MAX: u32 = 5;
const WINDOW_MS: i64 = 48 * 60 * 60 * 1000;

/// So many items a list has, at most.
const PAGE_MAX: usize = 1000;

/// A token may be used for so long.
const TOKEN_LIFE_MS: i64 = 10 * 60 * 1000;

/// A code of welcome may be used for so long.
const WELCOME_LIFE_MS: i64 = 20 * 1000;

/// States of a talk.
pub(crate) const NEW: i64 = 0;
pub(crate) const PROGRAM: i64 = 1;
pub(crate) const STAFF: i64 = 3;
pub(crate) const ENDED: i64 = 4;

/// All of it.
#[derive(Debug)]
pub(crate) struct Service {
    /// What happened, oldest first.
    pub items: Vec<Value>,
    pub talks: BTreeMap<Customer, Talk>,
    pub page_max: usize,
    /// How many items the next list begins too early.
    pub again: usize,
    tokens: Vec<(String, i64)>,
    /// Codes of welcome that were not used yet: for whom, and until when.
    welcomes: BTreeMap<String, (Customer, i64)>,
}

/// A customer's talk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Talk {
    pub state: i64,
    pub servicer: String,
    pub wrote_ms: Option<i64>,
    pub answers: u32,
    pub welcomed_ms: Option<i64>,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            talks: BTreeMap::new(),
            page_max: PAGE_MAX,
            again: 0,
            tokens: Vec::new(),
            welcomes: BTreeMap::new(),
        }
    }
}

impl Service {
    /// `kf/sync_msg`: what comes after the cursor.
    pub fn list(&mut self, asked: &Value, now_ms: i64) -> Result<Value, Code> {
        let text = |name: &str| asked[name].as_str().unwrap_or_default();
        let limit = asked["limit"].as_u64().unwrap_or(PAGE_MAX as u64);
        if limit == 0
            || limit > PAGE_MAX as u64
            || !matches!(asked["voice_format"].as_i64(), None | Some(0 | 1))
        {
            return Err(Code(40_058));
        }
        let is_known =
            |token: &str| self.tokens.iter().any(|(known, until_ms)| known == token && *until_ms > now_ms);
        if !asked["token"].is_null() && !is_known(text("token")) {
            return Err(Code(95_007));
        }
        let kf = text("open_kfid");
        let from = match text("cursor") {
            "" => 0,
            cursor => {
                cursor.strip_prefix("4gw7MepFLfgF2VC5-").and_then(|at| at.parse().ok()).ok_or(Code(40_058))?
            }
        };
        let from = usize::min(from, self.items.len()).saturating_sub(std::mem::take(&mut self.again));
        let size = usize::min(usize::try_from(limit).unwrap_or(PAGE_MAX), self.page_max);
        let to = usize::min(from + size, self.items.len());
        // Without an account all are listed.
        let of_account =
            |item: &&Value| kf.is_empty() || item["open_kfid"] == kf || item["event"]["open_kfid"] == kf;
        let list: Vec<&Value> = self.items[from..to].iter().filter(of_account).collect();
        Ok(json!({
            "errcode": 0, "errmsg": "ok", "next_cursor": format!("4gw7MepFLfgF2VC5-{to}"),
            "has_more": u8::from(to < self.items.len()), "msg_list": list,
        }))
    }

    /// A code with which a customer may be welcomed; none where they were, or were written to, in the last 48 hours.
    pub fn welcome(&mut self, customer: &Customer, (code, now_ms): (String, i64)) -> Option<String> {
        let talk = self.talks.entry(customer.clone()).or_default();
        let is_recent = |at_ms: Option<i64>| at_ms.is_some_and(|at_ms| at_ms + WINDOW_MS > now_ms);
        if is_recent(talk.welcomed_ms) || is_recent(talk.wrote_ms) {
            return None;
        }
        self.welcomes.insert(code.clone(), (customer.clone(), now_ms + WELCOME_LIFE_MS));
        Some(code)
    }

    /// Uses such a code up. By which code WeCom refuses another one nobody has written down.
    pub fn use_welcome(&mut self, code: &str, now_ms: i64) -> Result<Customer, Code> {
        let (customer, until_ms) = self.welcomes.remove(code).ok_or(Code(40_029))?;
        if until_ms <= now_ms {
            return Err(Code(40_029));
        }
        self.talks.entry(customer.clone()).or_default().welcomed_ms = Some(now_ms);
        Ok(customer)
    }

    /// Whether a customer may be answered now; counts it.
    pub fn answer(&mut self, customer: &Customer, now_ms: i64) -> Result<(), Code> {
        let talk = self.talks.get_mut(customer).ok_or(Code(95_002))?;
        if !matches!(talk.state, NEW | PROGRAM) {
            return Err(Code(95_018));
        }
        if talk.wrote_ms.is_none_or(|wrote_ms| wrote_ms + WINDOW_MS <= now_ms) {
            return Err(Code(95_002));
        }
        if talk.answers >= ANSWERS_MAX {
            return Err(Code(95_001));
        }
        talk.answers += 1;
        Ok(())
    }
}

/// Something happened: it is listed, and the app is told that there is something.
pub(crate) fn happened(state: &mut State, customer: &Customer, mut item: Value) -> String {
    let id = format!("4Q4f{}", state.id());
    let now_ms = state.now_ms();
    item["msgid"] = json!(id);
    item["send_time"] = json!(now_ms / 1000);
    if item["msgtype"] == "event" {
        item["event"]["open_kfid"] = json!(customer.kf);
        item["event"]["external_userid"] = json!(customer.external);
    } else {
        item["open_kfid"] = json!(customer.kf);
        item["external_userid"] = json!(customer.external);
    }
    if item["origin"] == 3 {
        let talk = state.service.talks.entry(customer.clone()).or_default();
        (talk.wrote_ms, talk.answers) = (Some(now_ms), 0);
        if talk.state == ENDED {
            talk.state = NEW;
        }
    }
    state.service.items.push(item);
    calls(state, customer);
    id
}

/// Tells the app that there is something.
pub(crate) fn calls(state: &mut State, customer: &Customer) {
    let token = format!("ENC{}", state.random());
    let until_ms = state.now_ms() + TOKEN_LIFE_MS;
    state.service.tokens.push((token.clone(), until_ms));
    let fields = [
        ("MsgType", "event"),
        ("Event", "kf_msg_or_event"),
        ("Token", token.as_str()),
        ("OpenKfId", customer.kf.as_str()),
    ];
    callback::emit(state, "", &fields);
}
