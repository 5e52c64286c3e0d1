//! How a room that a person has made becomes the room of a chat, or the chat gets a room of its own instead.
//!
//! The room is recorded last: what comes before can be done twice, and no message is taken for the chat's while something is missing. What was
//! said before the ghost came in is read then, since homeservers send nothing of a room that nobody of us is in.

use std::time::Duration;

use ruma::OwnedRoomId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Account, BOT_POWER, Event, Meeting, bot_may_act, may_promote};
use crate::{
    homeserver::{HomeserverError, SendState},
    ids::RemoteChatId,
    message::{ChatInfo, ChatKind},
    portal::{Observed, Portals, from_matrix::Stopped, from_remote, owners::functional_members},
    store::{MatrixEvent, Outcome, PortalRow, PortalState},
};

/// For so long the room of a new chat is waited for, and so often is looked.
const ROOM_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// So many events of the person are looked through for what they said before the ghost came in.
const SAID_BEFORE_MAX: u32 = 50;

/// What became of a room.
pub(super) enum Became {
    /// It is the chat's.
    Portal,
    /// The chat has a room.
    Taken,
    /// The bot cannot do there what it must.
    Unfit,
}

impl Meeting<'_> {
    /// Makes the room the chat's, unless the chat has one.
    pub(super) async fn become_portal(
        &self,
        portals: &Portals,
        account: &Account,
        (chat, info): (&RemoteChatId, &ChatInfo),
    ) -> Result<Became, Stopped> {
        // The chat's own lane may be about to make a room for it.
        let _alone = portals.binding.write().await;
        if room_of(portals, chat).await?.is_some() {
            return Ok(Became::Taken);
        }
        if !self.bring_bot(portals).await? {
            return Ok(Became::Unfit);
        }
        let room_id = &self.event.room_id;
        let row = PortalRow {
            room_id: Some(room_id.clone()),
            login: Some(account.login.clone()),
            name: info.name.clone(),
            private: info.private,
            plumbed: true,
            ..PortalRow::new(chat.clone(), info.kind)
        };
        portals.leave_former_room(chat, room_id).await?;
        portals.mark_bridged(room_id, &row).await?;
        if info.kind == ChatKind::Direct {
            let members = functional_members(portals.parts.names.bot());
            portals.set_state(room_id, "io.element.functional_members", "", &members).await?;
        }
        portals.bring_owner(&row, &account.login, Some(self.user)).await.or_else(passing)?;
        portals.note_seeing(chat, &account.login).await?;
        portals.save(row).await?;
        tracing::info!(room = %room_id, "Somebody's direct chat became a chat's room.");
        Ok(Became::Portal)
    }

    /// Lets the chat's own lane make a room, and leads the person there.
    pub(super) async fn open_elsewhere(
        &self,
        portals: &Portals,
        account: &Account,
        (chat, info): (&RemoteChatId, ChatInfo),
        why: &str,
    ) -> Result<Outcome, Stopped> {
        let mut room = room_of(portals, chat).await?;
        if room.is_none() {
            let wanted = Observed::wanted(account.login.clone(), chat.clone(), info);
            let by = Some(account.session.me());
            let now_ms = portals.parts.clock.now_ms();
            wanted.happens(&portals.parts.store, (chat, by), now_ms).await?;
            room = wait_for_room(portals, chat).await?;
        }
        let words = match &room {
            Some(room_id) => {
                portals.ask_in(room_id, &self.event.sender).await.or_else(passing)?;
                format!("{why} This chat has a room: https://matrix.to/#/{room_id}")
            }
            None => format!("{why} A room for this chat is being made, and you will be invited to it."),
        };
        self.say(portals, words.trim_start()).await?;
        self.leave(portals, None).await?;
        Ok(Outcome::Delivered)
    }

    /// Brings the bot in, with the power that it needs. Whether it has that.
    async fn bring_bot(&self, portals: &Portals) -> Result<bool, HomeserverError> {
        let (room_id, bot) = (&self.event.room_id, portals.parts.names.bot());
        let ghost = portals.parts.homeserver.intent(self.ghost);
        match ghost.invite(room_id, bot).await {
            // Inside already.
            Err(HomeserverError::Forbidden(_)) => {}
            invited => invited?,
        }
        match portals.parts.homeserver.bot().join(room_id).await {
            Err(HomeserverError::Forbidden(_)) => return Ok(false),
            joined => joined?,
        }
        let powers = ghost.powers(room_id).await?;
        if bot_may_act(&powers, bot) {
            return Ok(true);
        }
        let levels = ghost.state_event(room_id, "m.room.power_levels", "").await?;
        let levels = levels.and_then(|levels| serde_json::from_str::<Value>(levels.get()).ok());
        let Some(mut levels) = levels.filter(|levels| levels.is_object() && may_promote(&powers, self.ghost))
        else {
            return Ok(false);
        };
        if !levels["users"].is_object() {
            levels["users"] = json!({});
        }
        levels["users"][bot.as_str()] = BOT_POWER.into();
        let state = SendState { room_id, event_type: "m.room.power_levels", state_key: "", content: &levels };
        match ghost.send_state(state).await {
            Err(HomeserverError::Forbidden(_)) => Ok(false),
            set => set.map(|_| true),
        }
    }

    /// Takes in what the person said between the invitation and now. What came by itself is known by its id.
    pub(super) async fn hear_what_was_said(&self, portals: &Portals) -> Result<(), Stopped> {
        let (room_id, person) = (&self.event.room_id, &self.event.sender);
        let ghost = portals.parts.homeserver.intent(self.ghost);
        let recent = match ghost.recent_messages(room_id, person, SAID_BEFORE_MAX).await {
            Err(error) if error.is_transient() => return Err(error.into()),
            // Where the past is hidden, nothing can be read.
            recent => recent.unwrap_or_default(),
        };
        let mut events: Vec<MatrixEvent> =
            recent.iter().map_while(|raw| said_since(portals, raw.get(), self)).flatten().collect();
        events.reverse();
        if !events.is_empty() {
            portals.parts.store.accept(events).await?;
        }
        Ok(())
    }
}

/// Reads an event of the past: nothing where the invitation is reached, an empty answer for what is no message.
fn said_since(portals: &Portals, raw: &str, meeting: &Meeting<'_>) -> Option<Option<MatrixEvent>> {
    #[derive(Deserialize)]
    struct Head {
        event_id: String,
        #[serde(rename = "type")]
        event_type: String,
        origin_server_ts: i64,
        #[serde(default)]
        state_key: Option<String>,
        #[serde(default)]
        content: Value,
    }
    let Ok(head) = serde_json::from_str::<Head>(raw) else { return Some(None) };
    if head.event_id == meeting.event.event_id.as_str() {
        return None;
    }
    let Event { room_id, sender, .. } = meeting.event;
    // What we have said for the person ourselves is on the network.
    let is_ours = portals.parts.doubles.is_marked(&head.content, room_id, sender);
    let is_said = matches!(&*head.event_type, "m.room.message" | "m.sticker") && head.state_key.is_none();
    let is_said = is_said && !is_ours;
    Some(is_said.then(|| MatrixEvent {
        event_id: head.event_id,
        room_id: meeting.event.room_id.to_string(),
        sender: meeting.event.sender.to_string(),
        sent_ms: head.origin_server_ts,
        lane: meeting.event.room_id.as_str().into(),
        body: raw.to_owned(),
        parked: None,
    }))
}

/// The room in which a chat goes on.
async fn room_of(portals: &Portals, chat: &RemoteChatId) -> Result<Option<OwnedRoomId>, Stopped> {
    let portal = portals.parts.store.portal_by_chat(chat).await?;
    Ok(portal.filter(|portal| portal.state != PortalState::Unbridged).and_then(|portal| portal.room_id))
}

async fn wait_for_room(portals: &Portals, chat: &RemoteChatId) -> Result<Option<OwnedRoomId>, Stopped> {
    let made = async {
        loop {
            match room_of(portals, chat).await {
                Ok(None) => tokio::time::sleep(LOOK_EVERY).await,
                found => break found,
            }
        }
    };
    tokio::time::timeout(ROOM_WITHIN, made).await.unwrap_or(Ok(None))
}

/// What people find in Matrix besides holds nothing up unless it can succeed later.
fn passing(error: from_remote::Stopped) -> Result<(), Stopped> {
    match error {
        from_remote::Stopped::Homeserver(error) => Err(error.into()),
        from_remote::Stopped::Store(error) => Err(error.into()),
        error => {
            tracing::warn!(%error, "A room is not quite as it should be.");
            Ok(())
        }
    }
}
