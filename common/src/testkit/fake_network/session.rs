//! How a bridge meets the network: it connects, delivers and looks things up.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;

use super::{
    CONFIGURED, FILE_BYTES_MAX, FakeNetwork, FakeNetworkConfig, SPLIT, Said, State, accounts, password,
};
use crate::{
    clock::Clock,
    config::{About, Secret},
    ids::{AliasSet, LoginId, RemoteChatId, RemoteFileId, RemoteMessageId, RemoteUserId},
    message::{
        Action, AttachmentKind, Authors, ChatInfo, Limits, Message, Node, Outgoing, OutgoingMessage,
        RemoteEvent, RemoteMessage, RichText, Sender, Support, UserInfo,
    },
    platform::{
        ConnectError, DeliverError, Delivered, DeliveryKey, Directory, Download, EventSink, Finding, History,
        LoginFlow, LoginProcess, Platform, PlatformError, SavedLogin, Session, Until,
    },
};

/// What the network is called.
pub const ABOUT: About = About {
    id: "fake",
    name: "Fake",
    default_port: 29_399,
    bot: "fakebot",
    ghost_prefix: "fake_",
    command_prefix: "!fake",
};

const TEXT_CHARS_MAX: usize = 1_000;

#[async_trait]
impl Platform for FakeNetwork {
    const ABOUT: About = ABOUT;
    type Config = FakeNetworkConfig;

    fn new(config: FakeNetworkConfig, _clock: Clock) -> Result<Self, PlatformError> {
        Self::find(&config.network).ok_or_else(|| PlatformError("There is no such network.".to_owned()))
    }

    fn login_flows(&self) -> Vec<LoginFlow> {
        accounts::FLOWS.to_vec()
    }

    async fn begin_login(&self, flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError> {
        self.sign_in(flow)
    }

    fn configured_logins(&self) -> Vec<SavedLogin> {
        vec![SavedLogin {
            id: LoginId::new(CONFIGURED),
            name: "Fake".to_owned(),
            secret: Secret::new(password(CONFIGURED)),
        }]
    }

    async fn connect(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError> {
        if login.secret.expose() != password(login.id.as_str()) {
            return Err(ConnectError::BadCredentials("The password is wrong.".to_owned()));
        }
        self.change(|state| state.sinks.insert(login.id.clone(), sink.clone()));
        Ok(Arc::new(FakeSession { network: self.clone(), login: login.id.clone(), sink }))
    }

    fn forget(&self, login: &LoginId) {
        self.change(|state| state.forgotten.push(login.to_string()));
    }

    async fn diagnose(&self) -> Vec<Finding> {
        Vec::new()
    }
}

pub(super) struct FakeSession {
    pub(super) network: FakeNetwork,
    pub(super) login: LoginId,
    sink: EventSink,
}

#[async_trait]
impl Session for FakeSession {
    fn me(&self) -> RemoteUserId {
        RemoteUserId::new(match self.login.as_str() {
            CONFIGURED => "me",
            account => account,
        })
    }

    fn limits(&self, _chat: &RemoteChatId) -> Limits {
        use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
        let files = [Image, Video, Audio, Voice, Sticker, File];
        let state = self.network.state();
        let carried = Action::ALL.into_iter().filter(|action| !state.lacks.contains(action));
        Limits {
            actions: carried.map(|action| (action, Support::Full)).collect(),
            authors: if state.is_nameless { Authors::InWords } else { Authors::Shown },
            text_chars_max: TEXT_CHARS_MAX,
            files_bytes_max: files.map(|kind| (kind, FILE_BYTES_MAX)).into(),
            voice_mime: Some("audio/ogg".to_owned()),
            files_per_message_max: 1,
            commands: Default::default(),
            open_until_ms: None,
        }
    }

    async fn deliver(
        &self,
        chat: &RemoteChatId,
        outgoing: &Outgoing,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        if let Outgoing::Message(OutgoingMessage { message, .. })
        | Outgoing::Edit { new: OutgoingMessage { message, .. }, .. } = outgoing
        {
            for file in &message.attachments {
                let opened = self.sink.open(file).await;
                let opened = opened.map_err(|error| DeliverError::Rejected(error.to_string()))?;
                opened.stream.for_each(|_| std::future::ready(())).await;
            }
        }
        let delivered = self.network.change(|state| {
            state.deliveries += 1;
            if state.lacks.contains(&outgoing.action()) {
                return Err(DeliverError::Unsupported("There is no such thing here.".to_owned()));
            }
            if !state.refusals.is_empty() {
                return Err(state.refusals.remove(0));
            }
            perform(state, (chat, &self.login), outgoing, key)
        });
        let answered = |network: &FakeNetwork| (!network.state().is_silent).then_some(());
        self.network.wait_until("the network answers", answered).await;
        if let (Ok(delivered), Outgoing::Message(said)) = (&delivered, outgoing) {
            self.tell_others(chat, &said.message, &delivered.ids).await;
        }
        delivered
    }

    async fn chat(&self, id: &RemoteChatId) -> Result<Option<ChatInfo>, PlatformError> {
        let state = self.network.state();
        let is_unseen = state.unseen.contains(&(id.clone(), self.login.clone()));
        Ok(state.chats.get(id).filter(|_| !is_unseen).cloned())
    }

    async fn user(&self, id: &RemoteUserId) -> Result<Option<UserInfo>, PlatformError> {
        // Whoever is called so is not there.
        if id.as_str().starts_with("nobody") {
            return Ok(None);
        }
        let name = Some(id.to_string());
        Ok(Some(UserInfo { ids: AliasSet::single(id.clone()), name, avatar: None, bot: false }))
    }

    async fn download(&self, file: &RemoteFileId) -> Result<Download, PlatformError> {
        let bytes = self.network.change(|state| {
            state.downloads += 1;
            state.files.get(file).cloned()
        });
        let bytes = bytes.ok_or_else(|| PlatformError("The file is gone.".to_owned()))?;
        let size_bytes = Some(bytes.len() as u64);
        let stream = futures_util::stream::once(std::future::ready(Ok(bytes))).boxed();
        Ok(Download { mime: None, size_bytes, stream })
    }

    fn history(&self) -> Option<&dyn History> {
        Some(self)
    }

    fn directory(&self) -> Option<&dyn Directory> {
        Some(self)
    }

    async fn ended(&self) -> ConnectError {
        std::future::pending().await
    }

    async fn close(&self) {
        self.network.change(|state| state.sinks.remove(&self.login));
    }

    async fn log_out(&self) {
        self.network.change(|state| state.signed_out.push(self.login.to_string()));
        self.close().await;
    }
}

impl FakeSession {
    /// The accounts of other people see what was said by this one.
    async fn tell_others(&self, chat: &RemoteChatId, message: &Message, ids: &[RemoteMessageId]) {
        let others: Vec<_> = {
            let state = self.network.state();
            let is_other = |login: &LoginId| *login != self.login && login.as_str() != CONFIGURED;
            state.sinks.iter().filter(|(login, _)| is_other(login)).map(|(_, sink)| sink.clone()).collect()
        };
        for sink in others {
            for id in ids {
                let ids = AliasSet::single(self.me());
                let sender = Sender { ids, name: Some(self.me().to_string()), avatar: None };
                let (chat, id, message) = (chat.clone(), id.clone(), message.clone());
                let seen = RemoteMessage { chat, id, sender, sent_ms: 1, message };
                drop(sink.push(RemoteEvent::Message(seen)).await);
            }
        }
    }
}

#[async_trait]
impl History for FakeSession {
    async fn messages(
        &self,
        chat: &RemoteChatId,
        until: &Until,
        count: usize,
    ) -> Result<Vec<RemoteMessage>, PlatformError> {
        let all = self.network.state().history.get(chat).cloned().unwrap_or_default();
        let at = |id: &RemoteMessageId| all.iter().position(|message| message.id == *id);
        let end = match until {
            Until::Before(id) => at(id).unwrap_or(all.len()),
            Until::Including(id) => at(id).map_or(0, |at| at + 1),
        };
        Ok(all[end.saturating_sub(count)..end].to_vec())
    }
}

fn perform(
    state: &mut State,
    (chat, login): (&RemoteChatId, &LoginId),
    outgoing: &Outgoing,
    key: &DeliveryKey,
) -> Result<Delivered, DeliverError> {
    match outgoing {
        Outgoing::Message(said) => Ok(say(state, (chat, login), said, key)),
        Outgoing::Poll { question, author, .. } => {
            Ok(say(state, (chat, login), &plain(question.clone(), author.clone()), key))
        }
        Outgoing::Location { latitude, longitude, description, author } => {
            let words = format!("{description} {latitude},{longitude}");
            Ok(say(state, (chat, login), &plain(words, author.clone()), key))
        }
        Outgoing::Edit { parts, new } => {
            known(state, parts)?;
            let first = state.said.iter().position(|said| parts.contains(&said.id)).unwrap_or_default();
            state.said.retain(|said| !parts.contains(&said.id));
            let texts = split(&new.message.text);
            let fresh = (parts.len()..texts.len()).map(|nth| part_id(key, nth));
            let ids: Vec<_> = parts.iter().take(texts.len()).cloned().chain(fresh).collect();
            for (nth, (id, text)) in ids.iter().zip(texts).enumerate() {
                let (chat, by) = (chat.clone(), login.clone());
                let said = Said { chat, by, id: id.clone(), text, whole: new.clone() };
                state.said.insert(first + nth, said);
            }
            Ok(Delivered { ids })
        }
        Outgoing::Redact { parts, .. } => {
            known(state, parts)?;
            state.said.retain(|said| !parts.contains(&said.id));
            state.passed.push(outgoing.clone());
            Ok(Delivered::default())
        }
        Outgoing::React { target, emoji, .. } => {
            let reaction = (target.clone(), emoji.clone());
            if !state.reactions.contains(&reaction) {
                state.reactions.push(reaction);
            }
            Ok(Delivered::default())
        }
        Outgoing::Unreact { target, emoji, .. } => {
            state.reactions.retain(|(on, put)| on != target || put != emoji);
            Ok(Delivered::default())
        }
        Outgoing::Typing { .. }
        | Outgoing::Read { .. }
        | Outgoing::Vote { .. }
        | Outgoing::ClosePoll { .. }
        | Outgoing::Pin { .. }
        | Outgoing::Unpin { .. }
        | Outgoing::ChatInfo { .. }
        | Outgoing::Member { .. } => {
            state.passed.push(outgoing.clone());
            Ok(Delivered::default())
        }
    }
}

fn say(
    state: &mut State,
    (chat, login): (&RemoteChatId, &LoginId),
    said: &OutgoingMessage,
    key: &DeliveryKey,
) -> Delivered {
    let mut ids = Vec::new();
    for (nth, text) in split(&said.message.text).into_iter().enumerate() {
        let id = part_id(key, nth);
        if !state.said.iter().any(|known| known.id == id) {
            let (chat, by) = (chat.clone(), login.clone());
            state.said.push(Said { chat, by, id: id.clone(), text, whole: said.clone() });
        }
        ids.push(id);
    }
    Delivered { ids }
}

/// Messages of people on the network can be deleted too, so only our own are asked for.
fn known(state: &State, parts: &[RemoteMessageId]) -> Result<(), DeliverError> {
    let is_ours = |id: &RemoteMessageId| id.as_str().starts_with("d-");
    match parts.iter().all(|id| !is_ours(id) || state.said.iter().any(|said| said.id == *id)) {
        true => Ok(()),
        false => Err(DeliverError::Rejected("the message is not there any more.".to_owned())),
    }
}

fn split(text: &RichText) -> Vec<String> {
    text.to_plain().split(SPLIT).map(|part| part.trim().to_owned()).collect()
}

fn part_id(key: &DeliveryKey, nth: usize) -> RemoteMessageId {
    RemoteMessageId::new(format!("d-{}-{nth}", key.key))
}

fn plain(words: String, author: Option<crate::message::Author>) -> OutgoingMessage {
    let message = crate::message::Message::text(RichText(vec![Node::Text(words)]));
    OutgoingMessage { message, author, sent_ms: 0 }
}
