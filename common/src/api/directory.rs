//! Finding people on the network, and opening direct chats with them.

use std::{sync::Arc, time::Duration};

use axum::{Extension, extract::State};
use ruma::{OwnedRoomId, OwnedUserId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api, ApiParts,
    door::Acting,
    input::{Json, Query, Segments},
    refusal::{Absent, Away, Conflict, Door, Refusal},
};
use crate::{
    ids::{LoginId, RemoteChatId},
    login::Lent,
    message::UserInfo,
    platform::{Directory, PlatformError, Session},
    portal::Observed,
};

/// So many people are told at once.
const FOUND_MAX: u32 = 50;

/// Longer words name nobody.
const WORDS_CHARS_MAX: usize = 200;

/// For so long the room of a new chat is waited for, and so often is looked.
const ROOM_WITHIN: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Somebody on the network.
#[derive(Serialize, ToSchema)]
pub(super) struct Person {
    /// Their id there.
    remote_user_id: String,
    /// Their name.
    name: Option<String>,
    /// Whether they are a program.
    is_bot: bool,
    /// The Matrix user that stands for them, once they have said something.
    #[schema(value_type = Option<String>)]
    ghost: Option<OwnedUserId>,
}

/// Several people.
#[derive(Serialize, ToSchema)]
pub(super) struct People {
    /// They, the best first.
    people: Vec<Person>,
}

/// A direct chat.
#[derive(Serialize, ToSchema)]
pub(super) struct DirectChat {
    /// With whom.
    with: Person,
    /// Its id on the network.
    chat: String,
    /// The person's account that is in it.
    login_id: String,
    /// Its room; nothing when that is still being made, and is found among the portals in a moment.
    #[schema(value_type = Option<String>)]
    room_id: Option<OwnedRoomId>,
}

/// People whose name goes with the words.
#[utoipa::path(
    get,
    path = "/search",
    operation_id = "search",
    tag = "directory",
    params(
        ("query" = String, Query, max_length = 200, description = "The words."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 50, description = "How many at most."),
        ("login_id" = Option<String>, Query, description = "By way of which account of the person; else of any."),
        ("user_id" = Option<String>, Query, description = "For whom; with the secret it must be there."),
    ),
    responses((status = 200, description = "Whom was found.", body = People), Door, Absent, Conflict, Away),
)]
pub(super) async fn search(
    State(api): State<Api>,
    Extension(acting): Extension<Acting>,
    query: Query,
) -> Result<Json<People>, Refusal> {
    let parts = api.parts();
    let words = query.text("query").ok_or_else(|| Refusal::missing_parameter("Say whom: `query=ada`."))?;
    let limit = query.number("limit", 1..=FOUND_MAX, FOUND_MAX)? as usize;
    check(words)?;
    let (_, session) = session(parts, &acting, query.text("login_id"))?;
    let found = directory(parts, &*session)?.search(words, limit).await.map_err(away)?;
    let mut people = Vec::new();
    for info in found.into_iter().take(limit) {
        people.push(told(parts, info).await?);
    }
    Ok(Json(People { people }))
}

/// Whom an identifier means as people write it: a user name, a number, an id.
#[utoipa::path(
    get,
    path = "/resolve/{identifier}",
    operation_id = "resolve",
    tag = "directory",
    params(
        ("identifier" = String, Path, max_length = 200, description = "The identifier."),
        ("login_id" = Option<String>, Query, description = "By way of which account of the person; else of any."),
        ("user_id" = Option<String>, Query, description = "For whom; with the secret it must be there."),
    ),
    responses((status = 200, description = "Whom it means.", body = Person), Door, Absent, Conflict, Away),
)]
pub(super) async fn resolve(
    State(api): State<Api>,
    Extension(acting): Extension<Acting>,
    Segments(identifier): Segments<String>,
    query: Query,
) -> Result<Json<Person>, Refusal> {
    let parts = api.parts();
    let (_, session) = session(parts, &acting, query.text("login_id"))?;
    let info = named(parts, &*session, &identifier).await?;
    Ok(Json(told(parts, info).await?))
}

/// The direct chat with somebody, opened if there is none, and its room. Asked again it is the same.
#[utoipa::path(
    post,
    path = "/direct-chats/{identifier}",
    operation_id = "open_direct_chat",
    tag = "directory",
    params(
        ("identifier" = String, Path, max_length = 200, description = "With whom, as people write it."),
        ("login_id" = Option<String>, Query, description = "By way of which account of the person; else of any."),
        ("user_id" = Option<String>, Query, description = "For whom; with the secret it must be there."),
    ),
    responses((status = 200, description = "The chat.", body = DirectChat), Door, Absent, Conflict, Away),
)]
pub(super) async fn open_direct_chat(
    State(api): State<Api>,
    Extension(acting): Extension<Acting>,
    Segments(identifier): Segments<String>,
    query: Query,
) -> Result<Json<DirectChat>, Refusal> {
    let parts = api.parts();
    let (login, session) = session(parts, &acting, query.text("login_id"))?;
    if !acting.is_admin() && !parts.logins.of(&acting.user_id).contains(&login) {
        return Err(Refusal::conflict(format!(
            "The person has no account on {} that is connected, and needs one for that.",
            parts.about.name
        )));
    }
    let with = named(parts, &*session, &identifier).await?;
    let chat = directory(parts, &*session)?.direct_chat(&with.ids.primary).await.map_err(away)?;
    let room_id = match room_of(parts, &chat).await? {
        Some(room_id) => Some(room_id),
        None => {
            make_room(parts, &login, &*session, &chat).await?;
            wait_for_room(parts, &chat).await?
        }
    };
    Ok(Json(DirectChat {
        with: told(parts, with).await?,
        chat: chat.to_string(),
        login_id: login.to_string(),
        room_id,
    }))
}

/// An account that the person may look around by way of: the one that they name, or else one of their own, or else the bridge's.
fn session(
    parts: &ApiParts,
    acting: &Acting,
    wanted: Option<&str>,
) -> Result<(LoginId, Arc<dyn Session>), Refusal> {
    let candidates = match wanted.map(LoginId::new) {
        Some(wanted) if parts.logins.of(&acting.user_id).contains(&wanted) => vec![wanted],
        Some(_) => return Err(Refusal::not_found("The person has no account with that id here.")),
        None => parts.logins.usable_by(&acting.user_id, Lent::Yes),
    };
    let live = candidates.into_iter().find_map(|login| Some((login.clone(), parts.logins.session(&login)?)));
    live.ok_or_else(|| {
        let name = parts.about.name;
        Refusal::conflict(format!("The person has no account on {name} that is connected just now."))
    })
}

fn directory<'a>(parts: &ApiParts, session: &'a dyn Session) -> Result<&'a dyn Directory, Refusal> {
    session.directory().ok_or_else(|| {
        let name = parts.about.name;
        Refusal::not_found(format!("On {name} nobody can be looked for."))
    })
}

async fn named(parts: &ApiParts, session: &dyn Session, identifier: &str) -> Result<UserInfo, Refusal> {
    check(identifier)?;
    let found = directory(parts, session)?.resolve(identifier).await.map_err(away)?;
    let name = parts.about.name;
    found.ok_or_else(|| {
        Refusal::not_found(format!("Nobody on {name} that this account may see is called so."))
    })
}

fn check(words: &str) -> Result<(), Refusal> {
    match words.chars().count() {
        0..=WORDS_CHARS_MAX => Ok(()),
        _ => Err(Refusal::bad_parameter("That is far too long for a name.")),
    }
}

/// Lets the chat's own lane make the room, like anything else that happens there.
async fn make_room(
    parts: &ApiParts,
    login: &LoginId,
    session: &dyn Session,
    chat: &RemoteChatId,
) -> Result<(), Refusal> {
    let info = session.chat(chat).await.map_err(away)?;
    let info = info.ok_or_else(|| Refusal::not_found("The chat is gone again."))?;
    let wanted = Observed::wanted(login.clone(), chat.clone(), info);
    Ok(wanted.happens(&parts.store, (chat, Some(session.me())), parts.clock.now_ms()).await?)
}

async fn wait_for_room(parts: &ApiParts, chat: &RemoteChatId) -> Result<Option<OwnedRoomId>, Refusal> {
    let made = async {
        loop {
            match room_of(parts, chat).await {
                Ok(None) => tokio::time::sleep(LOOK_EVERY).await,
                found => break found,
            }
        }
    };
    tokio::time::timeout(ROOM_WITHIN, made).await.unwrap_or(Ok(None))
}

async fn room_of(parts: &ApiParts, chat: &RemoteChatId) -> Result<Option<OwnedRoomId>, Refusal> {
    Ok(parts.store.portal_by_chat(chat).await?.and_then(|portal| portal.room_id))
}

async fn told(parts: &ApiParts, info: UserInfo) -> Result<Person, Refusal> {
    let id = info.ids.primary;
    // Somebody with several ids has a ghost under one of them.
    let named_by = parts.store.ghost(&id).await?.map(|ghost| ghost.user);
    Ok(Person {
        ghost: parts.names.ghost(named_by.as_ref().unwrap_or(&id)),
        remote_user_id: id.to_string(),
        name: info.name,
        is_bot: info.bot,
    })
}

fn away(error: PlatformError) -> Refusal {
    Refusal::away(error.to_string())
}
