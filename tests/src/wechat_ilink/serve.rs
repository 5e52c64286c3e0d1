//! From a raw request to an answer, with everything that all calls share.
//!
//! In order: read, log, look for what is wrong with it, fault, act, answer, log. Only polls wait.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, State as Shared, connect_info::IntoMakeServiceWithConnectInfo},
    http::{HeaderMap, Request},
    response::Response,
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    CDN_PATH, cdn, check,
    faults::{Fault, Gate},
    model::{BotId, Door, LoggedRequest, query},
    scan,
    state::{Inner, State},
    talk,
    trouble::StaleIn,
    updates,
};
use crate::discord::severable::Switch;

/// Files are not larger than 100 MiB; a little more is read, to see that they are.
const BODY_BYTES_MAX: usize = 101 * 1024 * 1024;

/// A request, read whole.
pub(crate) struct Call {
    /// The last part of the path.
    pub name: String,
    pub door: Door,
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The body as JSON; null where it is none.
    pub json: Value,
    /// Whose token it bears.
    pub bot: Option<BotId>,
}

impl Call {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap_or("?"))
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        query(&self.query, name)
    }

    pub fn is_file(&self) -> bool {
        self.path.starts_with(CDN_PATH)
    }

    fn token(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }
}

/// What is answered.
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    /// Null for none.
    pub json: Value,
    pub bytes: Bytes,
}

impl Answer {
    pub fn json(json: Value) -> Self {
        Self { status: 200, headers: Vec::new(), json, bytes: Bytes::new() }
    }

    pub fn refusal(number: i64, words: &str) -> Self {
        Self::json(json!({"ret": number, "errmsg": words}))
    }

    pub fn bare(status: u16) -> Self {
        Self { status, headers: Vec::new(), json: Value::Null, bytes: Bytes::new() }
    }

    fn response(self) -> Response {
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let (kind, body) = match &self.json {
            Value::Null => ("application/octet-stream", Body::from(self.bytes)),
            json => ("application/json", Body::from(json.to_string())),
        };
        let response = response.header("Content-Type", kind);
        response.body(body).expect("the head is well formed")
    }
}

/// Everything on one port.
pub(crate) fn service(inner: Arc<Inner>, door: Door) -> IntoMakeServiceWithConnectInfo<Router, Switch> {
    Router::new().fallback(take).with_state((inner, door)).into_make_service_with_connect_info::<Switch>()
}

async fn take(
    Shared((inner, door)): Shared<(Arc<Inner>, Door)>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request<Body>,
) -> Response {
    let Some(call) = read(&inner, door, request).await else { return Answer::bare(413).response() };
    let (number, fault) = inner.change(|state| {
        check::request(state, &call);
        (log(state, &call), state.faults.take(&call.name, call.bot))
    });
    let (mut after, mut is_cut, mut status_after): (Option<Gate>, bool, Option<u16>) = (None, false, None);
    let mut instead = None;
    match fault {
        None => {}
        Some(Fault::CutBefore) => {
            switch.cut();
            return Answer::bare(500).response();
        }
        Some(Fault::CutAfter) => is_cut = true,
        Some(Fault::Answer { status, body }) => {
            instead = Some(Answer { status, json: body, ..Answer::bare(status) });
        }
        Some(Fault::AnswerAfter { status }) => status_after = Some(status),
        Some(Fault::HoldBefore(gate)) => gate.pass().await,
        Some(Fault::HoldAfter(gate)) => after = Some(gate),
    }
    let answer = match instead {
        Some(answer) => Some(answer),
        None => act(&inner, &call).await,
    };
    if let Some(gate) = after {
        gate.pass().await;
    }
    let Some(answer) = answer.filter(|_| !is_cut) else {
        switch.cut();
        return Answer::bare(500).response();
    };
    let answer = status_after.map_or(answer, Answer::bare);
    inner.change(|state| {
        let logged = &mut state.requests[number];
        (logged.status, logged.answer) = (Some(answer.status), answer.json.clone());
    });
    answer.response()
}

async fn read(inner: &Inner, door: Door, request: Request<Body>) -> Option<Call> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await.ok()?;
    let path = head.uri.path().to_owned();
    let pairs = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
    let mut call = Call {
        name: path.rsplit('/').next().unwrap_or_default().to_owned(),
        door,
        method: head.method.to_string(),
        query: pairs.into_owned().collect(),
        headers: head.headers,
        json: serde_json::from_slice(&body).unwrap_or_default(),
        body,
        path,
        bot: None,
    };
    if call.is_file() {
        call.json = Value::Null;
    }
    call.bot = call.token().and_then(|token| inner.lock().records.bot_with(token));
    Some(call)
}

fn log(state: &mut State, call: &Call) -> usize {
    state.requests.push(LoggedRequest {
        name: call.name.clone(),
        door: call.door,
        bot: call.bot,
        query: call.query.clone(),
        body: call.json.clone(),
        status: None,
        answer: Value::Null,
    });
    state.requests.len() - 1
}

/// `None` cuts the connection.
async fn act(inner: &Arc<Inner>, call: &Call) -> Option<Answer> {
    let path = call.path.trim_start_matches('/');
    let answer = match (call.method.as_str(), path) {
        ("POST", "ilink/bot/get_bot_qrcode") => inner.change(|state| scan::show(state, call)),
        ("GET", "ilink/bot/get_qrcode_status") => scan::status(inner, call).await,
        ("POST", "ilink/bot/getupdates") => return updates::serve(inner, call).await,
        ("POST", "c2c/upload") => inner.change(|state| cdn::upload(state, call)),
        ("GET", "c2c/download") => inner.change(|state| cdn::download(state, call)),
        ("POST", _) => inner.change(|state| match bot_of(state, call) {
            Ok(bot) => talk::serve(state, bot, call),
            Err(stale) => stale,
        }),
        _ => Answer::bare(404),
    };
    Some(answer)
}

/// Whose token a request bears, where it is a good one.
pub(crate) fn bot_of(state: &State, call: &Call) -> Result<BotId, Answer> {
    let bot = call.bot.filter(|bot| state.records.bot(*bot).is_alive);
    bot.ok_or_else(|| match state.trouble.stale_in {
        StaleIn::Errcode => Answer::json(json!({"errcode": -14, "errmsg": "session timeout"})),
        StaleIn::Ret => Answer::refusal(-14, "session timeout"),
    })
}
