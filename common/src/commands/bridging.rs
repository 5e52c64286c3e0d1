//! `bridge` and `unbridge`: which chats have rooms.

use futures_util::FutureExt;

use super::{Asked, Command, Desk, said};
use crate::{
    config::Level,
    ids::{LoginId, RemoteChatId},
    message::{ChatChange, ChatInfo, CreateWhen, RemoteEvent, SessionState, Wire},
    platform::Session,
    portal::{Effect, Observed, Reply},
    store::{PushOrder, RemoteRow, StoreError},
};

pub(super) const BRIDGE: Command = Command {
    name: "bridge",
    arguments: "<chat id>",
    help: "Makes the room of a chat, or joins an unbridged one to its room again.",
    level: Level::Admin,
    effect: |desk, asked| async move { bridge(desk, asked).await.map(said) }.boxed(),
};

pub(super) const UNBRIDGE: Command = Command {
    name: "unbridge",
    arguments: "",
    help: "Separates this room from its chat.",
    level: Level::Admin,
    effect: |desk, asked| async move { unbridge(desk, asked).await }.boxed(),
};

async fn bridge(desk: &Desk, asked: Asked<'_>) -> Result<String, StoreError> {
    let name = desk.about.name;
    let chat = match asked.arguments {
        // Within its own room nobody needs to know the id.
        "" => desk.store.portal_by_room(asked.room_id).await?.map(|portal| portal.chat),
        id => Some(RemoteChatId::new(id)),
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
    let event = RemoteEvent::ChatChanged { chat: chat.clone(), change };
    let body = Wire::write(&Observed { login: login.clone(), event })
        .map_err(|error| StoreError::Refused(error.to_string()))?;
    let row = RemoteRow {
        lane: chat.as_str().into(),
        guard: None,
        sender: Some(session.me()),
        sent_ms: desk.clock.now_ms(),
        body,
        cursor: None,
        held: false,
    };
    desk.store.push(row, &PushOrder::default()).await.stored().await?;
    Ok(words)
}

async fn unbridge(desk: &Desk, asked: Asked<'_>) -> Result<Reply, StoreError> {
    let Some(portal) = desk.store.portal_by_room(asked.room_id).await? else {
        return Ok(said("This room is joined to no chat.".to_owned()));
    };
    let (name, prefix) = (desk.about.name, &desk.prefix);
    let words = format!(
        "This room and its chat on {name} go separate ways now. `{prefix} bridge {}` joins them again.",
        portal.chat
    );
    Ok(Reply { words, effect: Some(Effect::Unbridge) })
}
