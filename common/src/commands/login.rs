//! Accounts on the network, in a chat: signing in step by step, signing out, and which account speaks where.
//!
//! A sign-in is the same process that the HTTP API drives ([`crate::login::SigningIn`]); this file asks its questions in a room and takes
//! what is said there as the answers. Next: `login/asking` for the questions.

use std::fmt::Write;

use futures_util::FutureExt;

pub use self::asking::Chats;
pub(super) use self::asking::answer;
use super::{
    Asked, Command, Desk, Place, Section,
    arguments::{Argument, Kind, Needed},
    said,
    status::{state_words, visible},
};
use crate::{
    config::Level,
    ids::LoginId,
    login::{LoginStatus, Refused, SignedOut},
    portal::{Effect, Reply},
};

mod asking;

const FLOW: Argument = Argument { name: "way", kind: Kind::Word, needed: Needed::No };
const ACCOUNT: Argument = Argument { name: "account", kind: Kind::Word, needed: Needed::Always };
const ANY_ACCOUNT: Argument = Argument { needed: Needed::No, ..ACCOUNT };

pub(super) const LOGIN: Command = Command {
    name: "login",
    aliases: &["signin"],
    section: Section::Accounts,
    arguments: &[FLOW],
    help: "Signs in with an account of yours. Without a way, says which there are.",
    example: "login",
    level: Level::User,
    place: Place::Private,
    effect: |desk, asked| async move { Ok(said(login(desk, asked, asked.given.word(), None).await)) }.boxed(),
};

pub(super) const RELOGIN: Command = Command {
    name: "relogin",
    aliases: &[],
    section: Section::Accounts,
    arguments: &[ACCOUNT, FLOW],
    help: "Signs in again with an account that was refused or signed out. Its rooms stay.",
    example: "relogin 123456789",
    level: Level::User,
    place: Place::Private,
    effect: |desk, asked| {
        async move {
            let account = asked.given.word().map(LoginId::new);
            Ok(said(login(desk, asked, asked.given.second(), account).await))
        }
        .boxed()
    },
};

pub(super) const RECONNECT: Command = Command {
    name: "reconnect",
    aliases: &[],
    section: Section::Accounts,
    arguments: &[ANY_ACCOUNT],
    help: "Connects an account now that waits for its time or for you. Without one, all of yours.",
    example: "reconnect",
    level: Level::User,
    place: Place::Anywhere,
    effect: |desk, asked| async move { Ok(said(reconnect(desk, asked))) }.boxed(),
};

pub(super) const CANCEL: Command = Command {
    name: "cancel",
    aliases: &["stop"],
    section: Section::Accounts,
    arguments: &[],
    help: "Gives up a sign-in that is under way.",
    example: "cancel",
    level: Level::User,
    place: Place::Anywhere,
    effect: |desk, asked| {
        async move {
            Ok(said(match desk.signing_in.cancel(asked.sender) {
                // The sign-in itself says that it is over.
                Ok(()) => String::new(),
                Err(Refused::None) => "No sign-in is under way.".to_owned(),
                Err(refused) => refused.to_string(),
            }))
        }
        .boxed()
    },
};

pub(super) const LOGOUT: Command = Command {
    name: "logout",
    aliases: &["signout"],
    section: Section::Accounts,
    arguments: &[ACCOUNT],
    help: "Signs an account of yours out and forgets it. Rooms and what was said stay.",
    example: "logout 123456789",
    level: Level::User,
    place: Place::Anywhere,
    effect: |desk, asked| async move { Ok(said(logout(desk, asked).await)) }.boxed(),
};

pub(super) const LIST_LOGINS: Command = Command {
    name: "list-logins",
    aliases: &["logins", "accounts"],
    section: Section::Accounts,
    arguments: &[],
    help: "Lists your accounts, with their ids and what they do; for an admin, everybody's.",
    example: "list-logins",
    level: Level::User,
    place: Place::Anywhere,
    effect: |desk, asked| async move { Ok(said(list(desk, asked))) }.boxed(),
};

pub(super) const SET_PREFERRED_LOGIN: Command = Command {
    name: "set-preferred-login",
    aliases: &["prefer"],
    section: Section::Accounts,
    arguments: &[ACCOUNT],
    help: "Chooses which of your accounts speaks for you in this room.",
    example: "set-preferred-login 123456789",
    level: Level::User,
    place: Place::Portal,
    effect: |desk, asked| async move { Ok(prefer(desk, asked).await) }.boxed(),
};

pub(super) const SET_MANAGEMENT_ROOM: Command = Command {
    name: "set-management-room",
    aliases: &[],
    section: Section::Accounts,
    arguments: &[],
    help: "Makes this the room in which the bot tells you news and needs no prefix.",
    example: "set-management-room",
    level: Level::Commands,
    place: Place::Private,
    effect: |desk, asked| {
        async move {
            desk.store.set_management_room(asked.sender, asked.room_id).await?;
            Ok(said("I tell you news in this room from now on, and you need no prefix here.".to_owned()))
        }
        .boxed()
    },
};

async fn login(desk: &Desk, asked: Asked<'_>, flow: Option<&str>, renewed: Option<LoginId>) -> String {
    let flows = desk.signing_in.accounts().network().flows();
    let flow = match (flow, &flows[..]) {
        (Some(flow), _) => flow,
        (None, []) => {
            return format!(
                "On {} nobody signs in with an account of their own; the bridge uses the one of its configuration.",
                desk.about.name
            );
        }
        (None, [only]) => only.id,
        (None, several) => {
            let mut words = format!("There are several ways to sign in to {}:", desk.about.name);
            let command = if renewed.is_some() { "relogin <account>" } else { "login" };
            for flow in several {
                let _ = write!(words, "\n`{} {command} {}` — {}", desk.prefix, flow.id, flow.description);
            }
            return words;
        }
    };
    match desk.signing_in.begin(asked.sender, flow, renewed).await {
        Ok(progress) => {
            asking::begin(desk, asked, progress);
            String::new()
        }
        Err(Refused::NoSuchFlow) => {
            let ways: Vec<_> = flows.iter().map(|flow| format!("`{}`", flow.id)).collect();
            format!("There is no such way to sign in. There is {}.", ways.join(", "))
        }
        Err(refused) => refused.to_string(),
    }
}

async fn logout(desk: &Desk, asked: Asked<'_>) -> String {
    let id = LoginId::new(asked.given.word().unwrap_or_default());
    // An admin can sign anybody out.
    let owner = desk.logins.status(&id).and_then(|login| login.owner);
    let owner = owner.filter(|_| asked.level >= Level::Admin).unwrap_or_else(|| asked.sender.to_owned());
    match desk.signing_in.accounts().sign_out(&owner, &id).await {
        Ok(SignedOut::There) => format!("Signed out of {id} on {}. Your rooms stay.", desk.about.name),
        Ok(SignedOut::HereOnly) => format!(
            "Signed out of {id} here. It was not connected, so {} may still list this bridge among your devices: sign it out there. Your \
             rooms stay.",
            desk.about.name
        ),
        Err(error) => error.to_string(),
    }
}

fn list(desk: &Desk, asked: Asked<'_>) -> String {
    let logins = visible(desk, asked);
    if logins.is_empty() {
        return format!(
            "No account on {} is set up. `{} login` signs in with yours.",
            desk.about.name, desk.prefix
        );
    }
    let line = |login: &LoginStatus| {
        let whose = match &login.owner {
            None => " — the bridge's own".to_owned(),
            Some(owner) if owner != asked.sender => format!(" — of {owner}"),
            Some(_) => String::new(),
        };
        format!("{} (`{}`): {}{whose}", login.name, login.id, state_words(&login.state))
    };
    logins.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn reconnect(desk: &Desk, asked: Asked<'_>) -> String {
    let wanted = asked.given.word();
    let is_theirs = |login: &LoginStatus| {
        asked.level >= Level::Admin || login.owner.as_deref().is_some_and(|owner| owner == asked.sender)
    };
    let is_meant =
        |login: &&LoginStatus| is_theirs(login) && wanted.is_none_or(|wanted| login.id.as_str() == wanted);
    let all = desk.logins.statuses();
    let tried: Vec<_> = all
        .iter()
        .filter(is_meant)
        .filter(|login| desk.logins.reconnect(&login.id))
        .map(|login| format!("`{}`", login.id))
        .collect();
    match tried.is_empty() {
        true => "Nothing waits to be connected. `list-logins` shows what your accounts do.".to_owned(),
        false => format!("Connecting {} again.", tried.join(", ")),
    }
}

async fn prefer(desk: &Desk, asked: Asked<'_>) -> Reply {
    let id = LoginId::new(asked.given.word().unwrap_or_default());
    match seen_by(desk, asked, &id).await {
        Ok(()) => Reply {
            words: format!("`{id}` speaks for you in this room from now on."),
            effect: Some(Effect::Prefer(id)),
        },
        Err(words) => said(words),
    }
}

/// Whether an account of whoever asks is in the chat of this room; says why not.
pub(super) async fn seen_by(desk: &Desk, asked: Asked<'_>, id: &LoginId) -> Result<(), String> {
    let name = desk.about.name;
    if !desk.logins.of(asked.sender).contains(id) {
        return Err("You have no account with that id here; `list-logins` shows yours.".to_owned());
    }
    let portal = asked.portal.ok_or("This room is joined to no chat.")?;
    let session = desk.logins.session(id).ok_or("That account is not connected just now.")?;
    match session.chat(&portal.chat).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(format!("`{id}` is not in this chat on {name}.")),
        Err(error) => Err(format!("{name} could not be asked about that: {error}")),
    }
}
