//! What people say at WhatsApp, as the room shows it: words and what becomes of them.

use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{
        content::{self, About},
        phone::{Doing, Mark},
    },
};
use serde_json::json;

use super::chat::{CAROL, Chat};

#[tokio::test(flavor = "multi_thread")]
async fn real_words_have_their_form_and_replies_their_target() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    chat.bobs.say(chat.alice(), "*bold* _slanted_ ~gone~ `code`").await?;
    let formed = chat.hears("bold").await.content();
    let html = formed["formatted_body"].as_str().unwrap_or_default();
    assert_eq!(html, "<strong>bold</strong> <em>slanted</em> <del>gone</del> <code>code</code>");

    chat.bobs.reply(chat.alice(), &chat.hello, "An answer to myself.").await?;
    let reply = chat.hears("An answer to myself.").await.content();
    assert_eq!(reply["m.relates_to"]["m.in_reply_to"]["event_id"], chat.hello_event.event_id.as_str());
    let (said, event) = chat.says("Who is there?").await?;
    chat.bobs.reply(chat.alice(), &said, "It is me.").await?;
    let reply = chat.hears("It is me.").await.content();
    assert_eq!(reply["m.relates_to"]["m.in_reply_to"]["event_id"], event.as_str());

    let bob = format!("@{} is mentioned", chat.bob().trim_end_matches("@lid"));
    chat.bobs.send(chat.alice(), json!({"text": bob, "mentions": [chat.bob()]})).await?;
    let mention = chat.hears("is mentioned").await.content();
    assert_eq!(mention["body"], "@Bob is mentioned");
    assert!(
        mention["formatted_body"].as_str().is_some_and(|html| html.contains(chat.ghost.as_str())),
        "{mention}"
    );

    let forwarded =
        json!({"extendedTextMessage": {"text": "A rumor.", "contextInfo": {"isForwarded": true}}});
    chat.linked.on.bob.send(chat.alice(), forwarded).await?;
    assert_eq!(chat.hears("A rumor.").await.body(), "Forwarded\nA rumor.");
    let preview = json!({"extendedTextMessage": {
        "text": "See https://example.org/birds", "matchedText": "https://example.org/birds", "title": "Birds", "description": "All of them",
    }});
    chat.linked.on.bob.send(chat.alice(), preview).await?;
    chat.hears("See https://example.org/birds").await;
    chat.hears("All of them").await;
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_words_are_changed_taken_back_and_reacted_to() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let hello = chat.hello_event.event_id.clone();
    chat.bobs.edit(chat.alice(), &chat.hello, "Hello, Alice.").await?;
    let edit = chat.event(|event| event.content()["m.relates_to"]["rel_type"] == "m.replace").await;
    assert_eq!(
        (&edit.content()["m.new_content"]["body"], &edit.sender),
        (&json!("Hello, Alice."), &chat.ghost)
    );
    assert_eq!(edit.content()["m.relates_to"]["event_id"], hello.as_str());

    let mut standing = None;
    for emoji in ["👍", "🎉"] {
        chat.bobs.react(chat.alice(), &chat.hello, emoji).await?;
        let reaction = chat
            .event(|event| {
                event.event_type == "m.reaction" && event.content()["m.relates_to"]["key"] == emoji
            })
            .await;
        assert_eq!(reaction.content()["m.relates_to"]["event_id"], hello.as_str());
        // A new one takes the place of the last.
        if let Some(last) = standing.replace(reaction.event_id.clone()) {
            chat.event(|event| event.redacts.as_ref() == Some(&last)).await;
        }
    }
    chat.bobs.react(chat.alice(), &chat.hello, "").await?;
    chat.event(|event| event.redacts == standing).await;
    // On what was said in Matrix, too.
    let (said, event) = chat.says("Do you like it?").await?;
    chat.bobs.react(chat.alice(), &said, "❤️").await?;
    let reaction = chat
        .event(|found| {
            found.event_type == "m.reaction" && found.content()["m.relates_to"]["event_id"] == event.as_str()
        })
        .await;
    assert_eq!(reaction.sender, chat.ghost);

    chat.bobs.revoke(chat.alice(), &chat.hello).await?;
    let gone = chat.event(|event| event.redacts.as_ref() == Some(&hello)).await;
    assert_eq!(gone.sender, chat.ghost);
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_matrix_has_no_form_for_is_told_in_words() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let place = json!({"degreesLatitude": 52.5, "degreesLongitude": 13.4, "name": "Harbor"});
    chat.bobs.send(chat.alice(), json!({"location": place})).await?;
    assert!(
        chat.hears("📍 Harbor").await.content()["formatted_body"]
            .as_str()
            .is_some_and(|html| html.contains("52.5"))
    );
    let card =
        json!({"displayName": "Carol", "vcard": "BEGIN:VCARD\nFN:Carol\nTEL;waid=1:+1 650\nEND:VCARD"});
    chat.bobs.send(chat.alice(), json!({"contacts": {"displayName": "Carol", "contacts": [card]}})).await?;
    chat.hears("👤 Carol: +1 650").await;
    let live = json!({"liveLocationMessage": {"degreesLatitude": 1.5, "degreesLongitude": 2.5}});
    chat.linked.on.bob.send(chat.alice(), live).await?;
    chat.hears("Live location").await;
    let invite = json!({"groupInviteMessage": {"groupJid": "1@g.us", "groupName": "Choir", "inviteCode": "x", "caption": "Come."}});
    chat.linked.on.bob.send(chat.alice(), invite).await?;
    chat.hears("Invitation to the group Choir").await;
    let event = json!({"eventMessage": {"name": "Concert", "description": "Songs."}});
    chat.linked.on.bob.send(chat.alice(), event).await?;
    chat.hears("📅 Concert").await;
    let list = json!({"listMessage": {"title": "Menu", "description": "Choose.", "sections": [{"rows": [{"title": "Soup"}]}]}});
    chat.linked.on.bob.send(chat.alice(), list).await?;
    chat.hears("• Soup").await;
    let poll = json!({"poll": {"name": "Lunch?", "values": ["Soup", "Rice"], "selectableCount": 1}});
    chat.bobs.send(chat.alice(), poll).await?;
    assert_eq!(chat.hears("Lunch?").await.body(), "📊 Lunch?\n1. Soup\n2. Rice\nVote in WhatsApp.");
    // What nobody understands is kept, and the room says that there was something.
    let new = json!({"keepInChatMessage": {"keepType": 1, "timestampMs": 1}});
    chat.linked.on.bob.send(chat.alice(), new).await?;
    chat.event(|event| event.event_type == "m.room.message" && event.body().contains("keep_in_chat")).await;
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_typing_and_reading_are_seen() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let typing = async |is_typing: bool| {
        let shows = chat.homeserver().wait_until(|homeserver| {
            (homeserver.is_typing(&chat.room, &chat.ghost) == is_typing).then_some(())
        });
        shows.await;
    };
    chat.bobs.tell("typing", json!({"to": chat.alice(), "state": "composing"})).await?;
    typing(true).await;
    chat.bobs.tell("typing", json!({"to": chat.alice(), "state": "paused"})).await?;
    typing(false).await;
    let (said, event) = chat.says("Read me.").await?;
    chat.bobs.read(&[&said]).await?;
    let is_read = |event: &str| {
        let event = event.to_owned();
        let (room, ghost) = (chat.room.clone(), chat.ghost.clone());
        move |homeserver: &magpie_common::testkit::fake_homeserver::FakeHomeserver| {
            (homeserver.read_up_to(&room, &ghost)? == event).then_some(())
        }
    };
    chat.homeserver().wait_until(is_read(event.as_str())).await;
    let (said, event) = chat.says("Hear me.").await?;
    chat.linked.on.bob.expect(&said).await?;
    chat.linked.on.bob.mark(Mark::Played, chat.alice(), None, &said).await?;
    chat.homeserver().wait_until(is_read(event.as_str())).await;
    chat.linked.on.bob.does(Doing::Typing, chat.alice()).await?;
    typing(true).await;
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_alice_does_on_her_phone_is_hers() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let alice = &chat.linked.on.alice;
    let said = alice.send(chat.bob(), content::text("By thumb.")).await?;
    let event = chat.hears("By thumb.").await;
    assert_ne!(event.sender, chat.ghost, "Bob did not say it");
    let about = About { chat: chat.bob(), id: &said, author: None, is_own: true };
    let edit = content::edit(about, &content::text("By two thumbs."));
    alice.send_with(chat.bob(), edit, json!({"edit": "1"})).await?;
    let edited = chat.event(|event| event.content()["m.new_content"]["body"] == "By two thumbs.").await;
    assert_eq!(edited.sender, event.sender);
    let about_hello = About { chat: chat.bob(), id: &chat.hello, author: None, is_own: false };
    alice.send_with(chat.bob(), content::reaction(about_hello, "🙃"), json!({"type": "reaction"})).await?;
    let reaction = chat.event(|event| event.event_type == "m.reaction").await;
    assert_eq!((&reaction.sender, &reaction.content()["m.relates_to"]["key"]), (&event.sender, &json!("🙃")));
    // What she has read there is read here.
    alice.mark(Mark::Read, chat.bob(), None, &chat.hello).await?;
    chat.homeserver()
        .wait_until(|homeserver| {
            let read = homeserver.read_up_to(&chat.room, &event.sender)?;
            (read == chat.hello_event.event_id.as_str()).then_some(())
        })
        .await;
    alice.send_with(chat.bob(), content::revoke(about), json!({"edit": "7"})).await?;
    chat.event(|found| found.redacts.as_ref() == Some(&event.event_id)).await;
    // A chat that she begins gets a room, too.
    let carol = chat.sim().account(CAROL, "Carol").await?;
    alice.send(&carol.lid, content::text("Hello, Carol.")).await?;
    let (room, _) = chat.linked.room_with("Hello, Carol.").await;
    assert_ne!(room, chat.room);
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_calls_are_told() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let bob = &chat.linked.on.bob;
    let call = bob.call(chat.alice(), true).await?;
    assert_eq!(chat.hears("Incoming video call").await.sender, chat.ghost);
    bob.hang_up(chat.alice(), &call).await?;
    bob.call(chat.alice(), false).await?;
    chat.hears("Incoming call").await;
    chat.end().await
}
