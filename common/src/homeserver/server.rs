//! Questions to the homeserver itself: what it speaks, and whether it can reach us.

use std::time::{Duration, UNIX_EPOCH};

use http::{Method, header::DATE};
use ruma::OwnedUserId;
use serde::Deserialize;
use serde_json::json;

use super::{Homeserver, HomeserverError, intent::json_body, transport::Body};
use crate::clock::Clock;

/// What the homeserver speaks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Versions {
    /// Versions of the specification, such as `v1.11`.
    pub versions: Vec<String>,
}

impl Homeserver {
    /// Asks what the homeserver speaks; needs no token. `GET /_matrix/client/versions`
    ///
    /// # Errors
    /// As every call.
    pub async fn versions(&self) -> Result<Versions, HomeserverError> {
        let path = self.transport().path("/_matrix/client/versions");
        self.transport().call(Method::GET, path, Body::None).await
    }

    /// Whom the homeserver takes us for when we speak as nobody in particular: the bot of the registration that it has loaded, with
    /// the homeserver's own name. `GET /_matrix/client/v3/account/whoami`
    ///
    /// # Errors
    /// As every call; [`HomeserverError::TokenRefused`] when the registration is not loaded.
    pub async fn registered_as(&self) -> Result<OwnedUserId, HomeserverError> {
        #[derive(Deserialize)]
        struct Answer {
            user_id: OwnedUserId,
        }
        let path = self.transport().path("/_matrix/client/v3/account/whoami");
        let answer: Answer = self.transport().call(Method::GET, path, Body::None).await?;
        Ok(answer.user_id)
    }

    /// Whose OpenID token that is. The answer is only what this homeserver says of its own tokens; it is asked without any token of ours.
    /// `GET /_matrix/federation/v1/openid/userinfo`
    ///
    /// # Errors
    /// As every call; [`HomeserverError::TokenRefused`] when it knows no such token, 404 when it does not serve the question.
    pub async fn openid_user(&self, token: &str) -> Result<OwnedUserId, HomeserverError> {
        #[derive(Deserialize)]
        struct Answer {
            sub: OwnedUserId,
        }
        let path = self.transport().path("/_matrix/federation/v1/openid/userinfo");
        let answer: Answer = self.transport().call_nameless(path.query("access_token", token)).await?;
        Ok(answer.sub)
    }

    /// How far the homeserver's clock is ahead of `clock`, to about a second; `None` where it does not tell the time.
    /// `GET /_matrix/client/versions`, of which only the head counts.
    ///
    /// # Errors
    /// As every call.
    pub async fn clock_skew_ms(&self, clock: &Clock) -> Result<Option<i64>, HomeserverError> {
        let before_ms = clock.now_ms();
        let answer = self.transport().open(self.transport().path("/_matrix/client/versions")).await?;
        let asked_ms = i64::midpoint(before_ms, clock.now_ms());
        let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
        let date =
            date.and_then(|date| httpdate::parse_http_date(date).ok()?.duration_since(UNIX_EPOCH).ok());
        // It tells whole seconds: on average half of one is gone.
        let told_ms = date.and_then(|date| i64::try_from(date.as_millis()).ok()).map(|told_ms| told_ms + 500);
        Ok(told_ms.map(|told_ms| told_ms - asked_ms))
    }

    /// Makes the homeserver call us back, and wakes its queue at once; gives the time that took.
    /// `POST /_matrix/client/v1/appservice/{appserviceId}/ping`
    ///
    /// # Errors
    /// As every call; 502 `M_CONNECTION_FAILED` while it cannot reach us.
    pub async fn ping(&self, appservice_id: &str, txn_id: &str) -> Result<Duration, HomeserverError> {
        #[derive(Deserialize)]
        struct Answer {
            duration_ms: u64,
        }
        let path =
            self.transport().path("/_matrix/client/v1/appservice/").segment(appservice_id).raw("/ping");
        let body = json_body(&json!({ "transaction_id": txn_id }))?;
        let answer: Answer = self.transport().call(Method::POST, path, body).await?;
        Ok(Duration::from_millis(answer.duration_ms))
    }
}
