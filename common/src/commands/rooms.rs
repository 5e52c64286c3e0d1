//! Which chats have rooms: `create-portal`, `bridge`, `unbridge`, `delete-portal` and `delete-all-portals`.

use std::sync::Arc;

use futures_util::FutureExt;
use ruma::{OwnedRoomId, RoomId};

use super::{
    Asked, Command, Desk, Place, Section,
    arguments::{Argument, Kind, Needed},
    bridging::happens,
    said,
};
use crate::{
    config::Level,
    homeserver::{Deed, HomeserverError},
    ids::{LoginId, RemoteChatId},
    login::Lent,
    message::{ChatChange, ChatInfo, ChatKind},
    platform::Session,
    portal::{Effect, Observed, Reply},
    store::{PortalRow, PortalState, StoreError},
};

const CHAT: Argument = Argument { name: "chat id", kind: Kind::Word, needed: Needed::Always };
const OWN_CHAT: Argument = Argument { name: "chat id", kind: Kind::Word, needed: Needed::No };
const CONFIRM: Argument = Argument { name: "confirm", kind: Kind::Word, needed: Needed::No };

/// So many portals are read at once.
const PAGE: u32 = 200;

pub(super) const CREATE_PORTAL: Command = Command {
    name: "create-portal",
    aliases: &["create"],
    section: Section::Rooms,
    arguments: &[CHAT],
    help: "Makes a room for a chat that has none.",
    example: "create-portal 123456789",
    level: Level::User,
    place: Place::Anywhere,
    effect: |desk, asked| async move { create(desk, asked).await.map(said) }.boxed(),
};

pub(super) const BRIDGE: Command = Command {
    name: "bridge",
    aliases: &["plumb"],
    section: Section::Rooms,
    arguments: &[OWN_CHAT],
    help: "Joins this room to a chat, or an unbridged one to its chat again.",
    example: "bridge 123456789",
    level: Level::User,
    place: Place::Anywhere,
    effect: |desk, asked| async move { bridge(desk, asked).await }.boxed(),
};

pub(super) const UNBRIDGE: Command = Command {
    name: "unbridge",
    aliases: &[],
    section: Section::Rooms,
    arguments: &[],
    help: "Separates this room from its chat. Both stay; the network's people leave the room.",
    example: "unbridge",
    level: Level::Admin,
    place: Place::Portal,
    effect: |desk, _| async move { Ok(unbridge(desk)) }.boxed(),
};

pub(super) const DELETE_PORTAL: Command = Command {
    name: "delete-portal",
    aliases: &[],
    section: Section::Rooms,
    arguments: &[CONFIRM],
    help: "Takes everybody out of this room and forgets it. The chat stays; its next message makes a new room.",
    example: "delete-portal confirm",
    level: Level::Admin,
    place: Place::Portal,
    effect: |desk, asked| async move { delete(desk, asked).await }.boxed(),
};

pub(super) const DELETE_ALL_PORTALS: Command = Command {
    name: "delete-all-portals",
    aliases: &[],
    section: Section::Rooms,
    arguments: &[CONFIRM],
    help: "Does to all rooms of this bridge what `delete-portal` does to one.",
    example: "delete-all-portals confirm",
    level: Level::Admin,
    place: Place::Private,
    effect: |desk, asked| async move { delete_all(desk, asked).await }.boxed(),
};

/// A chat as an account sees it.
struct Seen {
    login: LoginId,
    session: Arc<dyn Session>,
    info: ChatInfo,
}

/// The chat as an account of whoever asks sees it, or the bridge's own. What that alone sees of hidden chats is for those who run the bridge;
/// nobody looks through somebody else's account.
async fn see(desk: &Desk, asked: Asked<'_>, chat: &RemoteChatId) -> Result<Seen, String> {
    let name = desk.about.name;
    for login in desk.logins.usable_by(asked.sender, Lent::Yes) {
        let Some(session) = desk.logins.session(&login) else { continue };
        match session.chat(chat).await {
            Ok(Some(info)) if may_see(desk, asked, &login, &info) => {
                return Ok(Seen { login, session, info });
            }
            Ok(_) => {}
            Err(error) => return Err(format!("{name} could not be asked about that chat: {error}")),
        }
    }
    Err(format!("No connected account sees a chat {chat} on {name}."))
}

fn may_see(desk: &Desk, asked: Asked<'_>, login: &LoginId, info: &ChatInfo) -> bool {
    let is_hidden = info.private || info.kind == ChatKind::Direct;
    !is_hidden || !desk.logins.is_configured(login) || asked.level >= Level::Admin
}

async fn create(desk: &Desk, asked: Asked<'_>) -> Result<String, StoreError> {
    let chat = RemoteChatId::new(asked.given.word().unwrap_or_default());
    if let Some(room_id) = room_of(desk, &chat).await? {
        return Ok(format!("That chat has a room: https://matrix.to/#/{room_id}"));
    }
    match see(desk, asked, &chat).await {
        Ok(seen) => begin(desk, &chat, seen).await,
        Err(words) => Ok(words),
    }
}

/// The room in which a chat goes on.
async fn room_of(desk: &Desk, chat: &RemoteChatId) -> Result<Option<OwnedRoomId>, StoreError> {
    let portal = desk.store.portal_by_chat(chat).await?;
    Ok(portal.filter(|portal| portal.state != PortalState::Unbridged).and_then(|portal| portal.room_id))
}

/// Whether another room is said to take the place of one; only who has the power there can say so.
async fn is_closed(desk: &Desk, room_id: &RoomId) -> bool {
    matches!(desk.homeserver.bot().state_event(room_id, "m.room.tombstone", "").await, Ok(Some(_)))
}

/// Lets the chat's own lane make the room, like anything else that happens there.
async fn begin(desk: &Desk, chat: &RemoteChatId, seen: Seen) -> Result<String, StoreError> {
    let Seen { login, session, info } = seen;
    let words = format!("The room of “{}” is being made.", info.name.as_deref().unwrap_or(chat.as_str()));
    let wanted = Observed::wanted(login, chat.clone(), info);
    wanted.happens(&desk.store, (chat, Some(session.me())), desk.clock.now_ms()).await?;
    Ok(words)
}

async fn bridge(desk: &Desk, asked: Asked<'_>) -> Result<Reply, StoreError> {
    let (name, prefix) = (desk.about.name, &desk.prefix);
    let given = asked.given.word().map(RemoteChatId::new);
    let here = desk.store.portal_by_room(asked.room_id).await?;
    let chat = match (&here, given) {
        (Some(portal), given) if portal.state == PortalState::Unbridged => {
            if given.as_ref().is_some_and(|given| *given != portal.chat) {
                return Ok(said(format!(
                    "This room belongs to the chat {}, and can be joined to that again.",
                    portal.chat
                )));
            }
            if asked.level < Level::Admin {
                return Ok(said("Only an admin of the bridge can join it again.".to_owned()));
            }
            return Ok(said(match see(desk, asked, &portal.chat).await {
                Ok(seen) => begin(desk, &portal.chat, seen).await?,
                Err(words) => words,
            }));
        }
        (Some(portal), _) => {
            return Ok(said(format!(
                "This room is joined to the chat {} already. `{prefix} unbridge` separates them.",
                portal.chat
            )));
        }
        (None, None) => {
            return Ok(said(format!("Say which chat: `{prefix} bridge <chat id>`, with its id on {name}.")));
        }
        (None, Some(chat)) => chat,
    };
    if desk.store.is_management_room(asked.room_id).await? {
        return Ok(said(format!(
            "This is your room with me. `{prefix} create-portal {chat}` makes a room for the chat; `bridge` joins it to a room that is \
             there, and is given in that room."
        )));
    }
    if let Some(room_id) = room_of(desk, &chat).await?
        && !is_closed(desk, &room_id).await
    {
        return Ok(said(format!(
            "That chat has a room already: https://matrix.to/#/{room_id}. `{prefix} unbridge` there frees it."
        )));
    }
    if let Some(words) = lacking(desk, asked).await {
        return Ok(said(words));
    }
    match see(desk, asked, &chat).await {
        Ok(seen) => Ok(plumbed(asked, &chat, seen)),
        Err(words) => Ok(said(words)),
    }
}

fn plumbed(asked: Asked<'_>, chat: &RemoteChatId, Seen { login, info, .. }: Seen) -> Reply {
    let words = format!(
        "This room and “{}” are one conversation now.",
        info.name.as_deref().unwrap_or(chat.as_str())
    );
    let row = PortalRow {
        room_id: Some(asked.room_id.to_owned()),
        login: Some(login),
        name: info.name,
        private: info.private,
        plumbed: true,
        ..PortalRow::new(chat.clone(), info.kind)
    };
    Reply { words, effect: Some(Effect::Plumb(Box::new(row))) }
}

/// What the room or somebody in it lacks, in words.
async fn lacking(desk: &Desk, asked: Asked<'_>) -> Option<String> {
    let bot = desk.homeserver.bot();
    let looked = async {
        let powers = bot.powers(asked.room_id).await?;
        let encryption = bot.state_event(asked.room_id, "m.room.encryption", "").await?;
        Ok::<_, HomeserverError>((powers, encryption.is_some()))
    };
    let (powers, is_encrypted) = match looked.await {
        Ok(looked) => looked,
        Err(error) => return Some(format!("I could not see who may do what here: {error}")),
    };
    if is_encrypted {
        return Some(
            "This room is encrypted, and I cannot read it. Use a room without encryption.".to_owned(),
        );
    }
    let state = Deed::SetState("m.bridge");
    if !powers.allows(asked.sender, state) {
        return Some(format!(
            "You may not change this room's settings, so you may not join it to a chat. That needs the power level {}.",
            powers.needed(state)
        ));
    }
    for (deed, what) in [
        (state, "change the room's settings"),
        (Deed::Invite, "invite people"),
        (Deed::Redact, "delete messages"),
    ] {
        if !powers.allows(desk.names.bot(), deed) {
            return Some(format!(
                "I may not {what} here. Give me the power level {} (most clients: in the room's settings, under roles), and try again.",
                powers.needed(deed)
            ));
        }
    }
    None
}

fn unbridge(desk: &Desk) -> Reply {
    let (name, prefix) = (desk.about.name, &desk.prefix);
    let words =
        format!("This room and its chat on {name} go separate ways now. `{prefix} bridge` joins them again.");
    Reply { words, effect: Some(Effect::Unbridge) }
}

async fn delete(desk: &Desk, asked: Asked<'_>) -> Result<Reply, StoreError> {
    let Some(portal) = asked.portal else { return Ok(said("This room is joined to no chat.".to_owned())) };
    let (name, prefix) = (desk.about.name, &desk.prefix);
    if asked.given.word() != Some("confirm") {
        return Ok(said(match portal.plumbed {
            true => format!(
                "This separates the room from its chat on {name}; the room stays. `{prefix} delete-portal confirm` does it."
            ),
            false => format!(
                "This takes everybody out of this room, and what was said stays with nobody. The chat on {name} stays as it is. \
                 `{prefix} delete-portal confirm` does it."
            ),
        }));
    }
    forget(desk, portal).await?;
    Ok(said("It is done in a moment.".to_owned()))
}

/// Lets the chat's own lane do it, between one message and the next.
async fn forget(desk: &Desk, portal: &PortalRow) -> Result<(), StoreError> {
    let login = portal.login.clone().unwrap_or_else(|| LoginId::new(""));
    happens(desk, &login, (&portal.chat, ChatChange::Forgotten), None).await
}

async fn delete_all(desk: &Desk, asked: Asked<'_>) -> Result<Reply, StoreError> {
    let mut portals: Vec<PortalRow> = Vec::new();
    loop {
        let page = desk.store.portals(PAGE, portals.last().map(|portal| &portal.chat)).await?;
        let is_last = page.len() < PAGE as usize;
        portals.extend(page);
        if is_last {
            break;
        }
    }
    let (count, prefix) = (portals.len(), &desk.prefix);
    if asked.given.word() != Some("confirm") {
        return Ok(said(format!(
            "This takes everybody out of all {count} rooms of this bridge. `{prefix} delete-all-portals confirm` does it."
        )));
    }
    for portal in &portals {
        forget(desk, portal).await?;
    }
    Ok(said(format!("{count} rooms are being deleted.")))
}
