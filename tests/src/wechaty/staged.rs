//! The WeChat bridge between a gateway and a homeserver: its configuration, and its people signed in.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::{Gateway, Tls};
use crate::{
    stage::Cast,
    whatsapp_linked::staged::{Door, environment},
};

/// The id of the way in, and what the ids of its logins, people and chats begin with.
pub const WAY: &str = "wechaty";

/// What the phone would scan.
pub const CODE: &str = "http://weixin.qq.com/x/magpie-test-code";

/// A line of the `platform:` section with which the bridge writes without the pauses of a person.
pub const HASTE: &str = "wechaty_pause_max_ms: 0\n";

/// The lines of the `platform:` section with which the bridge asks at this gateway by this token, and nothing about certificates.
pub fn gateway_lines(gateway: &Gateway, token: &str) -> String {
    format!("wechaty_endpoint: \"{}\"\nwechaty_token: {token}\n{HASTE}", gateway.address())
}

/// The same, so that the bridge uses this gateway and takes no other for it.
///
/// # Errors
/// When the gateway's certificate cannot be told.
pub fn platform_section(gateway: &Gateway) -> anyhow::Result<String> {
    let mut lines = gateway_lines(gateway, gateway.token());
    if gateway.tls() != Tls::None {
        lines += &format!("wechaty_certificate: {}\n", gateway.certificate()?.display());
    }
    Ok(lines)
}

/// A bridge at a homeserver of that name, where `admin` may do everything and programs may sign people in.
///
/// # Errors
/// When the gateway's certificate cannot be told.
pub fn cast(gateway: &Gateway, server_name: &str) -> anyhow::Result<Cast> {
    Ok(Cast {
        id: "wechat",
        server_name: server_name.to_owned(),
        homeserver: "http://127.0.0.1:9".to_owned(),
        database: None,
        durability: "full",
        admin: format!("@admin:{server_name}"),
        platform: platform_section(gateway)?,
        environment: environment(),
    })
}

/// How the bridge names somebody, or a chat, that the account `me` knows.
pub fn remote(me: &str, native: &str) -> String {
    format!("{WAY}/{me}/{native}")
}

/// Signs a person in Matrix in at the bridge at `url`, by the provisioning API and a code that the phone of `me` scans. Returns when the
/// bridge listens for that account.
///
/// # Errors
/// When it does not come so far.
pub async fn sign_in(gateway: &Gateway, url: &str, user_id: &str, me: &str) -> anyhow::Result<()> {
    gateway.shows_code(CODE).await?;
    let door = Door::new(url, user_id)?;
    let shown = door.post(&format!("login/start/{WAY}"), &json!({})).await?;
    ensure!(shown["stage"]["qr"] == true && shown["stage"]["code"] == CODE, "no code is shown: {shown}");
    gateway.heard_by_somebody().await?;
    gateway.login(me).await?;
    let done = door.answer(&shown, &json!({})).await?;
    ensure!(done["stage"]["type"] == "done", "nobody is signed in: {done}");
    // The line of the sign-in was given up; the session has one of its own.
    gateway.heard_by_nobody().await?;
    gateway.heard_by_somebody().await
}

/// What the bridge says of a person's logins: the state of the first and its words.
///
/// # Errors
/// When it does not answer.
pub async fn login_of(url: &str, user_id: &str) -> anyhow::Result<Value> {
    let logins = Door::new(url, user_id)?.get("logins").await?;
    logins["logins"].get(0).cloned().with_context(|| format!("there is no login: {logins}"))
}
