//! The Graph API: from a raw request to an answer, with everything every route shares.
//!
//! In order: read, log, judge against the description, fault, handshake, token, version, object, route, judge the answer, log. A route is a
//! plain function from a [`Call`] and the state to an [`Answer`]; one file per kind of thing. New routes go there and into [`route`].

mod account;
pub(crate) mod answer;
pub(crate) mod call;
mod content;
pub(crate) mod media;
mod messages;
mod number;
mod templates;
mod token;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, State as Shared, connect_info::IntoMakeServiceWithConnectInfo},
    http::Request,
    response::Response,
};
use serde_json::Value;

pub(crate) use self::content::rows;
use self::{answer::Answer, call::Call};
pub use self::{messages::TYPING_MS, number::CODE};
use super::{
    description,
    errors::{GraphError, Outcome},
    faults::Fault,
    requests::LoggedRequest,
    state::{Inner, State},
    webhook::{handshake, sign},
};
use crate::{
    discord::{Gate, severable::Switch},
    openapi::{SeenAnswer, SeenRequest},
};

/// Everything on the one port.
pub(crate) fn service(inner: Arc<Inner>) -> IntoMakeServiceWithConnectInfo<Router, Switch> {
    Router::new().fallback(serve).with_state(inner).into_make_service_with_connect_info::<Switch>()
}

async fn serve(
    Shared(inner): Shared<Arc<Inner>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request<Body>,
) -> Response {
    let mut call = match Call::read(request).await {
        Ok(call) => call,
        Err(error) => return error.into_answer(&inner.lock().trace()).into_response(),
    };
    // The description knows neither.
    let is_beside = call.path.starts_with(media::DOWNLOADS) || token::is_asked_for(&call);
    let number = inner.change(|state| log(state, &call));
    let seen_path = description::path(&inner.lock().records, &call.path);
    if !is_beside {
        judge_request(&inner, &call, &seen_path);
    }
    let fault = inner.change(|state| state.faults.take(&call.method, below_version(&call.path)));
    let plan = Plan::new(fault, &inner);
    if let Some(gate) = &plan.gate_before {
        gate.pass().await;
    }
    if plan.is_cut_before {
        switch.cut();
        return Answer::empty(500).into_response();
    }
    call.fails_later = plan.fails_later;
    call.handshake = handshake::for_call(&inner, &call).await;
    let mut answer = inner.change(|state| plan.instead.unwrap_or_else(|| act(state, &call)));
    if let Some(gate) = &plan.gate_after {
        gate.pass().await;
    }
    if plan.is_cut_after {
        switch.cut();
        return answer.into_response();
    }
    match plan.status_after {
        Some(status) => answer = Answer::empty(status),
        None if is_beside => {}
        None => judge_answer(&inner, &call, (&seen_path, &answer)),
    }
    inner.change(|state| state.requests[number].status = Some(answer.status));
    answer.into_response()
}

/// What a fault means for the steps of [`serve`].
#[derive(Default)]
struct Plan {
    gate_before: Option<Gate>,
    is_cut_before: bool,
    instead: Option<Answer>,
    fails_later: Option<u32>,
    gate_after: Option<Gate>,
    is_cut_after: bool,
    status_after: Option<u16>,
}

impl Plan {
    fn new(fault: Option<Fault>, inner: &Inner) -> Self {
        let none = Self::default();
        match fault {
            None => none,
            Some(Fault::CutBefore) => Self { is_cut_before: true, ..none },
            Some(Fault::CutAfter) => Self { is_cut_after: true, ..none },
            Some(Fault::Refuse(code)) => {
                let answer = GraphError::new(code).into_answer(&inner.lock().trace());
                Self { instead: Some(answer), ..none }
            }
            Some(Fault::Answer { status, body: Value::Null }) => {
                Self { instead: Some(Answer::empty(status)), ..none }
            }
            Some(Fault::Answer { status, body }) => {
                Self { instead: Some(Answer::json(status, body)), ..none }
            }
            Some(Fault::AnswerAfter { status }) => Self { status_after: Some(status), ..none },
            Some(Fault::HoldBefore(gate)) => Self { gate_before: Some(gate), ..none },
            Some(Fault::HoldAfter(gate)) => Self { gate_after: Some(gate), ..none },
            Some(Fault::FailLater(code)) => Self { fails_later: Some(code), ..none },
        }
    }
}

fn log(state: &mut State, call: &Call) -> usize {
    state.requests.push(LoggedRequest {
        method: call.method.clone(),
        path: call.path.clone(),
        query: call.query.clone(),
        body: call.body.clone().unwrap_or_default(),
        status: None,
    });
    state.requests.len() - 1
}

fn act(state: &mut State, call: &Call) -> Answer {
    if call.path.starts_with(media::DOWNLOADS) {
        return media::download(state, call);
    }
    route(state, call).unwrap_or_else(|error| error.into_answer(&state.trace()))
}

/// Every route there is.
fn route(state: &mut State, call: &Call) -> Outcome {
    let segments: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    let [version, id, rest @ ..] = segments.as_slice() else { return Err(GraphError::new(2500)) };
    if !is_version(version) {
        return Err(GraphError::new(2500));
    }
    let is_valid = state.records.is_token_valid && call.token.as_deref() == Some(&state.records.token);
    if !is_valid {
        return Err(GraphError::bad_token(call.token.is_some()));
    }
    let proof = call.query("appsecret_proof");
    if proof.is_some_and(|proof| {
        format!("sha256={proof}") != sign(&state.records.app_secret, state.records.token.as_bytes())
    }) {
        return Err(GraphError::parameter("Invalid appsecret_proof provided in the API argument"));
    }
    if token::is_asked_for(call) {
        return token::look_up(state, call);
    }
    let none = || GraphError::no_such_object(&call.method, id);
    if let Some(number) = state.records.number(id).map(|number| number.id) {
        return number::route(state, call, (number, rest)).unwrap_or_else(|| Err(none()));
    }
    if let Some(account) = state.records.account(id).map(|account| account.id) {
        return account::route(state, call, (account, rest)).unwrap_or_else(|| Err(none()));
    }
    match (call.method.as_str(), rest) {
        ("GET", []) => media::look_up(state, call, id),
        ("DELETE", []) => media::delete(state, call, id),
        _ => Err(none()),
    }
}

fn is_version(segment: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = segment.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    parts.is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

fn below_version(path: &str) -> &str {
    let trimmed = path.trim_start_matches('/');
    trimmed.split_once('/').filter(|(first, _)| is_version(first)).map_or(path, |(_, rest)| rest)
}

fn judge_request(inner: &Inner, call: &Call, path: &str) {
    let Some(spec) = &inner.spec else { return };
    let mut body = call.body.clone();
    if let Some(body) = &mut body {
        drop_nulls(body);
    }
    let request = SeenRequest { body: body.as_ref(), ..seen(call, path) };
    inner.report(spec.check_request(&request));
}

/// Graph takes fields that are null for absent ones, and clients rely on that.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}

fn judge_answer(inner: &Inner, call: &Call, (path, answer): (&str, &Answer)) {
    let Some(spec) = &inner.spec else { return };
    let seen_answer =
        SeenAnswer { status: answer.status, headers: &answer.headers, body: answer.body.as_ref() };
    inner.report(spec.check_answer(&seen(call, path), &seen_answer));
}

fn seen<'a>(call: &'a Call, path: &'a str) -> SeenRequest<'a> {
    SeenRequest {
        method: &call.method,
        path,
        query: &call.query,
        media_type: call.media_type.as_deref(),
        body: call.body.as_ref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_know_paths_without_their_version() {
        assert_eq!(below_version("/v23.0/1/messages"), "1/messages");
        assert_eq!(below_version("/whatsapp_business/attachments/"), "/whatsapp_business/attachments/");
        assert!(is_version("v23.0") && !is_version("v23") && !is_version("23.0"));
    }
}
