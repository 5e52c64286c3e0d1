//! What is let in, and what is answered.

use hmac::{Hmac, Mac};

use super::*;

fn account() -> Account {
    Account {
        number: "1065".to_owned(),
        token: Secret::new("EAAJB"),
        app_secret: Secret::new("the app's secret"),
        verify_token: Secret::new("verify me"),
    }
}

fn known() -> Hooks {
    let hooks = Hooks::default();
    hooks.know(&account());
    hooks
}

fn signed(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key will do").chain_update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

fn post(signature: Option<&str>) -> WebhookHead {
    let mut head =
        WebhookHead { method: Method::POST, path: String::new(), query: None, headers: Default::default() };
    if let Some(signature) = signature {
        head.headers.insert(SIGNATURE_HEADER, signature.parse().expect("it is a header"));
    }
    head
}

fn get(query: &str) -> WebhookHead {
    WebhookHead { method: Method::GET, query: Some(query.to_owned()), ..post(None) }
}

#[tokio::test]
async fn the_handshake_is_answered_for_the_right_token_only() {
    let hooks = known();
    let ask = async |query: &str| hooks.receive(&get(query), Bytes::new()).await;
    let right = ask("hub.mode=subscribe&hub.verify_token=verify%20me&hub.challenge=1158201444").await;
    assert_eq!(right, WebhookAnswer::words("1158201444"));
    for wrong in [
        "",
        "hub.mode=subscribe&hub.verify_token=verify&hub.challenge=1",
        "hub.mode=subscribe&hub.verify_token=&hub.challenge=1",
        "hub.mode=unsubscribe&hub.verify_token=verify%20me&hub.challenge=1",
        "hub.mode=subscribe&hub.verify_token=verify%20me",
        "hub.mode=subscribe&hub.verify_token=verify%20me&hub.challenge=%3Cscript%3E",
    ] {
        assert_eq!(ask(wrong).await.status, StatusCode::FORBIDDEN, "{wrong}");
    }
}

#[tokio::test]
async fn only_what_the_app_has_signed_is_looked_into() {
    let hooks = known();
    let body = b"{\"entry\": []}";
    let right = signed("the app's secret", body);
    assert_eq!(hooks.admit(&post(Some(&right))), Ok(()));
    assert_eq!(hooks.receive(&post(Some(&right)), Bytes::from_static(body)).await, WebhookAnswer::done());
    for wrong in [
        "sha256=garbage",
        "",
        &right[..right.len() - 2],
        &right.replace("sha256", "sha1"),
        &format!("{right}00"),
    ] {
        assert_eq!(hooks.admit(&post(Some(wrong))), Err(WebhookAnswer::unauthorized()), "{wrong}");
    }
    assert!(hooks.admit(&post(None)).is_err());
    let answer = async |signature: String, body: &'static [u8]| {
        hooks.receive(&post(Some(&signature)), Bytes::from_static(body)).await
    };
    assert_eq!(answer(signed("another secret", body), body).await, WebhookAnswer::unauthorized());
    assert_eq!(
        answer(right.clone(), b"{\"entry\": [ ]}").await,
        WebhookAnswer::unauthorized(),
        "another body"
    );
    assert_eq!(answer(signed("the app's secret", b"{"), b"{").await, WebhookAnswer::malformed());
}

#[tokio::test]
async fn what_nobody_takes_yet_is_brought_again() {
    let told = |number: &str| {
        let value = serde_json::json!({"metadata": {"phone_number_id": number}});
        serde_json::json!({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).to_string()
    };
    let hooks = known();
    for number in ["1065", "1066"] {
        let body = told(number);
        let head = post(Some(&signed("the app's secret", body.as_bytes())));
        assert_eq!(hooks.receive(&head, Bytes::from(body)).await, WebhookAnswer::again(), "{number}");
    }
    let another = Account { number: "1067".to_owned(), app_secret: Secret::new("another"), ..account() };
    hooks.know(&another);
    let body = told("1067");
    let head = post(Some(&signed("the app's secret", body.as_bytes())));
    assert_eq!(
        hooks.receive(&head, Bytes::from(body)).await,
        WebhookAnswer::unauthorized(),
        "another app's number"
    );
    assert_eq!(Hooks::default().admit(&post(None)), Err(WebhookAnswer::again()), "nobody has signed in yet");
}

#[tokio::test(start_paused = true)]
async fn refusals_are_told_once_a_minute() {
    let mut refusals = Refusals::default();
    assert_eq!([refusals.add(), refusals.add(), refusals.add()], [Some(1), None, None]);
    tokio::time::advance(TOLD_EVERY).await;
    assert_eq!([refusals.add(), refusals.add()], [Some(3), None]);
}
