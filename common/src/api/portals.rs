//! The rooms of chats.

use std::collections::{BTreeMap, BTreeSet};

use axum::{Extension, extract::State};
use ruma::OwnedRoomId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api, ApiParts,
    door::Acting,
    input::{Json, Query},
    refusal::{Door, Refusal},
};
use crate::{
    ids::{LoginId, RemoteChatId},
    message::ChatKind,
    store::{PortalRow, PortalState, StoreError},
};

/// So many are told at once.
const PAGE_MAX: u32 = 100;

/// A chat and its room.
#[derive(Serialize, ToSchema)]
pub(super) struct Portal {
    /// The chat's id on the network.
    chat: String,
    /// Its room, once there is one.
    #[schema(value_type = Option<String>)]
    room_id: Option<OwnedRoomId>,
    /// Its name, as the room was given it.
    name: Option<String>,
    /// What sort of chat.
    kind: Kind,
    /// Whether messages pass.
    state: PassState,
    /// The chat that holds it, such as a server or community.
    parent: Option<String>,
    /// The person's accounts that are in it.
    logins: Vec<String>,
}

/// What sort of chat.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// Two people.
    Direct,
    /// Many write.
    Group,
    /// Few write and many read.
    Broadcast,
    /// What holds chats.
    Space,
}

/// Whether messages pass.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PassState {
    /// They do.
    Active,
    /// The chat is gone, or the room was left.
    Gone,
    /// The room is being filled with what was said before.
    Filling,
    /// Somebody separated the two.
    Unbridged,
}

/// A page of chats.
#[derive(Serialize, ToSchema)]
pub(super) struct Portals {
    /// The chats, by their ids.
    portals: Vec<Portal>,
    /// What to give as `after` for the next page; nothing on the last one.
    next: Option<String>,
}

/// The chats of the person's accounts, page by page; for an admin, all of the bridge.
#[utoipa::path(
    get,
    path = "/portals",
    operation_id = "list_portals",
    tag = "rooms",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "How many at most."),
        ("after" = Option<String>, Query, description = "The `next` of the page before."),
        ("user_id" = Option<String>, Query, description = "For whom; with the secret it must be there."),
    ),
    responses((status = 200, description = "The chats.", body = Portals, links(
            ("capabilities" = (operation_id = "capabilities", parameters(("chat" = "$response.body#/portals/0/chat")))),
            ("next page" = (operation_id = "list_portals", parameters(("after" = "$response.body#/next")))),
        )), Door),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(acting): Extension<Acting>,
    query: Query,
) -> Result<Json<Portals>, Refusal> {
    let limit = query.number("limit", 1..=PAGE_MAX, PAGE_MAX)?;
    let after = query.text("after").map(RemoteChatId::new);
    let parts = api.parts();
    let own = parts.logins.of(&acting.user_id);
    let (chats, is_last) = match acting.is_admin() {
        true => everybodys(parts, limit, after.as_ref()).await?,
        false => of_logins(parts, &own, limit, after.as_ref()).await?,
    };
    let next = chats.last().filter(|_| !is_last).map(RemoteChatId::to_string);
    let mut portals = Vec::with_capacity(chats.len());
    for chat in chats {
        // One that is gone since is none.
        if let Some(portal) = parts.store.portal_by_chat(&chat).await? {
            let seeing = parts.store.chat_logins(&chat).await?.into_iter();
            let seeing = seeing.filter(|seeing| own.contains(&seeing.login));
            portals.push(told(portal, seeing.map(|seeing| seeing.login.to_string()).collect()));
        }
    }
    Ok(Json(Portals { portals, next }))
}

async fn everybodys(
    parts: &ApiParts,
    limit: u32,
    after: Option<&RemoteChatId>,
) -> Result<(Vec<RemoteChatId>, bool), StoreError> {
    let page = parts.store.portals(limit, after).await?;
    let is_last = page.len() < limit as usize;
    Ok((page.into_iter().map(|portal| portal.chat).collect(), is_last))
}

/// The first chats of several accounts, each once.
async fn of_logins(
    parts: &ApiParts,
    logins: &[LoginId],
    limit: u32,
    after: Option<&RemoteChatId>,
) -> Result<(Vec<RemoteChatId>, bool), StoreError> {
    let mut all = BTreeSet::new();
    for login in logins {
        all.extend(parts.store.login_chats(login, limit, after).await?);
    }
    let is_last = all.len() < limit as usize;
    Ok((all.into_iter().take(limit as usize).collect(), is_last))
}

fn told(portal: PortalRow, logins: Vec<String>) -> Portal {
    Portal {
        chat: portal.chat.to_string(),
        room_id: portal.room_id,
        name: portal.name,
        kind: match portal.kind {
            ChatKind::Direct => Kind::Direct,
            ChatKind::Group => Kind::Group,
            ChatKind::Broadcast => Kind::Broadcast,
            ChatKind::Space => Kind::Space,
        },
        state: match portal.state {
            PortalState::Active => PassState::Active,
            PortalState::Gone => PassState::Gone,
            PortalState::Filling => PassState::Filling,
            PortalState::Unbridged => PassState::Unbridged,
        },
        parent: portal.parent.map(|parent| parent.to_string()),
        logins,
    }
}

/// Which chats somebody's accounts are in; asked once for each chat.
pub(super) struct Seen<'a> {
    parts: &'a ApiParts,
    own: Vec<LoginId>,
    known: BTreeMap<RemoteChatId, bool>,
}

impl<'a> Seen<'a> {
    pub(super) fn by(parts: &'a ApiParts, acting: &Acting) -> Self {
        Self { parts, own: parts.logins.of(&acting.user_id), known: BTreeMap::new() }
    }

    pub(super) async fn sees(&mut self, chat: &RemoteChatId) -> Result<bool, StoreError> {
        if let Some(known) = self.known.get(chat) {
            return Ok(*known);
        }
        let seeing = self.parts.store.chat_logins(chat).await?;
        let sees = seeing.iter().any(|seeing| self.own.contains(&seeing.login));
        self.known.insert(chat.clone(), sees);
        Ok(sees)
    }
}
