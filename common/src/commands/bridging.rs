//! What a room knows of its chat: `sync`, `id` and `capabilities`. Next: `rooms`, which gives chats their rooms.

use std::sync::Arc;

use futures_util::FutureExt;

use super::{Asked, Command, Desk, Place, Section, said};
use crate::{
    config::Level,
    ids::{LoginId, RemoteChatId},
    message::{Action, Authors, ChatChange, Limits, RemoteEvent, Support},
    platform::Session,
    portal::Observed,
    store::{PortalRow, StoreError},
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

/// Lets something happen to a chat as if its network had told it.
pub(super) async fn happens(
    desk: &Desk,
    login: &LoginId,
    (chat, change): (&RemoteChatId, ChatChange),
    session: Option<&dyn Session>,
) -> Result<(), StoreError> {
    let event = RemoteEvent::ChatChanged { chat: chat.clone(), change };
    let observed = Observed { login: login.clone(), event };
    observed.happens(&desk.store, (chat, session.map(Session::me)), desk.clock.now_ms()).await
}

async fn sync(desk: &Desk, asked: Asked<'_>) -> Result<String, StoreError> {
    let name = desk.about.name;
    let Some((portal, login, session)) = connected(desk, asked) else { return Ok(away(desk)) };
    match session.chat(&portal.chat).await {
        Ok(Some(info)) => {
            happens(desk, login, (&portal.chat, ChatChange::Info(Box::new(info))), Some(&*session)).await?;
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
    let prefix = &desk.prefix;
    lines.extend(limits.commands.iter().map(|(name, help)| format!("- `{prefix} {name}`: {help}")));
    if let Some(until_ms) = limits.open_until_ms {
        lines.push(open(until_ms, desk.clock.now_ms(), desk.about.name));
    }
    lines.push(sizes(&limits));
    lines.push(authors(&limits, desk.about.name));
    lines.join("\n")
}

fn open(until_ms: i64, now_ms: i64, name: &str) -> String {
    let minutes = until_ms.saturating_sub(now_ms) / 60_000;
    match minutes {
        ..=0 => format!("- {name} takes no messages in this chat now"),
        _ => format!("- {name} takes messages in this chat for {} h {} min", minutes / 60, minutes % 60),
    }
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
