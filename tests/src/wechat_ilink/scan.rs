//! Signing in: the code that a client shows, and the poll that tells how far it has come.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    model::{Code, Door, Stage},
    serve::{Answer, Call},
    state::{Inner, State},
};

/// So many wrong numbers block a code.
const WRONG_MAX: u32 = 3;

/// A new code.
pub(crate) fn show(state: &mut State, call: &Call) -> Answer {
    let text = state.secret("qr_");
    let tokens = call.json["local_token_list"].as_array().cloned().unwrap_or_default();
    state.records.codes.push(Code {
        text: text.clone(),
        stage: Stage::Waiting,
        is_told: false,
        wrong: 0,
        door: Door::First,
        strange_host: None,
        local_tokens: tokens.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    });
    let link = format!("https://liteapp.weixin.qq.com/q/7GiQu1?qrcode={text}&bot_type=3");
    Answer::json(json!({"ret": 0, "qrcode": text, "qrcode_img_content": link}))
}

/// How far a code has come; held until there is something new.
pub(crate) async fn status(inner: &Arc<Inner>, call: &Call) -> Answer {
    let text = call.query("qrcode").unwrap_or_default();
    let mut number = call.query("verify_code").map(str::to_owned);
    let told = inner.hold(|state| look(state, (text, call.door), number.take())).await;
    Answer::json(told.unwrap_or_else(|| json!({"ret": 0, "status": "wait"})))
}

/// `None` while there is nothing new. A number counts once.
fn look(state: &mut State, (text, door): (&str, Door), number: Option<String>) -> Option<Value> {
    let second = state.host(Door::Second);
    let Some(code) = state.records.code_mut(text) else {
        return Some(json!({"ret": 0, "status": "expired"}));
    };
    if door == Door::Second && code.stage == Stage::Redirected {
        (code.stage, code.door, code.is_told) = (Stage::Scanned, Door::Second, true);
    }
    if let Some(number) = number {
        take_number(code, &number);
    }
    let is_over = !matches!(code.stage, Stage::Waiting | Stage::Scanned | Stage::AsksCode(_));
    if code.is_told && !is_over {
        return None;
    }
    let stage = code.stage.clone();
    let mut told = json!({"ret": 0, "status": word(&stage)?});
    code.is_told = true;
    match stage {
        Stage::Redirected => {
            code.door = Door::Second;
            told["redirect_host"] = json!(code.strange_host.clone().unwrap_or(second));
        }
        Stage::Confirmed(bot) => {
            let bot = state.records.bot(bot);
            told["bot_token"] = json!(bot.token);
            told["ilink_bot_id"] = json!(bot.id.to_string());
            told["ilink_user_id"] = json!(bot.person.to_string());
            told["baseurl"] = json!(format!("http://{}", state.host(bot.door)));
        }
        Stage::Waiting
        | Stage::Scanned
        | Stage::AsksCode(_)
        | Stage::Blocked
        | Stage::Expired
        | Stage::BoundAlready => {}
    }
    Some(told)
}

/// `None` while nobody has scanned it: that is worth waiting for.
fn word(stage: &Stage) -> Option<&'static str> {
    Some(match stage {
        Stage::Waiting => return None,
        Stage::Scanned => "scaned",
        Stage::AsksCode(_) => "need_verifycode",
        Stage::Blocked => "verify_code_blocked",
        Stage::Expired => "expired",
        Stage::Redirected => "scaned_but_redirect",
        Stage::BoundAlready => "binded_redirect",
        Stage::Confirmed(_) => "confirmed",
    })
}

fn take_number(code: &mut Code, number: &str) {
    let Stage::AsksCode(wanted) = &code.stage else { return };
    if wanted == number {
        code.stage = Stage::Scanned;
    } else {
        code.wrong += 1;
        if code.wrong >= WRONG_MAX {
            code.stage = Stage::Blocked;
        }
    }
    code.is_told = false;
}
