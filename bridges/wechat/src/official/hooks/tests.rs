//! What comes in, and what is refused, before anything of it is believed.

use http::{HeaderMap, StatusCode};
use magpie_common::{
    config::Secret,
    ids::LoginId,
    message::RemoteEvent,
    platform::{ConnectError, EventSink},
    testkit::platform_suite::Recorder,
};
use tokio::sync::watch;

use super::*;
use crate::{callback::sealing, official::session::testing};

/// Nobody's: made up for these tests.
const KEY: &str = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR";
const APP_ID: &str = "wx5823bf96d3bd56c7";
const NOW_MS: i64 = 1_790_000_000_000;
const NOW: &str = "1790000000";

const TEXT: &str = "<xml><ToUserName>gh_1</ToUserName><FromUserName>oAda</FromUserName><CreateTime>1790000000</CreateTime>\
    <MsgType>text</MsgType><Content>hello</Content><MsgId>7</MsgId></xml>";
const ODD: &str = "<xml><FromUserName>oAda</FromUserName><CreateTime>1790000000</CreateTime><MsgType>hologram</MsgType><MsgId>8</MsgId></xml>";

struct Scene {
    hooks: Hooks,
    account: Account,
    recorder: Recorder,
    end: watch::Sender<Option<ConnectError>>,
}

impl Scene {
    fn new() -> Self {
        let account = Account {
            app_id: APP_ID.to_owned(),
            app_secret: Secret::new("0123"),
            token: Secret::new("QDG6eK"),
            aes_key: Secret::new(KEY),
        };
        let clock = Clock::fixed(NOW_MS, 7);
        let hooks = Hooks::new(&WeChatConfig::default(), clock.clone());
        let (recorder, end) = (Recorder::default(), watch::Sender::new(None));
        let sink = EventSink::new(LoginId::new("official-wx5823bf96d3bd56c7"), Arc::new(recorder.clone()));
        let before = hooks.take(&account, &testing::intake(APP_ID, sink, clock, end.clone()));
        assert!(before.is_none());
        Self { hooks, account, recorder, end }
    }

    /// The query of a callback whose signatures are right.
    fn query(&self, at: &str, sealed: &str) -> String {
        let envelope = self.account.envelope().expect("the key is one");
        let (plain, full) = (envelope.signature(&[at, "n"]), envelope.signature(&[at, "n", sealed]));
        format!("signature={plain}&timestamp={at}&nonce=n&openid=oAda&encrypt_type=aes&msg_signature={full}")
    }

    async fn bring(&self, query: &str, body: &str) -> StatusCode {
        let head = head(Method::POST, query);
        match self.hooks.admit(APP_ID, &head) {
            Err(refusal) => refusal.status,
            Ok(()) => self.hooks.receive(APP_ID, &head, body.as_bytes()).await.status,
        }
    }

    /// Seals a document and brings it.
    async fn tell(&self, document: &str) -> StatusCode {
        let sealed = sealing::seal(KEY, document.as_bytes(), APP_ID);
        self.bring(&self.query(NOW, &sealed), &body(&sealed)).await
    }
}

fn head(method: Method, query: &str) -> WebhookHead {
    WebhookHead {
        method,
        path: format!("/official/{APP_ID}"),
        query: Some(query.to_owned()),
        headers: HeaderMap::new(),
    }
}

fn body(sealed: &str) -> String {
    format!("<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>")
}

#[tokio::test]
async fn the_address_is_checked_by_repeating_what_wechat_made_up() {
    let scene = Scene::new();
    let query = scene.query(NOW, "");
    for (echo, status) in
        [("5838479218127813673", 200), ("", 400), ("<script>", 400), (&*"1".repeat(129), 400)]
    {
        let head = head(Method::GET, &format!("{query}&echostr={echo}"));
        assert_eq!(scene.hooks.admit(APP_ID, &head), Ok(()));
        let answer = scene.hooks.receive(APP_ID, &head, b"").await;
        assert_eq!(answer.status, status, "{echo}");
        assert!(status != 200 || answer.body == echo);
    }
    let strange = head(Method::GET, "signature=0&timestamp=1790000000&nonce=n&echostr=1");
    assert_eq!(scene.hooks.admit(APP_ID, &strange), Err(WebhookAnswer::unauthorized()));
    assert_eq!(scene.hooks.admit("wx0", &head(Method::GET, &query)), Err(WebhookAnswer::not_found()));
}

#[tokio::test]
async fn what_is_sealed_is_taken_and_what_stands_beside_it_is_not() {
    let scene = Scene::new();
    assert_eq!(scene.tell(TEXT).await, StatusCode::OK);
    // The compatible mode: the same in the open, which anybody could have changed.
    let sealed = sealing::seal(KEY, TEXT.replace("<MsgId>7", "<MsgId>9").as_bytes(), APP_ID);
    let both = body(&sealed).replace("<xml>", "<xml><MsgType>text</MsgType><Content>forged</Content>");
    assert_eq!(scene.bring(&scene.query(NOW, &sealed), &both).await, StatusCode::OK);
    let said: Vec<String> = scene.recorder.messages().iter().map(|it| it.message.text.to_plain()).collect();
    assert_eq!(said, ["hello", "hello"]);
}

#[tokio::test]
async fn forgeries_are_refused_and_harm_nothing() {
    let scene = Scene::new();
    let sealed = sealing::seal(KEY, TEXT.as_bytes(), APP_ID);
    let good = scene.query(NOW, &sealed);
    let others = sealing::seal(KEY, TEXT.as_bytes(), "wx0000000000000000");
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><xml><Encrypt>&a;</Encrypt></xml>";
    let long = format!("<xml><Encrypt>{}</Encrypt></xml>", "A".repeat(10 * 1024 * 1024));
    for (why, query, body) in [
        ("no signature", String::new(), body(&sealed)),
        ("another body", good.clone(), body(&others)),
        ("another nonce", good.replace("nonce=n", "nonce=m"), body(&sealed)),
        ("too old", scene.query("1789990000", &sealed), body(&sealed)),
        ("of tomorrow", scene.query("1790100000", &sealed), body(&sealed)),
        ("no time", scene.query("x", &sealed), body(&sealed)),
        ("for another account", scene.query(NOW, &others), body(&others)),
        ("in the open", scene.query(NOW, ""), TEXT.to_owned()),
        ("an entity", good.clone(), bomb.to_owned()),
        ("ten megabytes", good.clone(), long),
        ("no XML", good.clone(), "words".to_owned()),
    ] {
        assert_eq!(scene.bring(&query, &body).await, StatusCode::UNAUTHORIZED, "{why}");
    }
    assert_eq!(scene.tell("<!DOCTYPE x [<!ENTITY a \"a\">]><xml>&a;</xml>").await, StatusCode::BAD_REQUEST);
    assert_eq!(scene.recorder.events().len(), 0);
    assert_eq!(scene.tell(TEXT).await, StatusCode::OK);
    assert!(scene.end.borrow().is_none());
}

#[tokio::test]
async fn what_nobody_can_read_is_told_once_however_often_it_comes() {
    let scene = Scene::new();
    for _ in 0..3 {
        assert_eq!(scene.tell(ODD).await, StatusCode::OK);
    }
    assert_eq!(scene.tell(&ODD.replace("<MsgId>8", "<MsgId>9")).await, StatusCode::OK);
    let is_unknown = |event: &RemoteEvent| matches!(event, RemoteEvent::Unknown { .. });
    let told = scene.recorder.events().into_iter().filter(|one| is_unknown(&one.event)).count();
    assert_eq!(told, 2);
}

#[tokio::test]
async fn an_account_that_is_not_connected_is_asked_again() {
    let scene = Scene::new();
    scene.hooks.know(&scene.account);
    assert_eq!(scene.tell(TEXT).await, StatusCode::SERVICE_UNAVAILABLE);
    scene.hooks.forget(APP_ID);
    assert_eq!(scene.tell(TEXT).await, StatusCode::NOT_FOUND);
}
