//! Customer service: the list, messages to customers, whose hands a talk is in, who somebody is.
//!
//! <https://developer.work.weixin.qq.com/document/path/94677>, <https://developer.work.weixin.qq.com/document/path/94669>

use serde_json::{Value, json};

use super::{Answer, Outcome, done, messages::fit};
use crate::wechat_wecom::{
    errors::Code,
    observe::{Sent, To},
    service::{ENDED, STAFF},
    state::State,
    world::{Customer, KF_ID},
};

/// Everything below `/cgi-bin/kf`.
pub(super) fn route(state: &mut State, path: &[&str], wanted: &Value) -> Outcome {
    match path {
        ["account", "list"] => {
            let account = json!({"open_kfid": KF_ID, "name": "Birds", "avatar": "https://wework.qpic.cn/x", "manage_privilege": true});
            Ok(Answer::Told(json!({"errcode": 0, "errmsg": "ok", "account_list": [account]})))
        }
        ["sync_msg"] => {
            let now_ms = state.now_ms();
            state.service.list(wanted, now_ms).map(Answer::Told)
        }
        ["send_msg"] => send(state, wanted),
        ["send_msg_on_event"] => welcome(state, wanted),
        ["recall_msg"] => recall(state, wanted),
        ["service_state", "get"] => {
            let customer = customer(state, wanted, "external_userid")?;
            let talk = state.service.talks.get(&customer).cloned().unwrap_or_default();
            Ok(Answer::Told(json!({
                "errcode": 0, "errmsg": "ok", "service_state": talk.state, "servicer_userid": talk.servicer,
            })))
        }
        ["service_state", "trans"] => hand(state, wanted),
        ["customer", "batchget"] => profiles(state, wanted),
        _ => Err(Code(48_002)),
    }
}

fn customer(state: &State, wanted: &Value, name: &str) -> Result<Customer, Code> {
    let text = |name: &str| wanted[name].as_str().unwrap_or_default().to_owned();
    let customer = Customer { kf: text("open_kfid"), external: text(name) };
    if customer.kf != KF_ID {
        return Err(Code(95_000));
    }
    if state.customers.contains_key(&customer.external) { Ok(customer) } else { Err(Code(40_096)) }
}

/// `POST /cgi-bin/kf/send_msg`: what it says twice is there twice.
fn send(state: &mut State, wanted: &Value) -> Outcome {
    let customer = customer(state, wanted, "touser")?;
    let id = own_id(state, wanted)?;
    let (kind, content) = fit(state, wanted, &["text", "image", "voice", "video", "file", "location"])?;
    let now_ms = state.now_ms();
    state.service.answer(&customer, now_ms)?;
    Ok(brought(state, (id, customer), (kind, content)))
}

/// `POST /cgi-bin/kf/send_msg_on_event`: one message for each code.
fn welcome(state: &mut State, wanted: &Value) -> Outcome {
    let id = own_id(state, wanted)?;
    let (kind, content) = fit(state, wanted, &["text"])?;
    let now_ms = state.now_ms();
    let customer = state.service.use_welcome(wanted["code"].as_str().unwrap_or_default(), now_ms)?;
    Ok(brought(state, (id, customer), (kind, content)))
}

/// The id that the sender gives a message, or one of WeCom's.
fn own_id(state: &mut State, wanted: &Value) -> Result<String, Code> {
    let id = match wanted["msgid"].as_str() {
        Some(id) => id.to_owned(),
        None => format!("own{}", state.id()),
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let is_fit = (1..=32).contains(&id.len()) && id.bytes().all(is_plain);
    if is_fit { Ok(id) } else { Err(Code(40_058)) }
}

fn brought(
    state: &mut State,
    (id, customer): (String, Customer),
    (kind, content): (String, Value),
) -> Answer {
    let (to, sent_ms) = (To::Customer(customer), state.now_ms());
    let sent = Sent { id: id.clone(), to, kind, content, sent_ms, is_recalled: false, is_dropped: false };
    state.sent.push(sent);
    Answer::Told(json!({"errcode": 0, "errmsg": "ok", "msgid": id}))
}

/// `POST /cgi-bin/kf/recall_msg`: for two minutes, and what was taken back has counted.
fn recall(state: &mut State, wanted: &Value) -> Outcome {
    const RECALL_MS: i64 = 2 * 60 * 1000;
    let text = |name: &str| wanted[name].as_str().unwrap_or_default();
    let is_there = |to: &To| matches!(to, To::Customer(customer) if customer.kf == text("open_kfid"));
    let now_ms = state.now_ms();
    let sent = state.sent.iter_mut().find(|sent| sent.id == text("msgid") && is_there(&sent.to));
    let sent = sent.filter(|sent| sent.sent_ms + RECALL_MS > now_ms).ok_or(Code(40_058))?;
    sent.is_recalled = true;
    done()
}

/// `POST /cgi-bin/kf/service_state/trans`
fn hand(state: &mut State, wanted: &Value) -> Outcome {
    let customer = customer(state, wanted, "external_userid")?;
    let next = wanted["service_state"].as_i64().filter(|next| (1..=4).contains(next)).ok_or(Code(40_058))?;
    let servicer = wanted["servicer_userid"].as_str().unwrap_or_default().to_owned();
    if next == STAFF && !state.members.contains_key(&servicer) {
        return Err(Code(40_003));
    }
    let talk = state.service.talks.entry(customer).or_default();
    if talk.state == ENDED {
        return Err(Code(95_018));
    }
    (talk.state, talk.servicer) = (next, servicer);
    done()
}

/// `POST /cgi-bin/kf/customer/batchget`
fn profiles(state: &State, wanted: &Value) -> Outcome {
    let ids = wanted["external_userid_list"].as_array().filter(|ids| (1..=100).contains(&ids.len()));
    let (mut list, mut unknown) = (Vec::new(), Vec::new());
    for id in ids.ok_or(Code(40_058))? {
        let Some(profile) = state.customers.get(id.as_str().unwrap_or_default()) else {
            unknown.push(id.clone());
            continue;
        };
        let avatar = format!("{}/face/{}", state.origin, id.as_str().unwrap_or_default());
        let mut told =
            json!({"external_userid": id, "nickname": profile.nickname, "avatar": avatar, "gender": 0});
        if let Some(union_id) = &profile.union_id {
            told["unionid"] = json!(union_id);
        }
        list.push(told);
    }
    Ok(Answer::Told(
        json!({"errcode": 0, "errmsg": "ok", "customer_list": list, "invalid_external_userid": unknown}),
    ))
}
