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
use crate::callback::sealing;

/// Nobody's: made up for these tests.
const KEY: &str = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR";
const CORP_ID: &str = "wwd08c8e7c775ab44d";
const PATH: &str = "wwd08c8e7c775ab44d/1000002";
const NOW_MS: i64 = 1_790_000_000_000;
const NOW: &str = "1790000000";

const TEXT: &str = "<xml><ToUserName>ww</ToUserName><FromUserName>ada</FromUserName><CreateTime>1790000000</CreateTime>\
    <MsgType>text</MsgType><Content>hello</Content><MsgId>7</MsgId><AgentID>1000002</AgentID></xml>";
const ODD: &str = "<xml><FromUserName>ada</FromUserName><CreateTime>1790000000</CreateTime><MsgType>hologram</MsgType><MsgId>8</MsgId></xml>";

struct Scene {
    hooks: Hooks,
    account: Account,
    recorder: Recorder,
    end: watch::Sender<Option<ConnectError>>,
}

impl Scene {
    fn new() -> Self {
        let account = Account {
            names: Names { corp_id: CORP_ID.to_owned(), agent_id: 1_000_002 },
            secret: Secret::new("0123"),
            token: Secret::new("QDG6eK"),
            aes_key: Secret::new(KEY),
            kf_secret: None,
        };
        let hooks = Hooks::new(&WeChatConfig::default(), Clock::fixed(NOW_MS, 7));
        let (recorder, end) = (Recorder::default(), watch::Sender::new(None));
        let sink = EventSink::new(LoginId::new("wecom-ww-1000002"), Arc::new(recorder.clone()));
        let intake = Arc::new(Intake::new(account.names.clone(), sink, None, end.clone()));
        assert!(hooks.take(&account, &intake).is_none());
        Self { hooks, account, recorder, end }
    }

    fn query(&self, at: &str, sealed: &str) -> String {
        let signature = self.account.envelope().expect("the key is one").signature(&[at, "n", sealed]);
        format!("msg_signature={signature}&timestamp={at}&nonce=n")
    }

    async fn bring(&self, query: &str, body: &str) -> StatusCode {
        let head = head(Method::POST, query);
        match self.hooks.admit(PATH, &head) {
            Err(refusal) => refusal.status,
            Ok(()) => self.hooks.receive(PATH, &head, body.as_bytes()).await.status,
        }
    }

    /// Seals a document and brings it.
    async fn tell(&self, document: &str) -> StatusCode {
        let sealed = sealing::seal(KEY, document.as_bytes(), CORP_ID);
        self.bring(&self.query(NOW, &sealed), &body(&sealed)).await
    }
}

fn head(method: Method, query: &str) -> WebhookHead {
    WebhookHead {
        method,
        path: format!("/wecom/{PATH}"),
        query: Some(query.to_owned()),
        headers: HeaderMap::new(),
    }
}

fn body(sealed: &str) -> String {
    format!("<xml><ToUserName><![CDATA[ww]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>")
}

#[tokio::test]
async fn the_address_is_checked_by_saying_what_is_sealed() {
    let scene = Scene::new();
    let sealed = sealing::seal(KEY, b"1616140317555161061", CORP_ID);
    let written: String = url::form_urlencoded::byte_serialize(sealed.as_bytes()).collect();
    // A plus that is not written as it should be comes as a blank.
    for echo in [&written, &sealed.replace('=', "%3D")] {
        let head = head(Method::GET, &format!("{}&echostr={echo}", scene.query(NOW, &sealed)));
        assert_eq!(scene.hooks.admit(PATH, &head), Ok(()));
        let answer = scene.hooks.receive(PATH, &head, b"").await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "1616140317555161061"));
    }
    let others = sealing::seal(KEY, b"1", "ww0");
    let strange = head(
        Method::GET,
        &format!(
            "{}&echostr={}",
            scene.query(NOW, &others),
            url::form_urlencoded::byte_serialize(others.as_bytes()).collect::<String>()
        ),
    );
    assert_eq!(scene.hooks.receive(PATH, &strange, b"").await, WebhookAnswer::unauthorized());
    for unsigned in ["", "msg_signature=0&timestamp=1790000000&nonce=n&echostr=x"] {
        let head = head(Method::GET, unsigned);
        assert_eq!(scene.hooks.admit(PATH, &head), Err(WebhookAnswer::unauthorized()), "{unsigned}");
    }
    let good = head(Method::GET, &format!("{}&echostr={written}", scene.query(NOW, &sealed)));
    for path in [CORP_ID, "", "wwd08c8e7c775ab44d/1000003"] {
        assert_eq!(scene.hooks.admit(path, &good), Err(WebhookAnswer::not_found()), "{path}");
    }
}

#[tokio::test]
async fn a_message_is_not_opened_for_whoever_has_caught_it() {
    let scene = Scene::new();
    for (caught, status) in [(TEXT, StatusCode::UNAUTHORIZED), ("1616140317555161061", StatusCode::OK)] {
        let sealed = sealing::seal(KEY, caught.as_bytes(), CORP_ID);
        let written: String = url::form_urlencoded::byte_serialize(sealed.as_bytes()).collect();
        let head = head(Method::GET, &format!("{}&echostr={written}", scene.query(NOW, &sealed)));
        assert_eq!(scene.hooks.admit(PATH, &head), Ok(()));
        assert_eq!(scene.hooks.receive(PATH, &head, b"").await.status, status);
    }
}

#[tokio::test]
async fn the_operator_hears_of_what_is_refused_and_strangers_choose_no_reason() {
    let scene = Scene::new();
    let sealed = sealing::seal(KEY, TEXT.as_bytes(), CORP_ID);
    // Nobody knows whether it is WeCom's, so its time does not matter.
    let unproved = "msg_signature=0&timestamp=1789990000&nonce=n";
    assert_eq!(scene.bring(unproved, &body(&sealed)).await, StatusCode::UNAUTHORIZED);
    assert!(!scene.hooks.doorman.tell(Trouble::Forged), "a wrong Token is not told");
    assert!(scene.hooks.doorman.tell(Trouble::Old));
    let others = sealing::seal(KEY, TEXT.as_bytes(), "ww0000000000000000");
    assert_eq!(scene.bring(&scene.query(NOW, &others), &body(&others)).await, StatusCode::UNAUTHORIZED);
    assert!(!scene.hooks.doorman.tell(Trouble::NotForUs), "a wrong key is not told");
}

#[tokio::test]
async fn what_is_too_long_is_refused_before_it_is_read() {
    let scene = Scene::new();
    let sealed = sealing::seal(KEY, TEXT.as_bytes(), CORP_ID);
    let mut head = head(Method::POST, &scene.query(NOW, &sealed));
    for (length, answer) in [(xml::BYTES_MAX, Ok(())), (xml::BYTES_MAX + 1, Err(WebhookAnswer::malformed()))]
    {
        head.headers.insert(http::header::CONTENT_LENGTH, length.into());
        assert_eq!(scene.hooks.admit(PATH, &head), answer, "{length}");
    }
}

#[tokio::test]
async fn forgeries_are_refused_and_harm_nothing() {
    let scene = Scene::new();
    let sealed = sealing::seal(KEY, TEXT.as_bytes(), CORP_ID);
    let good = scene.query(NOW, &sealed);
    let others = sealing::seal(KEY, TEXT.as_bytes(), "ww0000000000000000");
    let long = format!("<xml><Encrypt>{}</Encrypt></xml>", "A".repeat(10 * 1024 * 1024));
    for (why, query, body) in [
        ("no signature", String::new(), body(&sealed)),
        ("another body", good.clone(), body(&others)),
        ("another nonce", good.replace("nonce=n", "nonce=m"), body(&sealed)),
        ("too old", scene.query("1789990000", &sealed), body(&sealed)),
        ("of tomorrow", scene.query("1790100000", &sealed), body(&sealed)),
        ("no time", scene.query("x", &sealed), body(&sealed)),
        ("for another company", scene.query(NOW, &others), body(&others)),
        ("in the open", good.clone(), TEXT.to_owned()),
        ("too long", good.clone(), long),
        ("nothing", good.clone(), String::new()),
    ] {
        assert_eq!(scene.bring(&query, &body).await, StatusCode::UNAUTHORIZED, "{why}");
    }
    assert_eq!(scene.tell("words").await, StatusCode::BAD_REQUEST);
    assert!(scene.recorder.events().is_empty());
    assert_eq!(scene.bring(&good, &body(&sealed)).await, StatusCode::OK);
    assert_eq!(scene.recorder.messages().len(), 1);
}

#[tokio::test]
async fn what_nobody_can_read_is_told_once_however_often_it_comes() {
    let scene = Scene::new();
    // Of another app with the same secrets: nobody here said it.
    let foreign = TEXT.replace("1000002", "1000003");
    for _ in 0..3 {
        assert_eq!(scene.tell(ODD).await, StatusCode::OK);
        assert_eq!(scene.tell(&foreign).await, StatusCode::OK);
    }
    let events: Vec<RemoteEvent> = scene.recorder.events().into_iter().map(|one| one.event).collect();
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events.iter().all(|event| matches!(event, RemoteEvent::Unknown { .. })), "{events:?}");
}

#[tokio::test]
async fn what_is_not_stored_is_not_answered_with_success_and_ends_the_session() {
    let scene = Scene::new();
    scene.recorder.refuse(true);
    assert_eq!(scene.tell(ODD).await, StatusCode::SERVICE_UNAVAILABLE);
    assert!(scene.end.borrow().is_some(), "the session goes on though it hears nothing");
    scene.recorder.refuse(false);
    assert_eq!(
        scene.tell(ODD).await,
        StatusCode::SERVICE_UNAVAILABLE,
        "a session that is over takes nothing"
    );
    assert!(scene.recorder.events().is_empty());
}
