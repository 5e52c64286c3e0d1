//! Access tokens: the plain ones, each of which ends the one before, and the stable ones, of which two hold for five minutes.
//!
//! <https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/getStableAccessToken.html>

use serde_json::json;

use super::{Answer, Call, Outcome};
use crate::wechat_official::{
    errors::Code,
    state::{State, Token},
};

const LIFE_MS: i64 = 2 * 60 * 60 * 1000;
const BOTH_MS: i64 = 5 * 60 * 1000;

/// `POST /cgi-bin/stable_token`
pub(super) fn stable(state: &mut State, call: &Call) -> Outcome {
    let wanted = call.json()?;
    let text = |name: &str| wanted[name].as_str().unwrap_or_default();
    let app_id = let_in(state, (text("appid"), text("secret")), text("grant_type"))?;
    let now_ms = state.now_ms();
    let is_forced = wanted["force_refresh"].as_bool().unwrap_or_default();
    let current = state.tokens.iter().find(|token| {
        token.is_stable && token.app_id == app_id && !token.is_replaced && token.until_ms - BOTH_MS > now_ms
    });
    let token = match current.filter(|_| !is_forced).cloned() {
        Some(current) => current,
        None => {
            // By force the one before is worth nothing; otherwise both hold to its end.
            let before = state.tokens.iter_mut().filter(|token| token.is_stable && token.app_id == app_id);
            before.for_each(|token| token.is_replaced |= is_forced);
            issue(state, &app_id, true)
        }
    };
    Ok(Answer::Told(json!({"access_token": token.secret, "expires_in": (token.until_ms - now_ms) / 1000})))
}

/// `GET /cgi-bin/token`
pub(super) fn plain(state: &mut State, call: &Call) -> Outcome {
    let app_id = let_in(state, (call.query("appid"), call.query("secret")), call.query("grant_type"))?;
    let before = state.tokens.iter_mut().filter(|token| !token.is_stable && token.app_id == app_id);
    before.for_each(|token| token.is_replaced = true);
    let token = issue(state, &app_id, false);
    Ok(Answer::Told(json!({"access_token": token.secret, "expires_in": LIFE_MS / 1000})))
}

fn let_in(state: &State, (app_id, secret): (&str, &str), grant: &str) -> Result<String, Code> {
    if grant != "client_credential" {
        return Err(Code(40_002));
    }
    let account = state.accounts.get(app_id).ok_or(Code(40_013))?;
    if account.app_secret != secret {
        return Err(Code(40_125));
    }
    if !account.is_listed {
        return Err(Code(40_164));
    }
    if account.is_used_up { Err(Code(45_009)) } else { Ok(app_id.to_owned()) }
}

fn issue(state: &mut State, app_id: &str, is_stable: bool) -> Token {
    let token = Token {
        secret: format!("{}_{}", state.id(), state.random()),
        app_id: app_id.to_owned(),
        is_stable,
        until_ms: state.now_ms() + LIFE_MS,
        is_replaced: false,
    };
    state.tokens.push(token.clone());
    token
}

/// Whose token a request bears.
pub(super) fn account(state: &State, call: &Call) -> Result<String, Code> {
    let secret = call.query("access_token");
    if secret.is_empty() {
        return Err(Code(41_001));
    }
    let token = state.tokens.iter().find(|token| token.secret == secret).ok_or(Code(40_001))?;
    if token.is_replaced {
        return Err(Code(40_001));
    }
    if token.until_ms <= state.now_ms() {
        return Err(Code(42_001));
    }
    Ok(token.app_id.clone())
}
