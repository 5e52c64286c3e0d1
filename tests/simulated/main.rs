//! Tests that hold a bridge in their own process which takes a simulator for its network.
//!
//! They are apart from `it` because they are built with the feature `magpie-whatsapp/simulator`, and everything in there is to be of the
//! build that is shipped.

mod sessions;
mod suite;

use magpie_common::{
    clock::Clock,
    ids::RemoteUserId,
    platform::{LoginStep, Platform, SavedLogin},
};
use magpie_tests::whatsapp_linked::{LinkedSim, Phone};
use magpie_whatsapp::{WhatsApp, WhatsAppConfig};

const ALICE: &str = "12025550101";
const BOB: &str = "12025550102";
const CAROL: &str = "12025550103";

/// Settings of a bridge that takes `sim` for WhatsApp.
fn config(sim: &LinkedSim) -> WhatsAppConfig {
    WhatsAppConfig {
        linked_server_url: Some(sim.url()),
        linked_media_url: Some(sim.media_url()),
        linked_web_version: Some("2.3000.1".to_owned()),
        ..WhatsAppConfig::default()
    }
}

fn platform(config: &WhatsAppConfig) -> WhatsApp {
    WhatsApp::new(config.clone(), Clock::system()).expect("the settings are good")
}

/// Links a device to a phone; gives its login and its address.
async fn link(sim: &LinkedSim, phone: &Phone) -> anyhow::Result<(SavedLogin, String)> {
    let mut process = platform(&config(sim)).begin_login("qr").await?;
    let step = process.step(Vec::new()).await?;
    let LoginStep::Show { code, .. } = step else { anyhow::bail!("no code is shown: {step:?}") };
    let device = phone.scan(&code).await?;
    sim.expect("paired", |event| event["device"] == device).await?;
    match process.step(Vec::new()).await? {
        LoginStep::Done(saved) => Ok((saved, device)),
        other => anyhow::bail!("nobody is signed in: {other:?}"),
    }
}

/// How the bridge names a person.
fn user(phone: &Phone) -> RemoteUserId {
    RemoteUserId::new(format!("lid-{}", phone.lid.trim_end_matches("@lid")))
}
