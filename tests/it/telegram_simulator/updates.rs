//! Updates come by long poll or webhook, in order, until they are confirmed.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::State, http::HeaderMap};
use magpie_tests::telegram::{ChatKind, Privacy, TelegramSim, World};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{KINDS, Scene};

#[tokio::test]
async fn a_poll_waits_until_something_happens() {
    let scene = Scene::new().await;
    let polls = scene.sim.polls(scene.small.bot);
    let polling = scene.call("getUpdates", json!({"timeout": 50}));
    let saying = async {
        scene.sim.wait_for_poll(scene.small.bot, polls).await.expect("it polls");
        scene.sim.person_sends(scene.small.private, scene.small.alice, "hi");
    };
    let both = async { tokio::join!(polling, saying).0 };
    let got = tokio::time::timeout(Duration::from_secs(20), both).await.expect("it does not wait on");
    assert_eq!(got[0]["message"]["text"], "hi");
    scene.should_be_honest("a_poll_waits_until_something_happens");
}

#[tokio::test]
async fn updates_come_again_until_they_are_confirmed() {
    let mut scene = Scene::new().await;
    for text in ["one", "two", "three"] {
        scene.sim.person_sends(scene.small.private, scene.small.alice, text);
    }
    let first = scene.call("getUpdates", json!({"limit": 2})).await;
    assert_eq!(first, scene.call("getUpdates", json!({"limit": 2})).await);
    let second = first[1]["update_id"].as_i64().expect("it is a number");
    let rest = scene.call("getUpdates", json!({"offset": second})).await;
    let texts: Vec<_> =
        rest.as_array().into_iter().flatten().map(|it| it["message"]["text"].clone()).collect();
    assert_eq!(texts, ["two", "three"]);
    let last = scene.call("getUpdates", json!({"offset": -1})).await;
    assert_eq!((last.as_array().map(Vec::len), &last[0]["message"]["text"]), (Some(1), &json!("three")));
    scene.offset = second + 2;
    assert_eq!(scene.updates().await, Vec::<Value>::new());
    scene.sim.updates_come_twice(1);
    scene.sim.person_sends(scene.small.private, scene.small.alice, "again");
    let twice = scene.updates().await;
    assert_eq!((twice.len(), &twice[0]), (2, &twice[1]));
    scene.should_be_honest("updates_come_again_until_they_are_confirmed");
}

#[tokio::test]
async fn only_one_may_poll() {
    let scene = Scene::new().await;
    let polls = scene.sim.polls(scene.small.bot);
    let first = scene.ask("getUpdates", json!({"timeout": 50}));
    let second = async {
        scene.sim.wait_for_poll(scene.small.bot, polls).await.expect("it polls");
        scene.ask("getUpdates", json!({"timeout": 0})).await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!((&first["error_code"], &second["ok"]), (&json!(409), &json!(true)));
    let words = first["description"].as_str().expect("errors are described");
    assert!(words.starts_with("Conflict: terminated by other getUpdates request"), "{words}");
}

#[tokio::test]
async fn kinds_are_remembered_and_the_default_leaves_some_out() {
    let mut scene = Scene::new().await;
    let (sim, small) = (&scene.sim, scene.small);
    let said = sim.person_sends(small.supergroup, small.alice, "hi");
    let asked = json!({"timeout": 0, "offset": -1, "allowed_updates": []});
    scene.call("getUpdates", asked).await;
    sim.person_reacts((small.supergroup, said), small.bob, "👍");
    sim.person_edits((small.supergroup, said), "ho");
    let got = scene.updates().await;
    let kinds: Vec<_> = got.iter().map(|it| it.get("message_reaction").is_some()).collect();
    assert_eq!(kinds, [false, false], "{got:?}");
    scene.call("getUpdates", json!({"allowed_updates": ["message_reaction"], "offset": scene.offset})).await;
    scene.sim.person_reacts((small.supergroup, said), small.bob, "🔥");
    scene.sim.person_sends(small.supergroup, small.alice, "unheard");
    let heard = scene.update("message_reaction").await;
    assert_eq!(heard["old_reaction"][0]["emoji"], "👍");
    scene.should_be_honest("kinds_are_remembered_and_the_default_leaves_some_out");
}

#[tokio::test]
async fn deletions_and_unpinnings_are_told_to_nobody() {
    let mut scene = Scene::new().await;
    let (chat, alice) = (scene.small.supergroup, scene.small.alice);
    let said = scene.sim.person_sends(chat, alice, "hi");
    scene.sim.person_pins((chat, said), alice);
    assert_eq!(scene.updates().await.len(), 2);
    scene.sim.person_unpins((chat, said), alice);
    assert!(scene.sim.person_deletes((chat, said)));
    assert_eq!(scene.updates().await, Vec::<Value>::new());
}

#[tokio::test]
async fn privacy_mode_hides_what_is_not_meant_for_the_bot() {
    let mut world = World::new();
    let (bot, alice) = (world.bot("Magpie", "magpie_bot"), world.person("Alice"));
    world.edit_bot(bot).reads_all = false;
    let chat = world.chat(ChatKind::Supergroup, "Birds", alice);
    world.member(chat, bot);
    let sim = TelegramSim::start(world).await.expect("a port is free");
    for text in ["secret", "/id", "hey @magpie_bot", "secret"] {
        sim.person_sends(chat, alice, text);
    }
    assert_eq!(sim.updates_waiting(bot), 2);
    sim.owner_sets_privacy(bot, Privacy::Off);
    sim.person_sends(chat, alice, "still secret");
    assert_eq!(sim.updates_waiting(bot), 2, "it counts only when the bot comes anew");
    sim.person_leaves(chat, bot);
    sim.person_adds(chat, (alice, bot));
    let before = sim.updates_waiting(bot);
    sim.person_sends(chat, alice, "open");
    assert_eq!(sim.updates_waiting(bot), before + 1);
}

#[tokio::test]
async fn a_webhook_is_called_again_until_it_answers_well() -> anyhow::Result<()> {
    type Heard = Arc<Mutex<Vec<(String, String)>>>;
    async fn hook(State(heard): State<Heard>, headers: HeaderMap, body: String) -> axum::http::StatusCode {
        let mut heard = heard.lock().expect("nobody panics with it");
        let secret = headers["x-telegram-bot-api-secret-token"].to_str().unwrap_or_default().to_owned();
        let update: Value = serde_json::from_str(&body).unwrap_or_default();
        heard.push((secret, update["message"]["text"].as_str().unwrap_or_default().to_owned()));
        if heard.len() == 1 { axum::http::StatusCode::BAD_GATEWAY } else { axum::http::StatusCode::OK }
    }
    let scene = Scene::new().await;
    let heard = Heard::default();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    let app = Router::new().fallback(hook).with_state(Arc::clone(&heard));
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let bad = json!({"url": url, "secret_token": "not allowed"});
    let refused = scene.refused("setWebhook", bad).await;
    assert_eq!(refused, "Bad Request: secret token contains unallowed characters");
    let good = json!({"url": url, "secret_token": "s", "max_connections": 1, "allowed_updates": KINDS});
    scene.call("setWebhook", good).await;
    for text in ["one", "two"] {
        scene.sim.person_sends(scene.small.private, scene.small.alice, text);
    }
    scene.sim.wait_until_confirmed(scene.small.bot).await?;
    let of = |text: &str| ("s".to_owned(), text.to_owned());
    assert_eq!(*heard.lock().expect("nobody panics with it"), [of("one"), of("one"), of("two")]);
    let info = scene.call("getWebhookInfo", json!({})).await;
    assert_eq!(info["last_error_message"], "Wrong response from the webhook: 502 Bad Gateway");
    scene.call("deleteWebhook", json!({})).await;
    assert_eq!(scene.call("getWebhookInfo", json!({})).await["url"], "");
    server.abort();
    scene.should_be_honest("a_webhook_is_called_again_until_it_answers_well");
    Ok(())
}
