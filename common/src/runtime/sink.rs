//! The way from a session's pushes into the journal.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use futures_util::StreamExt;
use prometheus::{Histogram, IntCounterVec, register_histogram, register_int_counter_vec};

use crate::{
    clock::Clock,
    homeserver::{Homeserver, MediaDownload},
    ids::{LoginId, RemoteChatId, RemoteMessageId},
    login::Logins,
    message::{Attachment, ChatChange, FileSource, Personal, RemoteEvent, Wire},
    platform::{
        Cursor, Download, FileError, Invitation, InviteError, Invited, Keeping, Kept, NotStored,
        PlatformError, SeenChat, SinkPort, Ticket,
    },
    portal::{Observed, Portals},
    steps::{Step, reached},
    store::{self, PortalState, PushOrder, RemoteRow, ShelfChange, ShelfRow, Store, StoreError},
};

static EVENTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!("magpie_remote_events_total", "Events from the network, by kind.", &["kind"])
        .expect("the name is unique")
});

/// What is rare, and a loss or nearly one.
const RARE: [&str; 3] = ["gap", "unknown", "failed"];

/// Lets what is rare stand at zero.
pub(super) fn begin_counting() {
    for kind in RARE {
        EVENTS.with_label_values(&[kind]).inc_by(0);
    }
}

/// Chats of a login are read so many at a time.
const CHATS_PAGE: u32 = 500;

static LAG: LazyLock<Histogram> = LazyLock::new(|| {
    let (name, help) = (
        "magpie_network_lag_seconds",
        "From when something was said on the network to when the bridge heard of it.",
    );
    let buckets = vec![0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 43_200.0];
    register_histogram!(name, help, buckets).expect("the name is unique")
});

/// A larger file is not handed to a network, whatever it would take.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Stores what one session pushes.
pub(super) struct StoreSink {
    pub(super) store: Store,
    pub(super) portals: Arc<Portals>,
    pub(super) logins: Logins,
    pub(super) homeserver: Homeserver,
    pub(super) clock: Clock,
    /// Once a push is not stored none is, until a new session has gone back to the last cursor.
    pub(super) order: PushOrder,
}

#[async_trait]
impl SinkPort for StoreSink {
    async fn push(&self, login: &LoginId, event: RemoteEvent, cursor: Option<Cursor>) -> Ticket {
        reached(Step::RemoteArrived);
        EVENTS.with_label_values(&[event.name()]).inc();
        match event {
            RemoteEvent::StateChanged(state) => {
                self.logins.report(login, state);
                Ticket::immediate()
            }
            // Lost while nobody looks, and that is all right: nothing durable is ever built from them.
            RemoteEvent::Typing { .. } | RemoteEvent::Receipt { .. } | RemoteEvent::Arrived { .. } => {
                self.portals.pass_from_remote(event);
                Ticket::immediate()
            }
            event => {
                self.portals.hear_of_union(&event);
                let chat = event.chat().map(|chat| self.portals.today(chat));
                let ticket = self.keep(login, event, cursor).await;
                if let Some(chat) = chat.filter(|chat| self.portals.is_first_sight(chat, login)) {
                    // What several accounts see is stored once, so that each must say for itself that it sees the chat.
                    let change = ChatChange::Personal(Personal::default());
                    drop(self.keep(login, RemoteEvent::ChatChanged { chat, change }, None).await);
                }
                ticket
            }
        }
    }

    async fn remembered(&self, login: &LoginId, key: &str) -> Result<Option<String>, NotStored> {
        self.store.kv_get(login, key).await.map_err(|error| NotStored(error.to_string()))
    }

    async fn remember(&self, login: &LoginId, cursor: Cursor) -> Result<(), NotStored> {
        let Cursor { key, value } = cursor;
        self.store.kv_set(login, &key, &value).await.map_err(|error| NotStored(error.to_string()))
    }

    async fn chat_of(&self, prefix: &str, id: &RemoteMessageId) -> Result<Option<RemoteChatId>, NotStored> {
        self.store.chat_of(prefix, id).await.map_err(|error| NotStored(error.to_string()))
    }

    async fn chats(&self, login: &LoginId) -> Result<Vec<SeenChat>, NotStored> {
        self.seen_chats(login).await.map_err(|error| NotStored(error.to_string()))
    }

    async fn kept(&self, login: &LoginId, shelf: &str, key: &str) -> Result<Option<Vec<u8>>, NotStored> {
        self.store.shelf_row(login, shelf, key).await.map_err(|error| NotStored(error.to_string()))
    }

    async fn kept_on(&self, login: &LoginId, shelf: &str) -> Result<Vec<Kept>, NotStored> {
        let rows = self.store.shelf(login, shelf).await.map_err(|error| NotStored(error.to_string()))?;
        Ok(rows.into_iter().map(|ShelfRow { key, mark, value }| Kept { key, mark, value }).collect())
    }

    async fn keep(&self, login: &LoginId, changes: Vec<Keeping>) -> Result<(), NotStored> {
        let changes = changes.into_iter().map(shelf_change).collect();
        self.store.change_shelves(login, changes).await.map_err(|error| NotStored(error.to_string()))
    }

    async fn open(&self, file: &Attachment) -> Result<Download, FileError> {
        let FileSource::Matrix(mxc) = &file.source else { return Err(FileError::Gone) };
        let away = |error: &crate::homeserver::HomeserverError| FileError::Away(error.to_string());
        let opened = match self.homeserver.bot().download(mxc, FILE_BYTES_MAX).await {
            Err(error) if error.is_transient() => return Err(away(&error)),
            opened => opened.ok().flatten(),
        };
        let MediaDownload { mime, size_bytes, stream } = opened.ok_or(FileError::Gone)?;
        let stream = stream.map(|piece| piece.map_err(|error| PlatformError(error.to_string()))).boxed();
        Ok(Download { mime, size_bytes, stream })
    }

    async fn invite(&self, login: &LoginId, invitation: Invitation) -> Result<Invited, InviteError> {
        self.portals.invite(login, invitation).await
    }
}

impl StoreSink {
    async fn seen_chats(&self, login: &LoginId) -> Result<Vec<SeenChat>, StoreError> {
        let (mut seen, mut last) = (Vec::new(), None);
        loop {
            let page = self.store.login_chats(login, CHATS_PAGE, last.as_ref()).await?;
            for chat in &page {
                if let Some(portal) = self.store.portal_by_chat(chat).await?
                    && portal.room_id.is_some()
                    && portal.state != PortalState::Unbridged
                {
                    seen.push(SeenChat { chat: chat.clone(), gone: portal.state == PortalState::Gone });
                }
            }
            match page.into_iter().next_back() {
                None => return Ok(seen),
                end => last = end,
            }
        }
    }

    async fn keep(&self, login: &LoginId, event: RemoteEvent, cursor: Option<Cursor>) -> Ticket {
        let now_ms = self.clock.now_ms();
        let mut facts = Facts::of(&event, now_ms);
        if matches!(event, RemoteEvent::Message(_)) {
            // The clocks of both sides may differ by a little.
            LAG.observe(now_ms.saturating_sub(facts.sent_ms).max(0) as f64 / 1_000.0);
        }
        // What is told under a former id is known, and has its place, under the one of today.
        if let Some((chat, _)) = &mut facts.guard {
            *chat = self.portals.today(chat);
        }
        // A login's own news has a lane of its own.
        let lane = event
            .chat()
            .map_or_else(|| Arc::from(login.as_str()), |chat| Arc::from(self.portals.today(chat).as_str()));
        let body = match Wire::write(&Observed { login: login.clone(), event }) {
            Ok(body) => body,
            Err(error) => return Ticket::new(std::future::ready(Err(NotStored(error.to_string())))),
        };
        let cursor = cursor.map(|Cursor { key, value }| store::Cursor { login: login.clone(), key, value });
        let row = RemoteRow {
            lane,
            guard: facts.guard,
            sender: facts.sender,
            sent_ms: facts.sent_ms,
            body,
            cursor,
            held: false,
        };
        let ticket = self.store.push(row, &self.order).await;
        Ticket::new(async move {
            ticket.stored().await.map_err(|error| NotStored(error.to_string()))?;
            reached(Step::RemoteStored);
            Ok(())
        })
    }
}

fn shelf_change(change: Keeping) -> ShelfChange {
    match change {
        Keeping::Put { shelf, row: Kept { key, mark, value } } => {
            ShelfChange::Put { shelf, row: ShelfRow { key, mark, value } }
        }
        Keeping::Remove { shelf, key } => ShelfChange::Remove { shelf, key },
        Keeping::RemoveBelow { shelf, mark } => ShelfChange::RemoveBelow { shelf, mark },
        Keeping::Clear { shelf } => ShelfChange::Clear { shelf },
        Keeping::ClearAll => ShelfChange::ClearAll,
    }
}

/// What the map keeps of an event.
struct Facts {
    guard: Option<(RemoteChatId, RemoteMessageId)>,
    sender: Option<crate::ids::RemoteUserId>,
    sent_ms: i64,
}

impl Facts {
    fn of(event: &RemoteEvent, now_ms: i64) -> Self {
        match event {
            RemoteEvent::Message(message) | RemoteEvent::Poll { message, .. } => Self {
                guard: Some((message.chat.clone(), message.id.clone())),
                sender: Some(message.sender.ids.primary.clone()),
                sent_ms: message.sent_ms,
            },
            // The same version of a message comes again after an outage; another version has another time.
            RemoteEvent::Edit { new, edited_ms } => {
                let version = RemoteMessageId::new(format!("edit/{edited_ms}/{}", new.id));
                let sender = Some(new.sender.ids.primary.clone());
                Self { guard: Some((new.chat.clone(), version)), sender, sent_ms: *edited_ms }
            }
            RemoteEvent::Preview(_)
            | RemoteEvent::Redact { .. }
            | RemoteEvent::React { .. }
            | RemoteEvent::Unreact { .. }
            | RemoteEvent::Typing { .. }
            | RemoteEvent::Receipt { .. }
            | RemoteEvent::Vote { .. }
            | RemoteEvent::Pin { .. }
            | RemoteEvent::ChatChanged { .. }
            | RemoteEvent::MembersChanged { .. }
            | RemoteEvent::UserChanged(_)
            | RemoteEvent::StateChanged(_)
            | RemoteEvent::Migrated { .. }
            | RemoteEvent::SameUser { .. }
            | RemoteEvent::Gap { .. }
            | RemoteEvent::Standing { .. }
            | RemoteEvent::Arrived { .. }
            | RemoteEvent::Failed { .. }
            | RemoteEvent::Unknown { .. } => Self { guard: None, sender: None, sent_ms: now_ms },
        }
    }
}
