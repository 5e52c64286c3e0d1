//! The API: from a raw request to an answer, with everything every route shares.
//!
//! In order: read, log, fault, token, route, log. A route is a plain function from a [`Call`] and the state to an [`Outcome`]; one file per kind
//! of thing. New routes go there and into [`route`].

mod media;
mod messages;
mod templates;
mod token;

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, State as Shared, connect_info::IntoMakeServiceWithConnectInfo},
    http::Request,
    response::Response,
};
use bytes::Bytes;
use multer::Multipart;
use serde_json::{Value, json};

use super::{
    errors::Code,
    faults::Fault,
    observe::LoggedRequest,
    state::{Inner, State},
};
use crate::discord::{Gate, severable::Switch};

const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A request, read whole.
pub(crate) struct Call {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    /// As it came, unless it is a form.
    raw: Bytes,
    upload: Option<Upload>,
}

/// A file in a form.
pub(crate) struct Upload {
    mime: String,
    bytes: Bytes,
}

/// What a route answers.
pub(crate) enum Answer {
    Told(Value),
    File { mime: String, bytes: Bytes },
    Nothing,
}

pub(crate) type Outcome = Result<Answer, Code>;

/// Everything on the one port.
pub(crate) fn service(inner: Arc<Inner>) -> IntoMakeServiceWithConnectInfo<Router, Switch> {
    Router::new().fallback(serve).with_state(inner).into_make_service_with_connect_info::<Switch>()
}

async fn serve(
    Shared(inner): Shared<Arc<Inner>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request<Body>,
) -> Response {
    let call = match Call::read(request).await {
        Ok(call) => call,
        Err(code) => return respond((200, Answer::Told(code.body()))),
    };
    let number = inner.change(|state| log(state, &call));
    let fault = inner.change(|state| state.faults.take(&call.method, &call.path));
    let plan = Plan::new(fault);
    if let Some(gate) = &plan.gate_before {
        gate.pass().await;
    }
    if plan.is_cut_before {
        switch.cut();
        return respond((500, Answer::Nothing));
    }
    let (status, answer) = match plan.instead {
        Some(instead) => instead,
        None => (200, inner.change(|state| act(state, &call))),
    };
    if let Some(gate) = &plan.gate_after {
        gate.pass().await;
    }
    if plan.is_cut_after {
        switch.cut();
        return respond((status, answer));
    }
    let answered = match plan.status_after {
        Some(status) => (status, Answer::Nothing),
        None => (status, answer),
    };
    inner.change(|state| state.requests[number].code = Some(code(&answered)));
    respond(answered)
}

fn code((status, answer): &(u16, Answer)) -> i64 {
    match answer {
        Answer::Told(told) => told["errcode"].as_i64().unwrap_or_default(),
        Answer::File { .. } => 0,
        Answer::Nothing => i64::from(*status),
    }
}

fn respond((status, answer): (u16, Answer)) -> Response {
    let builder = Response::builder().status(status);
    let built = match answer {
        Answer::Told(told) => {
            let builder = builder.header("Content-Type", "application/json; encoding=utf-8");
            builder.body(Body::from(told.to_string()))
        }
        Answer::File { mime, bytes } => builder.header("Content-Type", mime).body(Body::from(bytes)),
        Answer::Nothing => builder.body(Body::empty()),
    };
    built.expect("status and headers are well formed")
}

/// What a fault means for the steps of [`serve`].
#[derive(Default)]
struct Plan {
    gate_before: Option<Gate>,
    is_cut_before: bool,
    instead: Option<(u16, Answer)>,
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
            Some(Fault::Refuse(code)) => {
                Self { instead: Some((200, Answer::Told(Code(code).body()))), ..none }
            }
            Some(Fault::Answer { status, body: Value::Null }) => {
                Self { instead: Some((status, Answer::Nothing)), ..none }
            }
            Some(Fault::Answer { status, body }) => {
                Self { instead: Some((status, Answer::Told(body))), ..none }
            }
            Some(Fault::AnswerAfter { status }) => Self { status_after: Some(status), ..none },
            Some(Fault::HoldBefore(gate)) => Self { gate_before: Some(gate), ..none },
            Some(Fault::HoldAfter(gate)) => Self { gate_after: Some(gate), ..none },
        }
    }
}

fn log(state: &mut State, call: &Call) -> usize {
    state.requests.push(LoggedRequest {
        method: call.method.clone(),
        path: call.path.clone(),
        body: call.json().unwrap_or_default(),
        code: None,
    });
    state.requests.len() - 1
}

fn act(state: &mut State, call: &Call) -> Answer {
    route(state, call).unwrap_or_else(|code| Answer::Told(code.body()))
}

fn route(state: &mut State, call: &Call) -> Outcome {
    let path: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    match (call.method.as_str(), path.as_slice()) {
        ("POST", ["cgi-bin", "stable_token"]) => return token::stable(state, call),
        ("GET", ["cgi-bin", "token"]) => return token::plain(state, call),
        ("GET", ["film", id]) => return media::film(state, id),
        _ => {}
    }
    let app_id = token::account(state, call)?;
    if state.account(&app_id).is_used_up {
        return Err(Code(45_009));
    }
    match (call.method.as_str(), path.as_slice()) {
        ("POST", ["cgi-bin", "message", "custom", "send"]) => messages::send(state, &app_id, call),
        ("POST", ["cgi-bin", "message", "custom", "typing"]) => messages::typing(state, &app_id, call),
        ("POST", ["cgi-bin", "message", "template", "send"]) => templates::send(state, &app_id, call),
        ("GET", ["cgi-bin", "template", "get_all_private_template"]) => templates::list(),
        ("POST", ["cgi-bin", "media", "upload"]) => media::upload(state, &app_id, call),
        ("GET", ["cgi-bin", "media", "get"]) => media::get(state, &app_id, call),
        ("GET", ["cgi-bin", "user", "info"]) => info(state, &app_id, call),
        ("GET", ["cgi-bin", ..]) => Err(Code(43_002)),
        _ => Err(Code(40_066)),
    }
}

/// `GET /cgi-bin/user/info`: no more than staff wrote themselves, and the unionid. Names and pictures are not given any more.
fn info(state: &State, app_id: &str, call: &Call) -> Outcome {
    let openid = call.query("openid");
    let person = state.account(app_id).followers.get(openid).ok_or(Code(40_003))?;
    if !person.follows {
        return Ok(Answer::Told(json!({"subscribe": 0, "openid": openid})));
    }
    let mut told = json!({
        "subscribe": 1, "openid": openid, "nickname": "", "sex": 0, "language": "zh_CN", "city": "", "headimgurl": "",
        "subscribe_time": 1_382_694_957, "remark": person.remark, "groupid": 0, "tagid_list": [],
        "subscribe_scene": "ADD_SCENE_QR_CODE",
    });
    if let Some(union_id) = &person.union_id {
        told["unionid"] = json!(union_id);
    }
    Ok(Answer::Told(told))
}

impl Call {
    async fn read(request: Request<Body>) -> Result<Self, Code> {
        let (head, body) = request.into_parts();
        let query = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
        let content_type = head.headers.get("content-type").and_then(|value| value.to_str().ok());
        let boundary = content_type.and_then(|value| multer::parse_boundary(value).ok());
        let mut call = Self {
            method: head.method.as_str().to_owned(),
            path: head.uri.path().to_owned(),
            query: query.into_owned().collect(),
            raw: Bytes::new(),
            upload: None,
        };
        match boundary {
            None => call.raw = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| Code(44_002))?,
            Some(boundary) => {
                let mut parts = Multipart::new(body.into_data_stream(), boundary);
                while let Some(part) = parts.next_field().await.map_err(|_| Code(41_005))? {
                    if part.name() == Some("media") && part.file_name().is_some() {
                        let mime = part.content_type().map(ToString::to_string).unwrap_or_default();
                        let bytes = part.bytes().await.map_err(|_| Code(41_005))?;
                        call.upload = Some(Upload { mime, bytes });
                    }
                }
            }
        }
        Ok(call)
    }

    fn query(&self, name: &str) -> &str {
        self.query
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .unwrap_or_default()
    }

    fn json(&self) -> Result<Value, Code> {
        serde_json::from_slice(&self.raw).map_err(|_| Code(47_001))
    }

    /// A body whose letters are themselves: WeChat reads no `\u`.
    fn utf8(&self) -> Result<Value, Code> {
        let mut bytes = self.raw.iter();
        let mut has_escapes = false;
        while let Some(byte) = bytes.next() {
            // What follows a backslash belongs to it, another backslash too.
            has_escapes |= *byte == b'\\' && bytes.next() == Some(&b'u');
        }
        if has_escapes { Err(Code(40_033)) } else { self.json() }
    }
}
