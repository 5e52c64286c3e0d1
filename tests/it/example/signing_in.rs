//! How people sign in to the example, and what several devices and accounts see of each other.

use std::{sync::Arc, time::Duration};

use magpie_common::{
    config::Secret,
    ids::{AliasSet, LoginId, RemoteUserId},
    message::RemoteMessage,
    platform::{DeliveryKey, EventSink, LoginProcess, LoginStep, Platform, SavedLogin, Session},
    testkit::platform_suite::{Recorder, Subject},
};
use magpie_tests::line_client::{LineAccount, LineError, Pairing};

use super::{OnLineServer, TOKEN, said};

async fn shown_by(process: &mut dyn LoginProcess) -> String {
    match process.step(Vec::new()).await {
        Ok(LoginStep::Show { code, qr: true, .. }) => code,
        other => panic!("no code is shown but {other:?}"),
    }
}

async fn sign_in_by_code(subject: &OnLineServer, account: &str) -> SavedLogin {
    let mut process = subject.platform().begin_login("qr").await.expect("the flow begins");
    let code = shown_by(&mut *process).await;
    assert!(subject.0.person_scans(&code, account), "the code does not hold");
    match process.step(Vec::new()).await {
        Ok(LoginStep::Done(login)) => login,
        other => panic!("not signed in but {other:?}"),
    }
}

async fn connect(subject: &OnLineServer, login: &SavedLogin, recorder: &Recorder) -> Arc<dyn Session> {
    let sink = EventSink::new(login.id.clone(), Arc::new(recorder.clone()));
    subject.platform().connect(login, sink).await.expect("the server is there")
}

async fn arrives(recorder: &Recorder, text: &str) -> RemoteMessage {
    let arrived = |recorder: &Recorder| {
        recorder.messages().into_iter().find(|message| message.message.text.to_plain() == text)
    };
    recorder.wait_for(text, arrived).await
}

fn texts(recorder: &Recorder) -> Vec<String> {
    recorder.messages().iter().map(|message| message.message.text.to_plain()).collect()
}

fn key(key: &str) -> DeliveryKey {
    DeliveryKey { key: key.to_owned(), in_doubt: None }
}

#[tokio::test]
async fn a_scanned_code_signs_in_with_a_device_of_its_own() {
    let subject = OnLineServer::start().await;
    let (first, second) = (sign_in_by_code(&subject, "ada").await, sign_in_by_code(&subject, "ada").await);
    assert_eq!((&first.id, &*first.name), (&LoginId::new("ada"), "Ada"));
    assert_ne!(first.secret.expose(), second.secret.expose(), "two devices share a token");
    assert_eq!(subject.0.codes(), [""; 0], "a code is left behind");
    let (one, other) = (Recorder::default(), Recorder::default());
    let session = connect(&subject, &first, &one).await;
    assert_eq!(session.me(), RemoteUserId::new("ada"));
    connect(&subject, &second, &other).await.close().await;
}

#[tokio::test]
async fn a_code_is_good_once_and_only_while_it_is_shown() {
    let subject = OnLineServer::start().await;
    let mut process = subject.platform().begin_login("qr").await.expect("the flow begins");
    let code = shown_by(&mut *process).await;
    assert!(!subject.0.person_scans(&code, "nobody"), "an account that does not exist scans a code");
    assert!(!subject.0.person_scans("line:made-up", "ada"), "a made-up code holds");
    assert!(subject.0.person_scans(&code, "ada"));
    assert!(!subject.0.person_scans(&code, "bridge"), "a code is good twice");

    let mut given_up = subject.platform().begin_login("qr").await.expect("the flow begins");
    let left = shown_by(&mut *given_up).await;
    drop(given_up);
    let mut changes = subject.0.changes();
    while subject.0.codes().contains(&left) {
        changes.changed().await.expect("the server is there");
    }
    assert!(!subject.0.person_scans(&left, "ada"), "a sign-in that was given up can be confirmed");
}

#[tokio::test]
async fn a_code_runs_out_by_itself() {
    let subject = OnLineServer::start().await;
    subject.0.codes_hold_for(Duration::from_millis(1));
    let pairing = Pairing::begin(&subject.0.address().to_string()).await.expect("the server is there");
    let ended = pairing.admitted().await.map(|paired| paired.account);
    assert!(matches!(ended, Err(LineError::Expired(_))), "{ended:?}");
}

#[tokio::test]
async fn a_device_that_is_signed_in_admits_another() {
    let subject = OnLineServer::start().await;
    let address = subject.0.address().to_string();
    let pairing = Pairing::begin(&address).await.expect("the server is there");
    let phone = LineAccount::new(&address, "ada-91c2");
    phone.admit(&pairing.code).await.expect("the code holds");
    let again = phone.admit(&pairing.code).await;
    assert!(matches!(again, Err(LineError::Refused(_))), "{again:?}");
    assert_eq!(pairing.admitted().await.expect("it was admitted").account, "ada");
}

#[tokio::test]
async fn what_the_account_says_on_another_device_is_told_as_its_own() {
    let subject = OnLineServer::start().await;
    let recorder = Recorder::default();
    let session = subject.session(&recorder).await;
    session.deliver(&subject.chat(), &said("from the bridge"), &key("k1")).await.expect("it is taken");
    let id = subject.0.person_says("lobby", "bridge", "from the phone");
    let own = arrives(&recorder, "from the phone").await;
    assert_eq!((own.id.as_str(), own.sender.ids), (&*id, AliasSet::single(session.me())));

    // A second bridge with a token of its own is another device, too.
    subject.0.add_account("bridge", "The bridge", "other-token");
    let other = SavedLogin { secret: Secret::new("other-token"), ..subject.login() };
    let other = connect(&subject, &other, &Recorder::default()).await;
    other.deliver(&subject.chat(), &said("from the other bridge"), &key("k2")).await.expect("it is taken");
    arrives(&recorder, "from the other bridge").await;
    assert_eq!(texts(&recorder), ["from the phone", "from the other bridge"]);
}

#[tokio::test]
async fn an_echo_is_known_after_a_restart() {
    let subject = OnLineServer::start().await;
    let recorder = Recorder::default();
    let address = subject.0.address().to_string();
    let before = LineAccount::new(&address, TOKEN);
    // Said just before the process was killed, so its echo is told to the next one.
    let say = magpie_tests::line_client::Say { chat: "lobby", key: "k", text: "said before", author: None };
    before.say(say).await.expect("it is taken");
    let _session = subject.session(&recorder).await;
    subject.person_says("said after").await;
    arrives(&recorder, "said after").await;
    assert_eq!(texts(&recorder), ["said after"]);
}

#[tokio::test]
async fn accounts_on_one_server_hear_each_other() {
    let subject = OnLineServer::start().await;
    let (ada, bridge) = (Recorder::default(), Recorder::default());
    let login = sign_in_by_code(&subject, "ada").await;
    let (theirs, ours) = (connect(&subject, &login, &ada).await, subject.session(&bridge).await);
    theirs.deliver(&subject.chat(), &said("from ada"), &key("k1")).await.expect("it is taken");
    ours.deliver(&subject.chat(), &said("from the bridge"), &key("k2")).await.expect("it is taken");
    arrives(&ada, "from the bridge").await;
    arrives(&bridge, "from ada").await;
    assert_eq!((texts(&ada), texts(&bridge)), (vec!["from the bridge".into()], vec!["from ada".into()]));
}
