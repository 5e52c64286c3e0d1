//! The echo platform: a network inside the process that answers each message with one message.
//!
//! The subject of the benchmarks, so it does as little as a platform can: no connection, no memory of what was said. All ids follow
//! from the delivery key, so that a repeat shows as the same id. It must never hold more than [`UNDER_WAY_MAX`] answers.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{
    StreamExt,
    future::{BoxFuture, FutureExt, Shared},
    stream::FuturesOrdered,
};
use magpie_common::{
    clock::Clock,
    config::{About, PlatformConfig, Problems, Question, Secret},
    ids::{AliasSet, LoginId, RemoteChatId, RemoteFileId, RemoteMessageId, RemoteUserId},
    message::{
        Action, Authors, ChatChange, ChatInfo, ChatKind, Limits, Message, Outgoing, RemoteEvent,
        RemoteMessage, Sender, Support, UserInfo,
    },
    platform::{
        ConnectError, DeliverError, Delivered, DeliveryKey, Download, EventSink, Finding, LoginFlow,
        LoginProcess, NotStored, Platform, PlatformError, SavedLogin, Session,
    },
};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// As many answers wait to be pushed, and as many to be stored, before deliveries are kept waiting.
pub const UNDER_WAY_MAX: usize = 1_024;
/// What the id of a paired chat ends with.
pub const PAIR_SUFFIX: &str = "-echo";
const TEXT_CHARS_MAX: usize = 40_000;

/// The `platform:` section of the configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EchoConfig {
    /// Where the answer is given.
    pub answer_in: AnswerIn,
    /// How many chats (`load-0`, `load-1` and so on) are announced at every connection; any other id is a chat too.
    pub announce_chats: u32,
}

/// Where an answer is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerIn {
    /// In the chat that was written to.
    Same,
    /// In its pair: that of `load-7` is `load-7-echo`, and the other way round.
    #[default]
    Paired,
}

impl PlatformConfig for EchoConfig {
    const TEMPLATE: &'static str = "# Where answers are given: `same` chat, or the `paired` one.\nanswer_in: paired\n\
        # How many chats are announced at every connection.\nannounce_chats: 0\n";
    const QUESTIONS: &'static [Question] = &[];

    fn check(&self, _problems: &mut Problems) {}
}

/// The network.
pub struct Echo {
    config: EchoConfig,
    clock: Clock,
}

#[async_trait]
impl Platform for Echo {
    const ABOUT: About = About {
        id: "echo",
        name: "Echo",
        default_port: 29_341,
        bot: "echobot",
        ghost_prefix: "echo_",
        command_prefix: "!echo",
    };
    type Config = EchoConfig;

    fn new(config: EchoConfig, clock: Clock) -> Result<Self, PlatformError> {
        Ok(Self { config, clock })
    }

    fn login_flows(&self) -> Vec<LoginFlow> {
        Vec::new()
    }

    async fn begin_login(&self, _flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError> {
        Err(PlatformError("The echo network has no accounts; it is signed in already.".to_owned()))
    }

    fn configured_logins(&self) -> Vec<SavedLogin> {
        vec![SavedLogin { id: LoginId::new("echo"), name: "Echo".to_owned(), secret: Secret::new("none") }]
    }

    async fn connect(&self, _login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError> {
        let (answers, answered) = mpsc::channel(UNDER_WAY_MAX);
        let stop = CancellationToken::new();
        let answering =
            stop.clone().run_until_cancelled_owned(answer(answered, sink, self.config.announce_chats));
        let answering = tokio::spawn(answering.map(|end| end.unwrap_or(ConnectError::Closed)));
        let end = AbortOnDropHandle::new(answering)
            .map(|end| end.unwrap_or_else(|panic| ConnectError::Transient(panic.to_string())))
            .boxed()
            .shared();
        let (answer_in, clock) = (self.config.answer_in, self.clock.clone());
        Ok(Arc::new(EchoSession { answer_in, clock, answers, stop, end }))
    }

    async fn diagnose(&self) -> Vec<Finding> {
        vec![Finding::good("echo network", "it is inside this process")]
    }
}

/// The chat in which messages to `chat` are answered when answers are paired.
pub fn pair(chat: &RemoteChatId) -> RemoteChatId {
    match chat.as_str().strip_suffix(PAIR_SUFFIX) {
        Some(first) => RemoteChatId::new(first),
        None => RemoteChatId::new(format!("{chat}{PAIR_SUFFIX}")),
    }
}

/// The one who answers in `chat`.
pub fn answerer(chat: &RemoteChatId) -> RemoteUserId {
    RemoteUserId::new(format!("echo-{chat}"))
}

/// The one who answers `text` in `chat`: to `as 7: hello` it is `echo-<chat>-7`, so that a load tool can make any number of people speak.
pub fn answerer_to(chat: &RemoteChatId, text: &str) -> RemoteUserId {
    let number = text.strip_prefix("as ").and_then(|rest| rest.split_once(": ")).map(|(number, _)| number);
    match number.and_then(|number| number.parse::<u32>().ok()) {
        Some(number) => RemoteUserId::new(format!("echo-{chat}-{number}")),
        None => answerer(chat),
    }
}

/// The id under which the message delivered with `key` stands in its chat.
pub fn delivered_id(key: &str) -> RemoteMessageId {
    RemoteMessageId::new(format!("d-{key}"))
}

/// The id of the answer to the message delivered with `key`.
pub fn answer_id(key: &str) -> RemoteMessageId {
    RemoteMessageId::new(format!("a-{key}"))
}

struct EchoSession {
    answer_in: AnswerIn,
    clock: Clock,
    answers: mpsc::Sender<RemoteEvent>,
    stop: CancellationToken,
    end: Shared<BoxFuture<'static, ConnectError>>,
}

#[async_trait]
impl Session for EchoSession {
    fn me(&self) -> RemoteUserId {
        RemoteUserId::new("me")
    }

    fn limits(&self, _chat: &RemoteChatId) -> Limits {
        let actions = [(Action::Message, Support::Full)].into();
        Limits { actions, authors: Authors::Shown, text_chars_max: TEXT_CHARS_MAX, ..Limits::default() }
    }

    async fn deliver(
        &self,
        chat: &RemoteChatId,
        outgoing: &Outgoing,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        match outgoing {
            Outgoing::Message(said) => self.say(chat, &said.message, key).await,
            Outgoing::Edit { .. }
            | Outgoing::Redact { .. }
            | Outgoing::React { .. }
            | Outgoing::Unreact { .. }
            | Outgoing::Typing { .. }
            | Outgoing::Read { .. }
            | Outgoing::Poll { .. }
            | Outgoing::Vote { .. }
            | Outgoing::ClosePoll { .. }
            | Outgoing::Pin { .. }
            | Outgoing::Unpin { .. }
            | Outgoing::ChatInfo { .. }
            | Outgoing::Member { .. }
            | Outgoing::Location { .. } => {
                Err(DeliverError::Unsupported(format!("Echo has no {}.", outgoing.action().words())))
            }
        }
    }

    async fn chat(&self, id: &RemoteChatId) -> Result<Option<ChatInfo>, PlatformError> {
        Ok(Some(chat_info(id)))
    }

    async fn user(&self, id: &RemoteUserId) -> Result<Option<UserInfo>, PlatformError> {
        let ids = AliasSet::single(id.clone());
        Ok(Some(UserInfo { ids, name: Some(id.to_string()), avatar: None, bot: true }))
    }

    async fn download(&self, _file: &RemoteFileId) -> Result<Download, PlatformError> {
        Err(PlatformError("The echo network has no files.".to_owned()))
    }

    async fn ended(&self) -> ConnectError {
        self.end.clone().await
    }

    async fn close(&self) {
        self.stop.cancel();
        self.ended().await;
    }
}

impl EchoSession {
    async fn say(
        &self,
        chat: &RemoteChatId,
        message: &Message,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        if !message.attachments.is_empty() {
            return Err(DeliverError::Unsupported("Echo has no files.".to_owned()));
        }
        let plain = message.text.to_plain();
        if plain.chars().count() > TEXT_CHARS_MAX {
            return Err(DeliverError::Rejected(format!("Echo takes at most {TEXT_CHARS_MAX} characters.")));
        }
        let chat = match self.answer_in {
            AnswerIn::Same => chat.clone(),
            AnswerIn::Paired => pair(chat),
        };
        let sender = Sender { ids: AliasSet::single(answerer_to(&chat, &plain)), name: None, avatar: None };
        let answer = RemoteEvent::Message(RemoteMessage {
            id: answer_id(&key.key),
            sender,
            sent_ms: self.clock.now_ms(),
            message: Message::text(message.text.clone()),
            chat,
        });
        let not_connected = DeliverError::Retry { after: None, reason: "Echo is not connected.".to_owned() };
        self.answers.send(answer).await.map_err(|_| not_connected)?;
        Ok(Delivered { ids: vec![delivered_id(&key.key)] })
    }
}

/// Pushes the answers in order. One that was not stored ends the session, as a broken connection would; it is lost then, because
/// this network remembers nothing.
async fn answer(
    mut answered: mpsc::Receiver<RemoteEvent>,
    sink: EventSink,
    announce_chats: u32,
) -> ConnectError {
    let mut storing = FuturesOrdered::new();
    let mut announced = (0..announce_chats).map(|nth| RemoteChatId::new(format!("load-{nth}")));
    loop {
        let room = storing.len() < UNDER_WAY_MAX;
        let event = tokio::select! {
            biased;
            Some(stored) = storing.next() => match stored {
                Ok(()) => continue,
                Err(error) => return not_stored(&error),
            },
            event = next_event(&mut announced, &mut answered), if room => event,
        };
        let Some(event) = event else { return ConnectError::Closed };
        storing.push_back(sink.push(event).await.stored());
    }
}

async fn next_event(
    announced: &mut (impl Iterator<Item = RemoteChatId> + Send),
    answered: &mut mpsc::Receiver<RemoteEvent>,
) -> Option<RemoteEvent> {
    match announced.next() {
        Some(chat) => {
            let change = ChatChange::Present(Box::new(chat_info(&chat)));
            Some(RemoteEvent::ChatChanged { chat, change })
        }
        None => answered.recv().await,
    }
}

fn not_stored(error: &NotStored) -> ConnectError {
    ConnectError::Transient(format!("An answer was not stored: {error}."))
}

fn chat_info(id: &RemoteChatId) -> ChatInfo {
    ChatInfo { members: vec![answerer(id)], ..ChatInfo::new(ChatKind::Group, Some(id.to_string())) }
}
