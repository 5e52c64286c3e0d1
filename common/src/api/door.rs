//! The door: nothing is read or done before it is clear who asks, for whom, and that they may.

use std::{net::IpAddr, sync::LazyLock, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header::AUTHORIZATION, request::Parts};
use prometheus::{IntCounterVec, register_int_counter_vec};
use ruma::{OwnedUserId, UserId};

use super::{Api, input::Query, refusal::Refusal};
use crate::{appservice::Peer, config::Level};

/// The longest that an answer may take; longer than a sign-in is waited for.
const ANSWER_WITHIN: Duration = Duration::from_secs(90);

/// A longer token is none.
const TOKEN_BYTES_MAX: usize = 4 * 1024;

const OPENID: &str = "openid:";

static REQUESTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let (name, help) = ("magpie_provisioning_requests_total", "Provisioning requests by status.");
    register_int_counter_vec!(name, help, &["status"]).expect("the name is registered here alone")
});

/// The statuses that are nobody's fault but ours and the homeserver's.
const FAILURES: [&str; 4] = ["500", "502", "503", "504"];

/// Lets what is counted stand at zero.
pub(crate) fn begin_counting() {
    for status in FAILURES {
        REQUESTS.with_label_values(&[status]).inc_by(0);
    }
}

/// What a door leads to, and who may come in.
#[derive(Clone)]
pub(super) struct Watch {
    pub(super) api: Api,
    pub(super) level: Level,
}

/// For whom a request is made.
#[derive(Clone, Debug)]
pub(super) struct Acting {
    pub(super) user_id: OwnedUserId,
    pub(super) level: Level,
}

impl Acting {
    pub(super) fn is_admin(&self) -> bool {
        self.level >= Level::Admin
    }
}

/// Lets a request in, or refuses it.
pub(super) async fn door(State(watch): State<Watch>, request: Request, next: Next) -> Response {
    let response = pass(&watch, request, next).await.unwrap_or_else(IntoResponse::into_response);
    REQUESTS.with_label_values(&[response.status().as_str()]).inc();
    response
}

async fn pass(watch: &Watch, request: Request, next: Next) -> Result<Response, Refusal> {
    let (mut head, body) = request.into_parts();
    let acting = watch.enter(&head).await?;
    head.extensions.insert(acting);
    let answer = tokio::time::timeout(ANSWER_WITHIN, next.run(Request::from_parts(head, body)));
    answer
        .await
        .map_err(|_| Refusal::late("That took too long. Look whether it was done before you ask again."))
}

impl Watch {
    async fn enter(&self, head: &Parts) -> Result<Acting, Refusal> {
        let parts = self.api.parts();
        let token = bearer(&head.headers).ok_or_else(Refusal::missing_token)?;
        let user_id = match token.strip_prefix(OPENID.as_bytes()) {
            Some(token) if parts.settings.openid => self.by_openid(head, token).await?,
            _ if parts.settings.secret.matches(token) => named(head)?.ok_or_else(|| {
                Refusal::missing_parameter("Say for whom you act: `user_id=@alice:example.org`.")
            })?,
            _ => {
                self.api.0.rates.count_unknown(place(head))?;
                return Err(Refusal::unknown_token("The provisioning secret is wrong."));
            }
        };
        self.api.0.rates.count(&user_id)?;
        if parts.names.is_ours(&user_id) {
            return Err(Refusal::forbidden("The bridge's own users cannot act here."));
        }
        let level = parts.permissions.level(&user_id);
        if level < self.level {
            let words = format!("{user_id} may not use this bridge so. Ask whoever runs it.");
            return Err(Refusal::forbidden(words));
        }
        Ok(Acting { user_id, level })
    }

    async fn by_openid(&self, head: &Parts, token: &[u8]) -> Result<OwnedUserId, Refusal> {
        let token = std::str::from_utf8(token).ok().filter(|token| !token.is_empty());
        let token = token.ok_or_else(Refusal::missing_token)?;
        let user_id = match self.api.0.openid.known(token) {
            Some(user_id) => user_id,
            None => {
                self.api.0.rates.count_unknown(place(head))?;
                self.api.0.openid.ask(token).await?
            }
        };
        match named(head)? {
            Some(named) if named != user_id => {
                Err(Refusal::forbidden("An OpenID token lets you act for its own user only."))
            }
            _ => Ok(user_id),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    let is_token = scheme.eq_ignore_ascii_case(b"bearer ") && (1..=TOKEN_BYTES_MAX).contains(&token.len());
    is_token.then_some(token)
}

/// The person that the address names.
fn named(head: &Parts) -> Result<Option<OwnedUserId>, Refusal> {
    let query = Query::read(&head.uri)?;
    let Some(text) = query.text("user_id") else { return Ok(None) };
    let parsed = UserId::parse(text).ok().filter(|user_id| !user_id.localpart().is_empty());
    let words = "`user_id` is no Matrix user id. Write it in full: @alice:example.org";
    parsed.map(Some).ok_or_else(|| Refusal::bad_parameter(words))
}

/// Where a request comes from: the machine at the other end of the connection, which may be a proxy of ours.
fn place(head: &Parts) -> IpAddr {
    head.extensions.get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0)
}
