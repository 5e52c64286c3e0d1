//! What a chat can carry.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Extension, extract::State};
use ruma::RoomId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api, ApiParts,
    door::Acting,
    input::{Json, Query},
    refusal::{Absent, Conflict, Door, Refusal},
};
use crate::{
    ids::{LoginId, RemoteChatId},
    message::{Action, AttachmentKind, Limits, Support},
    platform::Session,
    store::PortalRow,
};

/// What a chat can carry, by way of one account.
#[derive(Serialize, ToSchema)]
pub(super) struct Capabilities {
    /// The chat.
    chat: String,
    /// The account.
    login_id: String,
    /// Every action, and how well it is carried.
    actions: BTreeMap<&'static str, Carried>,
    /// The longest text of one message, in characters as the network counts them.
    text_chars_max: usize,
    /// The largest file, in bytes, for each kind that can be sent.
    file_bytes_max: BTreeMap<&'static str, u64>,
    /// The one media type of spoken messages, where the network takes no other.
    voice_mime: Option<String>,
    /// How many files one message can hold.
    files_per_message_max: usize,
    /// Until when the chat takes messages, in milliseconds since 1970; none means always.
    open_until_ms: Option<i64>,
}

/// How well an action is carried.
#[derive(Serialize, ToSchema)]
pub(super) struct Carried {
    /// In which form.
    support: Form,
    /// Only for so long after the message was sent, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    until_ms: Option<u64>,
}

/// In which form an action is carried.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    /// As it was meant.
    Full,
    /// In another form that people understand.
    Fallback,
    /// Not at all.
    None,
}

/// What the chat of a room can carry, by way of the person's own account where one is in it. Name the room or the chat.
#[utoipa::path(
    get,
    path = "/capabilities",
    operation_id = "capabilities",
    tag = "rooms",
    params(
        ("room_id" = Option<String>, Query, description = "The room."),
        ("chat" = Option<String>, Query, description = "The chat's id on the network."),
        ("user_id" = Option<String>, Query, description = "For whom; with the secret it must be there."),
    ),
    responses((status = 200, description = "What it can carry.", body = Capabilities), Door, Absent, Conflict),
)]
pub(super) async fn capabilities(
    State(api): State<Api>,
    Extension(acting): Extension<Acting>,
    query: Query,
) -> Result<Json<Capabilities>, Refusal> {
    let parts = api.parts();
    let portal = match (query.text("room_id"), query.text("chat")) {
        (Some(room_id), None) => {
            let room_id = <&RoomId>::try_from(room_id);
            let room_id = room_id.map_err(|_| Refusal::bad_parameter("`room_id` is no Matrix room id."))?;
            parts.store.portal_by_room(room_id).await?
        }
        (None, Some(chat)) => parts.store.portal_by_chat(&RemoteChatId::new(chat)).await?,
        _ => return Err(Refusal::missing_parameter("Name either `room_id` or `chat`.")),
    };
    let portal = portal.ok_or_else(absent)?;
    let (login, session) = session(parts, &acting, &portal).await?;
    Ok(Json(told(&portal.chat, &login, session.limits(&portal.chat))))
}

/// The person's own account in the chat; for an admin also the one by way of which the bridge sees it.
async fn session(
    parts: &ApiParts,
    acting: &Acting,
    portal: &PortalRow,
) -> Result<(LoginId, Arc<dyn Session>), Refusal> {
    let own = parts.logins.of(&acting.user_id);
    let seeing = parts.store.chat_logins(&portal.chat).await?.into_iter().map(|seeing| seeing.login);
    let mut candidates: Vec<LoginId> = seeing.filter(|login| own.contains(login)).collect();
    candidates.extend(portal.login.clone().filter(|_| acting.is_admin()));
    if candidates.is_empty() {
        return Err(absent());
    }
    let live = candidates.into_iter().find_map(|login| Some((login.clone(), parts.logins.session(&login)?)));
    live.ok_or_else(|| {
        Refusal::conflict(format!("The account on {} is not connected just now.", parts.about.name))
    })
}

fn told(chat: &RemoteChatId, login: &LoginId, limits: Limits) -> Capabilities {
    let carried = |action: Action| {
        let (support, until_ms) = match limits.support(action) {
            Some(Support::Full) => (Form::Full, None),
            Some(Support::Fallback) => (Form::Fallback, None),
            Some(Support::Until(ms)) => (Form::Full, Some(*ms)),
            None => (Form::None, None),
        };
        (action_name(action), Carried { support, until_ms })
    };
    Capabilities {
        chat: chat.to_string(),
        login_id: login.to_string(),
        actions: Action::ALL.into_iter().map(carried).collect(),
        text_chars_max: limits.text_chars_max,
        file_bytes_max: limits
            .files_bytes_max
            .iter()
            .map(|(kind, bytes)| (file_name(*kind), *bytes))
            .collect(),
        voice_mime: limits.voice_mime,
        files_per_message_max: limits.files_per_message_max,
        open_until_ms: limits.open_until_ms,
    }
}

fn action_name(action: Action) -> &'static str {
    match action {
        Action::Message => "message",
        Action::Edit => "edit",
        Action::Redact => "redact",
        Action::React => "react",
        Action::Unreact => "unreact",
        Action::Typing => "typing",
        Action::Read => "read",
        Action::Poll => "poll",
        Action::Vote => "vote",
        Action::ClosePoll => "close_poll",
        Action::Pin => "pin",
        Action::Unpin => "unpin",
        Action::ChatInfo => "chat_info",
        Action::Member => "member",
        Action::Location => "location",
    }
}

fn file_name(kind: AttachmentKind) -> &'static str {
    match kind {
        AttachmentKind::Image => "image",
        AttachmentKind::Video => "video",
        AttachmentKind::Audio => "audio",
        AttachmentKind::Voice => "voice",
        AttachmentKind::Sticker => "sticker",
        AttachmentKind::File => "file",
    }
}

fn absent() -> Refusal {
    Refusal::not_found("The person has no account in a chat with that name, or it has no room here.")
}
