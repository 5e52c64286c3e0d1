//! Messages to one follower. They get no id, and a repeat is another message.
//!
//! <https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html>

use serde_json::{Value, json};

use super::{Answer, Call, Outcome};
use crate::wechat_official::{errors::Code, observe::Sent, state::State, world::Follower};

const TEXT_BYTES_MAX: usize = 2048;

fn done() -> Outcome {
    Ok(Answer::Told(json!({"errcode": 0, "errmsg": "ok"})))
}

/// `POST /cgi-bin/message/custom/send`
pub(super) fn send(state: &mut State, app_id: &str, call: &Call) -> Outcome {
    let wanted = call.utf8()?;
    if !state.account(app_id).is_verified {
        return Err(Code(48_001));
    }
    let to = addressed(state, app_id, &wanted)?;
    let kind = wanted["msgtype"].as_str().unwrap_or_default().to_owned();
    let content = wanted[&kind].clone();
    fit(state, app_id, (&kind, &content))?;
    let person = state.person(&to);
    if person.has_blocked {
        return Err(Code(43_019));
    }
    if !person.follows {
        return Err(Code(43_004));
    }
    let now_ms = state.now_ms();
    state.person_mut(&to).windows.spend(now_ms)?;
    state.sent.push(Sent { to, kind, content });
    done()
}

/// `POST /cgi-bin/message/custom/typing`
pub(super) fn typing(state: &mut State, app_id: &str, call: &Call) -> Outcome {
    let wanted = call.utf8()?;
    let to = addressed(state, app_id, &wanted)?;
    let active = match wanted["command"].as_str() {
        Some("Typing") => true,
        Some("CancelTyping") => false,
        _ => return Err(Code(47_001)),
    };
    state.person_mut(&to).typing = Some(active);
    done()
}

fn addressed(state: &State, app_id: &str, wanted: &Value) -> Result<Follower, Code> {
    let openid = wanted["touser"].as_str().unwrap_or_default();
    let is_known = state.account(app_id).followers.contains_key(openid);
    if is_known {
        Ok(Follower { app_id: app_id.to_owned(), openid: openid.to_owned() })
    } else {
        Err(Code(40_003))
    }
}

/// Whether a message of that kind may have that content.
fn fit(state: &State, app_id: &str, (kind, content): (&str, &Value)) -> Result<(), Code> {
    let text = |name: &str| content[name].as_str().unwrap_or_default();
    let has = |name: &str, wanted: &str| {
        let media = state.media.get(text(name));
        let is_there = media.is_some_and(|media| {
            media.app_id == app_id && media.kind == wanted && media.until_ms > state.now_ms()
        });
        if is_there { Ok(()) } else { Err(Code(40_007)) }
    };
    match kind {
        "text" => match text("content") {
            "" => Err(Code(44_004)),
            words if words.len() > TEXT_BYTES_MAX => Err(Code(45_002)),
            _ => Ok(()),
        },
        "image" | "voice" => has("media_id", kind),
        "video" => has("media_id", "video").and_then(|()| has("thumb_media_id", "thumb")),
        "news" | "msgmenu" | "miniprogrampage" | "link" if content.is_object() => Ok(()),
        _ => Err(Code(40_008)),
    }
}
