//! People on the network: `search`, `resolve` and `start-chat`.

use std::{fmt::Write, sync::Arc};

use futures_util::FutureExt;

use super::{
    Asked, Command, Desk, Place, Section,
    arguments::{Argument, Kind, Needed},
    said,
};
use crate::{
    config::Level,
    ids::LoginId,
    login::Lent,
    message::{UserInfo, clean_name},
    platform::{Directory, Session},
    portal::Observed,
    store::StoreError,
};

const WORDS: Argument = Argument { name: "words", kind: Kind::Rest, needed: Needed::Always };
const PERSON: Argument = Argument { name: "person", kind: Kind::Rest, needed: Needed::Always };

/// So many people are shown at most.
const FOUND_MAX: usize = 10;

pub(super) const SEARCH: Command = Command {
    name: "search",
    aliases: &["find"],
    section: Section::People,
    arguments: &[WORDS],
    help: "Looks for people on the network by name.",
    example: "search ada lovelace",
    level: Level::User,
    place: Place::Anywhere,
    effect: |desk, asked| async move { Ok(said(search(desk, asked).await)) }.boxed(),
};

pub(super) const RESOLVE: Command = Command {
    name: "resolve",
    aliases: &["resolve-identifier"],
    section: Section::People,
    arguments: &[PERSON],
    help: "Says whom a user name, number or id means.",
    example: "resolve @ada",
    level: Level::User,
    place: Place::Anywhere,
    effect: |desk, asked| async move { Ok(said(resolve(desk, asked).await)) }.boxed(),
};

pub(super) const START_CHAT: Command = Command {
    name: "start-chat",
    aliases: &["pm", "dm"],
    section: Section::People,
    arguments: &[PERSON],
    help: "Opens a direct chat with somebody, and makes its room.",
    example: "start-chat @ada",
    level: Level::User,
    place: Place::Anywhere,
    effect: |desk, asked| async move { start(desk, asked).await.map(said) }.boxed(),
};

/// An account that knows people. Looking them up is lent to everybody, writing to them only to those who run the bridge.
fn account(desk: &Desk, asked: Asked<'_>, lent: Lent) -> Result<(LoginId, Arc<dyn Session>), String> {
    let name = desk.about.name;
    let usable = desk.logins.usable_by(asked.sender, lent);
    if usable.is_empty() {
        return Err(format!(
            "You have no account on {name} here. `{} login` signs in with one.",
            desk.prefix
        ));
    }
    let live = usable.into_iter().filter_map(|login| Some((login.clone(), desk.logins.session(&login)?)));
    let mut live = live.peekable();
    if live.peek().is_none() {
        return Err(format!(
            "No account on {name} is connected just now. `{} status` says why.",
            desk.prefix
        ));
    }
    live.find(|(_, session)| session.directory().is_some())
        .ok_or_else(|| format!("On {name} people cannot be looked up."))
}

async fn search(desk: &Desk, asked: Asked<'_>) -> String {
    let (_, session) = match account(desk, asked, Lent::Yes) {
        Ok(found) => found,
        Err(words) => return words,
    };
    let Some(directory) = session.directory() else { return String::new() };
    match directory.search(asked.given.rest(), FOUND_MAX).await {
        Ok(people) if people.is_empty() => format!("Nobody on {} goes by that.", desk.about.name),
        Ok(people) => {
            let mut words = format!("Found on {}:", desk.about.name);
            for person in people.iter().take(FOUND_MAX) {
                let _ = write!(words, "\n- {}", line(desk, person).await);
            }
            let _ = write!(words, "\n`{} start-chat <id>` opens a chat.", desk.prefix);
            words
        }
        Err(error) => error.to_string(),
    }
}

async fn resolve(desk: &Desk, asked: Asked<'_>) -> String {
    let (_, session) = match account(desk, asked, Lent::Yes) {
        Ok(found) => found,
        Err(words) => return words,
    };
    let Some(directory) = session.directory() else { return String::new() };
    match meant(desk, directory, asked).await {
        Ok(person) => format!("That is {}.", line(desk, &person).await),
        Err(words) => words,
    }
}

async fn start(desk: &Desk, asked: Asked<'_>) -> Result<String, StoreError> {
    let lent = if asked.level >= Level::Admin { Lent::Yes } else { Lent::No };
    let (login, session) = match account(desk, asked, lent) {
        Ok(found) => found,
        Err(words) => return Ok(words),
    };
    let Some(directory) = session.directory() else { return Ok(String::new()) };
    let person = match meant(desk, directory, asked).await {
        Ok(person) => person,
        Err(words) => return Ok(words),
    };
    let chat = match directory.direct_chat(&person.ids.primary).await {
        Ok(chat) => chat,
        Err(error) => return Ok(error.to_string()),
    };
    if let Some(room_id) = desk.store.portal_by_chat(&chat).await?.and_then(|portal| portal.room_id) {
        return Ok(format!("You have a chat with {}: https://matrix.to/#/{room_id}", shown(&person)));
    }
    let info = match session.chat(&chat).await {
        Ok(Some(info)) => info,
        Ok(None) => {
            return Ok(format!("{} does not show the chat yet. Try again in a moment.", desk.about.name));
        }
        Err(error) => return Ok(error.to_string()),
    };
    let wanted = Observed::wanted(login, chat.clone(), info);
    wanted.happens(&desk.store, (&chat, Some(session.me())), desk.clock.now_ms()).await?;
    Ok(format!("The room of your chat with {} is being made.", shown(&person)))
}

/// Whom the identifier means.
async fn meant(desk: &Desk, directory: &dyn Directory, asked: Asked<'_>) -> Result<UserInfo, String> {
    match directory.resolve(asked.given.rest()).await {
        Ok(Some(person)) => Ok(person),
        Ok(None) => Err(format!(
            "Nobody on {} is called that. `{} search <words>` looks for people by name.",
            desk.about.name, desk.prefix
        )),
        Err(error) => Err(error.to_string()),
    }
}

fn shown(person: &UserInfo) -> String {
    let name = person.name.as_deref().map(clean_name).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| clean_name(person.ids.primary.as_str()))
}

async fn line(desk: &Desk, person: &UserInfo) -> String {
    let id = &person.ids.primary;
    // Somebody with several ids has a ghost under one of them.
    let named_by = desk.store.ghost(id).await.ok().flatten().map(|ghost| ghost.user);
    let ghost = desk.names.ghost(named_by.as_ref().unwrap_or(id));
    let ghost = ghost.map(|ghost| format!(", here {ghost}")).unwrap_or_default();
    let program = if person.bot { ", a program" } else { "" };
    format!("{} (`{}`{program}{ghost})", shown(person), person.ids.primary)
}
