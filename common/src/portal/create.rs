//! How a remote chat gets its room.
//!
//! Making a room cannot be repeated by transaction id, so its alias is the key: derived from the chat, taken in the same request. After a
//! crash the alias leads back to the room that was made. The bridge bot makes every room (room version 12 gives the creator power for ever).

use std::sync::Arc;

use futures_util::future::BoxFuture;
use ruma::{OwnedRoomId, RoomId};
use serde_json::{Value, json};

use super::{Portals, backfill::Filling, owners::functional_members, privacy};
use crate::{
    homeserver::{CreateRoom, HomeserverError, InitialState, SendState, tolerate},
    ids::{LoginId, RemoteChatId},
    media,
    message::{ChatInfo, ChatKind, clean_name},
    platform::{PlatformError, Session, Until},
    puppet::PuppetError,
    steps::{Step, reached},
    store::{PortalRow, PortalState, StoreError},
};

/// Spaces within spaces are followed this far up.
const PARENTS_MAX: usize = 4;

/// What says which network and chat a room belongs to, in both spellings, since clients know one or the other.
pub(super) const BRIDGE_TYPES: [&str; 2] = ["m.bridge", "uk.half-shot.bridge"];

/// Longer topics are cut.
const TOPIC_CHARS_MAX: usize = 1_000;

/// Why a chat has no room.
#[derive(Debug, thiserror::Error)]
pub(super) enum CreateError {
    /// The network says that there is no such chat, or that we may not see it.
    #[error("the chat is not there any more, or this account may not see it")]
    NoChat,
    /// The network could not be asked.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The homeserver did not do it.
    #[error(transparent)]
    Homeserver(#[from] HomeserverError),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A ghost whose words are brought in is not ready.
    #[error(transparent)]
    Puppet(#[from] PuppetError),
    /// A message cannot be written down.
    #[error("a message cannot be stored: {0}")]
    Unwritable(String),
}

impl Portals {
    /// Makes the room of a chat, the space above it, and brings in what was said before. Does nothing when all that is done already.
    pub(super) async fn create(&self, wanted: Wanted<'_>) -> Result<Arc<PortalRow>, CreateError> {
        self.create_below(wanted).await
    }

    /// Shows what changed about a chat in its room, if it has one.
    pub(super) async fn update_info(
        &self,
        portal: &PortalRow,
        info: &ChatInfo,
        session: &dyn Session,
    ) -> Result<(), CreateError> {
        let Some(room_id) = portal.room_id.as_deref() else { return Ok(()) };
        if portal.state == PortalState::Unbridged {
            self.mark_bridged(room_id, portal).await?;
        }
        match portal.state {
            PortalState::Filling | PortalState::Active => {}
            PortalState::Gone | PortalState::Unbridged => {
                self.set_portal_state(&portal.chat, PortalState::Active).await?;
            }
        }
        if portal.plumbed {
            // The looks of a room that was there before are its people's own.
            return Ok(());
        }
        let mut row = self.follow_parent(portal, room_id, info, session).await?;
        if row.private != info.private {
            let space = match &row.parent {
                Some(parent) => self.by_chat(parent).await?.and_then(|space| space.room_id.clone()),
                None => None,
            };
            self.set_privacy(portal, room_id, info, space.as_deref()).await?;
            row.private = info.private;
        }
        let (name, topic) = (shown_name(info), shown_topic(info));
        if row.name != name {
            let content = json!({ "name": name.as_deref().unwrap_or_default() });
            self.set_state(room_id, "m.room.name", "", &content).await?;
            row.name = name;
        }
        if row.topic != topic {
            let content = json!({ "topic": topic.as_deref().unwrap_or_default() });
            self.set_state(room_id, "m.room.topic", "", &content).await?;
            row.topic = topic;
        }
        let avatar = self.avatar(info, session).await.map(String::from);
        if avatar.is_some() && row.avatar_mxc != avatar {
            self.set_state(room_id, "m.room.avatar", "", &json!({ "url": avatar })).await?;
            row.avatar_mxc = avatar;
        }
        if row != *portal {
            // Nothing but the looks: a command may have changed the rest meanwhile.
            self.parts.store.save_portal_looks(&row).await?;
            self.refresh(&row.chat).await?;
        }
        Ok(())
    }

    fn create_below<'a>(&'a self, wanted: Wanted<'a>) -> BoxFuture<'a, Result<Arc<PortalRow>, CreateError>> {
        Box::pin(async move {
            let parent = self.parent(&wanted).await?;
            // Rooms of chats are made by their own lane alone; a space can be wanted by many lanes at once. Filling one may make an
            // account's own space, which wants the same lock: it is given back before.
            let alone = match wanted.info.kind {
                ChatKind::Space => Some(self.creating_space.lock().await),
                ChatKind::Direct | ChatKind::Group | ChatKind::Broadcast => None,
            };
            // A person's own room may just be becoming this chat's.
            let unbound = match wanted.info.kind {
                ChatKind::Direct => Some(self.binding.read().await),
                ChatKind::Space | ChatKind::Group | ChatKind::Broadcast => None,
            };
            if let Some(portal) = self.by_chat(wanted.chat).await?
                && let Some(room_id) = portal.room_id.as_deref()
            {
                drop((alone, unbound));
                return self.fill(&wanted, &portal, room_id).await;
            }
            let (room_id, row) = self.make(&wanted, parent.as_deref()).await?;
            reached(Step::RoomCreated);
            if let Some(space) = parent {
                // A space that is gone or no longer ours must not keep people from talking.
                tolerate(self.put_into(&space, &room_id).await, "A room stays outside its space.")?;
            }
            let portal = self.save(row).await?;
            drop((alone, unbound));
            tracing::info!(room = %room_id, "Made a room for a chat.");
            self.fill(&wanted, &portal, &room_id).await
        })
    }

    /// Brings in what was said before, then lets people in.
    async fn fill(
        &self,
        wanted: &Wanted<'_>,
        portal: &Arc<PortalRow>,
        room_id: &RoomId,
    ) -> Result<Arc<PortalRow>, CreateError> {
        if portal.state != PortalState::Filling {
            return Ok(portal.clone());
        }
        let Wanted { chat, login, info, session, until, .. } = *wanted;
        if let Some(until) = until {
            Filling { chat, room_id, login, session, until }.fill(self).await?;
        }
        for user_id in self.invited(info, login) {
            self.ask_in(room_id, &user_id).await?;
        }
        if self.parts.logins.is_owned(login) {
            self.bring_owner(portal, login, info.with.as_ref()).await?;
        }
        let active = self.set_portal_state(chat, PortalState::Active).await?;
        Ok(active.unwrap_or_else(|| portal.clone()))
    }

    /// The space above a room that is wanted.
    pub(super) async fn parent(&self, wanted: &Wanted<'_>) -> Result<Option<OwnedRoomId>, CreateError> {
        let Some(parent) = &wanted.info.parent else { return Ok(None) };
        if let Some(known) = self.by_chat(parent).await?
            && known.room_id.is_some()
        {
            return Ok(known.room_id.clone());
        }
        if wanted.depth >= PARENTS_MAX {
            return Ok(None);
        }
        let Some(info) = wanted.session.chat(parent).await? else { return Ok(None) };
        let above = Wanted { chat: parent, info: &info, until: None, depth: wanted.depth + 1, ..*wanted };
        Ok(self.create_below(above).await?.room_id.clone())
    }

    async fn make(
        &self,
        wanted: &Wanted<'_>,
        space: Option<&RoomId>,
    ) -> Result<(OwnedRoomId, PortalRow), CreateError> {
        let Wanted { chat, login, info, session, until, .. } = *wanted;
        // Whoever has an account of their own is brought in when the room is ready.
        let is_owned = self.parts.logins.is_owned(login);
        let is_filled = is_owned || (until.is_some() && session.history().is_some());
        let avatar = self.avatar(info, session).await;
        let row = PortalRow {
            parent: info.parent.as_ref().map(|parent| self.today(parent)),
            login: Some(login.clone()),
            name: shown_name(info),
            topic: shown_topic(info),
            avatar_mxc: avatar.as_ref().map(ToString::to_string),
            state: if is_filled { PortalState::Filling } else { PortalState::Active },
            private: info.private,
            ..PortalRow::new(chat.clone(), info.kind)
        };
        let alias = self.parts.names.alias_localpart(chat);
        let request = CreateRoom {
            name: row.name.clone(),
            topic: row.topic.clone(),
            avatar,
            alias_localpart: Some(alias.clone()),
            invite: if is_filled { Vec::new() } else { self.invited(info, login) },
            is_direct: info.kind == ChatKind::Direct,
            space: info.kind == ChatKind::Space,
            initial_state: self.initial_state(chat, info, space),
            ..CreateRoom::default()
        };
        let room_id = self.create_once(&request, &alias).await?;
        Ok((room_id.clone(), PortalRow { room_id: Some(room_id), ..row }))
    }

    pub(super) async fn put_into(
        &self,
        space: &OwnedRoomId,
        room_id: &OwnedRoomId,
    ) -> Result<(), HomeserverError> {
        let via = [self.parts.names.server_name()];
        self.set_state(space, "m.space.child", room_id.as_str(), &json!({ "via": via })).await?;
        let parent = json!({ "via": via, "canonical": true });
        self.set_state(room_id, "m.space.parent", space.as_str(), &parent).await
    }

    pub(super) async fn set_state(
        &self,
        room_id: &RoomId,
        event_type: &str,
        state_key: &str,
        content: &Value,
    ) -> Result<(), HomeserverError> {
        let state = SendState { room_id, event_type, state_key, content };
        self.parts.homeserver.bot().send_state(state).await.map(drop)
    }

    async fn avatar(&self, info: &ChatInfo, session: &dyn Session) -> Option<ruma::OwnedMxcUri> {
        let file = info.avatar.as_ref()?;
        media::copy_picture(&self.parts.store, &self.parts.homeserver, session, file).await
    }

    /// Which network and chat a room belongs to, with the state key under which that stands (MSC2346).
    pub(super) fn bridge_info(
        &self,
        chat: &RemoteChatId,
        name: Option<&str>,
        kind: ChatKind,
    ) -> (String, Value) {
        let about = self.parts.settings.about;
        let bot = self.parts.names.bot();
        let content: Value = json!({
            "bridgebot": bot,
            "creator": bot,
            "protocol": { "id": about.id, "displayname": about.name },
            "channel": { "id": chat, "displayname": name },
            "com.beeper.room_type": room_type(kind),
        });
        (format!("app.magpie.{}://{}/{chat}", about.id, about.id), content)
    }

    /// Who may join, and which network and chat the room belongs to.
    fn initial_state(
        &self,
        chat: &RemoteChatId,
        info: &ChatInfo,
        space: Option<&RoomId>,
    ) -> Vec<InitialState> {
        let (state_key, content) = self.bridge_info(chat, shown_name(info).as_deref(), info.kind);
        let bot = self.parts.names.bot();
        let mut state = BRIDGE_TYPES
            .map(|event_type| InitialState {
                event_type: event_type.to_owned(),
                state_key: state_key.clone(),
                content: content.clone(),
            })
            .to_vec();
        if info.kind == ChatKind::Direct {
            state.push(InitialState {
                event_type: "io.element.functional_members".to_owned(),
                state_key: String::new(),
                content: functional_members(bot),
            });
        }
        state.push(InitialState {
            event_type: "m.room.join_rules".to_owned(),
            state_key: String::new(),
            content: privacy::join_rules(info, space),
        });
        state
    }
}

/// A room that is wanted.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) chat: &'a RemoteChatId,
    pub(super) login: &'a LoginId,
    /// How the chat looks.
    pub(super) info: &'a ChatInfo,
    pub(super) session: &'a dyn Session,
    /// Where the history that is brought in ends; without, none is.
    pub(super) until: Option<&'a Until>,
    /// How many spaces below the room that was wanted first; 0 for that itself.
    pub(super) depth: usize,
}

fn shown_name(info: &ChatInfo) -> Option<String> {
    info.name.as_deref().map(clean_name).filter(|name| !name.is_empty())
}

fn shown_topic(info: &ChatInfo) -> Option<String> {
    let topic: String =
        info.topic.as_deref()?.chars().filter(|c| !c.is_control()).take(TOPIC_CHARS_MAX).collect();
    (!topic.is_empty()).then_some(topic)
}

fn room_type(kind: ChatKind) -> &'static str {
    match kind {
        ChatKind::Direct => "dm",
        ChatKind::Group | ChatKind::Broadcast => "group_dm",
        ChatKind::Space => "space",
    }
}
