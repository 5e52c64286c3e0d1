//! Portals: a Matrix room joined to a remote chat.

use std::collections::BTreeMap;

use ruma::{OwnedRoomId, RoomId};

use super::{
    Store, StoreError,
    operation::Step,
    value::{Row, Value},
};
use crate::{
    ids::{LoginId, RemoteChatId},
    message::{ChatKind, RoomTemplates, Template, TemplateKind},
};

macro_rules! columns {
    () => {
        "chat, room_id, parent, login, kind, name, topic, avatar_mxc, info_fingerprint, state, private, relay, \
         plumbed, relay_templates"
    };
}

/// Under whichever id the chat is asked for that it has had.
pub(super) const BY_CHAT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM portal WHERE chat = COALESCE((SELECT moved.chat FROM chat_moved moved WHERE moved.old = $1), $1)"
);
pub(super) const BY_ROOM: &str = concat!("SELECT ", columns!(), " FROM portal WHERE room_id = $1");
pub(super) const PAGE: &str =
    concat!("SELECT ", columns!(), " FROM portal WHERE chat > $1 ORDER BY chat LIMIT $2");
const SAVE: &str = concat!(
    "INSERT INTO portal (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (chat) DO UPDATE SET \
     room_id = excluded.room_id, parent = excluded.parent, login = excluded.login, kind = excluded.kind, \
     name = excluded.name, topic = excluded.topic, avatar_mxc = excluded.avatar_mxc, \
     info_fingerprint = excluded.info_fingerprint, state = excluded.state, private = excluded.private, \
     relay = excluded.relay, plumbed = excluded.plumbed, relay_templates = excluded.relay_templates"
);

const SAVE_LOOKS: &str = "UPDATE portal SET name = $3, topic = $4, avatar_mxc = $5, private = $6, parent = $7 \
     WHERE chat = $1 AND room_id = $2";

/// A portal as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalRow {
    /// The remote chat.
    pub chat: RemoteChatId,
    /// The Matrix room, once it exists.
    pub room_id: Option<OwnedRoomId>,
    /// The chat of the space that holds it.
    pub parent: Option<RemoteChatId>,
    /// The login through which the chat is seen.
    pub login: Option<LoginId>,
    /// What sort of chat.
    pub kind: ChatKind,
    /// The name that the room was given.
    pub name: Option<String>,
    /// The topic that the room was given.
    pub topic: Option<String>,
    /// The picture that the room was given.
    pub avatar_mxc: Option<String>,
    /// What the chat looked like when the room was last brought up to date.
    pub info_fingerprint: Option<String>,
    /// Whether the chat still exists.
    pub state: PortalState,
    /// Whether the chat is hidden from most people of its space.
    pub private: bool,
    /// Who speaks for people without an account of their own.
    pub relay: Relay,
    /// Whether the room was there before the chat came to it, so that its looks are its people's own.
    pub plumbed: bool,
    /// What is said here for people without an account, in the place of the bridge's templates.
    pub relay_templates: RoomTemplates,
}

/// Who speaks in a chat for people without an account of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Relay {
    /// The account that the configuration names, where the chat is seen by it.
    #[default]
    Configured,
    /// Nobody.
    Off,
    /// This account.
    Login(LoginId),
}

impl Relay {
    pub(super) fn to_column(&self) -> Value {
        match self {
            Self::Configured => Value::Null,
            Self::Off => "".into(),
            Self::Login(login) => login.as_str().into(),
        }
    }

    fn from_column(column: Option<String>) -> Self {
        match column {
            None => Self::Configured,
            Some(id) if id.is_empty() => Self::Off,
            Some(id) => Self::Login(LoginId::new(id)),
        }
    }
}

impl PortalRow {
    /// A chat without a room, of which nothing more is known.
    pub fn new(chat: RemoteChatId, kind: ChatKind) -> Self {
        Self {
            chat,
            room_id: None,
            parent: None,
            login: None,
            kind,
            name: None,
            topic: None,
            avatar_mxc: None,
            info_fingerprint: None,
            state: PortalState::Active,
            private: false,
            relay: Relay::Configured,
            plumbed: false,
            relay_templates: RoomTemplates::default(),
        }
    }
}

/// What becomes of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PortalState {
    /// Messages flow.
    #[default]
    Active,
    /// The chat is gone or the room was left.
    Gone,
    /// The room is being filled with what was said before; nobody is invited yet.
    Filling,
    /// Somebody separated the chat from its room; only a command joins it to a room again.
    Unbridged,
}

impl PortalState {
    const ALL: [Self; 4] = [Self::Active, Self::Gone, Self::Filling, Self::Unbridged];

    pub(super) fn code(self) -> i64 {
        self as i64
    }

    fn from_code(code: i64) -> Result<Self, StoreError> {
        let known = usize::try_from(code).ok().and_then(|index| Self::ALL.get(index).copied());
        known.ok_or_else(|| StoreError::Corrupt(format!("a portal has the unknown state {code}")))
    }
}

impl Store {
    /// The portal of a remote chat.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn portal_by_chat(&self, chat: &RemoteChatId) -> Result<Option<PortalRow>, StoreError> {
        let row = self.0.reader.fetch_one(BY_CHAT, vec![chat.as_str().into()]).await?;
        row.map(portal_row).transpose()
    }

    /// The portal of a Matrix room.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn portal_by_room(&self, room_id: &RoomId) -> Result<Option<PortalRow>, StoreError> {
        let row = self.0.reader.fetch_one(BY_ROOM, vec![room_id.as_str().into()]).await?;
        row.map(portal_row).transpose()
    }

    /// Saves a portal under its chat, in place of what was saved before.
    ///
    /// # Errors
    /// When nothing was stored; [`StoreError::Refused`] when another portal has the room.
    pub async fn save_portal(&self, portal: &PortalRow) -> Result<(), StoreError> {
        let params = vec![
            portal.chat.as_str().into(),
            portal.room_id.as_ref().map(|id| id.as_str()).into(),
            portal.parent.as_ref().map(RemoteChatId::as_str).into(),
            portal.login.as_ref().map(LoginId::as_str).into(),
            kind_code(portal.kind).into(),
            (&portal.name).into(),
            (&portal.topic).into(),
            (&portal.avatar_mxc).into(),
            (&portal.info_fingerprint).into(),
            portal.state.code().into(),
            i64::from(portal.private).into(),
            portal.relay.to_column(),
            i64::from(portal.plumbed).into(),
            templates_column(&portal.relay_templates),
        ];
        self.write(vec![Step { sql: SAVE, params }]).await.map(drop)
    }

    /// Saves how a portal's room looks now, and nothing else of it, unless it has another room meanwhile.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn save_portal_looks(&self, portal: &PortalRow) -> Result<(), StoreError> {
        let params = vec![
            portal.chat.as_str().into(),
            portal.room_id.as_ref().map(|id| id.as_str()).into(),
            (&portal.name).into(),
            (&portal.topic).into(),
            (&portal.avatar_mxc).into(),
            i64::from(portal.private).into(),
            portal.parent.as_ref().map(RemoteChatId::as_str).into(),
        ];
        self.write(vec![Step { sql: SAVE_LOOKS, params }]).await.map(drop)
    }

    /// Portals in the order of their chats, page by page.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn portals(
        &self,
        limit: u32,
        after: Option<&RemoteChatId>,
    ) -> Result<Vec<PortalRow>, StoreError> {
        let params = vec![after.map_or("", RemoteChatId::as_str).into(), i64::from(limit).into()];
        self.0.reader.fetch(PAGE, params).await?.into_iter().map(portal_row).collect()
    }
}

fn portal_row(mut row: Row) -> Result<PortalRow, StoreError> {
    Ok(PortalRow {
        chat: RemoteChatId::new(row.text()?),
        room_id: row.text_or_null()?.map(room_id).transpose()?,
        parent: row.text_or_null()?.map(RemoteChatId::new),
        login: row.text_or_null()?.map(LoginId::new),
        kind: kind(&row.text()?)?,
        name: row.text_or_null()?,
        topic: row.text_or_null()?,
        avatar_mxc: row.text_or_null()?,
        info_fingerprint: row.text_or_null()?,
        state: PortalState::from_code(row.int()?)?,
        private: row.int()? != 0,
        relay: Relay::from_column(row.text_or_null()?),
        plumbed: row.int()? != 0,
        relay_templates: templates(row.text_or_null()?)?,
    })
}

fn room_id(id: String) -> Result<OwnedRoomId, StoreError> {
    OwnedRoomId::try_from(id).map_err(|error| StoreError::Corrupt(format!("a portal's room id: {error}")))
}

/// The texts of a room's own templates by their kinds, as JSON.
pub(super) fn templates_column(templates: &RoomTemplates) -> Value {
    if templates.is_empty() {
        return Value::Null;
    }
    let texts: BTreeMap<&str, &str> =
        templates.iter().map(|(kind, template)| (kind.key(), template.text())).collect();
    Value::Text(serde_json::to_string(&texts).expect("texts have a JSON form"))
}

/// What this version cannot read as a template is left out, since nobody may speak without a name, and the bridge's names them.
fn templates(column: Option<String>) -> Result<RoomTemplates, StoreError> {
    let mut templates = RoomTemplates::default();
    let Some(json) = column else { return Ok(templates) };
    let texts: BTreeMap<String, String> = serde_json::from_str(&json)
        .map_err(|_| StoreError::Corrupt("a portal's templates are no JSON".to_owned()))?;
    for (key, text) in texts {
        let read = TemplateKind::of_key(&key).map(|kind| (kind, Template::read(kind, &text)));
        match read {
            Some((kind, Ok(template))) => templates.set(kind, template),
            _ => tracing::warn!(%key, "A room's own template cannot be read; the bridge's is used."),
        }
    }
    Ok(templates)
}

fn kind_code(kind: ChatKind) -> &'static str {
    match kind {
        ChatKind::Direct => "direct",
        ChatKind::Group => "group",
        ChatKind::Broadcast => "broadcast",
        ChatKind::Space => "space",
    }
}

fn kind(code: &str) -> Result<ChatKind, StoreError> {
    match code {
        "direct" => Ok(ChatKind::Direct),
        "group" => Ok(ChatKind::Group),
        "broadcast" => Ok(ChatKind::Broadcast),
        "space" => Ok(ChatKind::Space),
        _ => Err(StoreError::Corrupt("a portal is of an unknown kind".to_owned())),
    }
}
