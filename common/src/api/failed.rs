//! What did not get through, and what a person does about it.

use axum::{Extension, extract::State};
use ruma::RoomId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api, ApiParts,
    door::Acting,
    input::{Json, Query, Segments},
    logins::Nothing,
    portals::Seen,
    refusal::{Absent, Door, Refusal},
};
use crate::store::{self, JournalId, MessageState, ParkedRow, StoreError};

/// So many are told at once.
const LISTED_MAX: u32 = 100;

/// Among so many of the newest is looked for what concerns somebody.
const LOOKED_AT_MAX: usize = 1_000;

/// Something that did not get through.
#[derive(Serialize, ToSchema)]
pub(super) struct Failure {
    /// Its number, for `retry` and `drop`.
    id: i64,
    /// Which way it went.
    direction: Direction,
    /// Whether it surely did not arrive.
    state: FailureState,
    /// Why, in words for people.
    reason: Option<String>,
    /// The room, where there is one.
    room_id: Option<String>,
    /// The event, where there is one.
    event_id: Option<String>,
    /// The chat on the network, where it is known.
    chat: Option<String>,
    /// The message on the network, where there is one.
    remote_id: Option<String>,
    /// When it was taken on, in milliseconds since 1970.
    accepted_ms: i64,
}

/// Which way something went.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Direction {
    /// To the network.
    FromMatrix,
    /// To Matrix.
    FromRemote,
}

/// Whether something surely did not arrive.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum FailureState {
    /// It did not.
    Failed,
    /// Nobody knows. Tried again, it may appear twice.
    Uncertain,
}

/// What did not get through.
#[derive(Serialize, ToSchema)]
pub(super) struct Failures {
    /// The newest first.
    failed: Vec<Failure>,
    /// Whether there are more.
    more: bool,
}

/// What did not get through in the chats of the person's accounts, the newest first; for an admin, in all.
#[utoipa::path(
    get,
    path = "/failed",
    operation_id = "list_failed",
    tag = "failures",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "How many at most."),
        ("user_id" = Option<String>, Query, description = "For whom; with the secret it must be there."),
    ),
    responses((status = 200, description = "What did not get through.", body = Failures, links(
            ("retry" = (operation_id = "retry_failed", parameters(("id" = "$response.body#/failed/0/id")))),
            ("drop" = (operation_id = "drop_failed", parameters(("id" = "$response.body#/failed/0/id")))),
        )), Door),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(acting): Extension<Acting>,
    query: Query,
) -> Result<Json<Failures>, Refusal> {
    let limit = query.number("limit", 1..=LISTED_MAX, LISTED_MAX)? as usize;
    let parts = api.parts();
    let looked_at = if acting.is_admin() { limit + 1 } else { LOOKED_AT_MAX };
    let mut seen = Seen::by(parts, &acting);
    let mut failed = Vec::new();
    for row in parts.store.parked(looked_at).await? {
        if concerns(parts, &acting, &mut seen, &row).await? {
            failed.push(Failure::from(row));
        }
        if failed.len() > limit {
            break;
        }
    }
    let more = failed.len() > limit;
    failed.truncate(limit);
    Ok(Json(Failures { failed, more }))
}

/// Tries again what did not get through. What was uncertain may then appear twice.
#[utoipa::path(
    post,
    path = "/failed/{id}/retry",
    operation_id = "retry_failed",
    tag = "failures",
    params(
        ("id" = i64, Path, description = "Its number."),
        ("user_id" = Option<String>, Query, description = "For whom; with the secret it must be there."),
    ),
    responses((status = 200, description = "It is on its way again.", body = Nothing), Door, Absent),
)]
pub(super) async fn retry(
    State(api): State<Api>,
    Extension(acting): Extension<Acting>,
    Segments(id): Segments<i64>,
) -> Result<Json<Nothing>, Refusal> {
    let id = own(&api, &acting, id).await?;
    if api.parts().store.retry(id).await? { Ok(Json(Nothing {})) } else { Err(absent(id)) }
}

/// Gives up what did not get through.
#[utoipa::path(
    post,
    path = "/failed/{id}/drop",
    operation_id = "drop_failed",
    tag = "failures",
    params(
        ("id" = i64, Path, description = "Its number."),
        ("user_id" = Option<String>, Query, description = "For whom; with the secret it must be there."),
    ),
    responses((status = 200, description = "It is given up.", body = Nothing), Door, Absent),
)]
pub(super) async fn drop_row(
    State(api): State<Api>,
    Extension(acting): Extension<Acting>,
    Segments(id): Segments<i64>,
) -> Result<Json<Nothing>, Refusal> {
    let id = own(&api, &acting, id).await?;
    if api.parts().store.drop_row(id).await? { Ok(Json(Nothing {})) } else { Err(absent(id)) }
}

impl From<ParkedRow> for Failure {
    fn from(row: ParkedRow) -> Self {
        Self {
            id: row.id.get(),
            direction: match row.direction {
                store::Direction::FromMatrix => Direction::FromMatrix,
                store::Direction::FromRemote => Direction::FromRemote,
            },
            state: match row.state {
                MessageState::Uncertain => FailureState::Uncertain,
                _ => FailureState::Failed,
            },
            reason: row.reason,
            room_id: row.room_id,
            event_id: row.event_id,
            chat: row.chat.map(|chat| chat.to_string()),
            remote_id: row.remote_id.map(|id| id.to_string()),
            accepted_ms: row.accepted_ms,
        }
    }
}

/// The number of a parked row that concerns the person.
async fn own(api: &Api, acting: &Acting, id: i64) -> Result<JournalId, Refusal> {
    let (parts, id) = (api.parts(), JournalId::new(id));
    let row = parts.store.parked_row(id).await?.ok_or_else(|| absent(id))?;
    let is_own = concerns(parts, acting, &mut Seen::by(parts, acting), &row).await?;
    if is_own { Ok(id) } else { Err(absent(id)) }
}

/// Whether one of the person's accounts is in the chat; an admin is concerned by everything.
async fn concerns(
    parts: &ApiParts,
    acting: &Acting,
    seen: &mut Seen<'_>,
    row: &ParkedRow,
) -> Result<bool, StoreError> {
    if acting.is_admin() {
        return Ok(true);
    }
    if let Some(chat) = &row.chat {
        return seen.sees(chat).await;
    }
    let Some(room_id) = row.room_id.as_deref().and_then(|id| <&RoomId>::try_from(id).ok()) else {
        return Ok(false);
    };
    match parts.store.portal_by_room(room_id).await? {
        Some(portal) => seen.sees(&portal.chat).await,
        None => Ok(false),
    }
}

fn absent(id: JournalId) -> Refusal {
    let id = id.get();
    Refusal::not_found(format!(
        "Nothing of this person is parked under {id}. It may have been retried already."
    ))
}
