//! The past, contacts and settings come from the phone; somebody calls.

use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{
        LinkedSim, Person,
        content::text,
        history::{PastChat, PastMessage, Stretch},
    },
};
use serde_json::{Value, json};

use super::{ALICE, BOB, Scene};

fn past(id: &str, at: u64, words: &str) -> PastMessage {
    PastMessage { id: id.to_owned(), is_own: false, author: None, at, name: None, content: text(words) }
}

fn holds(event: &Value, id: &str) -> bool {
    event["messages"].as_array().into_iter().flatten().any(|message| message["id"] == id)
}

#[tokio::test(flavor = "multi_thread")]
async fn real_history_comes_in_blobs_and_on_demand() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let sim = LinkedSim::start().await?;
    let alice = sim.account(ALICE, "Alice").await?;
    let bob = sim.account(BOB, "Bob").await?;
    let chat = || PastChat::new(&bob.lid);
    alice.keep_history(&[chat().with(past("OLD2", 1_700_000_000, "Long ago."))]).await?;
    alice.keep_older(&chat().with(past("OLD1", 1_600_000_000, "Longer ago."))).await?;
    let alices = Person::linked(&sim, &alice).await?;
    let first = alices.expect("history", |event| holds(event, "OLD2")).await?;
    assert_eq!((&first["syncType"], &first["messages"][0]["text"]), (&json!(0), &json!("Long ago.")));

    let device = &alice.devices().await?[0].jid;
    let recent =
        chat().with(past("OLD3", 1_750_000_000, "Lately.")).with(past("OLD4", 1_750_000_001, "Just now."));
    let more = json!({"isUploaded": true, "pushnames": [{"id": bob.jid, "pushname": "Bob"}]});
    sim.send_history(device, Stretch::Recent, &[recent], more).await?;
    let second = alices.expect("history", |event| holds(event, "OLD4")).await?;
    assert_eq!(second["messages"].as_array().map(Vec::len), Some(2));
    sim.expect("download", |event| event["found"] == true).await?;

    alices.tell("older", json!({"id": "OLD2", "count": 10})).await?;
    let third = alices.expect("history", |event| holds(event, "OLD1")).await?;
    assert_eq!(third["syncType"], 6);
    let asked = sim.expect("peer-request", |event| event["device"] == device.as_str()).await?;
    assert_eq!(asked["type"], "HISTORY_SYNC_ON_DEMAND");
    alices.stop().await?;
    assert_eq!(sim.errors(), Vec::<Value>::new());
    sim.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_settings_go_both_ways() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let (alice, alices, bob) = (&scene.alice, &scene.alices, &scene.bob);
    alice.name_contact(bob, "Bob the Builder").await?;
    alices.expect("contact", |event| event["name"] == "Bob the Builder").await?;
    alice.archive(&bob.lid, true).await?;
    alices.expect("chat", |event| event["id"] == bob.lid.as_str() && event["archived"] == true).await?;
    alice.pin(&bob.lid, true).await?;
    alices.expect("chat", |event| event["id"] == bob.lid.as_str() && event["pinned"].is_number()).await?;
    alices.tell("modify", json!({"chat": bob.lid, "change": {"mute": 3_600_000}})).await?;
    let uploaded = scene.sim.expect("app-state", |_| true).await?;
    assert_eq!(uploaded["name"], "regular_high");
    // The phone's next change builds on what the client uploaded.
    alice.mute(&bob.lid, None).await?;
    alices.expect("chat", |event| event.get("muteEndTime") == Some(&Value::Null)).await?;
    bob.set_picture(Some(b"jpeg")).await?;
    let url = alices.tell("pictureOf", json!({"who": bob.jid})).await?;
    assert!(url.as_str().is_some_and(|url| url.starts_with("https://127.0.0.1:")), "{url}");
    let known = alices.tell("lookUp", json!({"numbers": [BOB, "12025550199"]})).await?;
    assert_eq!(known, json!([{"jid": bob.jid, "exists": true}]));
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_calls_ring_and_end() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let call = scene.alice.call(&scene.bob.lid, true).await?;
    let ringing = scene.bobs.expect("call", |event| event["status"] == "offer").await?;
    assert_eq!((&ringing["id"], &ringing["isVideo"]), (&json!(call), &json!(true)));
    scene.bobs.tell("reject", json!({"call": call, "from": ringing["from"]})).await?;
    scene.sim.expect("call", |event| event["sign"] == "reject" && event["callId"] == call.as_str()).await?;
    let missed = scene.alice.call(&scene.bob.lid, false).await?;
    scene.alice.hang_up(&scene.bob.lid, &missed).await?;
    scene.bobs.expect("call", |event| event["id"] == missed.as_str() && event["status"] == "timeout").await?;
    scene.end().await
}
