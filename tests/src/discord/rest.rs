//! The REST side: from a raw request to an answer, with everything every route shares.
//!
//! In order: read, log, judge against the description, fault, rate limit, token, route, judge the answer, log. A route is a
//! plain function from a [`Call`] and the state to an [`Answer`]; one file per kind of thing. New routes go there and into
//! [`route`], nowhere else.

pub mod answer;
pub mod bot;
pub mod call;
pub mod form;
pub mod guilds;
pub mod messages;
pub mod reactions;
pub mod threads;
pub mod upload;
pub mod webhook_messages;
pub mod webhooks;

use std::sync::Arc;

use axum::{body::Body, http::Request, response::Response};
use serde_json::Value;

use self::{
    answer::{Answer, ApiError, Outcome},
    call::Call,
};
use super::{
    faults::{Fault, Gate},
    limits,
    requests::LoggedRequest,
    severable::Switch,
    state::{Inner, State},
};
use crate::openapi::{Finding, SeenAnswer, SeenRequest};

/// Serves one request below the API's base.
pub(crate) async fn serve(
    inner: Arc<Inner>,
    request: Request<Body>,
    path: String,
    switch: Switch,
) -> Response {
    let call = match Call::read(request, path).await {
        Ok(call) => call,
        Err(answer) => return answer.into_response(),
    };
    let number = inner.change(|state| log(state, &call));
    judge_request(&inner, &call);
    let fault = inner.change(|state| state.faults.take(&call.method, &call.path));
    let plan = Plan::new(fault);
    if let Some(gate) = &plan.gate_before {
        gate.pass().await;
    }
    if plan.is_cut_before {
        switch.cut();
        return Answer::empty(500).into_response();
    }
    let mut answer = inner.change(|state| act(state, &call, plan.instead));
    if let Some(gate) = &plan.gate_after {
        gate.pass().await;
    }
    if plan.is_cut_after {
        switch.cut();
        return answer.into_response();
    }
    match plan.status_after {
        Some(status) => answer = Answer::empty(status).with_headers(answer.headers),
        None => judge_answer(&inner, &call, &answer),
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
    gate_after: Option<Gate>,
    is_cut_after: bool,
    status_after: Option<u16>,
}

impl Plan {
    fn new(fault: Option<Fault>) -> Self {
        let none = Self::default();
        match fault {
            None => none,
            Some(Fault::CutBefore) => Self { is_cut_before: true, ..none },
            Some(Fault::CutAfter) => Self { is_cut_after: true, ..none },
            Some(Fault::Answer { status, body: Value::Null }) => {
                Self { instead: Some(Answer::empty(status)), ..none }
            }
            Some(Fault::Answer { status, body }) => {
                Self { instead: Some(Answer::json(status, body)), ..none }
            }
            Some(Fault::AnswerAfter { status }) => Self { status_after: Some(status), ..none },
            Some(Fault::RateLimited { scope, retry_after_ms }) => {
                let (headers, body) = limits::too_many(scope, retry_after_ms);
                Self { instead: Some(Answer::json(429, body).with_headers(headers)), ..none }
            }
            Some(Fault::HoldBefore(gate)) => Self { gate_before: Some(gate), ..none },
            Some(Fault::HoldAfter(gate)) => Self { gate_after: Some(gate), ..none },
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

fn act(state: &mut State, call: &Call, instead: Option<Answer>) -> Answer {
    let now_ms = state.clock.now_ms();
    let standing = state.limits.count(&call.method, &call.path, now_ms);
    let answer = match instead {
        Some(answer) => answer,
        None if standing.is_exceeded => {
            let wait_ms = u64::try_from(standing.wait_ms()).unwrap_or_default();
            let (headers, body) = limits::too_many(super::RateLimitScope::User, wait_ms);
            Answer::json(429, body).with_headers(headers)
        }
        None => route(state, call).unwrap_or_else(ApiError::into_answer),
    };
    answer.with_headers(standing.headers())
}

/// Every route there is. Those above the token check need none.
fn route(state: &mut State, call: &Call) -> Outcome {
    let segments: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    match (call.method.as_str(), segments.as_slice()) {
        ("GET", ["gateway"]) => return bot::gateway(state),
        (method, ["webhooks", id, token]) => return webhooks::by_token(state, call, (method, id, token)),
        (method, ["webhooks", id, token, "messages", message]) => {
            let hook = webhooks::find_by_token(state, id, token)?;
            return webhook_messages::one(state, call, (method, &hook, message));
        }
        _ => {}
    }
    if call.token.as_deref() != Some(state.records.application.token.as_str()) {
        return Err(ApiError::unauthorized());
    }
    match (call.method.as_str(), segments.as_slice()) {
        ("GET", ["gateway", "bot"]) => bot::gateway_bot(state),
        ("GET", ["users", "@me"]) => bot::me(state),
        ("GET", ["applications", "@me"] | ["oauth2", "applications", "@me"]) => bot::application(state),
        ("POST", ["users", "@me", "channels"]) => bot::open_direct(state, call),
        ("GET", ["users", "@me", "guilds"]) => guilds::mine(state, call),
        ("GET", ["users", id]) => bot::user(state, id),
        ("GET", ["guilds", id, rest @ ..]) => guilds::get(state, call, (id, rest)),
        ("GET", ["channels", id]) => guilds::channel(state, id),
        ("GET", ["channels", id, "messages"]) => messages::list(state, call, id),
        ("POST", ["channels", id, "messages"]) => messages::create(state, call, id),
        ("POST", ["channels", id, "messages", "bulk-delete"]) => messages::delete_many(state, call, id),
        ("GET", ["channels", id, "messages", message]) => messages::get(state, (id, message)),
        ("PATCH", ["channels", id, "messages", message]) => messages::edit(state, call, (id, message)),
        ("DELETE", ["channels", id, "messages", message]) => messages::delete(state, (id, message)),
        (method, ["channels", id, "messages", message, "reactions", rest @ ..]) => {
            reactions::serve(state, (method, id, message), rest)
        }
        ("POST", ["channels", id, "threads"]) => threads::begin(state, call, (id, None)),
        ("POST", ["channels", id, "messages", message, "threads"]) => {
            threads::begin(state, call, (id, Some(message)))
        }
        ("POST", ["channels", id, "typing"]) => messages::typing(state, id),
        ("GET", ["channels", id, "webhooks"]) => webhooks::of_channel(state, id),
        ("POST", ["channels", id, "webhooks"]) => webhooks::create(state, call, id),
        (method, ["webhooks", id]) => webhooks::by_id(state, call, (method, id)),
        _ => Err(ApiError::not_found()),
    }
}

fn judge_request(inner: &Inner, call: &Call) {
    let mut findings = call.oddities.clone();
    if let Some(spec) = &inner.spec {
        findings.extend(spec.check_request(&seen(call)));
    }
    report(inner, findings);
}

fn judge_answer(inner: &Inner, call: &Call, answer: &Answer) {
    let Some(spec) = &inner.spec else { return };
    let seen_answer =
        SeenAnswer { status: answer.status, headers: &answer.headers, body: answer.body.as_ref() };
    report(inner, spec.check_answer(&seen(call), &seen_answer));
}

fn report(inner: &Inner, findings: Vec<Finding>) {
    if !findings.is_empty() {
        inner.change(|state| state.findings.extend(findings));
    }
}

fn seen(call: &Call) -> SeenRequest<'_> {
    SeenRequest {
        method: &call.method,
        path: &call.path,
        query: &call.query,
        media_type: call.media_type.as_deref(),
        body: call.body.as_ref(),
    }
}
