//! The accounts that people have signed in with.

use axum::{Extension, extract::State};
use ruma::UserId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api, ApiParts,
    door::Acting,
    input::{Json, Segments},
    refusal::{Absent, Conflict, Door, Refusal},
};
use crate::{
    ids::LoginId,
    login::{AccountError, LoginStatus},
    message::SessionState,
};

/// An account on the network.
#[derive(Serialize, ToSchema)]
pub(super) struct Login {
    /// Its id.
    login_id: String,
    /// How people read it.
    name: String,
    /// Who signed in; nobody in Matrix for the account that the bridge's configuration names.
    owner: Option<String>,
    /// Who it is on the network, once that is known.
    remote_user_id: Option<String>,
    /// What it is doing.
    state: LoginState,
    /// Why it is not connected, in words.
    reason: Option<String>,
}

/// What an account is doing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum LoginState {
    /// On the way.
    Connecting,
    /// Live.
    Connected,
    /// Interrupted; it is tried again by itself.
    Disconnected,
    /// The network does not take the credentials any more: somebody must sign in again.
    BadCredentials,
    /// Signed out.
    LoggedOut,
}

/// Several accounts.
#[derive(Serialize, ToSchema)]
pub(super) struct Logins {
    /// They.
    logins: Vec<Login>,
}

/// Nothing more is to be said.
#[derive(Serialize, ToSchema)]
pub(super) struct Nothing {}

impl From<LoginStatus> for Login {
    fn from(login: LoginStatus) -> Self {
        let (state, reason) = match login.state {
            SessionState::Connecting => (LoginState::Connecting, None),
            SessionState::Connected => (LoginState::Connected, None),
            SessionState::Warned { reason } => (LoginState::Connected, Some(reason)),
            SessionState::Disconnected { reason } => (LoginState::Disconnected, Some(reason)),
            SessionState::BadCredentials { reason } => (LoginState::BadCredentials, Some(reason)),
            SessionState::LoggedOut => (LoginState::LoggedOut, None),
        };
        Self {
            login_id: login.id.to_string(),
            name: login.name,
            owner: login.owner.map(Into::into),
            remote_user_id: login.me.map(|me| me.to_string()),
            state,
            reason,
        }
    }
}

/// The accounts that somebody has signed in with.
pub(super) fn own(parts: &ApiParts, user_id: &UserId) -> Vec<Login> {
    let all = parts.logins.statuses().into_iter();
    all.filter(|login| login.owner.as_deref() == Some(user_id)).map(Login::from).collect()
}

/// The person's accounts and the bridge's own; for an admin, everybody's.
#[utoipa::path(
    get,
    path = "/logins",
    operation_id = "list_logins",
    tag = "logins",
    params(("user_id" = Option<String>, Query, description = "For whom; with the secret it must be there.")),
    responses((status = 200, description = "The accounts.", body = Logins, links(
            ("sign out" = (operation_id = "sign_out", parameters(("login_id" = "$response.body#/logins/0/login_id")))),
        )), Door),
)]
pub(super) async fn list(State(api): State<Api>, Extension(acting): Extension<Acting>) -> Json<Logins> {
    let is_visible = |login: &LoginStatus| {
        acting.is_admin() || login.owner.as_deref().is_none_or(|owner| owner == acting.user_id)
    };
    let all = api.parts().logins.statuses().into_iter();
    Json(Logins { logins: all.filter(is_visible).map(Login::from).collect() })
}

/// Signs an account out, on the network, too, and forgets it. Rooms and what was said stay. An admin can sign anybody out.
#[utoipa::path(
    delete,
    path = "/logins/{login_id}",
    operation_id = "sign_out",
    tag = "logins",
    params(
        ("login_id" = String, Path, description = "The account."),
        ("user_id" = Option<String>, Query, description = "For whom; with the secret it must be there."),
    ),
    responses((status = 200, description = "It is signed out.", body = Nothing), Door, Absent, Conflict),
)]
pub(super) async fn sign_out(
    State(api): State<Api>,
    Extension(acting): Extension<Acting>,
    Segments(id): Segments<String>,
) -> Result<Json<Nothing>, Refusal> {
    let id = LoginId::new(id);
    let owner = api.parts().logins.status(&id).and_then(|login| login.owner);
    let owner = owner.filter(|_| acting.is_admin()).unwrap_or(acting.user_id);
    let accounts = api.parts().signing_in.accounts().clone();
    // Half of it must not be done because somebody hung up.
    let done = api.0.tasks.spawn(async move { accounts.sign_out(&owner, &id).await }).await;
    match done.map_err(|_| Refusal::internal())? {
        Ok(_) => Ok(Json(Nothing {})),
        Err(AccountError::Store(error)) => Err(error.into()),
        Err(error @ AccountError::Configured) => Err(Refusal::conflict(error.to_string())),
        Err(error) => Err(Refusal::not_found(error.to_string())),
    }
}
