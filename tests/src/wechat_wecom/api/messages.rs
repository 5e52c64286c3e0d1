//! Messages of the app: to one member here, and what WeCom does with those that are too many.
//!
//! <https://developer.work.weixin.qq.com/document/path/90236>

use serde_json::{Value, json};

use super::{Answer, Outcome, done};
use crate::wechat_wecom::{
    errors::Code,
    observe::{Sent, To},
    state::State,
    world::AGENT_ID,
};

/// Longer texts are cut.
const TEXT_BYTES_MAX: usize = 2048;

/// More in a minute are dropped, and nobody is told.
const PER_MINUTE: usize = 30;

const RECALL_MS: i64 = 24 * 60 * 60 * 1000;

/// `POST /cgi-bin/message/send`
pub(super) fn send(state: &mut State, wanted: &Value) -> Outcome {
    if wanted["agentid"].as_u64() != Some(AGENT_ID) {
        return Err(Code(40_056));
    }
    let userid = wanted["touser"].as_str().unwrap_or_default().to_owned();
    let (kind, content) = fit(state, wanted, &["text", "image", "voice", "video", "file"])?;
    // Ids of members know no capitals.
    let known = state.members.iter().find(|(known, _)| known.eq_ignore_ascii_case(&userid));
    let Some((known, member)) = known else { return Err(Code(81_013)) };
    let (known, is_visible) = (known.clone(), member.is_visible);
    let id = format!("{}-{}", state.random(), state.id());
    if !is_visible {
        // A success beside which stands that there was none.
        return Ok(Answer::Told(json!({"errcode": 0, "errmsg": "ok", "invaliduser": userid, "msgid": id})));
    }
    let to = To::Member(known);
    let now_ms = state.now_ms();
    let is_recent = |sent: &&Sent| sent.to == to && sent.sent_ms > now_ms - 60_000;
    let is_dropped = state.sent.iter().filter(is_recent).count() >= PER_MINUTE;
    let sent = Sent { id: id.clone(), to, kind, content, sent_ms: now_ms, is_recalled: false, is_dropped };
    state.sent.push(sent);
    Ok(Answer::Told(json!({"errcode": 0, "errmsg": "ok", "invaliduser": "", "msgid": id})))
}

/// `POST /cgi-bin/message/recall`
pub(super) fn recall(state: &mut State, wanted: &Value) -> Outcome {
    let id = wanted["msgid"].as_str().unwrap_or_default();
    let now_ms = state.now_ms();
    let sent = state.sent.iter_mut().find(|sent| sent.id == id && matches!(sent.to, To::Member(_)));
    let sent = sent.filter(|sent| sent.sent_ms + RECALL_MS > now_ms).ok_or(Code(40_058))?;
    sent.is_recalled = true;
    done()
}

/// The kind and the content of a message, where they fit each other. What is too long is cut.
pub(super) fn fit(state: &State, wanted: &Value, kinds: &[&str]) -> Result<(String, Value), Code> {
    let kind = wanted["msgtype"].as_str().filter(|kind| kinds.contains(kind)).ok_or(Code(40_008))?;
    let mut content = wanted[kind].clone();
    match kind {
        "text" => {
            let words = content["content"].as_str().filter(|words| !words.is_empty()).ok_or(Code(44_004))?;
            let arrives = words[..words.floor_char_boundary(TEXT_BYTES_MAX)].to_owned();
            content["content"] = json!(arrives);
        }
        "location" => {
            let is_number = |name: &str| content[name].is_number();
            let is_fit = is_number("latitude") && is_number("longitude") && content["name"].is_string();
            is_fit.then_some(()).ok_or(Code(40_058))?;
        }
        kind => {
            let media = state.media.get(content["media_id"].as_str().unwrap_or_default());
            let is_there = media.is_some_and(|it| it.kind == kind && it.until_ms > state.now_ms());
            is_there.then_some(()).ok_or(Code(40_007))?;
        }
    }
    Ok((kind.to_owned(), content))
}
