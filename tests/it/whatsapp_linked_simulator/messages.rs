//! Every kind of message from one person to the other, as the other's client decrypted it.

use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{
        content::{self, About},
        person::bytes,
    },
};
use serde_json::{Value, json};

use super::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn real_words_are_answered_changed_and_taken_back() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let (alices, bobs) = (&scene.alices, &scene.bobs);
    let said = alices.say(&scene.bob.lid, "First.").await?;
    bobs.expect_message(&said).await?;

    let reply = bobs.reply(&scene.alice.lid, &said, "An answer.").await?;
    let heard = alices.expect_message(&reply).await?;
    let context = &heard["message"]["extendedTextMessage"]["contextInfo"];
    assert_eq!((&context["stanzaId"], &context["participant"]), (&json!(said), &json!(scene.alice.lid)));
    assert_eq!(context["quotedMessage"]["extendedTextMessage"]["text"], "First.");

    alices.edit(&scene.bob.lid, &said, "First, but better.").await?;
    let edited = bobs.expect("update", |event| event["id"] == said.as_str()).await?;
    assert_eq!(edited["text"], "First, but better.");

    for emoji in ["👍", "🎉", ""] {
        bobs.react(&scene.alice.lid, &said, emoji).await?;
        let reaction = alices.expect("reaction", |event| event["id"] == said.as_str()).await?;
        assert_eq!(reaction["text"], emoji);
    }

    alices.revoke(&scene.bob.lid, &said).await?;
    let revoked = bobs.expect("update", |event| event["id"] == said.as_str()).await?;
    assert_eq!((&revoked["message"], &revoked["messageStubType"]), (&Value::Null, &json!(1)));

    let mention = json!({"text": "@9912025550102 look", "mentions": [scene.bob.lid]});
    let mentioned = bobs.expect_message(&alices.send(&scene.bob.lid, mention).await?).await?;
    let context = &mentioned["message"]["extendedTextMessage"]["contextInfo"];
    assert_eq!(context["mentionedJid"], json!([scene.bob.lid]));
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_other_kinds_arrive_whole() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let place = json!({"degreesLatitude": 52.5, "degreesLongitude": 13.4, "name": "Berlin"});
    let card = json!({"displayName": "Carol", "vcard": "BEGIN:VCARD\nFN:Carol\nEND:VCARD"});
    let kinds = [
        (json!({"location": place}), "/locationMessage/name", json!("Berlin")),
        (
            json!({"contacts": {"displayName": "Carol", "contacts": [card]}}),
            "/contactMessage/displayName",
            json!("Carol"),
        ),
        (
            json!({"disappearingMessagesInChat": 86400}),
            "/ephemeralMessage/message/protocolMessage/ephemeralExpiration",
            json!(86400),
        ),
        (
            json!({"text": "See https://example.org"}),
            "/extendedTextMessage/text",
            json!("See https://example.org"),
        ),
    ];
    for (content, path, wanted) in kinds {
        let id = scene.alices.send(&scene.bob.lid, content).await?;
        let heard = scene.bobs.expect_message(&id).await?;
        assert_eq!(heard["message"].pointer(path), Some(&wanted), "{heard}");
    }
    let fields = json!({"to": scene.bob.lid, "content": {"text": "Soon gone."}, "options": {"ephemeralExpiration": 86400}});
    let sent = scene.alices.tell("send", fields).await?;
    let heard = scene.bobs.expect_message(sent["id"].as_str().unwrap_or_default()).await?;
    assert_eq!(heard["message"]["extendedTextMessage"]["contextInfo"]["expiration"], 86400);
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_polls_are_voted_in() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let poll = json!({"poll": {"name": "Lunch?", "values": ["Soup", "Rice", "Fish"], "selectableCount": 2}});
    let id = scene.alices.send(&scene.bob.lid, poll).await?;
    let heard = scene.bobs.expect_message(&id).await?;
    assert_eq!(heard["message"]["pollCreationMessage"]["options"][1]["optionName"], "Rice");
    for options in [&["Soup", "Fish"][..], &["Rice"], &[]] {
        scene.bobs.vote(&id, options).await?;
        let vote = scene.alices.expect("vote", |event| event["poll"] == id.as_str()).await?;
        assert_eq!(vote["options"], json!(options));
    }
    // The phone's own poll, whose secret the test knows.
    let asked = content::poll("Tea?", &["Yes", "No"], 1, [7; 32]);
    let id = scene.bob.send_with(&scene.alice.lid, asked, json!({"type": "poll"})).await?;
    scene.alices.expect_message(&id).await?;
    scene.alices.vote(&id, &["No"]).await?;
    assert_eq!(
        scene.bobs.expect("vote", |event| event["poll"] == id.as_str()).await?["options"],
        json!(["No"])
    );
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_the_phone_writes_too() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let (bob, alices) = (&scene.bob, &scene.alices);
    let said = bob.send(&scene.alice.lid, content::text("By thumb.")).await?;
    alices.expect_message(&said).await?;
    let about = About { chat: &scene.alice.lid, id: &said, author: None, is_own: true };
    let edited = content::edit(about, &content::text("By two thumbs."));
    bob.send_with(&scene.alice.lid, edited, json!({"edit": "1"})).await?;
    let update = alices.expect("update", |event| event["id"] == said.as_str()).await?;
    assert_eq!(update["text"], "By two thumbs.");
    bob.send_with(&scene.alice.lid, content::reaction(about, "🙃"), json!({"type": "reaction"})).await?;
    assert_eq!(alices.expect("reaction", |event| event["id"] == said.as_str()).await?["text"], "🙃");
    bob.send_with(&scene.alice.lid, content::revoke(about), json!({"edit": "7"})).await?;
    let revoked = alices.expect("update", |event| event["id"] == said.as_str()).await?;
    assert_eq!(revoked["messageStubType"], 1);
    // By number, as older chats are addressed.
    let by_number = bob.send(&scene.alice.jid, content::text("By number.")).await?;
    let heard = alices.expect_message(&by_number).await?;
    assert_eq!((&heard["chat"], &heard["chatAlt"]), (&json!(bob.jid), &json!(bob.lid)));
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_typing_and_marks_are_seen() -> anyhow::Result<()> {
    use magpie_tests::whatsapp_linked::phone::{Doing, Mark};

    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let (alices, bobs) = (&scene.alices, &scene.bobs);
    for state in ["composing", "recording"] {
        alices.tell("typing", json!({"to": scene.bob.lid, "state": state})).await?;
        let seen = bobs.expect("presence", |event| event["state"] == state).await?;
        assert_eq!(seen["who"], scene.alice.lid);
    }
    scene.alice.does(Doing::Typing, &scene.bob.lid).await?;
    bobs.expect("presence", |event| event["state"] == "composing").await?;
    scene.alice.does(Doing::Nothing, &scene.bob.lid).await?;
    bobs.expect("presence", |event| event["state"] == "available").await?;

    let said = alices.say(&scene.bob.lid, "Tick.").await?;
    bobs.expect_message(&said).await?;
    alices
        .expect("status", |event| event["id"] == said.as_str() && event["status"] == "DELIVERY_ACK")
        .await?;
    bobs.read(&[&said]).await?;
    alices.expect("status", |event| event["id"] == said.as_str() && event["status"] == "READ").await?;

    let voice = json!({"audio": bytes(b"opus"), "ptt": true, "seconds": 1, "waveform": bytes(&[9; 64])});
    let spoken = alices.send(&scene.bob.lid, voice).await?;
    scene.bob.expect(&spoken).await?;
    scene.bob.mark(Mark::Played, &scene.alice.lid, None, &spoken).await?;
    alices.expect("status", |event| event["id"] == spoken.as_str() && event["status"] == "PLAYED").await?;
    scene.end().await
}
