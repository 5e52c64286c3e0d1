//! The provisioning API of a running bridge: judged by independent software, and used by people at a real homeserver.

use std::{fs, process::Stdio};

use magpie_common::testkit::fake_homeserver::FakeHomeserver;
use magpie_tests::{
    harness::{
        person::{Event, PATIENCE, Person},
        synapse::{Synapse, SynapseOptions},
        tools::{Component, need, project},
    },
    line_server::{LineMessage, LineServer},
    stage::{Cast, Stage},
};
use serde_json::{Value, json};
use tokio::process::Command;

mod judge;

const SECRET: &str = "provisioning-secret-of-a-test-0123456789";
const TOKEN: &str = "magpie-7f3a";

/// An example bridge at a homeserver of that name, with provisioning for everybody there.
fn cast(server: &LineServer, server_name: &str) -> Cast {
    Cast {
        id: "example",
        server_name: server_name.to_owned(),
        homeserver: String::new(),
        database: None,
        durability: "normal",
        admin: format!("@alice:{server_name}"),
        platform: format!("server: {}\ntoken: {TOKEN}\n", server.address()),
        environment: [("SECRET", SECRET), ("OPENID", "true"), ("REQUESTS_PER_SECOND_MAX", "1000000")]
            .map(|(name, value)| (format!("MAGPIE_PROVISIONING__{name}"), value.to_owned()))
            .into(),
    }
}

/// A program that shows a token, and acts for somebody.
struct Program {
    client: reqwest::Client,
    base: String,
    token: String,
    user_id: Option<&'static str>,
}

impl Program {
    fn new(url: &str, token: &str, user_id: Option<&'static str>) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { client, base: format!("{url}/_matrix/provision/v1"), token: token.to_owned(), user_id }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.asks(self.client.get(format!("{}/{path}", self.base))).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.asks(self.client.post(format!("{}/{path}", self.base)).json(body)).await
    }

    async fn asks(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let user_id = self.user_id.map(|user_id| ("user_id", user_id));
        let request = request.bearer_auth(&self.token).query(&user_id.as_slice());
        let response = request.send().await.expect("the bridge answers");
        (response.status().as_u16(), response.json().await.expect("every answer is JSON"))
    }

    /// Signs in with fields; gives how it ended.
    async fn signs_in(&self, flow: &str, answers: &[(&str, &str)]) -> Value {
        let (status, begun) = self.post(&format!("login/start/{flow}"), &json!({})).await;
        assert_eq!((status, &begun["stage"]["type"]), (200, &json!("ask")), "{begun}");
        let path = format!("login/{}/{}", begun["process_id"].as_str().expect("an id"), begun["step"]);
        let answers: serde_json::Map<String, Value> =
            answers.iter().map(|(name, answer)| ((*name).to_owned(), json!(answer))).collect();
        let (status, done) = self.post(&path, &answers.into()).await;
        assert_eq!(status, 200, "{done}");
        done
    }
}

/// Waits until what somebody says is on the network; gives the account that said it.
async fn speaker(network: &LineServer, text: &str) -> anyhow::Result<String> {
    let said = |messages: &[LineMessage]| {
        messages.iter().find(|message| message.text == text).map(|message| message.by.clone())
    };
    network.wait_for("lobby", said).await
}

/// The room in which somebody reads this.
async fn room_with(person: &Person, text: &str) -> anyhow::Result<String> {
    let said = |event: &Event| event.kind() == "m.room.message" && event.body() == text;
    Ok(person.wait_within(PATIENCE, said).await?.room)
}

/// What the requests of a script are answered.
async fn answers(script: &str) -> anyhow::Result<Vec<Value>> {
    let mut shell = Command::new("sh");
    let output =
        shell.args(["-ec", script]).env("no_proxy", "127.0.0.1").stdin(Stdio::null()).output().await?;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words}");
    Ok(serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>().collect::<Result<_, _>>()?)
}

/// Word for word but for what is this test's own: address, secret, token, and what the bridge has answered.
#[tokio::test]
async fn the_pages_own_requests_sign_somebody_in() -> anyhow::Result<()> {
    let Some(_) = need(Component::Program("curl")) else { return Ok(()) };
    let network = LineServer::start().await?;
    network.add_account("bridge", "The bridge", TOKEN);
    network.add_account("ally", "Ally of the line", "ally-7be2");
    let mut stage = Stage::set(cast(&network, "example.org"))?;
    let fake = FakeHomeserver::start(stage.fake_settings()).await?;
    stage.set_homeserver(&fake.url());
    let mut bridge = stage.start().await?;

    let page = fs::read_to_string(project().join("docs/provisioning.md"))?;
    let page =
        page.replace("http://127.0.0.1:29334", &stage.url()).replace("Bearer …", &format!("Bearer {SECRET}"));
    let blocks: Vec<&str> =
        page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [begins, goes_on] = blocks.as_slice() else { panic!("{blocks:?}") };
    let asked = answers(begins).await?;
    let [flows, begun] = asked.as_slice() else { panic!("{asked:?}") };
    assert!(flows.to_string().contains("\"token\""), "{flows}");
    assert_eq!(begun["stage"]["type"], "ask", "{begun}");
    let step = format!("{}/{}", begun["process_id"].as_str().expect("an id"), begun["step"]);
    let goes_on = goes_on.replace("q3…/1", &step).replace("\"…\"", "\"ally-7be2\"");
    let variables = begins.lines().filter(|line| !line.starts_with("curl "));
    let script = variables.chain(goes_on.lines()).collect::<Vec<_>>().join("\n");
    let done = answers(&script).await?;
    let [done] = done.as_slice() else { panic!("{done:?}") };
    assert_eq!(
        (&done["stage"]["type"], &done["stage"]["login_id"]),
        (&json!("done"), &json!("ally")),
        "{done}"
    );
    assert!(bridge.stop().await?.success());
    Ok(())
}

#[tokio::test]
async fn real_people_sign_in_over_http_with_fields_and_with_a_code() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let network = LineServer::start().await?;
    for (account, name, token) in [
        ("bridge", "The bridge", TOKEN),
        ("ally", "Ally of the line", "ally-7be2"),
        ("bobby", "Bobby of the line", "bobby-c004"),
        ("ada", "Ada", "ada-91c2"),
    ] {
        network.add_account(account, name, token);
    }
    network.add_chat("lobby", "The lobby");
    let mut stage = Stage::set(cast(&network, "magpie.test"))?;
    let registrations = vec![stage.registration(), stage.allow_double_puppets()?];
    let synapse = Synapse::start(SynapseOptions { registrations, ..SynapseOptions::default() }).await?;
    stage.set_homeserver(&synapse.url().parse()?);
    let mut bridge = stage.start().await?;
    let (alice, bob) = (synapse.person("alice").await?, synapse.person("bob").await?);

    // Alice's own program proves who she is, and gives a token for the network.
    let proof = format!("openid:{}", alice.openid_token().await?);
    let of_alice = Program::new(&stage.url(), &proof, None);
    let (status, whoami) = of_alice.get("whoami").await;
    assert_eq!((status, &whoami["user_id"]), (200, &json!(alice.id())), "{whoami}");
    let stranger = Program::new(&stage.url(), "openid:made-up", None);
    let (status, refused) = stranger.get("whoami").await;
    assert_eq!((status, &refused["errcode"]), (401, &json!("M_UNKNOWN_TOKEN")), "{refused}");
    let refused = of_alice.signs_in("token", &[("token", "a-wrong-one")]).await;
    assert_eq!(refused["stage"]["type"], "ask", "{refused}");
    assert!(refused["stage"]["problem"].is_string(), "{refused}");
    let path = format!("login/{}/{}", refused["process_id"].as_str().expect("an id"), refused["step"]);
    let (status, done) = of_alice.post(&path, &json!({"token": "ally-7be2"})).await;
    let name = "Ally of the line";
    let expected = json!({"type": "done", "login_id": "ally", "name": name});
    assert_eq!((status, &done["stage"]), (200, &expected), "{done}");

    // A page that has the secret shows Bob a code, which he scans.
    let of_bob = Program::new(&stage.url(), SECRET, Some("@bob:magpie.test"));
    let (_, shown) = of_bob.post("login/start/qr", &json!({})).await;
    let (code, is_qr) = (&shown["stage"]["code"], &shown["stage"]["qr"]);
    assert_eq!((code, is_qr), (&json!(network.codes().pop()), &json!(true)), "{shown}");
    let path = format!("login/{}/{}", shown["process_id"].as_str().expect("an id"), shown["step"]);
    let code = code.as_str().expect("a code").to_owned();
    let nothing = json!({});
    let (waited, ()) = tokio::join!(of_bob.post(&path, &nothing), async {
        assert!(network.person_scans(&code, "bobby"), "the code holds");
    });
    assert_eq!(waited.1["stage"]["login_id"], "bobby", "{waited:?}");

    // Both come into the room of the chat that their accounts see, and speak for themselves.
    network.person_says("lobby", "ada", "welcome");
    let room = room_with(&alice, "welcome").await?;
    assert_eq!(room_with(&bob, "welcome").await?, room);
    alice.send_text(&room, "by Alice").await?;
    assert_eq!(speaker(&network, "by Alice").await?, "ally");
    bob.send_text(&room, "by Bob").await?;
    assert_eq!(speaker(&network, "by Bob").await?, "bobby");
    let (_, portals) = of_bob.get("portals").await;
    assert_eq!(portals["portals"][0]["room_id"], room, "{portals}");
    let (_, logins) = of_bob.get("logins").await;
    assert_eq!(logins["logins"][0]["state"], "connected", "{logins}");
    assert!(bridge.stop().await?.success());
    synapse.stop().await
}
