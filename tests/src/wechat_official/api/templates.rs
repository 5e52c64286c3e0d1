//! Templates: what an account may send to whoever follows it, at any time. Whether one has arrived a callback tells.
//!
//! <https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Template_Message_Interface.html>

use serde_json::{Value, json};

use super::{Answer, Call, Outcome};
use crate::wechat_official::{
    callback::{self, Document},
    errors::Code,
    observe::Sent,
    state::State,
    world::{Follower, TEMPLATE},
};

/// The places of the one template that every account has.
const PLACES: [&str; 2] = ["thing1", "number2"];

/// `GET /cgi-bin/template/get_all_private_template`
pub(super) fn list() -> Outcome {
    let content = "订单:{{thing1.DATA}}\n数量:{{number2.DATA}}";
    Ok(Answer::Told(json!({"template_list": [{
        "template_id": TEMPLATE, "title": "订单提醒", "primary_industry": "IT", "deputy_industry": "IT",
        "content": content, "example": "",
    }]})))
}

/// `POST /cgi-bin/message/template/send`
pub(super) fn send(state: &mut State, app_id: &str, call: &Call) -> Outcome {
    let wanted = call.utf8()?;
    let openid = wanted["touser"].as_str().unwrap_or_default();
    let to = Follower { app_id: app_id.to_owned(), openid: openid.to_owned() };
    if !state.account(app_id).followers.contains_key(openid) {
        return Err(Code(40_003));
    }
    if wanted["template_id"] != TEMPLATE {
        return Err(Code(40_037));
    }
    let value = |place: &str| wanted["data"][place]["value"].as_str().unwrap_or_default();
    let is_number =
        !value("number2").is_empty() && value("number2").bytes().all(|byte| byte.is_ascii_digit());
    let is_filled = PLACES.iter().all(|place| !value(place).is_empty());
    if !is_filled || !is_number {
        return Err(Code(47_003));
    }
    let person = state.person(&to);
    if !person.follows {
        return Err(Code(43_004));
    }
    let status = if person.has_blocked { "failed:user block" } else { "success" };
    if !person.has_blocked {
        state.sent.push(Sent { to: to.clone(), kind: "template".to_owned(), content: content(&wanted) });
    }
    let msgid = state.id();
    let id = msgid.to_string();
    let document = Document::new(state, &to, "event").with(&[
        ("Event", "TEMPLATESENDJOBFINISH"),
        ("MsgID", id.as_str()),
        ("Status", status),
    ]);
    callback::emit(state, app_id, document);
    Ok(Answer::Told(json!({"errcode": 0, "errmsg": "ok", "msgid": msgid})))
}

/// What the person sees of it.
fn content(wanted: &Value) -> Value {
    json!({"template_id": wanted["template_id"], "url": wanted["url"], "data": wanted["data"]})
}
