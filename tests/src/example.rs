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
    platform::{LoginField, LoginFlow, LoginProcess, LoginStep, SavedLogin},
    platform::{Platform, PlatformError, Session},
};
use serde::Deserialize;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::line_client::{LineAccount, LineClient, LineError, Pairing, Said, Say, Told, Welcome};

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
            problems.add("server", "`server` is not `host:port`", "write it as `chat.example.org:4000`");
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

    fn configured_logins(&self) -> Vec<SavedLogin> {
        let (id, name) = (LoginId::new("configured"), "the configured account".to_owned());
        self.0.token.clone().map(|secret| SavedLogin { id, name, secret }).into_iter().collect()
    }

    fn login_flows(&self) -> Vec<LoginFlow> {
        let flow = |id, description| LoginFlow { id, description };
        vec![flow("token", "with a token from the server's owner"), flow("qr", "with a code that you scan")]
    }

    async fn begin_login(&self, flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError> {
        match flow {
            "token" => Ok(Box::new(TokenLogin(self.0.server.clone()))),
            "qr" => Ok(Box::new(QrLogin { server: self.0.server.clone(), shown: None, left: RENEWALS_MAX })),
            other => Err(PlatformError(format!("There is no login flow `{other}`; use `token` or `qr`."))),
        }
    }

    async fn connect(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError> {
        // The cursor was stored together with the last event, so we go on right after it. Without one we were never here.
        let after = sink.remembered(STREAM).await?.and_then(|seq| seq.parse().ok()).unwrap_or(0);
        let account = LineAccount::new(&self.0.server, login.secret.expose());
        let (client, welcome) = account.sign_in(Some(after)).await?;
        let stop = CancellationToken::new();
        let listening = stop.clone().run_until_cancelled_owned(listen(client, sink, welcome.device.clone()));
        let end = AbortOnDropHandle::new(tokio::spawn(listening)).map(|end| match end {
            Ok(Some(Err(error))) => error,
            Ok(Some(Ok(())) | None) => ConnectError::Closed,
            Err(panic) => ConnectError::Transient(panic.to_string()),
        });
        Ok(Arc::new(ExampleSession { account, welcome, stop, end: end.boxed().shared() }))
    }

    async fn diagnose(&self) -> Vec<Finding> {
        let remedy = "Ask the owner of the chat server for a token and set `platform.token`.";
        let Some(token) = &self.0.token else {
            return vec![Finding::fault("account", "no token is set, so nothing connects", remedy)];
        };
        vec![match LineAccount::new(&self.0.server, token.expose()).sign_in(None).await {
            Ok((_, welcome)) => Finding::good("account", format!("signed in as {}", welcome.name)),
            Err(LineError::SignedOut(words)) => Finding::fault("account", words, remedy),
            Err(broken) => Finding::fault("server", broken.to_string(), "Check `platform.server`."),
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
        let (_, welcome) = LineAccount::new(&self.0, secret.expose()).sign_in(None).await?;
        Ok(done(welcome.account, welcome.name, secret))
    }
}

/// So often a fresh code is shown; then nobody seems to be there to scan one.
const RENEWALS_MAX: usize = 2;

struct QrLogin {
    server: String,
    shown: Option<Pairing>,
    left: usize,
}

#[async_trait]
impl LoginProcess for QrLogin {
    async fn step(&mut self, _answers: Vec<(String, Secret)>) -> Result<LoginStep, PlatformError> {
        if let Some(shown) = self.shown.take() {
            match shown.admitted().await {
                Ok(paired) => return Ok(done(paired.account, paired.name, Secret::new(paired.token))),
                // A fresh code follows one that ran out.
                Err(LineError::Expired(_)) if self.left > 0 => self.left -= 1,
                Err(error) => return Err(error.into()),
            }
        }
        let shown = self.shown.insert(Pairing::begin(&self.server).await?);
        let instructions = "Scan it with a device where you are signed in, and say yes there.".to_owned();
        let (code, valid_for) = (shown.code.clone(), shown.valid_for);
        Ok(LoginStep::Show { code, qr: true, link: None, instructions, valid_for })
    }
}

fn done(account: String, name: String, secret: Secret) -> LoginStep {
    LoginStep::Done(SavedLogin { id: LoginId::new(account), name, secret })
}

impl From<LineError> for PlatformError {
    fn from(error: LineError) -> Self {
        Self(error.to_string())
    }
}

/// This network has one stream of events, so there is one cursor.
const STREAM: &str = "events";
const STORING_MAX: usize = 64;

async fn listen(mut client: LineClient, sink: EventSink, device: String) -> Result<(), ConnectError> {
    let mut storing = FuturesOrdered::new();
    loop {
        tokio::select! {
            // What was not stored is not lost: we end, and the next connection asks for it again.
            Some(stored) = storing.next() => stored?,
            told = client.next(), if storing.len() < STORING_MAX => {
                let told = told?;
                let cursor = Cursor { key: STREAM.to_owned(), value: told.seq.to_string() };
                if let Some(event) = remote_event(told, &device) {
                    storing.push_back(sink.push_with_cursor(event, cursor).await.stored());
                }
            }
        }
    }
}

/// What the bridge makes of an event; nothing of what this very device has said.
fn remote_event(told: Told, device: &str) -> Option<RemoteEvent> {
    let Some(Said { chat, message, by, via, name, text, at: sent_ms }) = told.said else {
        // Kept as it came, and read again after an upgrade that knows it.
        return Some(RemoteEvent::Unknown { chat: None, name: told.event, raw: told.raw });
    };
    let (chat, id, by) = (RemoteChatId::new(chat), RemoteMessageId::new(message), RemoteUserId::new(by));
    let message = Message::text(RichText::plain(&text).bounded());
    let sender = Sender { ids: AliasSet::single(by), name: Some(name), avatar: None };
    let said = RemoteEvent::Message(RemoteMessage { chat, id, sender, sent_ms, message });
    (via.as_deref() != Some(device)).then_some(said)
}

impl From<LineError> for ConnectError {
    fn from(error: LineError) -> Self {
        match error {
            LineError::SignedOut(words) => Self::BadCredentials(words),
            error => Self::Transient(error.to_string()),
        }
    }
}

struct ExampleSession {
    account: LineAccount,
    welcome: Welcome,
    stop: CancellationToken,
    end: Shared<BoxFuture<'static, ConnectError>>,
}

type Outcome = Result<Delivered, DeliverError>;

#[async_trait]
impl Session for ExampleSession {
    fn me(&self) -> RemoteUserId {
        RemoteUserId::new(&*self.welcome.account)
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
        let found = self.account.chat(id.as_str()).await?;
        Ok(found.map(|name| ChatInfo::new(ChatKind::Group, Some(name))))
    }

    async fn user(&self, id: &RemoteUserId) -> Result<Option<UserInfo>, PlatformError> {
        let (ids, found) = (AliasSet::single(id.clone()), self.account.user(id.as_str()).await?);
        Ok(found.map(|name| UserInfo { ids, name: Some(name), avatar: None, bot: false }))
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
        if key.in_doubt.is_some() && !self.welcome.keys {
            return Err(uncertain());
        }
        let (author, text) = (said.author.as_ref().map(|author| &*author.name), said.message.text.to_plain());
        let say = Say { chat: chat.as_str(), key: &key.key, text: &text, author };
        let said = self.account.say(say).await.map(|id| Delivered { ids: vec![RemoteMessageId::new(id)] });
        said.map_err(|error| match error {
            LineError::Busy { words: reason, retry: after } => DeliverError::Retry { after, reason },
            LineError::Unreachable(reason) => DeliverError::Retry { after: None, reason },
            // The second time it is surely the key that we rely on, so a third time is as good.
            LineError::Broken(reason) if key.in_doubt.is_some() => {
                DeliverError::Retry { after: None, reason }
            }
            LineError::Broken(_) => uncertain(),
            LineError::SignedOut(words) => DeliverError::LoggedOut(words),
            LineError::Refused(words) | LineError::Expired(words) => DeliverError::Rejected(words),
        })
    }
}

fn uncertain() -> DeliverError {
    DeliverError::Uncertain("The chat server did not confirm it; look there before you repeat it.".to_owned())
}
