//! Ten thousand messages by webhooks in random order, many of them several times, in the words of either year, with forgeries and nonsense
//! among them, to the real program: exactly one event each.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use magpie_common::testkit::fake_homeserver::FakeHomeserver;
use magpie_tests::whatsapp_cloud::SmallWorld;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{seed, story::Staged};

/// Messages, of which each third is told this often and the others once.
const MESSAGES: usize = 10_000;
const TIMES: usize = 3;

/// Requests that are none of WhatsApp's, or make no sense.
const BAD: usize = 1_000;

/// People who write them.
const PEOPLE: usize = 12;

/// Webhooks under way at once.
const AT_ONCE: usize = 16;

/// In whose words a message is told: whoever has a username shows no number.
#[derive(Clone, Copy, Debug)]
enum Words {
    Number,
    Both,
    UserId,
}

/// A third of the people is known by their numbers and, now and then, by their user ids too; a third has usernames; the rest takes one.
fn words(nth: usize) -> Words {
    let (person, turn) = (nth % PEOPLE, nth / PEOPLE);
    match (person % 3, turn % 3) {
        (0, 0 | 1) | (2, 0) => Words::Number,
        (0, _) | (2, 1) => Words::Both,
        _ => Words::UserId,
    }
}

/// A message of one of the people.
fn message(nth: usize) -> (Value, Value) {
    let person = nth % PEOPLE;
    let (wa_id, user_id) = (format!("1650555{person:04}"), format!("US.1349120865530{person:04}"));
    let mut message = json!({
        "id": format!("wamid.{nth}"), "timestamp": format!("{}", 1_790_000_000 + nth), "type": "text",
        "text": {"body": format!("number {nth}")},
    });
    let mut contact = json!({"profile": {"name": format!("Person {person}")}});
    let words = words(nth);
    if !matches!(words, Words::UserId) {
        (message["from"], contact["wa_id"]) = (json!(wa_id), json!(wa_id));
    }
    if !matches!(words, Words::Number) {
        (message["from_user_id"], contact["user_id"]) = (json!(user_id), json!(user_id));
    }
    (message, contact)
}

fn webhook(number: &str, (message, contact): (Value, Value)) -> String {
    let metadata = json!({"display_phone_number": "15550783881", "phone_number_id": number});
    let value = json!({"messaging_product": "whatsapp", "metadata": metadata, "contacts": [contact], "messages": [message]});
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]})
        .to_string()
}

/// What is brought: a body, its signature, and what must be answered.
struct Brought {
    body: String,
    signature: Option<String>,
    wanted: StatusCode,
}

impl Brought {
    fn honest(secret: &str, body: String) -> Self {
        let signature = Some(magpie_tests::whatsapp_cloud::webhook::sign(secret, body.as_bytes()));
        Self { body, signature, wanted: StatusCode::OK }
    }
}

/// Something that must do no harm.
fn bad(secret: &str, small: &SmallWorld, nth: usize) -> Brought {
    let number = small.number.to_string();
    let honest = |body: String| Brought::honest(secret, body);
    let refused = |brought: Brought| Brought { wanted: StatusCode::UNAUTHORIZED, ..brought };
    // Words that stand nowhere else: they would be counted.
    let mut forged = message(nth);
    forged.0["id"] = json!(format!("wamid.forged.{nth}"));
    forged.0["text"]["body"] = json!(format!("number {}", MESSAGES + nth));
    match nth % 8 {
        0 => refused(Brought { signature: None, ..honest(webhook(&number, forged)) }),
        1 => refused(Brought::honest("another secret", webhook(&number, forged))),
        2 => {
            let signed = honest(webhook(&number, message(nth)));
            refused(Brought { body: webhook(&number, forged), ..signed })
        }
        3 => {
            forged.0 = json!({"id": format!("wamid.odd.{nth}"), "from": "16505550000", "timestamp": "1790000000", "type": "hologram"});
            honest(webhook(&number, forged))
        }
        4 => {
            let change =
                json!({"field": format!("field_{nth}"), "value": {"metadata": {"phone_number_id": number}}});
            honest(
                json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]})
                    .to_string(),
            )
        }
        5 => {
            let ids = ["from", "from_user_id"];
            forged.1 = json!({});
            ids.into_iter().for_each(|name| forged.0[name] = Value::Null);
            honest(webhook(&number, forged))
        }
        // A number whose account may be just coming up is asked for again; one without an id is nobody's.
        6 => Brought { wanted: StatusCode::SERVICE_UNAVAILABLE, ..honest(webhook("999", forged)) },
        _ => honest(webhook("", forged)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_webhooks_in_any_order_become_one_event_each() -> anyhow::Result<()> {
    let seed = seed();
    println!("seed: {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let Staged { sim, small, homeserver, mut bridge, address, stage: _stage } = Staged::start().await?;
    let secret = sim.secrets().app_secret;
    let times = |nth: usize| if nth.is_multiple_of(3) { TIMES } else { 1 };
    let mut order: Vec<(bool, usize)> =
        (0..MESSAGES).flat_map(|nth| std::iter::repeat_n((true, nth), times(nth))).collect();
    order.extend((0..BAD).map(|_| (false, random.random_range(0..MESSAGES))));
    order.shuffle(&mut random);
    println!("{} webhooks", order.len());
    let http = reqwest::Client::new();
    let bring = |(is_honest, nth): (bool, usize)| {
        let brought = match is_honest {
            true => Brought::honest(&secret, webhook(&small.number.to_string(), message(nth))),
            false => bad(&secret, &small, nth),
        };
        let mut request = http.post(&address).body(brought.body);
        if let Some(signature) = brought.signature {
            request = request.header("X-Hub-Signature-256", signature);
        }
        async move {
            loop {
                let answer = request.try_clone().expect("the body is a text").send().await;
                match answer.map(|answer| answer.status()) {
                    Ok(status) if status == brought.wanted => return,
                    // Not taken for now, whatever it is.
                    Ok(StatusCode::SERVICE_UNAVAILABLE) | Err(_) => tokio::task::yield_now().await,
                    other => panic!("{nth} was answered with {other:?}, and not with {}", brought.wanted),
                }
            }
        }
    };
    stream::iter(order).map(bring).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;

    let all = homeserver
        .wait_until(|homeserver| {
            let may_be_all = homeserver.event_count() >= MESSAGES as u64;
            may_be_all.then(|| said(homeserver)).filter(|said| said.len() >= MESSAGES)
        })
        .await;
    let wrong: Vec<_> = all.iter().filter(|(_, times)| **times != 1).take(10).collect();
    assert!(wrong.is_empty(), "said more than once: {wrong:?}");
    assert_eq!(all.len(), MESSAGES, "somebody's forgery was said");
    bridge.stop().await?;
    assert_eq!(said(&homeserver).len(), MESSAGES);
    Ok(())
}

/// What was said in all rooms, and how often.
fn said(homeserver: &FakeHomeserver) -> BTreeMap<String, usize> {
    let mut said: BTreeMap<String, usize> = BTreeMap::new();
    for room in homeserver.rooms() {
        for (_, body) in homeserver.messages(&room) {
            if body.starts_with("number ") {
                *said.entry(body).or_default() += 1;
            }
        }
    }
    said
}
