//! The suite that every platform passes: what [`Platform`] and [`Session`](crate::platform::Session) promise, as checks.
//!
//! A platform's tests implement [`Subject`]: its counterpart with the hands of the people on the other side. [`all`] runs every
//! check on a subject of its own; each check is also a public function. A failed check panics, saying which promise was broken.
//! The suite must know no platform, and must not wait by the clock: it waits for events, within [`WITHIN`].

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

pub use self::{
    connecting::{
        a_closed_session_pushes_nothing_and_loses_nothing,
        a_cut_connection_ends_the_session_and_loses_nothing, a_revoked_credential_ends_the_session,
        a_wrong_credential_is_named, an_absent_network_is_worth_trying_again, connecting_yields_a_session,
        doctor_names_fault_and_remedy,
    },
    delivering::{
        a_delivery_in_doubt_happens_at_most_once, a_message_is_delivered_once_and_its_id_names_it,
        a_relay_names_its_author, a_too_long_text_is_not_lost, files_agree_with_limits,
        limits_and_deliver_agree_on_every_action, own_deliveries_do_not_come_back,
    },
    finding::people_are_found_and_chats_with_them_open_once,
    happening::{Happening, everything_that_happens_is_pushed},
    receiving::{a_hundred_messages_arrive_once_in_order, what_was_not_stored_is_pushed_again},
    recorder::{Recorded, Recorder},
    samples::sample,
    signing_in::{
        a_code_is_renewed_or_over_when_its_time_is, a_login_flow_leads_to_a_session, a_refused_code_is_over,
        configuration_or_flow_leads_in,
    },
};
use crate::{
    ids::{RemoteChatId, RemoteMessageId, RemoteUserId},
    platform::{EventSink, LoginStep, Platform, SavedLogin, Session},
};

mod connecting;
mod delivering;
mod finding;
mod happening;
mod receiving;
mod recorder;
mod samples;
mod signing_in;

/// What a check waits for comes within this time, or never.
pub const WITHIN: Duration = Duration::from_secs(30);

/// A platform with its counterpart, fresh for one check: one account that can sign in, one chat with one person in it.
#[async_trait]
pub trait Subject: Send + Sync {
    /// The platform under test.
    type Platform: Platform;

    /// A new platform object that reaches the counterpart, as after a start of the process.
    fn platform(&self) -> Self::Platform;

    /// The same with a configuration that cannot work (a wrong token, say), for the doctor.
    fn misconfigured_platform(&self) -> Self::Platform;

    /// The account that can sign in.
    fn login(&self) -> SavedLogin;

    /// The same account with credentials that the network refuses.
    fn refused_login(&self) -> SavedLogin;

    /// The chat in which everything happens.
    fn chat(&self) -> RemoteChatId;

    /// A well-formed id of a chat that does not exist.
    fn no_chat(&self) -> RemoteChatId;

    /// The person who speaks there.
    fn person(&self) -> RemoteUserId;

    /// A well-formed id of a person who does not exist; `None` where everybody does.
    fn no_person(&self) -> Option<RemoteUserId>;

    /// Other ways in which people write who that is, such as a user name; for networks with a directory.
    fn spellings(&self) -> Vec<String> {
        Vec::new()
    }

    /// The person says something in the chat. Gives the id under which the bridge must push it.
    async fn person_says(&self, text: &str) -> RemoteMessageId;

    /// Whether this login flow is of the way that is tested; a bridge may have several.
    fn goes(&self, flow: &str) -> bool {
        let _ = flow;
        true
    }

    /// Whether a message that could not be stored may come after later ones: where keys travel with messages, it may have to be asked for again.
    fn comes_late(&self) -> bool {
        false
    }

    /// Lets something happen in the chat, to the message `target` where it happens to one; false when the network knows no such thing. Asked
    /// for each [`Happening`] in turn, so a subject says of every one whether its network has it.
    async fn happens(&self, what: Happening, target: &RemoteMessageId) -> bool;

    /// Everything that our account said in the chat and that still stands, oldest first.
    async fn heard(&self) -> Vec<Heard>;

    /// Ends every connection of the bridge; the next one is welcome.
    async fn cut(&self);

    /// The next message that we deliver meets this fault.
    async fn fault(&self, fault: DeliveryFault);

    /// From now on nobody answers.
    async fn go_away(&self);

    /// The network takes back the credentials of [`Subject::login`] and ends its connections.
    async fn revoke(&self);

    /// Goes one step through a login flow as a person would: answers to [`LoginStep::Ask`], an act elsewhere and no answers to
    /// [`LoginStep::Show`]. `None` when this flow cannot be gone here, or cannot be gone wrong in that way.
    async fn answer(&self, flow: &str, step: &LoginStep, answers: Answers) -> Option<Vec<(String, String)>>;
}

/// A message of ours as the people on the other side have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its id, spelled as the bridge spells it.
    pub id: RemoteMessageId,
    /// Its words without markup.
    pub text: String,
    /// For whom it was said, where the network shows that beside the words.
    pub author: Option<String>,
}

/// What happens to one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryFault {
    /// The request reaches the network, has no effect, and the connection is cut.
    CutBeforeEffect,
    /// The request has its effect, and the connection is cut before the answer.
    CutAfterEffect,
    /// The network says: not now, try again.
    Busy,
}

/// Whether a person answers a login step rightly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// They do.
    Right,
    /// Their answer is one that the network refuses; asked to confirm a code, they say no.
    Wrong,
    /// They do not act while the code holds. Only where there is one to see.
    Late,
}

/// Runs every check, each on a subject of its own.
pub async fn all<S: Subject>(mut subject: impl AsyncFnMut() -> S) {
    connecting_yields_a_session(&subject().await).await;
    a_wrong_credential_is_named(&subject().await).await;
    an_absent_network_is_worth_trying_again(&subject().await).await;
    a_revoked_credential_ends_the_session(&subject().await).await;
    a_cut_connection_ends_the_session_and_loses_nothing(&subject().await).await;
    a_closed_session_pushes_nothing_and_loses_nothing(&subject().await).await;
    doctor_names_fault_and_remedy(&subject().await).await;

    a_hundred_messages_arrive_once_in_order(&subject().await).await;
    what_was_not_stored_is_pushed_again(&subject().await).await;

    a_message_is_delivered_once_and_its_id_names_it(&subject().await).await;
    own_deliveries_do_not_come_back(&subject().await).await;
    for fault in [DeliveryFault::CutBeforeEffect, DeliveryFault::CutAfterEffect, DeliveryFault::Busy] {
        a_delivery_in_doubt_happens_at_most_once(&subject().await, fault).await;
    }
    a_too_long_text_is_not_lost(&subject().await).await;
    a_relay_names_its_author(&subject().await).await;
    limits_and_deliver_agree_on_every_action(&subject().await).await;
    everything_that_happens_is_pushed(&subject().await).await;
    files_agree_with_limits(&subject().await).await;

    people_are_found_and_chats_with_them_open_once(&subject().await).await;

    configuration_or_flow_leads_in(&subject().await).await;
    a_login_flow_leads_to_a_session(&subject().await).await;
    a_refused_code_is_over(&subject().await).await;
    a_code_is_renewed_or_over_when_its_time_is(&subject().await).await;
}

/// Connects the subject's account to a recorder; what every check begins with.
pub(crate) async fn connected<S: Subject>(subject: &S, recorder: &Recorder) -> Arc<dyn Session> {
    let login = subject.login();
    let sink = EventSink::new(login.id.clone(), Arc::new(recorder.clone()));
    match subject.platform().connect(&login, sink).await {
        Ok(session) => session,
        Err(error) => panic!("the account that can sign in does not: {error:?}"),
    }
}

/// Awaits something that must come, and says what when it does not.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(WITHIN, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: not within {WITHIN:?}"),
    }
}

/// Words for a person: there are some, and no secret is among them.
pub(crate) fn assert_words(what: &str, words: &str, login: &SavedLogin) {
    assert!(words.chars().filter(|c| c.is_alphabetic()).count() >= 8, "{what} says too little: {words:?}");
    let secret = login.secret.expose();
    assert!(secret.is_empty() || !words.contains(secret), "{what} shows the secret");
}
