//! The WhatsApp bridge between a simulated WhatsApp and a homeserver: its configuration, and its people linked to their phones.
//!
//! What is started is [`PROGRAM`], since the program that is shipped takes nobody's certificate but WhatsApp's own. `cargo xtask test`
//! builds it; [`crate::harness::bridge::program`] says how where it is missing.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::{LinkedSim, Phone};
use crate::stage::Cast;

/// The bridge that takes any server for WhatsApp's own.
pub const PROGRAM: &str = "magpie-whatsapp-simulated";

const SECRET: &str = "provisioning-secret-of-a-staged-bridge-0123456789";

/// The lines of the `platform:` section with which the bridge talks to `sim` instead of WhatsApp.
pub fn platform_section(sim: &LinkedSim) -> String {
    format!(
        "linked_server_url: {}\nlinked_media_url: {}\nlinked_web_version: 2.3000.1\n",
        sim.url(),
        sim.media_url()
    )
}

/// A bridge at a homeserver of that name, where `admin` may do everything and programs may sign people in.
pub fn cast(sim: &LinkedSim, server_name: &str) -> Cast {
    Cast {
        id: "whatsapp",
        server_name: server_name.to_owned(),
        homeserver: "http://127.0.0.1:9".to_owned(),
        database: None,
        durability: "full",
        admin: format!("@admin:{server_name}"),
        platform: platform_section(sim),
        environment: environment(),
    }
}

/// Environment variables of a bridge with which programs may sign people in.
pub fn environment() -> Vec<(String, String)> {
    vec![("MAGPIE_PROVISIONING__SECRET".to_owned(), SECRET.to_owned())]
}

/// Links the bridge at `url` to a phone, for a person in Matrix, by the provisioning API and a QR code. Gives the address of the new
/// device, to which others can write from now on.
///
/// # Errors
/// When it does not come so far.
pub async fn sign_in(url: &str, user_id: &str, phone: &Phone) -> anyhow::Result<String> {
    let door = Door::new(url, user_id)?;
    let shown = door.post("login/start/qr", &json!({})).await?;
    ensure!(shown["stage"]["qr"] == true, "no QR code is shown: {shown}");
    let device = phone.scan(shown["stage"]["code"].as_str().context("the code is no text")?).await?;
    let done = door.answer(&shown, &json!({})).await?;
    ensure!(done["stage"]["type"] == "done", "nobody is signed in: {done}");
    // Who has shown no keys is not written to.
    let keys =
        |event: &Value| event["from"] == device && event["xmlns"] == "encrypt" && event["type"] == "set";
    phone.node.expect("query", keys).await?;
    Ok(device)
}

/// Waits until a device is connected and gets what waited for it; once for every connection.
///
/// # Errors
/// When it does not come so far.
pub async fn connected(sim: &LinkedSim, device: &str) -> anyhow::Result<()> {
    sim.expect("login", |event| event["device"] == device).await.map(drop)
}

/// The provisioning API, used for one person.
pub struct Door {
    client: reqwest::Client,
    base: String,
    user_id: String,
}

impl Door {
    /// Of the bridge at `url`.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(url: &str, user_id: &str) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { client, base: format!("{url}/_matrix/provision/v1"), user_id: user_id.to_owned() })
    }

    /// Reads something.
    ///
    /// # Errors
    /// When the bridge does not answer, or refuses.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(self.client.get(format!("{}/{path}", self.base))).await
    }

    /// Does something.
    ///
    /// # Errors
    /// When the bridge does not answer, or refuses.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.ask(self.client.post(format!("{}/{path}", self.base)).json(body)).await
    }

    /// Answers what a sign-in asks, and waits for what comes next.
    ///
    /// # Errors
    /// When the bridge does not answer, or refuses.
    pub async fn answer(&self, process: &Value, answers: &Value) -> anyhow::Result<Value> {
        let id = process["process_id"].as_str().context("the sign-in has no id")?;
        self.post(&format!("login/{id}/{}", process["step"]), answers).await
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let request = request.bearer_auth(SECRET).query(&[("user_id", &self.user_id)]);
        let response = request.send().await.context("the bridge does not answer")?;
        let status = response.status();
        let body: Value = response.json().await.context("the answer is no JSON")?;
        ensure!(status.is_success(), "{status}: {body}");
        Ok(body)
    }
}
