//! Who speaks in a room for people without an account: `set-relay` and `unset-relay`.

use futures_util::FutureExt;

use super::{
    Asked, Command, Desk, Place, Section,
    arguments::{Argument, Kind, Needed},
    login::seen_by,
    said,
};
use crate::{
    config::Level,
    ids::LoginId,
    portal::{Effect, Reply},
    store::Relay,
};

const ACCOUNT: Argument = Argument { name: "account", kind: Kind::Word, needed: Needed::No };

pub(super) const SET_RELAY: Command = Command {
    name: "set-relay",
    aliases: &["relay"],
    section: Section::Rooms,
    arguments: &[ACCOUNT],
    help: "Lets an account of yours speak in this room for people without one, each by name.",
    example: "set-relay 123456789",
    level: Level::User,
    place: Place::Portal,
    effect: |desk, asked| async move { Ok(set(desk, asked).await) }.boxed(),
};

pub(super) const UNSET_RELAY: Command = Command {
    name: "unset-relay",
    aliases: &["unrelay"],
    section: Section::Rooms,
    arguments: &[],
    help: "Lets nobody speak in this room for people without an account.",
    example: "unset-relay",
    level: Level::User,
    place: Place::Portal,
    effect: |desk, asked| async move { Ok(unset(desk, asked)) }.boxed(),
};

async fn set(desk: &Desk, asked: Asked<'_>) -> Reply {
    let Some(portal) = asked.portal else { return said("This room is joined to no chat.".to_owned()) };
    let words = |who: &str| format!("{who} speaks in this room for people without an account, each by name.");
    let own = desk.logins.of(asked.sender);
    // Without a word, the account of one's own that sees the chat.
    let shows_it = || portal.login.clone().filter(|id| own.contains(id));
    let given = asked.given.word().map(LoginId::new).or_else(shows_it);
    // Where the bridge has an account of its own, that is the usual relay.
    let configured =
        portal.login.as_ref().filter(|id| desk.logins.status(id).is_some_and(|it| it.owner.is_none()));
    let id = match (given, configured, &own[..]) {
        (Some(id), Some(configured), _) if id == *configured => {
            return Reply {
                words: words("The bridge's own account"),
                effect: Some(Effect::Relay(Relay::Configured)),
            };
        }
        (None, Some(_), _) => {
            return Reply {
                words: words("The bridge's own account"),
                effect: Some(Effect::Relay(Relay::Configured)),
            };
        }
        (Some(id), _, _) => id,
        (None, None, [only]) => only.clone(),
        (None, None, []) => {
            return said(format!("You have no account here. `{} login` signs in with one.", desk.prefix));
        }
        (None, None, _) => return said("Say which of your accounts: `list-logins` shows them.".to_owned()),
    };
    match seen_by(desk, asked, &id).await {
        Ok(()) => Reply { words: words(&format!("`{id}`")), effect: Some(Effect::Relay(Relay::Login(id))) },
        Err(words) => said(words),
    }
}

/// Whoever lends their account can take it back; an admin can for everybody.
fn unset(desk: &Desk, asked: Asked<'_>) -> Reply {
    let Some(portal) = asked.portal else { return said("This room is joined to no chat.".to_owned()) };
    let is_own = match &portal.relay {
        Relay::Login(id) => desk.logins.of(asked.sender).contains(id),
        Relay::Off => return said("Nobody speaks in this room for people without an account.".to_owned()),
        Relay::Configured => false,
    };
    if !is_own && asked.level < Level::Admin {
        return said(
            "The account that speaks here for others is not yours. Ask its owner, or an admin of the bridge."
                .to_owned(),
        );
    }
    Reply {
        words: "Nobody speaks in this room any more for people without an account.".to_owned(),
        effect: Some(Effect::Relay(Relay::Off)),
    }
}
