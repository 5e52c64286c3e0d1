//! Groups that the app makes.
//!
//! <https://developer.work.weixin.qq.com/document/path/90244>

use serde_json::{Value, json};

use super::{Answer, Outcome, done, messages::fit};
use crate::wechat_wecom::{
    errors::Code,
    observe::{Sent, To},
    state::{Group, State},
};

/// `POST /cgi-bin/appchat/create`, `…/update`, `…/send`
pub(super) fn change(state: &mut State, what: &str, wanted: &Value) -> Outcome {
    match what {
        "create" => create(state, wanted),
        "update" => update(state, wanted),
        "send" => send(state, wanted),
        _ => Err(Code(48_002)),
    }
}

fn create(state: &mut State, wanted: &Value) -> Outcome {
    let text = |name: &str| wanted[name].as_str().unwrap_or_default().to_owned();
    let members = people(state, &wanted["userlist"])?;
    let chatid = text("chatid");
    let is_id = (1..=32).contains(&chatid.len()) && chatid.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_id || members.len() < 2 || !members.contains(&text("owner")) {
        return Err(Code(40_058));
    }
    if state.groups.contains_key(&chatid) {
        return Err(Code(86_215));
    }
    let group = Group { name: text("name"), owner: text("owner"), members };
    state.groups.insert(chatid.clone(), group);
    Ok(Answer::Told(json!({"errcode": 0, "errmsg": "ok", "chatid": chatid})))
}

fn update(state: &mut State, wanted: &Value) -> Outcome {
    let came = people(state, &wanted["add_user_list"])?;
    let left = people(state, &wanted["del_user_list"])?;
    let chatid = wanted["chatid"].as_str().unwrap_or_default();
    let group = state.groups.get_mut(chatid).ok_or(Code(86_003))?;
    if let Some(name) = wanted["name"].as_str() {
        name.clone_into(&mut group.name);
    }
    group.members.retain(|member| !left.contains(member) && !came.contains(member));
    group.members.extend(came);
    done()
}

fn send(state: &mut State, wanted: &Value) -> Outcome {
    let chatid = wanted["chatid"].as_str().unwrap_or_default().to_owned();
    if !state.groups.contains_key(&chatid) {
        return Err(Code(86_003));
    }
    let (kind, content) = fit(state, wanted, &["text", "image", "voice", "video", "file"])?;
    let (id, sent_ms) = (state.id().to_string(), state.now_ms());
    let to = To::Group(chatid);
    state.sent.push(Sent { id, to, kind, content, sent_ms, is_recalled: false, is_dropped: false });
    done()
}

/// `GET /cgi-bin/appchat/get`
pub(super) fn get(state: &State, chatid: &str) -> Outcome {
    let Group { name, owner, members } = state.groups.get(chatid).ok_or(Code(86_003))?;
    let info = json!({"chatid": chatid, "name": name, "owner": owner, "userlist": members});
    Ok(Answer::Told(json!({"errcode": 0, "errmsg": "ok", "chat_info": info})))
}

fn people(state: &State, list: &Value) -> Result<Vec<String>, Code> {
    let ids = list.as_array().into_iter().flatten();
    ids.map(|id| {
        let id = id.as_str().unwrap_or_default();
        state.members.contains_key(id).then(|| id.to_owned()).ok_or(Code(40_003))
    })
    .collect()
}
