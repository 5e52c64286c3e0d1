//! The example platform: it passes the suite of all platforms, on a network with keys and on one without.

use std::sync::Arc;

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    config::Secret,
    ids::{LoginId, RemoteChatId, RemoteMessageId, RemoteUserId},
    message::{Message, Outgoing, OutgoingMessage, RemoteEvent, RichText},
    platform::{DeliverError, DeliveryKey, EventSink, InDoubt, LoginStep, Platform, SavedLogin, Session},
    testkit::platform_suite::{self, Answers, DeliveryFault, Happening, Heard, Recorder, Subject},
};
use magpie_tests::{
    example::{Example, ExampleConfig},
    line_server::{Fault, LineServer},
};
use serde_json::json;

mod planted;
mod signing_in;

const TOKEN: &str = "magpie-7f3a";
const LINES_OF_CODE_MAX: usize = 250;

struct OnLineServer(LineServer);

impl OnLineServer {
    async fn start() -> Self {
        let server = LineServer::start().await.expect("the loopback interface has a free port");
        server.add_account("bridge", "The bridge", TOKEN);
        server.add_account("ada", "Ada", "ada-91c2");
        server.add_chat("lobby", "The lobby");
        Self(server)
    }

    async fn without_keys() -> Self {
        let subject = Self::start().await;
        subject.0.forget_keys();
        subject
    }

    fn with_token(&self, token: &str) -> Example {
        let config = ExampleConfig { server: self.0.address().to_string(), token: Some(Secret::new(token)) };
        Example::new(config, Clock::fixed(0, 0)).expect("the example is always built")
    }

    async fn session(&self, recorder: &Recorder) -> Arc<dyn Session> {
        let sink = EventSink::new(LoginId::new("bridge"), Arc::new(recorder.clone()));
        self.platform().connect(&self.login(), sink).await.expect("the server is there")
    }
}

fn login(token: &str) -> SavedLogin {
    SavedLogin { id: LoginId::new("bridge"), name: "The bridge".to_owned(), secret: Secret::new(token) }
}

#[async_trait]
impl Subject for OnLineServer {
    type Platform = Example;

    fn platform(&self) -> Example {
        self.with_token(TOKEN)
    }

    fn misconfigured_platform(&self) -> Example {
        self.with_token("a-wrong-one")
    }

    fn login(&self) -> SavedLogin {
        login(TOKEN)
    }

    fn refused_login(&self) -> SavedLogin {
        login("a-wrong-one")
    }

    fn chat(&self) -> RemoteChatId {
        RemoteChatId::new("lobby")
    }

    fn no_chat(&self) -> RemoteChatId {
        RemoteChatId::new("cellar")
    }

    fn person(&self) -> RemoteUserId {
        RemoteUserId::new("ada")
    }

    fn no_person(&self) -> Option<RemoteUserId> {
        Some(RemoteUserId::new("nobody"))
    }

    async fn person_says(&self, text: &str) -> RemoteMessageId {
        RemoteMessageId::new(self.0.person_says("lobby", "ada", text))
    }

    async fn happens(&self, what: Happening, _target: &RemoteMessageId) -> bool {
        // A line is all that this network knows.
        if what == Happening::Message {
            self.0.person_says("lobby", "ada", "something");
        }
        what == Happening::Message
    }

    async fn heard(&self) -> Vec<Heard> {
        let ours = self.0.messages("lobby").into_iter().filter(|message| message.by == "bridge");
        ours.map(|message| Heard {
            id: RemoteMessageId::new(message.id),
            text: message.text,
            author: message.author,
        })
        .collect()
    }

    async fn cut(&self) {
        self.0.cut();
    }

    async fn fault(&self, fault: DeliveryFault) {
        self.0.fault(match fault {
            DeliveryFault::CutBeforeEffect => Fault::CutBeforeEffect,
            DeliveryFault::CutAfterEffect => Fault::CutAfterEffect,
            DeliveryFault::Busy => Fault::Busy,
        });
    }

    async fn go_away(&self) {
        self.0.go_away().await;
    }

    async fn revoke(&self) {
        self.0.revoke(TOKEN);
    }

    async fn answer(&self, _flow: &str, step: &LoginStep, answers: Answers) -> Option<Vec<(String, String)>> {
        match (step, answers) {
            (LoginStep::Ask(fields), Answers::Right | Answers::Wrong) => {
                let token = if answers == Answers::Right { TOKEN } else { "a-wrong-one" };
                Some(fields.iter().map(|field| (field.name.to_owned(), token.to_owned())).collect())
            }
            (LoginStep::Show { code, .. }, _) => {
                let is_taken = match answers {
                    Answers::Right => self.0.person_scans(code, "bridge"),
                    Answers::Wrong => self.0.person_denies(code),
                    Answers::Late => self.0.code_expires(code),
                };
                assert!(is_taken, "the code that is shown does not hold");
                Some(Vec::new())
            }
            (LoginStep::Ask(_), Answers::Late) => None,
            (LoginStep::Done(_), _) => Some(Vec::new()),
        }
    }
}

fn said(text: &str) -> Outgoing {
    Outgoing::Message(OutgoingMessage {
        message: Message::text(RichText::plain(text)),
        author: None,
        sent_ms: 1,
    })
}

#[tokio::test]
async fn the_example_passes_the_platform_suite() {
    platform_suite::all(OnLineServer::start).await;
}

#[tokio::test]
async fn the_example_passes_the_platform_suite_on_a_network_without_keys() {
    platform_suite::all(OnLineServer::without_keys).await;
}

#[tokio::test]
async fn in_doubt_a_network_without_keys_is_not_asked_again() {
    let subject = OnLineServer::without_keys().await;
    let session = subject.session(&Recorder::default()).await;
    let in_doubt = Some(InDoubt { after: None, accepted_ms: 1 });
    let key = DeliveryKey { key: "k".to_owned(), in_doubt };
    let outcome = session.deliver(&subject.chat(), &said("hello"), &key).await;
    assert!(matches!(outcome, Err(DeliverError::Uncertain(_))), "{outcome:?}");
    assert_eq!(subject.heard().await, []);
}

#[tokio::test]
async fn in_doubt_a_network_with_keys_repeats_its_first_answer() {
    let subject = OnLineServer::start().await;
    let session = subject.session(&Recorder::default()).await;
    let mut key = DeliveryKey { key: "k".to_owned(), in_doubt: None };
    subject.0.fault(Fault::CutAfterEffect);
    let outcome = session.deliver(&subject.chat(), &said("hello"), &key).await;
    assert!(matches!(outcome, Err(DeliverError::Uncertain(_))), "{outcome:?}");
    key.in_doubt = Some(InDoubt { after: None, accepted_ms: 1 });
    let delivered = session.deliver(&subject.chat(), &said("hello"), &key).await.expect("the key is known");
    let heard = Heard { id: delivered.ids[0].clone(), text: "hello".to_owned(), author: None };
    assert_eq!(subject.heard().await, [heard]);
}

#[tokio::test]
async fn an_event_that_nobody_knows_is_kept_as_it_came() {
    let subject = OnLineServer::start().await;
    let recorder = Recorder::default();
    let session = subject.session(&recorder).await;
    subject.0.tell(json!({"event": "nudged", "chat": "lobby", "by": "ada"}));
    let unknown = |recorder: &Recorder| {
        recorder.events().into_iter().find_map(|recorded| match recorded.event {
            RemoteEvent::Unknown { name, raw, .. } => Some((name, raw)),
            _ => None,
        })
    };
    let (name, raw) = recorder.wait_for("the unknown event", unknown).await;
    assert_eq!(name, "nudged");
    assert!(raw.contains("\"by\":\"ada\""), "{raw}");
    session.close().await;
}

#[tokio::test]
async fn a_server_that_went_away_can_come_back() {
    let subject = OnLineServer::start().await;
    let recorder = Recorder::default();
    let session = subject.session(&recorder).await;
    subject.0.go_away().await;
    session.ended().await;
    let id = subject.person_says("still here").await;
    subject.0.come_back().await.expect("the port is still free");
    let _session = subject.session(&recorder).await;
    let seen = |recorder: &Recorder| recorder.messages().iter().find(|m| m.id == id).map(|_| ());
    recorder.wait_for("what was said meanwhile", seen).await;
}

#[test]
fn the_example_stays_below_its_limit() {
    let source = include_str!("../src/example.rs");
    let code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    let lines = source.lines().filter(code).count();
    assert!(lines <= LINES_OF_CODE_MAX, "the example has {lines} lines of code");
}
