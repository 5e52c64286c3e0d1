//! Every webhook that Meta's description shows can be brought about by somebody's deed, to the letter.
//!
//! Compared is everything but ids of messages and files, checksums, times and the account, which differ from example to example.

use std::collections::BTreeMap;

use magpie_common::clock::Clock;
use magpie_tests::{
    openapi::skip,
    whatsapp_cloud::{PayloadAge, SentFile, SmallWorld, World, description},
};
use serde_json::{Value, json};

use super::{Listener, START_MS, Scene};

#[tokio::test]
async fn every_official_webhook_is_reproduced() -> anyhow::Result<()> {
    let Some(document) = description::document() else {
        skip(
            "every_official_webhook_is_reproduced",
            "Meta's OpenAPI description is not present (see MAGPIE_SPECS)",
        );
        return Ok(());
    };
    let examples = &document["paths"]["/whatsapp/webhooks"]["post"]["requestBody"]["content"]["application/json"]
        ["examples"];
    let examples: BTreeMap<&String, &Value> = examples.as_object().into_iter().flatten().collect();
    assert_eq!(examples.len(), 16);
    for (name, example) in examples {
        let scene = sheenas_world().await;
        let listener = Listener::start(&scene.sim).await;
        scene.sim.subscribe(&listener.address).await.expect("the handshake passes");
        let mut wanted = example["value"].clone();
        act(&scene, name, &wanted["entry"][0]["changes"][0]).await?;
        scene.sim.wait_for_webhooks().await?;
        let mut told = listener.bodies().pop().unwrap_or_default();
        blur(&mut wanted);
        blur(&mut told);
        assert_eq!(told, wanted, "{name}");
        scene.should_be_honest("every_official_webhook_is_reproduced");
    }
    Ok(())
}

/// The world that the examples play in.
async fn sheenas_world() -> Scene {
    let mut world = World::on_clock(Clock::fixed(START_MS, 3));
    let account = world.account(102_290_129_340_398, "Lucky Shrub");
    let number = world.number(account, 106_540_352_242_922, "15550783881");
    let alice = world.person("Sheena Nelson", "16505551234");
    let bob = world.person("Bob", "16505551235");
    let components = json!([
        {"type": "BODY", "text": "Sale!"},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Unsubscribe"}]},
    ]);
    world.template(account, ("sale", "en_US"), components);
    let scene = Scene::of(world, SmallWorld { account, number, alice, bob }).await;
    scene.sim.writes_in_age(PayloadAge::PhoneNumbers);
    scene
}

async fn act(scene: &Scene, name: &str, change: &Value) -> anyhow::Result<()> {
    let (sim, sheena) = (&scene.sim, scene.alice());
    let message = &change["value"]["messages"][0];
    let text = |at: &Value| at.as_str().expect("it is text").to_owned();
    let body = &message["text"]["body"];
    match name {
        "Text Message" => drop(sim.person_says(sheena, &text(body))),
        "Text Message with Context (Product Inquiry)" => {
            let product = &message["context"]["referred_product"];
            let (catalog, product) = (text(&product["catalog_id"]), text(&product["product_retailer_id"]));
            sim.person_asks_about(sheena, &text(body), (&catalog, &product));
        }
        "Text Message from Click to WhatsApp Ad" => {
            drop(sim.person_comes_from_ad(sheena, &text(body), message["referral"].clone()));
        }
        "Reaction Message" => {
            let hello = sim.person_says(sheena, "Hello");
            sim.person_reacts(sheena, &hello, &text(&message["reaction"]["emoji"]));
        }
        "Image Message" => {
            let image = &message["image"];
            let file = SentFile::new("image", &text(&image["mime_type"]), b"a palace")
                .caption(&text(&image["caption"]));
            sim.person_sends_file(sheena, file);
        }
        "Location Message" => drop(sim.person_shares_location(sheena, message["location"].clone())),
        "Contact Sharing Message" => drop(sim.person_shares_contacts(sheena, message["contacts"].clone())),
        "Unsupported Message" => drop(sim.person_sends_unsupported(sheena)),
        "Button Message" => {
            let template = json!({"name": "sale", "language": {"code": "en_US"}});
            let sent = sends(scene, json!({"type": "template", "template": template})).await;
            sim.person_presses_template(sheena, &sent, 0)?;
        }
        "Interactive List Reply Message" => {
            let row = &message["interactive"]["list_reply"];
            let action = json!({"button": "Choose", "sections": [{"title": "All", "rows": [row]}]});
            let sent = asks(scene, "list", action).await;
            sim.person_picks(sheena, &sent, &text(&row["id"]))?;
        }
        "Interactive Button Reply Message" => {
            let button = &message["interactive"]["button_reply"];
            let sent = asks(scene, "button", json!({"buttons": [{"type": "reply", "reply": button}]})).await;
            assert!(sim.person_presses(sheena, &sent, "another button").is_err());
            sim.person_presses(sheena, &sent, &text(&button["id"]))?;
        }
        "Order Message" => drop(sim.person_orders(sheena, message["order"].clone())),
        "System Message" => {
            sim.person_says(sheena, "I will move");
            sim.person_changes_number(sheena.person, &text(&message["system"]["wa_id"]));
        }
        // Groups are not simulated; what is told of them can be told.
        _ => sim.tells(sheena.number, &text(&change["field"]), change["value"].clone()),
    }
    Ok(())
}

async fn asks(scene: &Scene, kind: &str, action: Value) -> String {
    scene.sim.person_says(scene.alice(), "Hello");
    let content = json!({"type": kind, "body": {"text": "Which?"}, "action": action});
    sends(scene, json!({"type": "interactive", "interactive": content})).await
}

async fn sends(scene: &Scene, fields: Value) -> String {
    let (status, answer) = scene.sends(fields).await;
    assert_eq!(status, 200, "{answer}");
    answer["messages"][0]["id"].as_str().expect("the answer names the message").to_owned()
}

/// Replaces what is another in each example.
fn blur(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(blur),
        Value::Object(fields) => {
            let is_entry = fields.contains_key("changes");
            let is_file = fields.contains_key("mime_type");
            for (name, field) in fields {
                let is_message = field.as_str().is_some_and(|text| text.starts_with("wamid."));
                match name.as_str() {
                    "id" if is_entry => *field = json!("account"),
                    "id" | "sha256" if is_file => *field = json!("file"),
                    "id" | "message_id" if is_message => *field = json!("message"),
                    "timestamp" => *field = json!("time"),
                    _ => blur(field),
                }
            }
        }
        _ => {}
    }
}
