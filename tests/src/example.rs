//! The example platform: the smallest bridge that is whole.
//!
//! Its network is the line network, reached through the client library in [`crate::line_client`]. `docs/write-a-bridge.md` walks
//! through this file from top to bottom, and a test keeps the two equal. It must stay below 250 lines of code and pass the suite
//! that every platform passes.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{BoxFuture, FutureExt, Shared};
use futures_util::{StreamExt, stream::FuturesOrdered};
use magpie_common::{
    clock::Clock,
    config::{About, PlatformConfig, Problems, Question, Secret},
    ids::{AliasSet, LoginId, RemoteChatId, RemoteFileId, RemoteMessageId, RemoteUserId},
    message::{Action, Authors, ChatInfo, ChatKind, Limits, Message, Outgoing, OutgoingMessage},
    message::{RemoteEvent, RemoteMessage, RichText, Sender, Support, UserInfo},
    platform::{ConnectError, Cursor, DeliverError, Delivered, DeliveryKey, Download, EventSink, Finding},
    platform::{LoginField, LoginFlow, LoginProcess, LoginStep, NotStored, SavedLogin},
    platform::{Platform, PlatformError, Session},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::line_client::{LineClient, LineError, Said, Told};

/// The `platform:` section of the configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExampleConfig {
    /// Where the chat server listens: `host:port`.
    pub server: String,
    /// The token of the account to use.
    pub token: Option<Secret>,
}

impl PlatformConfig for ExampleConfig {
    const TEMPLATE: &'static str = "# Where the chat server listens.\nserver: 127.0.0.1:4000\n\
        # The token of the account to use; without it, nothing connects.\n# token: a-token\n";
    const QUESTIONS: &'static [Question] =
        &[Question { key: "server", words: "Where does the chat server listen, as host:port?" }];

    fn check(&self, problems: &mut Problems) {
        if !self.server.contains(':') {
            problems.add(
                "server",
                "`server` is not `host:port`",
                "name the chat server: `chat.example.org:4000`",
            );
        }
        if let Some(token) = &self.token {
            problems.check_secret("token", token, "the owner of the chat server gives tokens out");
        }
    }
}

/// The network.
pub struct Example(ExampleConfig);

#[async_trait]
impl Platform for Example {
    const ABOUT: About = About {
        id: "example",
        name: "Example",
        default_port: 29_340,
        bot: "examplebot",
        ghost_prefix: "example_",
        command_prefix: "!example",
    };
    type Config = ExampleConfig;

    fn new(config: ExampleConfig, _clock: Clock) -> Result<Self, PlatformError> {
        Ok(Self(config))
    }

    fn configured_login(&self) -> Option<SavedLogin> {
        let (id, name) = (LoginId::new("configured"), "the configured account".to_owned());
        self.0.token.clone().map(|secret| SavedLogin { id, name, secret })
    }

    fn login_flows(&self) -> Vec<LoginFlow> {
        vec![LoginFlow { id: "token", description: "with a token from the owner of the chat server" }]
    }

    async fn begin_login(&self, flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError> {
        match flow {
            "token" => Ok(Box::new(TokenLogin(self.0.server.clone()))),
            other => Err(PlatformError(format!("There is no login flow `{other}`; use `token`."))),
        }
    }

    async fn connect(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError> {
        // The cursor was stored together with the last event, so we go on right after it. Without one we were never here.
        let seen =
            sink.remembered(STREAM).await.map_err(|error| ConnectError::Transient(error.to_string()))?;
        let after = seen.and_then(|seq| seq.parse().ok()).unwrap_or(0);
        let (server, token) = (self.0.server.clone(), login.secret.clone());
        let signed_in = LineClient::sign_in(&server, token.expose(), Some(after)).await;
        let (client, welcome) = signed_in.map_err(connect_error)?;
        let (me, stop) = (RemoteUserId::new(welcome.account), CancellationToken::new());
        let listening = stop.clone().run_until_cancelled_owned(listen(client, sink, me.clone()));
        let end = AbortOnDropHandle::new(tokio::spawn(listening)).map(|end| match end {
            Ok(end) => end.unwrap_or(ConnectError::Closed),
            Err(panic) => ConnectError::Transient(panic.to_string()),
        });
        let end = end.boxed().shared();
        Ok(Arc::new(ExampleSession { server, token, keys: welcome.keys, me, stop, end }))
    }

    async fn diagnose(&self) -> Vec<Finding> {
        let remedy = "Ask the owner of the chat server for a token and set `platform.token`.";
        let Some(token) = &self.0.token else {
            return vec![Finding::fault("account", "no token is set, so nothing connects", remedy)];
        };
        vec![match LineClient::sign_in(&self.0.server, token.expose(), None).await {
            Ok((_, welcome)) => Finding::good("account", format!("signed in as {}", welcome.name)),
            Err(LineError::Refused { words, .. }) => Finding::fault("account", words, remedy),
            Err(LineError::Broken(why)) => Finding::fault("server", why, "Check `platform.server`."),
        }]
    }
}

struct TokenLogin(String);

#[async_trait]
impl LoginProcess for TokenLogin {
    async fn step(&mut self, answers: Vec<(String, Secret)>) -> Result<LoginStep, PlatformError> {
        let Some((_, secret)) = answers.into_iter().find(|(name, _)| name == "token") else {
            return Ok(LoginStep::Ask(vec![LoginField { name: "token", label: "Token", secret: true }]));
        };
        let signed_in = LineClient::sign_in(&self.0, secret.expose(), None).await;
        let (_, welcome) = signed_in.map_err(|error| PlatformError(error.to_string()))?;
        Ok(LoginStep::Done(SavedLogin { id: LoginId::new(welcome.account), name: welcome.name, secret }))
    }
}

/// This network has one stream of events, so there is one cursor.
const STREAM: &str = "events";
const STORING_MAX: usize = 64;

async fn listen(mut client: LineClient, sink: EventSink, me: RemoteUserId) -> ConnectError {
    let mut storing = FuturesOrdered::new();
    loop {
        tokio::select! {
            // What was not stored is not lost: we end, and the next connection asks for it again.
            Some(stored) = storing.next() => if let Err(NotStored(why)) = stored { return ConnectError::Transient(why) },
            told = client.next(), if storing.len() < STORING_MAX => match told {
                Ok(told) => {
                    let cursor = Cursor { key: STREAM.to_owned(), value: told.seq.to_string() };
                    if let Some(event) = remote_event(told, &me) {
                        storing.push_back(sink.push_with_cursor(event, cursor).await.stored());
                    }
                }
                Err(error) => return connect_error(error),
            },
        }
    }
}

/// What the bridge makes of an event; nothing of our own messages coming back.
fn remote_event(told: Told, me: &RemoteUserId) -> Option<RemoteEvent> {
    let Some(Said { chat, message, by, name, text, at: sent_ms }) = told.said else {
        // Kept as it came, and read again after an upgrade that knows it.
        return Some(RemoteEvent::Unknown { chat: None, name: told.event, raw: told.raw });
    };
    let (chat, id, by) = (RemoteChatId::new(chat), RemoteMessageId::new(message), RemoteUserId::new(by));
    let message = Message::text(RichText::plain(&text).bounded());
    let sender = Sender { ids: AliasSet::single(by.clone()), name: Some(name), avatar: None };
    (by != *me).then_some(RemoteEvent::Message(RemoteMessage { chat, id, sender, sent_ms, message }))
}

fn connect_error(error: LineError) -> ConnectError {
    match error {
        LineError::Refused { words, .. } => ConnectError::BadCredentials(words),
        LineError::Broken(_) => ConnectError::Transient(error.to_string()),
    }
}

struct ExampleSession {
    server: String,
    token: Secret,
    keys: bool,
    me: RemoteUserId,
    stop: CancellationToken,
    end: Shared<BoxFuture<'static, ConnectError>>,
}

type Outcome = Result<Delivered, DeliverError>;

#[async_trait]
impl Session for ExampleSession {
    fn me(&self) -> RemoteUserId {
        self.me.clone()
    }

    fn limits(&self, _chat: &RemoteChatId) -> Limits {
        let actions = [(Action::Message, Support::Full)].into();
        Limits { actions, authors: Authors::Shown, text_chars_max: 1_000, ..Limits::default() }
    }

    async fn deliver(&self, chat: &RemoteChatId, outgoing: &Outgoing, key: &DeliveryKey) -> Outcome {
        match outgoing {
            Outgoing::Message(said) => self.say(chat, said, key).await,
            // Named one by one: when there is a new action, the compiler asks what becomes of it.
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
                Err(DeliverError::Unsupported(format!("This network has no {}.", outgoing.action().words())))
            }
        }
    }

    async fn chat(&self, id: &RemoteChatId) -> Result<Option<ChatInfo>, PlatformError> {
        let found = self.look_up(json!({"do": "chat", "chat": id})).await?;
        Ok(found.map(|name| ChatInfo::new(ChatKind::Group, name)))
    }

    async fn user(&self, id: &RemoteUserId) -> Result<Option<UserInfo>, PlatformError> {
        let found = self.look_up(json!({"do": "user", "user": id})).await?;
        Ok(found.map(|name| UserInfo { ids: AliasSet::single(id.clone()), name, avatar: None, bot: false }))
    }

    async fn download(&self, _file: &RemoteFileId) -> Result<Download, PlatformError> {
        Err(PlatformError("The example network has no files.".to_owned()))
    }

    async fn ended(&self) -> ConnectError {
        self.end.clone().await
    }

    async fn close(&self) {
        self.stop.cancel();
        self.ended().await;
    }
}

impl ExampleSession {
    async fn say(&self, chat: &RemoteChatId, said: &OutgoingMessage, key: &DeliveryKey) -> Outcome {
        if !said.message.attachments.is_empty() {
            return Err(DeliverError::Unsupported("The example network has no files.".to_owned()));
        }
        // A server without keys takes a repeat for a new message. Better to ask a person than to say it twice.
        if key.in_doubt.is_some() && !self.keys {
            return Err(uncertain());
        }
        let (author, text) = (said.author.as_ref().map(|author| &author.name), said.message.text.to_plain());
        let say = json!({"do": "say", "chat": chat, "key": key.key, "text": text, "author": author});
        let said = match self.ask(say).await {
            // The second time it is surely the key that we rely on, so a third time is as good.
            Err(DeliverError::Uncertain(reason)) if key.in_doubt.is_some() => {
                return Err(DeliverError::Retry { after: None, reason });
            }
            said => said?,
        };
        let id = RemoteMessageId::new(said["message"].as_str().ok_or_else(uncertain)?);
        Ok(Delivered { ids: vec![id] })
    }

    async fn look_up(&self, request: Value) -> Result<Option<Option<String>>, PlatformError> {
        let found = self.ask(request).await.map_err(|error| PlatformError(error.to_string()))?;
        Ok(found.as_object().map(|found| found["name"].as_str().map(str::to_owned)))
    }

    /// Asks one thing on a connection of its own, as one would over HTTP.
    async fn ask(&self, request: Value) -> Result<Value, DeliverError> {
        let signed_in = LineClient::sign_in(&self.server, self.token.expose(), None).await;
        // Nothing was asked yet, so trying again is harmless. From the next line on, only the key can make it so.
        let (mut client, _) = signed_in.map_err(|error| match error {
            LineError::Refused { words, .. } => DeliverError::LoggedOut(words),
            LineError::Broken(reason) => DeliverError::Retry { after: None, reason },
        })?;
        client.ask(request).await.map_err(|error| match error {
            LineError::Refused { code, words: reason, retry: after } if code == "busy" => {
                DeliverError::Retry { after, reason }
            }
            LineError::Refused { words, .. } => DeliverError::Rejected(words),
            LineError::Broken(_) => uncertain(),
        })
    }
}

fn uncertain() -> DeliverError {
    DeliverError::Uncertain(
        "The chat server did not confirm it; look there before saying it again.".to_owned(),
    )
}
