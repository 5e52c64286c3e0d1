//! The address book, as far as the app may see it.

use serde_json::{Value, json};

use super::{Answer, Call, Outcome};
use crate::wechat_wecom::{errors::Code, state::State};

/// `GET /cgi-bin/user/get`
pub(super) fn member(state: &State, userid: &str) -> Outcome {
    let found = state.members.iter().find(|(known, _)| known.eq_ignore_ascii_case(userid));
    let (userid, member) = found.ok_or(Code(60_111))?;
    Ok(Answer::Told(json!({
        "errcode": 0, "errmsg": "ok", "userid": userid, "name": member.name, "department": [1], "position": "", "status": 1,
        "isleader": 0, "enable": 1, "hide_mobile": 0, "order": [0], "main_department": 1, "alias": "",
    })))
}

/// `GET /cgi-bin/user/simplelist`
pub(super) fn members(state: &State, call: &Call) -> Outcome {
    if call.query("department_id").parse() != Ok(1_u32) {
        return Err(Code(40_058));
    }
    let seen = state.members.iter().filter(|(_, member)| member.is_visible);
    let list: Vec<Value> = seen
        .map(|(userid, member)| json!({"userid": userid, "name": member.name, "department": [1]}))
        .collect();
    Ok(Answer::Told(json!({"errcode": 0, "errmsg": "ok", "userlist": list})))
}
