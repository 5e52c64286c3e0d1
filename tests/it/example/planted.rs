//! The suite can fail: the example with one planted fault at a time, and the check that must notice it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    config::About,
    ids::{RemoteChatId, RemoteFileId, RemoteMessageId, RemoteUserId},
    message::{Action, Authors, ChatInfo, Limits, Node, Outgoing, Support, UserInfo},
    platform::{
        ConnectError, DeliverError, Delivered, DeliveryKey, Download, EventSink, Finding, LoginFlow,
        LoginProcess, LoginStep, Platform, PlatformError, SavedLogin, Session,
    },
    testkit::platform_suite::{self, Answers, DeliveryFault, Happening, Heard, Subject},
};
use magpie_tests::example::{Example, ExampleConfig};

use super::OnLineServer;

/// What the planted platform does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Planted {
    /// Every attempt has a key of its own.
    FreshKeys,
    /// It says that it can edit.
    ProudLimits,
    /// It calls every fault of a connection a wrong token.
    BlamesToken,
    /// Closing does not stop it.
    NeverCloses,
    /// It says that it shows authors, and does not.
    HidesAuthors,
    /// Not a fault: it says that it has no place for authors.
    HasNoPlaceForAuthors,
    /// It says so, and changes the words in which they stand.
    LosesNames,
}

struct Faulty(Example, Planted);

struct FaultySession(Arc<dyn Session>, Planted, AtomicU64);

#[async_trait]
impl Platform for Faulty {
    const ABOUT: About = Example::ABOUT;
    type Config = ExampleConfig;

    fn new(config: ExampleConfig, clock: Clock) -> Result<Self, PlatformError> {
        Example::new(config, clock).map(|example| Self(example, Planted::FreshKeys))
    }

    fn login_flows(&self) -> Vec<LoginFlow> {
        self.0.login_flows()
    }

    async fn begin_login(&self, flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError> {
        self.0.begin_login(flow).await
    }

    fn configured_logins(&self) -> Vec<SavedLogin> {
        self.0.configured_logins()
    }

    async fn connect(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError> {
        match self.0.connect(login, sink).await {
            Ok(session) => Ok(Arc::new(FaultySession(session, self.1, AtomicU64::new(0)))),
            Err(error) if self.1 == Planted::BlamesToken => {
                Err(ConnectError::BadCredentials(error.to_string()))
            }
            Err(error) => Err(error),
        }
    }

    async fn diagnose(&self) -> Vec<Finding> {
        self.0.diagnose().await
    }
}

#[async_trait]
impl Session for FaultySession {
    fn me(&self) -> RemoteUserId {
        self.0.me()
    }

    fn limits(&self, chat: &RemoteChatId) -> Limits {
        let mut limits = self.0.limits(chat);
        if self.1 == Planted::ProudLimits {
            limits.actions.insert(Action::Edit, Support::Full);
        }
        if matches!(self.1, Planted::HasNoPlaceForAuthors | Planted::LosesNames) {
            limits.authors = Authors::InWords;
        }
        limits
    }

    async fn deliver(
        &self,
        chat: &RemoteChatId,
        outgoing: &Outgoing,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let mut key = key.clone();
        if self.1 == Planted::FreshKeys {
            key.key.push_str(&self.2.fetch_add(1, Ordering::Relaxed).to_string());
        }
        let mut outgoing = outgoing.clone();
        if let Outgoing::Message(said) = &mut outgoing {
            match self.1 {
                Planted::HidesAuthors => said.author = None,
                // As if the name were markup of the network.
                Planted::LosesNames => said.message.text.0.retain(|node| !matches!(node, Node::Strong(_))),
                _ => {}
            }
        }
        self.0.deliver(chat, &outgoing, &key).await
    }

    async fn chat(&self, id: &RemoteChatId) -> Result<Option<ChatInfo>, PlatformError> {
        self.0.chat(id).await
    }

    async fn user(&self, id: &RemoteUserId) -> Result<Option<UserInfo>, PlatformError> {
        self.0.user(id).await
    }

    async fn download(&self, file: &RemoteFileId) -> Result<Download, PlatformError> {
        self.0.download(file).await
    }

    async fn ended(&self) -> ConnectError {
        self.0.ended().await
    }

    async fn close(&self) {
        if self.1 != Planted::NeverCloses {
            self.0.close().await;
        }
    }
}

struct OnFaulty(OnLineServer, Planted);

#[async_trait]
impl Subject for OnFaulty {
    type Platform = Faulty;

    fn platform(&self) -> Faulty {
        Faulty(self.0.platform(), self.1)
    }

    fn misconfigured_platform(&self) -> Faulty {
        Faulty(self.0.misconfigured_platform(), self.1)
    }

    fn login(&self) -> SavedLogin {
        self.0.login()
    }

    fn refused_login(&self) -> SavedLogin {
        self.0.refused_login()
    }

    fn chat(&self) -> RemoteChatId {
        self.0.chat()
    }

    fn no_chat(&self) -> RemoteChatId {
        self.0.no_chat()
    }

    fn person(&self) -> RemoteUserId {
        self.0.person()
    }

    fn no_person(&self) -> Option<RemoteUserId> {
        self.0.no_person()
    }

    async fn person_says(&self, text: &str) -> RemoteMessageId {
        self.0.person_says(text).await
    }

    async fn happens(&self, what: Happening, target: &RemoteMessageId) -> bool {
        self.0.happens(what, target).await
    }

    async fn heard(&self) -> Vec<Heard> {
        self.0.heard().await
    }

    async fn cut(&self) {
        self.0.cut().await;
    }

    async fn fault(&self, fault: DeliveryFault) {
        self.0.fault(fault).await;
    }

    async fn go_away(&self) {
        self.0.go_away().await;
    }

    async fn revoke(&self) {
        self.0.revoke().await;
    }

    async fn answer(&self, flow: &str, step: &LoginStep, answers: Answers) -> Option<Vec<(String, String)>> {
        self.0.answer(flow, step, answers).await
    }
}

/// Runs one check on the planted platform and gives the words with which it fails.
async fn noticed(planted: Planted, check: impl AsyncFnOnce(&OnFaulty)) -> String {
    use futures_util::FutureExt;
    let subject = OnFaulty(OnLineServer::start().await, planted);
    let outcome = std::panic::AssertUnwindSafe(check(&subject)).catch_unwind().await;
    let panic = outcome.expect_err("the suite does not notice the planted fault");
    panic.downcast::<String>().map(|words| *words).expect("a check fails with words")
}

#[tokio::test]
async fn fresh_keys_are_noticed() {
    let words = noticed(Planted::FreshKeys, async |subject| {
        platform_suite::a_message_is_delivered_once_and_its_id_names_it(subject).await;
    });
    assert!(words.await.contains("the same key gives other ids"));
    let words = noticed(Planted::FreshKeys, async |subject| {
        let fault = DeliveryFault::CutAfterEffect;
        platform_suite::a_delivery_in_doubt_happens_at_most_once(subject, fault).await;
    });
    assert!(words.await.contains("CutAfterEffect"));
}

#[tokio::test]
async fn limits_that_promise_too_much_are_noticed() {
    let words = noticed(Planted::ProudLimits, async |subject| {
        platform_suite::limits_and_deliver_agree_on_every_action(subject).await;
    });
    assert!(words.await.contains("limits list Edit"));
}

#[tokio::test]
async fn authors_that_are_not_where_limits_say_are_noticed() {
    for planted in [Planted::HidesAuthors, Planted::LosesNames] {
        let words = noticed(planted, async |subject| {
            platform_suite::a_relay_names_its_author(subject).await;
        });
        assert!(words.await.contains("the author is not shown as `limits` say"), "{planted:?}");
    }
}

#[tokio::test]
async fn a_network_without_a_place_for_authors_has_nothing_to_do() {
    let subject = OnFaulty(OnLineServer::start().await, Planted::HasNoPlaceForAuthors);
    platform_suite::a_relay_names_its_author(&subject).await;
}

#[tokio::test]
async fn an_absent_network_taken_for_a_wrong_token_is_noticed() {
    let words = noticed(Planted::BlamesToken, async |subject| {
        platform_suite::an_absent_network_is_worth_trying_again(subject).await;
    });
    assert!(words.await.contains("an absent network is not `Transient`"));
}

#[tokio::test]
async fn a_session_that_never_closes_is_noticed() {
    let words = noticed(Planted::NeverCloses, async |subject| {
        platform_suite::a_closed_session_pushes_nothing_and_loses_nothing(subject).await;
    });
    assert!(words.await.contains("closed session"));
}
