//! A network in memory that carries everything [`Outgoing`] can ask for: the other side of stories about portals.
//!
//! It behaves as a careful network does: a repeat of a delivery under the same key is one message; an edit may grow and shrink; unknown
//! messages are refused. A bridge finds it by the name in its configuration. Next: `fake_network/session.rs`.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::watch;

pub use self::{accounts::password, session::ABOUT};
use super::platform_suite::within;
use crate::{
    config::{PlatformConfig, Problems, Question},
    ids::{AliasSet, LoginId, RemoteChatId, RemoteFileId, RemoteMessageId, RemoteUserId},
    message::{
        Action, ChatInfo, ChatKind, Emoji, Message, Outgoing, OutgoingMessage, RemoteEvent, RemoteMessage,
        RichText, Sender,
    },
    platform::{DeliverError, EventSink, Invitation, InviteError, Invited},
};

mod accounts;
mod directory;
mod session;

/// The login that the configuration names.
pub const CONFIGURED: &str = "fake";

/// What a text is split at: a part of the message each.
pub const SPLIT: &str = "---";

/// The largest file that it takes, in bytes.
pub const FILE_BYTES_MAX: u64 = 1_000;

static NETWORKS: LazyLock<Mutex<HashMap<String, FakeNetwork>>> = LazyLock::new(Mutex::default);

/// The `platform:` section of the configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FakeNetworkConfig {
    /// The name of a network that a test has made.
    pub network: String,
}

impl PlatformConfig for FakeNetworkConfig {
    const TEMPLATE: &'static str = "network: CHANGE_ME\n";
    const QUESTIONS: &'static [Question] = &[];

    fn check(&self, _problems: &mut Problems) {}
}

/// A network. Clones share it.
#[derive(Clone)]
pub struct FakeNetwork {
    state: Arc<Mutex<State>>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    sinks: BTreeMap<LoginId, EventSink>,
    /// The devices that are signed out, by account.
    signed_out: Vec<String>,
    /// The accounts of which nothing is held any more.
    forgotten: Vec<String>,
    codes: Vec<accounts::Code>,
    chats: BTreeMap<RemoteChatId, ChatInfo>,
    people: BTreeMap<RemoteUserId, String>,
    /// Which account does not see which chat.
    unseen: Vec<(RemoteChatId, LoginId)>,
    files: BTreeMap<RemoteFileId, Bytes>,
    history: BTreeMap<RemoteChatId, Vec<RemoteMessage>>,
    downloads: usize,
    said: Vec<Said>,
    reactions: Vec<(RemoteMessageId, Emoji)>,
    passed: Vec<Outgoing>,
    refusals: Vec<DeliverError>,
    /// Whether there is no place for authors beside the words.
    is_nameless: bool,
    /// What it does not carry.
    lacks: Vec<Action>,
    deliveries: usize,
    /// Whether what was done is not confirmed for now.
    is_silent: bool,
    last_id: u64,
}

/// A message of the bridge as it stands on the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Where.
    pub chat: RemoteChatId,
    /// By which account.
    pub by: LoginId,
    /// Its own id.
    pub id: RemoteMessageId,
    /// This part of the words.
    pub text: String,
    /// The whole message.
    pub whole: OutgoingMessage,
}

impl FakeNetwork {
    /// A network that a configuration with `network: name` finds.
    pub fn new(name: &str) -> Self {
        let network = Self { state: Arc::default(), changed: watch::Sender::new(0) };
        let mut networks = NETWORKS.lock().unwrap_or_else(PoisonError::into_inner);
        networks.insert(name.to_owned(), network.clone());
        network
    }

    /// Adds a chat.
    pub fn add_chat(&self, id: &str) -> RemoteChatId {
        self.add_chat_like(id, ChatInfo::new(ChatKind::Group, Some(id.to_owned())))
    }

    /// Adds a chat of any looks.
    pub fn add_chat_like(&self, id: &str, info: ChatInfo) -> RemoteChatId {
        let id = RemoteChatId::new(id);
        self.change(|state| state.chats.insert(id.clone(), info));
        id
    }

    /// An account does not see a chat any more.
    pub fn hides(&self, chat: &RemoteChatId, login: &str) {
        self.change(|state| state.unseen.push((chat.clone(), LoginId::new(login))));
    }

    /// Adds a file.
    pub fn add_file(&self, id: &str, bytes: impl Into<Bytes>) -> RemoteFileId {
        let id = RemoteFileId::new(id);
        self.change(|state| state.files.insert(id.clone(), bytes.into()));
        id
    }

    /// Sets what was said in a chat before the bridge came.
    pub fn set_history(&self, chat: &RemoteChatId, history: Vec<RemoteMessage>) {
        self.change(|state| state.history.insert(chat.clone(), history));
    }

    /// A message of somebody on the network, with an id of its own; [`FakeNetwork::pushes`] sends it.
    pub fn message(&self, chat: &RemoteChatId, by: &str, text: &str) -> RemoteMessage {
        let number = self.change(|state| {
            state.last_id += 1;
            state.last_id
        });
        RemoteMessage {
            chat: chat.clone(),
            id: RemoteMessageId::new(format!("m{number}")),
            sender: Sender {
                ids: AliasSet::single(RemoteUserId::new(by)),
                name: Some(by.to_owned()),
                avatar: None,
            },
            sent_ms: 1_000_000 + i64::try_from(number).unwrap_or_default(),
            message: Message::text(RichText::plain(text)),
        }
    }

    /// Lets something happen, and waits until the bridge has stored it.
    ///
    /// # Panics
    /// When the bridge does not connect, or does not store it.
    pub async fn pushes(&self, event: RemoteEvent) {
        self.pushes_to(CONFIGURED, event).await;
    }

    /// The same for what one account sees.
    ///
    /// # Panics
    /// When the account does not connect, or the bridge does not store it.
    pub async fn pushes_to(&self, login: &str, event: RemoteEvent) {
        let login = LoginId::new(login);
        let sink = self.wait_for("the account connects", |state| state.sinks.get(&login).cloned()).await;
        sink.push(event).await.stored().await.expect("the event is stored");
    }

    /// Somebody asks somebody in Matrix into a chat's room.
    ///
    /// # Errors
    /// As the bridge answers.
    ///
    /// # Panics
    /// When the bridge does not connect.
    pub async fn invites(&self, chat: &RemoteChatId, by: &str, guest: &str) -> Result<Invited, InviteError> {
        let login = LoginId::new(CONFIGURED);
        let sink = self.wait_for("the account connects", |state| state.sinks.get(&login).cloned()).await;
        let by =
            Sender { ids: AliasSet::single(RemoteUserId::new(by)), name: Some(by.to_owned()), avatar: None };
        sink.invite(Invitation { chat: chat.clone(), by, guest: guest.to_owned() }).await
    }

    /// The next deliveries fail so, one after the other.
    pub fn refuses(&self, errors: impl IntoIterator<Item = DeliverError>) {
        self.change(|state| state.refusals.extend(errors));
    }

    /// From now on nobody's name is shown beside what a relay says.
    pub fn shows_no_authors(&self) {
        self.change(|state| state.is_nameless = true);
    }

    /// From now on it does not carry that.
    pub fn lacks(&self, action: Action) {
        self.change(|state| state.lacks.push(action));
    }

    /// From now on what the bridge says is done, and not confirmed until [`FakeNetwork::answers`].
    pub fn holds_answers(&self) {
        self.change(|state| state.is_silent = true);
    }

    /// Confirms everything.
    pub fn answers(&self) {
        self.change(|state| state.is_silent = false);
    }

    /// What the bridge has said in a chat, as it stands now.
    pub fn said(&self, chat: &RemoteChatId) -> Vec<Said> {
        self.state().said.iter().filter(|said| said.chat == *chat).cloned().collect()
    }

    /// The same, words only.
    pub fn texts(&self, chat: &RemoteChatId) -> Vec<String> {
        self.said(chat).into_iter().map(|said| said.text).collect()
    }

    /// The bridge's reactions.
    pub fn reactions(&self) -> Vec<(RemoteMessageId, Emoji)> {
        self.state().reactions.clone()
    }

    /// What was passed on without leaving a message.
    pub fn passed(&self) -> Vec<Outgoing> {
        self.state().passed.clone()
    }

    /// How many files were downloaded.
    pub fn downloads(&self) -> usize {
        self.state().downloads
    }

    /// How many deliveries were asked for, failed ones among them.
    pub fn deliveries(&self) -> usize {
        self.state().deliveries
    }

    /// Waits until `look` finds something.
    ///
    /// # Panics
    /// When it never does.
    pub async fn wait_until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        within(what, async {
            loop {
                changed.borrow_and_update();
                if let Some(found) = look(self) {
                    return found;
                }
                changed.changed().await.expect("the network holds the sender");
            }
        })
        .await
    }

    /// Waits until the bridge has said these texts in a chat, and no others.
    ///
    /// # Panics
    /// When it does not.
    pub async fn wait_for_texts(&self, chat: &RemoteChatId, texts: &[&str]) -> Vec<Said> {
        let what = format!("the network shows {texts:?}");
        self.wait_until(&what, |network| {
            let said = network.said(chat);
            said.iter().map(|said| said.text.as_str()).eq(texts.iter().copied()).then_some(said)
        })
        .await
    }

    async fn wait_for<T>(&self, what: &str, mut look: impl FnMut(&State) -> Option<T>) -> T {
        self.wait_until(what, |network| look(&network.state())).await
    }

    fn find(name: &str) -> Option<Self> {
        NETWORKS.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state());
        self.changed.send_modify(|version| *version += 1);
        changed
    }
}
