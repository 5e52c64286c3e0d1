//! The WeChat bridge between the simulated iLink and a homeserver: its configuration, and its people signed in.

use anyhow::{Context, ensure};
use serde_json::json;

use super::{BotId, ILinkSim, PersonId};
use crate::whatsapp_linked::staged::Door;
pub use crate::whatsapp_linked::staged::environment;

/// The lines of the `platform:` section with which `magpie-wechat` talks to `sim` instead of the real one.
pub fn platform_section(sim: &ILinkSim) -> String {
    format!("ilink_api_url: {}\nilink_cdn_url: {}\n", sim.api_url(), sim.cdn_url())
}

/// Signs somebody in at the bridge that listens at `url`, for a person in Matrix, by the provisioning API ([`environment`] opens it) and a
/// QR code. Gives the bot that they have from now on, which the bridge speaks as.
///
/// # Errors
/// When it does not come so far.
pub async fn sign_in(
    sim: &ILinkSim,
    (url, user_id): (&str, &str),
    person: PersonId,
) -> anyhow::Result<BotId> {
    let door = Door::new(url, user_id)?;
    let shown = door.post("login/start/ilink", &json!({})).await?;
    ensure!(shown["stage"]["qr"] == true, "no QR code is shown: {shown}");
    let bot = sim.person_confirms(shown["stage"]["code"].as_str().context("the code is no text")?, person);
    let done = door.answer(&shown, &json!({})).await?;
    ensure!(done["stage"]["type"] == "done", "nobody is signed in: {done}");
    sim.wait_for_start(bot).await?;
    Ok(bot)
}
