//! Which chats have rooms, and what a room knows of its chat: `bridge`, `unbridge`, `sync`, `id` and `capabilities`.

use std::sync::Arc;

use futures_util::FutureExt;

use super::{
    Asked, Command, Desk, Place, Section,
    arguments::{Argument, Kind, Needed},
    said,
};
use crate::{
    config::Level,
    ids::{LoginId, RemoteChatId},
    message::{
        Action, Authors, ChatChange, ChatInfo, CreateWhen, Limits, RemoteEvent, SessionState, Support,
    },
    platform::Session,
    portal::{Effect, Observed, Reply},
    store::{PortalRow, StoreError},
};

const CHAT: Argument = Argument { name: "chat id", kind: Kind::Word, needed: Needed::No };

pub(super) const BRIDGE: Command = Command {
    name: "bridge",
    aliases: &["plumb"],
    section: Section::Rooms,
    arguments: &[CHAT],
    help: "Makes the room of a chat, or joins an unbridged one to its room again.",
    example: "bridge 123456789",
    level: Level::Admin,
    place: Place::Anywhere,
    effect: |desk, asked| async move { bridge(desk, asked).await.map(said) }.boxed(),
};

pub(super) const UNBRIDGE: Command = Command {
    name: "unbridge",
    aliases: &[],
    section: Section::Rooms,
    arguments: &[],
    help: "Separates this room from its chat. Both stay as they are.",
    example: "unbridge",
    level: Level::Admin,
    place: Place::Portal,
    effect: |desk, asked| async move { Ok(unbridge(desk, asked)) }.boxed(),
};

pub(super) const SYNC: Command = Command {
    name: "sync",
    aliases: &["refresh"],
    section: Section::Rooms,
    arguments: &[],
    help: "Brings this room's name, topic and picture in line with its chat.",
    example: "sync",
    level: Level::User,
    place: Place::Portal,
    effect: |desk, asked| async move { sync(desk, asked).await.map(said) }.boxed(),
};

pub(super) const ID: Command = Command {
    name: "id",
    aliases: &[],
    section: Section::Rooms,
    arguments: &[],
    help: "Says which chat this room belongs to.",
    example: "id",
    level: Level::Commands,
    place: Place::Portal,
    effect: |desk, asked| async move { Ok(said(id(desk, asked))) }.boxed(),
};

pub(super) const CAPABILITIES: Command = Command {
    name: "capabilities",
    aliases: &["limits"],
    section: Section::Rooms,
    arguments: &[],
    help: "Says what gets through from this room, and how much of it.",
    example: "capabilities",
    level: Level::Commands,
    place: Place::Portal,
    effect: |desk, asked| async move { Ok(said(capabilities(desk, asked))) }.boxed(),
};

async fn bridge(desk: &Desk, asked: Asked<'_>) -> Result<String, StoreError> {
    let name = desk.about.name;
    let chat = match asked.given.word() {
        // Within its own room nobody needs to know the id.
        None => desk.store.portal_by_room(asked.room_id).await?.map(|portal| portal.chat),
        Some(id) => Some(RemoteChatId::new(id)),
    };
    let Some(chat) = chat else {
        return Ok(format!("Say which chat: `{} bridge <chat id>`, with its id on {name}.", desk.prefix));
    };
    let connected = desk.logins.statuses().into_iter().filter(|it| it.state == SessionState::Connected);
    for login in connected {
        let Some(session) = desk.logins.session(&login.id) else { continue };
        match session.chat(&chat).await {
            Ok(Some(info)) => return begin(desk, &login.id, &chat, (info, &*session)).await,
            Ok(None) => {}
            Err(error) => return Ok(format!("{name} could not be asked about that chat: {error}")),
        }
    }
    Ok(format!("No connected account sees a chat {chat} on {name}."))
}

/// Lets the chat's own lane make the room, like anything else that happens there.
async fn begin(
    desk: &Desk,
    login: &LoginId,
    chat: &RemoteChatId,
    (info, session): (ChatInfo, &dyn Session),
) -> Result<String, StoreError> {
    let words = format!("The room of “{}” is being made.", info.name.as_deref().unwrap_or(chat.as_str()));
    let change = ChatChange::Present(Box::new(ChatInfo { create: Some(CreateWhen::AtOnce), ..info }));
    happens(desk, login, (chat, change), session).await?;
    Ok(words)
}

/// Lets something happen to a chat as if its network had told it.
async fn happens(
    desk: &Desk,
    login: &LoginId,
    (chat, change): (&RemoteChatId, ChatChange),
    session: &dyn Session,
) -> Result<(), StoreError> {
    let event = RemoteEvent::ChatChanged { chat: chat.clone(), change };
    let observed = Observed { login: login.clone(), event };
    observed.happens(&desk.store, (chat, session.me()), desk.clock.now_ms()).await
}

fn unbridge(desk: &Desk, asked: Asked<'_>) -> Reply {
    let (name, prefix) = (desk.about.name, &desk.prefix);
    let chat = asked.portal.map(|portal| portal.chat.to_string()).unwrap_or_default();
    let words = format!(
        "This room and its chat on {name} go separate ways now. `{prefix} bridge {chat}` joins them again."
    );
    Reply { words, effect: Some(Effect::Unbridge) }
}

async fn sync(desk: &Desk, asked: Asked<'_>) -> Result<String, StoreError> {
    let name = desk.about.name;
    let Some((portal, login, session)) = connected(desk, asked) else { return Ok(away(desk)) };
    match session.chat(&portal.chat).await {
        Ok(Some(info)) => {
            happens(desk, login, (&portal.chat, ChatChange::Info(Box::new(info))), &*session).await?;
            Ok("The room will look like its chat in a moment.".to_owned())
        }
        Ok(None) => Ok(format!("The chat is not on {name} any more, or its account may not see it.")),
        Err(error) => Ok(format!("{name} could not be asked about the chat: {error}")),
    }
}

fn id(desk: &Desk, asked: Asked<'_>) -> String {
    let Some(portal) = asked.portal else { return away(desk) };
    let login =
        portal.login.as_ref().map_or_else(|| "no account".to_owned(), |login| format!("account {login}"));
    format!("Chat {} on {}, by way of {login}.", portal.chat, desk.about.name)
}

fn capabilities(desk: &Desk, asked: Asked<'_>) -> String {
    let Some((portal, _, session)) = connected(desk, asked) else { return away(desk) };
    let limits = session.limits(&portal.chat);
    let named = |wanted: fn(Option<&Support>) -> bool| {
        let some = Action::ALL.into_iter().filter(|action| wanted(limits.support(*action)));
        some.map(Action::words).collect::<Vec<_>>().join(", ")
    };
    let mut lines = vec![format!("From this room to {}:", desk.about.name)];
    for (words, names) in [
        ("get through", named(|it| matches!(it, Some(Support::Full | Support::Until(_))))),
        ("get through in another form", named(|it| matches!(it, Some(Support::Fallback)))),
        ("do not get through", named(|it| it.is_none())),
    ] {
        if !names.is_empty() {
            lines.push(format!("- {words}: {names}"));
        }
    }
    lines.push(sizes(&limits));
    lines.push(authors(&limits, desk.about.name));
    lines.join("\n")
}

fn sizes(limits: &Limits) -> String {
    let file = limits.files_bytes_max.values().max().map(|bytes| bytes / (1024 * 1024)).unwrap_or_default();
    format!("- a message holds {} characters, a file {file} MiB", limits.text_chars_max)
}

fn authors(limits: &Limits, name: &str) -> String {
    let place = match limits.authors {
        Authors::Shown => "beside their words",
        Authors::InWords => "in their words",
    };
    format!("- people without an account on {name} are named {place}")
}

/// The room's chat and the session that serves it, where one is connected.
fn connected<'a>(desk: &Desk, asked: Asked<'a>) -> Option<(&'a PortalRow, &'a LoginId, Arc<dyn Session>)> {
    let portal = asked.portal?;
    let login = portal.login.as_ref()?;
    Some((portal, login, desk.logins.session(login)?))
}

fn away(desk: &Desk) -> String {
    format!(
        "The account on {} is not connected just now. `{} status` says why.",
        desk.about.name, desk.prefix
    )
}
