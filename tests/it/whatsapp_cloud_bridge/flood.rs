//! Ten thousand webhooks in random order, each several times, to the real program: exactly one event each.

use std::{collections::BTreeMap, fmt::Write as _};

use futures_util::{StreamExt, stream};
use hmac::{Hmac, Mac};
use magpie_common::testkit::fake_homeserver::FakeHomeserver;
use magpie_tests::whatsapp_cloud::SmallWorld;
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::json;
use sha2::Sha256;

use super::story::Staged;

/// Messages, and how often each is told.
const MESSAGES: usize = 2_500;
const TIMES: usize = 4;

/// People who write them.
const PEOPLE: usize = 10;

/// Webhooks under way at once.
const AT_ONCE: usize = 16;

const SEED: u64 = 20_261_128;

fn webhook(small: &SmallWorld, nth: usize) -> String {
    let person = nth % PEOPLE;
    let wa_id = format!("1650555{person:04}");
    let message = json!({
        "from": wa_id, "id": format!("wamid.{nth}"), "timestamp": format!("{}", 1_790_000_000 + nth), "type": "text",
        "text": {"body": format!("number {nth}")},
    });
    let contact = json!({"wa_id": wa_id, "profile": {"name": format!("Person {person}")}});
    let metadata =
        json!({"display_phone_number": "15550783881", "phone_number_id": small.number.to_string()});
    let value = json!({"messaging_product": "whatsapp", "metadata": metadata, "contacts": [contact], "messages": [message]});
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]})
        .to_string()
}

fn signature(secret: &str, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key will do");
    let sum = mac.chain_update(body).finalize().into_bytes();
    sum.iter().fold("sha256=".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_webhooks_in_any_order_become_one_event_each() -> anyhow::Result<()> {
    let Staged { sim, small, homeserver, mut bridge, address, stage: _stage } = Staged::start().await?;
    let mut order: Vec<usize> = (0..MESSAGES).flat_map(|nth| std::iter::repeat_n(nth, TIMES)).collect();
    order.shuffle(&mut StdRng::seed_from_u64(SEED));
    let (http, secret) = (reqwest::Client::new(), sim.secrets().app_secret);
    let bring = |nth: usize| {
        let body = webhook(&small, nth);
        let request = http.post(&address).header("X-Hub-Signature-256", signature(&secret, &body)).body(body);
        async move {
            loop {
                let again = request.try_clone().expect("the body is a text").send().await;
                if again.is_ok_and(|answer| answer.status().is_success()) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        }
    };
    stream::iter(order).map(bring).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;

    let said = |homeserver: &FakeHomeserver| {
        let mut said: BTreeMap<String, usize> = BTreeMap::new();
        for room in homeserver.rooms() {
            for (_, body) in homeserver.messages(&room) {
                if body.starts_with("number ") {
                    *said.entry(body).or_default() += 1;
                }
            }
        }
        said
    };
    let all = homeserver
        .wait_until(|homeserver| Some(said(homeserver)).filter(|said| said.len() == MESSAGES))
        .await;
    assert!(all.values().all(|times| *times == 1), "something was said twice");
    bridge.stop().await?;
    Ok(())
}
