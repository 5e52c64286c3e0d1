//! What programs do for people over HTTP, and whom the door keeps out.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header::RETRY_AFTER};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

use super::*;
use crate::{
    ids::LoginId,
    platform::DeliverError,
    testkit::{
        fake_homeserver::{Fault, FaultRule, Membership},
        fake_network::password,
    },
};

mod finding;
mod rooms;

/// An answer.
#[derive(Debug)]
struct Heard {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Heard {
    fn errcode(&self) -> (u16, &str) {
        (self.status, self.body["errcode"].as_str().unwrap_or_default())
    }
}

/// A program that shows one token, and may act for one person.
struct Program {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    token: String,
    user: Option<&'static str>,
}

impl Program {
    /// A program with the secret.
    fn of(stage: &Stage, user: &'static str) -> Self {
        Self::with(stage, PROVISIONING_SECRET, Some(user))
    }

    fn with(stage: &Stage, token: &str, user: Option<&'static str>) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { address: stage.listen, client, token: token.to_owned(), user }
    }

    async fn get(&self, path: &str) -> Heard {
        self.asks(Method::GET, path, "").await
    }

    async fn post(&self, path: &str, body: &Value) -> Heard {
        self.asks(Method::POST, path, &body.to_string()).await
    }

    async fn delete(&self, path: &str) -> Heard {
        self.asks(Method::DELETE, path, "").await
    }

    async fn asks(&self, method: Method, path: &str, body: &str) -> Heard {
        let mark = if path.contains('?') { '&' } else { '?' };
        let user = self.user.map(|user| format!("{mark}user_id={user}")).unwrap_or_default();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}/_matrix/provision/v1/{path}{user}", self.address));
        if !self.token.is_empty() {
            request = request.header("Authorization", format!("Bearer {}", self.token));
        }
        let request = request.body(Full::from(body.to_owned())).expect("a request");
        let response = tokio::time::timeout(PATIENCE, self.client.request(request)).await;
        let (head, body) = response.expect("in time").expect("an answer").into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let body = serde_json::from_slice(&body).expect("every answer is JSON");
        Heard { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// Signs in with a password; gives the process.
    async fn signs_in(&self, account: &str) -> Value {
        let begun = self.post("login/start/password", &json!({})).await;
        assert_eq!(begun.status, 200, "{begun:?}");
        let id = begun.body["process_id"].as_str().expect("an id").to_owned();
        let answers = json!({"name": account, "password": password(account)});
        let done = self.post(&format!("login/{id}/{}", begun.body["step"]), &answers).await;
        assert_eq!(done.body["stage"]["type"], "done", "{done:?}");
        done.body
    }
}

/// Waits until an account is connected.
async fn connected(stage: &Stage, account: &str) {
    let (logins, id) = (&stage.running.parts.logins, LoginId::new(account));
    let mut changes = logins.changes();
    let connected = tokio::time::timeout(PATIENCE, changes.wait_for(|_| logins.session(&id).is_some()));
    connected.await.expect("in time").expect("the bridge runs");
}

/// What is parked, once anything is: the room is told a moment earlier.
async fn first_failure(program: &Program) -> Value {
    let parked = async {
        loop {
            let heard = program.get("failed").await;
            match heard.body["failed"].get(0) {
                Some(failed) => break failed.clone(),
                // So that it is not refused for asking so often.
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, parked).await.expect("in time")
}

const ALICE: &str = "@alice:example.org";
const BOB: &str = "@bob:example.org";

#[tokio::test]
async fn strangers_get_nothing() {
    let stage = Stage::set("door").await;
    let table = [
        ("", Some(ALICE), 401, "M_MISSING_TOKEN"),
        ("wrong", Some(ALICE), 401, "M_UNKNOWN_TOKEN"),
        (HS_TOKEN, Some(ALICE), 401, "M_UNKNOWN_TOKEN"),
        (PROVISIONING_SECRET, None, 400, "M_MISSING_PARAM"),
        (PROVISIONING_SECRET, Some("alice"), 400, "M_INVALID_PARAM"),
        (PROVISIONING_SECRET, Some("@carol:example.com"), 403, "M_FORBIDDEN"),
        (PROVISIONING_SECRET, Some("@fake_carol:example.org"), 403, "M_FORBIDDEN"),
        (PROVISIONING_SECRET, Some("@fakebot:example.org"), 403, "M_FORBIDDEN"),
    ];
    for (token, user, status, errcode) in table {
        let program = Program::with(&stage, token, user);
        for path in ["whoami", "login/flows", "logins", "portals", "failed", "capabilities?chat=town"] {
            assert_eq!(program.get(path).await.errcode(), (status, errcode), "{user:?} {path}");
        }
        assert_eq!(program.post("login/start/password", &json!({})).await.errcode(), (status, errcode));
        assert_eq!(program.delete("logins/fake").await.errcode(), (status, errcode));
    }
    let program = Program::of(&stage, ALICE);
    assert_eq!(program.get("nothing").await.errcode(), (404, "M_UNRECOGNIZED"));
    let wrong_method = program.delete("whoami").await;
    assert_eq!(wrong_method.errcode(), (405, "M_UNRECOGNIZED"));
    assert_eq!(wrong_method.headers["allow"], "GET,HEAD");
    // The description is for everybody, and names every route.
    let described = Program::with(&stage, "", None).get("openapi.json").await;
    assert_eq!((described.status, &described.body["openapi"]), (200, &json!("3.1.0")));
    let routes = described.body["paths"].as_object().expect("paths");
    for route in ["openapi.json", "whoami", "login/{process_id}/{step}", "failed/{id}/retry"] {
        assert!(routes.contains_key(&format!("/_matrix/provision/v1/{route}")), "{route}: {routes:?}");
    }
    // Whoever tries many secrets waits, and whoever has the right one does not.
    let thief = Program::with(&stage, "wrong", Some(ALICE));
    let mut tries = 0;
    let refused = loop {
        let heard = thief.get("whoami").await;
        tries += 1;
        if heard.status == 429 {
            break heard;
        }
        assert!(tries < 100, "{heard:?}");
    };
    assert_eq!(refused.errcode(), (429, "M_LIMIT_EXCEEDED"));
    assert!(
        refused.headers[RETRY_AFTER]
            .to_str()
            .is_ok_and(|seconds| seconds.parse::<u32>().is_ok_and(|it| it > 0))
    );
    assert_eq!(program.get("whoami").await.status, 200);
    stage.ends().await;
}

#[tokio::test]
async fn one_person_cannot_keep_the_bridge_busy() {
    let stage = Stage::set("rates").await;
    let (alice, bob) = (Program::of(&stage, ALICE), Program::of(&stage, BOB));
    let mut answered = 0;
    while alice.get("login/flows").await.status == 200 {
        answered += 1;
        assert!(answered < 10_000, "nothing is refused");
    }
    assert!(answered >= 20, "{answered}");
    assert_eq!(bob.get("login/flows").await.status, 200);
    stage.ends().await;
}

#[tokio::test]
async fn people_prove_who_they_are_with_a_token_of_their_homeserver_alone() {
    let stage = Stage::set("openid").await;
    let token = format!("openid:{}", stage.fake.person("bob").openid_token());
    let bob = Program::with(&stage, &token, None);
    let told = bob.get("whoami").await;
    assert_eq!((told.status, &told.body["user_id"]), (200, &json!(BOB)));
    assert_eq!(Program::with(&stage, &token, Some(BOB)).get("whoami").await.status, 200);
    let as_alice = Program::with(&stage, &token, Some(ALICE)).get("whoami").await;
    assert_eq!(as_alice.errcode(), (403, "M_FORBIDDEN"));
    let unknown = Program::with(&stage, "openid:of-another-server", None);
    let refused = unknown.get("whoami").await;
    assert_eq!(refused.errcode(), (401, "M_UNKNOWN_TOKEN"));
    assert!(refused.body["error"].as_str().is_some_and(|words| words.contains("foreign")), "{refused:?}");
    let answers = [
        (200, json!({"sub": "@carol:example.com"}), (401, "M_UNKNOWN_TOKEN"), "foreign"),
        (404, json!({"errcode": "M_UNRECOGNIZED", "error": "?"}), (502, "M_UNKNOWN"), "add `openid`"),
        (500, json!({}), (502, "M_UNKNOWN"), "could not be asked"),
    ];
    for (status, body, expected, words) in answers {
        stage.fake.faults().add(FaultRule {
            method: None,
            path_contains: "openid/userinfo".to_owned(),
            times: 1,
            fault: Fault::Answer { status, body },
        });
        let refused = unknown.get("whoami").await;
        assert_eq!(refused.errcode(), expected);
        assert!(refused.body["error"].as_str().is_some_and(|said| said.contains(words)), "{refused:?}");
    }
    // What is known already is not asked again.
    stage.fake.faults().add(FaultRule {
        method: None,
        path_contains: "openid/userinfo".to_owned(),
        times: 1,
        fault: Fault::CutBefore,
    });
    assert_eq!(bob.get("whoami").await.status, 200);
    stage.ends().await;
}

#[tokio::test]
async fn somebody_signs_in_over_http_with_a_password_and_out_again() {
    let stage = Stage::set("http_password").await;
    let bob = Program::of(&stage, BOB);
    let before = bob.get("whoami").await.body;
    assert_eq!((&before["level"], &before["logins"]), (&json!("user"), &json!([])));
    assert_eq!(before["bridge"]["network"], "fake");
    assert_eq!(before["signing_in"], Value::Null);
    let flows = bob.get("login/flows").await.body;
    assert_eq!(flows["flows"][0], json!({"id": "password", "description": "with a name and a password"}));
    assert_eq!(bob.post("login/start/by-phone", &json!({})).await.errcode(), (404, "M_NOT_FOUND"));

    let begun = bob.post("login/start/password", &json!({})).await.body;
    let (id, step) = (begun["process_id"].as_str().expect("an id"), begun["step"].as_u64().expect("a step"));
    let fields = json!([
        {"name": "name", "label": "Name", "secret": false},
        {"name": "password", "label": "Password", "secret": true},
    ]);
    assert_eq!(begun["stage"], json!({"type": "ask", "fields": fields, "problem": null}));
    assert_eq!(bob.get("whoami").await.body["signing_in"]["process_id"], id);
    assert_eq!(bob.get(&format!("login/{id}")).await.body, begun);
    // Two at once, and what is no answer to what is asked.
    let second = bob.post("login/start/qr", &json!({})).await;
    assert_eq!(second.errcode(), (409, "APP.MAGPIE.CONFLICT"));
    let path = format!("login/{id}/{step}");
    let right = json!({"name": "bobby", "password": password("bobby")});
    let too_long = "x".repeat(20_000);
    for (answers, expected) in [
        (json!({}), (400, "M_INVALID_PARAM")),
        (json!({"name": "bobby"}), (400, "M_INVALID_PARAM")),
        (json!({"name": "bobby", "password": ""}), (400, "M_INVALID_PARAM")),
        (json!({"name": "bobby", "password": too_long}), (400, "M_INVALID_PARAM")),
        (json!({"name": "bobby", "password": "x", "more": "y"}), (400, "M_INVALID_PARAM")),
        (json!({"name": "bobby", "password": 5}), (400, "M_BAD_JSON")),
        (json!([]), (400, "M_BAD_JSON")),
    ] {
        assert_eq!(bob.post(&path, &answers).await.errcode(), expected, "{answers}");
    }
    assert_eq!(bob.asks(Method::POST, &path, "{").await.errcode(), (400, "M_NOT_JSON"));
    assert_eq!(bob.asks(Method::POST, &path, &"x".repeat(70_000)).await.errcode(), (413, "M_TOO_LARGE"));
    assert_eq!(bob.post(&format!("login/{id}/9"), &right).await.errcode(), (409, "APP.MAGPIE.CONFLICT"));
    assert_eq!(bob.post(&format!("login/{id}/one"), &right).await.errcode(), (400, "M_INVALID_PARAM"));
    // Somebody else knows nothing of it.
    let alice = Program::of(&stage, ALICE);
    assert_eq!(alice.get(&format!("login/{id}")).await.errcode(), (404, "M_NOT_FOUND"));
    assert_eq!(alice.post(&path, &right).await.errcode(), (404, "M_NOT_FOUND"));

    let wrong = bob.post(&path, &json!({"name": "bobby", "password": "wrong"})).await.body;
    assert_eq!((&wrong["stage"]["type"], &wrong["step"]), (&json!("ask"), &json!(step + 1)));
    assert_eq!(wrong["stage"]["problem"], "The password is wrong.");
    assert_eq!(bob.post(&path, &right).await.errcode(), (409, "APP.MAGPIE.CONFLICT"));
    let path = format!("login/{id}/{}", step + 1);
    let done = bob.post(&path, &right).await.body;
    assert_eq!(done["stage"], json!({"type": "done", "login_id": "bobby", "name": "bobby on Fake"}));
    // Replayed, it changes nothing.
    for path in [&path, &format!("login/{id}/{}", done["step"])] {
        assert_eq!(bob.post(path, &right).await.errcode(), (409, "APP.MAGPIE.CONFLICT"));
    }
    assert_eq!(bob.post(&path, &json!({})).await.body, done, "who only waits is told how it stands");
    assert_eq!(bob.delete(&format!("login/{id}")).await.errcode(), (409, "APP.MAGPIE.CONFLICT"));
    assert_eq!(bob.get(&format!("login/{id}")).await.body, done);

    connected(&stage, "bobby").await;
    let logins = bob.get("logins").await.body;
    let ids: Vec<_> = logins["logins"].as_array().expect("logins").iter().map(|it| &it["login_id"]).collect();
    assert_eq!(ids, ["bobby", "fake"]);
    assert_eq!(logins["logins"][0]["owner"], BOB);
    assert_eq!(alice.delete("logins/fake").await.errcode(), (409, "APP.MAGPIE.CONFLICT"));
    assert_eq!(bob.delete("logins/ally").await.errcode(), (404, "M_NOT_FOUND"));
    assert_eq!(bob.delete("logins/bobby").await.status, 200);
    assert_eq!(bob.delete("logins/bobby").await.errcode(), (404, "M_NOT_FOUND"));
    assert_eq!(stage.network.signed_out(), ["bobby"]);
    stage.ends().await;
}

#[tokio::test]
async fn somebody_signs_in_over_http_with_a_qr_code_that_is_renewed() {
    let stage = Stage::set("http_qr").await;
    let bob = Program::of(&stage, BOB);
    let shown = bob.post("login/start/qr", &json!({})).await.body;
    let id = shown["process_id"].as_str().expect("an id").to_owned();
    assert_eq!((&shown["stage"]["code"], &shown["stage"]["qr"]), (&json!("fake:code-1"), &json!(true)));
    let path = |shown: &Value, wait_ms: u32| format!("login/{id}/{}?wait_ms={wait_ms}", shown["step"]);
    // Nothing has happened yet: it is as it was.
    assert_eq!(bob.post(&path(&shown, 10), &json!({})).await.body, shown);
    assert_eq!(
        bob.post(&path(&shown, 10), &json!({"code": "1"})).await.errcode(),
        (409, "APP.MAGPIE.CONFLICT")
    );
    assert_eq!(bob.post(&path(&shown, 30_001), &json!({})).await.errcode(), (400, "M_INVALID_PARAM"));
    let (waiting, nothing) = (path(&shown, 30_000), json!({}));
    let (renewed, ()) = tokio::join!(bob.post(&waiting, &nothing), async {
        stage.network.expires("fake:code-1");
    });
    assert_eq!(renewed.body["stage"]["code"], "fake:code-2", "{renewed:?}");
    let waiting = path(&renewed.body, 30_000);
    let (done, ()) = tokio::join!(bob.post(&waiting, &nothing), async {
        stage.network.scans("fake:code-2", "bobby");
    });
    assert_eq!(done.body["stage"]["type"], "done", "{done:?}");

    // The same account again; another one is not taken for it.
    let again = bob.post("login/start/password?login_id=bobby", &json!({})).await.body;
    let path = format!("login/{}/{}", again["process_id"].as_str().expect("an id"), again["step"]);
    let other = bob.post(&path, &json!({"name": "ally", "password": password("ally")})).await.body;
    assert_eq!(other["stage"]["type"], "failed", "{other}");
    assert_eq!(bob.post("login/start/qr?login_id=ally", &json!({})).await.errcode(), (404, "M_NOT_FOUND"));
    let again = bob.post("login/start/qr?login_id=bobby", &json!({})).await.body;
    let id = again["process_id"].as_str().expect("an id");
    assert_eq!(bob.delete(&format!("login/{id}")).await.status, 200);
    let over = bob.post(&format!("login/{id}/{}", again["step"]), &json!({})).await;
    assert_eq!(over.body["stage"], json!({"type": "cancelled"}));
    assert_eq!(bob.get("whoami").await.body["signing_in"], Value::Null);
    stage.ends().await;
}
