//! From a raw request to an answer, with everything that all methods share.
//!
//! In order: token, read, log, judge against the description, fault, method, judge the answer, log. A method is a plain function from a
//! [`Call`] and the state to an [`Outcome`]; which there are says `methods`. Only `getUpdates` waits.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, State as Shared, connect_info::IntoMakeServiceWithConnectInfo},
    http::Request,
    response::Response,
};
use serde_json::Value;

use super::{
    answer::{self, ApiError, Outcome},
    call::Call,
    control, download,
    faults::Fault,
    methods,
    model::UserId,
    polling,
    requests::LoggedRequest,
    state::{Inner, State},
    webhook,
};
use crate::{discord::severable::Switch, openapi::Finding};

/// Everything on the one port.
pub(crate) fn service(inner: Arc<Inner>) -> IntoMakeServiceWithConnectInfo<Router, Switch> {
    Router::new().fallback(fork).with_state(inner).into_make_service_with_connect_info::<Switch>()
}

async fn fork(
    Shared(inner): Shared<Arc<Inner>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request<Body>,
) -> Response {
    // Some libraries encode the colon of the token; nothing else in these addresses needs it.
    let path = request.uri().path().replace("%3A", ":").replace("%3a", ":");
    if let Some(rest) = path.strip_prefix("/_control/") {
        return control::serve(&inner, request, rest.to_owned()).await;
    }
    if let Some((token, file)) = path.strip_prefix("/file/bot").and_then(|rest| rest.split_once('/')) {
        let bot = bot_of(&inner.lock(), token);
        return match bot {
            Some(bot) => download::serve(inner, (bot, file.to_owned()), switch).await,
            None => refused(),
        };
    }
    let Some((token, method)) = path.strip_prefix("/bot").and_then(|rest| rest.split_once('/')) else {
        return answer::response(404, &ApiError::new(404, "Not Found").body());
    };
    let bot = bot_of(&inner.lock(), token);
    let Some(bot) = bot else { return refused() };
    serve(inner, request, (bot, method.to_lowercase()), switch).await
}

fn refused() -> Response {
    answer::response(401, &ApiError::new(401, "Unauthorized").body())
}

fn bot_of(state: &State, token: &str) -> Option<UserId> {
    let mut bots = state.records.bots.values();
    bots.find(|bot| bot.token.as_deref() == Some(token)).map(|bot| bot.id)
}

/// What a fault means for the steps of [`serve`].
#[derive(Default)]
struct Plan {
    before: Option<super::Gate>,
    is_cut_before: bool,
    instead: Option<ApiError>,
    after: Option<super::Gate>,
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
            Some(Fault::Answer { status, description }) => {
                Self { instead: Some(ApiError::new(status, description)), ..none }
            }
            Some(Fault::AnswerAfter { status }) => Self { status_after: Some(status), ..none },
            Some(Fault::TooMany { retry_after }) => {
                Self { instead: Some(ApiError::too_many(retry_after)), ..none }
            }
            Some(Fault::HoldBefore(gate)) => Self { before: Some(gate), ..none },
            Some(Fault::HoldAfter(gate)) => Self { after: Some(gate), ..none },
        }
    }
}

async fn serve(
    inner: Arc<Inner>,
    request: Request<Body>,
    (bot, method): (UserId, String),
    switch: Switch,
) -> Response {
    let call = match Call::read(request, (bot, method)).await {
        Ok(call) => call,
        Err(error) => return answer::response(error.code, &error.body()),
    };
    let number = inner.change(|state| log(state, &call));
    judge_request(&inner, &call);
    let plan = Plan::new(inner.change(|state| state.faults.take(&call.method, Some(bot))));
    if let Some(gate) = &plan.before {
        gate.pass().await;
    }
    if plan.is_cut_before {
        switch.cut();
        return answer::bare(500, "");
    }
    let outcome = match plan.instead {
        Some(error) => Err(error),
        None => act(&inner, &call).await,
    };
    if let Some(gate) = &plan.after {
        gate.pass().await;
    }
    if plan.is_cut_after {
        switch.cut();
        return answer::bare(500, "");
    }
    if let Some(status) = plan.status_after {
        inner.change(|state| state.requests[number].status = Some(status));
        return answer::bare(status, "<html><body>Bad Gateway</body></html>");
    }
    judge_answer(&inner, &call, &outcome);
    let (status, body) = answer::parts(&outcome);
    inner.change(|state| {
        let logged = &mut state.requests[number];
        (logged.status, logged.answer) = (Some(status), body.clone());
    });
    answer::response(status, &body)
}

async fn act(inner: &Arc<Inner>, call: &Call) -> Outcome {
    match call.method.as_str() {
        "getupdates" => polling::serve(inner, call).await,
        "setwebhook" => webhook::set(inner, call),
        method => match methods::find(method) {
            Some(method) => inner.change(|state| {
                let chat = call.params.get("chat_id").map(ToString::to_string).unwrap_or_default();
                let (limit, now_ms) = (state.settings.flood, state.now_ms());
                state.flood.count((call.bot, &call.method, chat), limit, now_ms)?;
                method(state, call)
            }),
            None if inner.spec.as_ref().is_some_and(|spec| spec.knows(method)) => {
                let problem = "this simulator does not do this method".to_owned();
                report(inner, vec![Finding { call: method.to_owned(), part: "method".to_owned(), problem }]);
                Err(ApiError::bad("METHOD_NOT_SIMULATED"))
            }
            None => Err(ApiError::new(404, "Not Found")),
        },
    }
}

fn log(state: &mut State, call: &Call) -> usize {
    state.requests.push(LoggedRequest {
        bot: Some(call.bot),
        method: call.method.clone(),
        params: Value::Object(call.params.clone()),
        status: None,
        answer: Value::Null,
    });
    state.requests.len() - 1
}

fn judge_request(inner: &Inner, call: &Call) {
    if let Some(spec) = inner.spec.as_ref().filter(|spec| spec.knows(&call.method)) {
        let files: Vec<String> = call.uploads.keys().cloned().collect();
        report(inner, spec.check_request(&call.method, &call.params, &files));
    }
}

fn judge_answer(inner: &Inner, call: &Call, outcome: &Outcome) {
    if let (Some(spec), Ok(result)) = (&inner.spec, outcome) {
        // Updates were judged when they came about, and raw ones are wrong on purpose.
        if call.method != "getupdates" {
            report(inner, spec.check_answer(&call.method, result));
        }
    }
}

fn report(inner: &Inner, findings: Vec<Finding>) {
    if !findings.is_empty() {
        inner.change(|state| state.findings.extend(findings));
    }
}
