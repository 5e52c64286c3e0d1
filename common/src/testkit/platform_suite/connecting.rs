//! Checks of a session's beginning and end.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{Recorder, Subject, assert_words, connected, within};
use crate::platform::{ConnectError, EventSink, Finding, Platform, SavedLogin};

/// `close` has done all the work when it returns, so the end is known at once.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);

/// A session comes up, knows who it is, and finds what is there and nothing else.
pub async fn connecting_yields_a_session<S: Subject>(subject: &S) {
    let recorder = Recorder::default();
    let session = connected(subject, &recorder).await;
    assert!(!session.me().as_str().is_empty(), "the session does not know who it is");
    assert_ne!(session.me(), subject.person(), "the session takes itself for somebody else");
    let chat = session.chat(&subject.chat()).await.expect("the network can be asked");
    assert!(chat.is_some(), "the chat is not found");
    let no_chat = session.chat(&subject.no_chat()).await.expect("not found is no error");
    assert_eq!(no_chat, None, "a chat that does not exist is found");
    let person = session.user(&subject.person()).await.expect("the network can be asked");
    let person = person.expect("the person is found");
    assert!(person.ids.contains(&subject.person()), "another person is found: {person:?}");
    if let Some(nobody) = subject.no_person() {
        let found = session.user(&nobody).await.expect("not found is no error");
        assert_eq!(found, None, "a person who does not exist is found");
    }
    session.close().await;
}

/// A login that the network refuses ends in `BadCredentials`, with words.
pub async fn a_wrong_credential_is_named<S: Subject>(subject: &S) {
    match connect_error(subject, &subject.refused_login()).await {
        ConnectError::BadCredentials(words) => {
            assert_words("the refused login", &words, &subject.refused_login());
        }
        other => panic!("a refused login is not `BadCredentials` but {other:?}"),
    }
}

/// Without a network, connecting ends in `Transient`, and so does a session.
pub async fn an_absent_network_is_worth_trying_again<S: Subject>(subject: &S) {
    let session = connected(subject, &Recorder::default()).await;
    subject.go_away().await;
    let why = within("the end of a session whose network is gone", session.ended()).await;
    assert!(matches!(why, ConnectError::Transient(_)), "a network that is gone ends a session with {why:?}");
    match connect_error(subject, &subject.login()).await {
        ConnectError::Transient(words) => assert_words("the absent network", &words, &subject.login()),
        other => panic!("an absent network is not `Transient` but {other:?}"),
    }
}

/// A credential that is taken back ends the session, and the next attempt says why.
pub async fn a_revoked_credential_ends_the_session<S: Subject>(subject: &S) {
    let session = connected(subject, &Recorder::default()).await;
    subject.revoke().await;
    let why = within("the end of a session whose credential was revoked", session.ended()).await;
    assert_ne!(why, ConnectError::Closed, "nobody closed the session");
    let again = connect_error(subject, &subject.login()).await;
    assert!(matches!(again, ConnectError::BadCredentials(_)), "a revoked credential ends in {again:?}");
}

/// When the connection is cut the session says so, and the next one goes on after the last event that was stored.
pub async fn a_cut_connection_ends_the_session_and_loses_nothing<S: Subject>(subject: &S) {
    let recorder = Recorder::default();
    let mut expected = Vec::new();
    let mut session = connected(subject, &recorder).await;
    for round in 0..3 {
        expected.push(subject.person_says(&format!("while connected, {round}")).await);
        let before = expected.last().expect("just pushed").clone();
        let arrived = |recorder: &Recorder| recorder.messages().iter().find(|m| m.id == before).map(|_| ());
        recorder.wait_for("a message while connected", arrived).await;
        // Waiting for the end is safe to give up and to begin again.
        assert!(futures_util::FutureExt::now_or_never(session.ended()).is_none(), "ended without a reason");
        subject.cut().await;
        let why = within("the end of a session that was cut", session.ended()).await;
        assert!(matches!(why, ConnectError::Transient(_)), "a cut connection ends a session with {why:?}");
        expected.push(subject.person_says(&format!("while disconnected, {round}")).await);
        session = connected(subject, &recorder).await;
        let missed = expected.last().expect("just pushed").clone();
        let arrived = |recorder: &Recorder| recorder.messages().iter().find(|m| m.id == missed).map(|_| ());
        recorder.wait_for("a message from the time without a connection", arrived).await;
    }
    // A repeat after a reconnect is allowed, because known ids are dropped; a gap or another order is not.
    let mut arrived: Vec<_> = Vec::new();
    for message in recorder.messages() {
        if !arrived.contains(&message.id) {
            arrived.push(message.id);
        }
    }
    assert_eq!(arrived, expected, "after cuts, messages are missing or out of order");
    session.close().await;
}

/// After `close` has returned nothing is pushed, and what is said then comes with the next session.
pub async fn a_closed_session_pushes_nothing_and_loses_nothing<S: Subject>(subject: &S) {
    let recorder = Recorder::default();
    let session = connected(subject, &recorder).await;
    let first = subject.person_says("while open").await;
    let seen = |recorder: &Recorder| recorder.messages().iter().find(|m| m.id == first).map(|_| ());
    recorder.wait_for("a message while open", seen).await;
    session.close().await;
    let at_close = recorder.events().len();
    let mut expected = vec![first];
    for nth in 0..3 {
        expected.push(subject.person_says(&format!("while closed, {nth}")).await);
    }
    let why = timeout(CLOSED_WITHIN, session.ended()).await.expect("a closed session has not ended");
    assert_eq!(why, ConnectError::Closed, "a session that we closed ended otherwise");
    assert_eq!(recorder.events().len(), at_close, "a closed session pushes");
    let again = connected(subject, &recorder).await;
    let last = expected.last().expect("just pushed").clone();
    let seen = |recorder: &Recorder| recorder.messages().iter().find(|m| m.id == last).map(|_| ());
    recorder.wait_for("what was said while closed", seen).await;
    let arrived: Vec<_> = recorder.messages().into_iter().map(|message| message.id).collect();
    assert_eq!(arrived, expected, "after a close, messages are missing, doubled or out of order");
    again.close().await;
}

/// `diagnose` finds nothing on a healthy network, and names fault and remedy on a broken one.
pub async fn doctor_names_fault_and_remedy<S: Subject>(subject: &S) {
    let healthy = subject.platform().diagnose().await;
    assert!(!healthy.is_empty(), "the doctor looks at nothing");
    assert!(
        healthy.iter().all(|finding| finding.result.is_ok()),
        "a healthy network has faults: {healthy:?}"
    );
    assert_fault(subject, "a wrong configuration", &subject.misconfigured_platform().diagnose().await);
    subject.go_away().await;
    assert_fault(subject, "an absent network", &subject.platform().diagnose().await);
}

fn assert_fault<S: Subject>(subject: &S, what: &str, findings: &[Finding]) {
    let fault = findings.iter().find_map(|finding| finding.result.as_ref().err());
    let Some(fault) = fault else { panic!("the doctor does not see {what}: {findings:?}") };
    assert_words(what, &fault.problem, &subject.login());
    assert_words("the remedy", &fault.remedy, &subject.login());
}

async fn connect_error<S: Subject>(subject: &S, login: &SavedLogin) -> ConnectError {
    let sink = EventSink::new(login.id.clone(), Arc::new(Recorder::default()));
    match within("an answer to connecting", subject.platform().connect(login, sink)).await {
        Err(error) => error,
        Ok(_) => panic!("a session came up where none can"),
    }
}
