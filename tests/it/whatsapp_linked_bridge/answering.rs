//! What is said and done in the room, as Bob's client has it.

use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::content,
};
use serde_json::json;

use super::chat::{Chat, empower};

#[tokio::test(flavor = "multi_thread")]
async fn real_words_go_with_their_form_and_what_they_answer() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let html = |body: &str, html: &str| json!({"msgtype": "m.text", "body": body, "format": "org.matrix.custom.html", "formatted_body": html});
    let formed =
        html("bold slanted", "<strong>bold</strong> <em>slanted</em> <del>gone</del> <code>code</code>");
    chat.admin.sends_content(&chat.room, "m.room.message", &formed);
    chat.bob_reads("*bold* _slanted_ ~gone~ `code`").await?;

    let pill = format!("<a href=\"https://matrix.to/#/{}\">Bob</a>, look", chat.ghost);
    let mut mention = html("Bob, look", &pill);
    mention["m.mentions"] = json!({"user_ids": [chat.ghost]});
    chat.admin.sends_content(&chat.room, "m.room.message", &mention);
    let words = format!("@{}, look", chat.bob().trim_end_matches("@lid"));
    let heard = chat.bob_gets(|event| event["text"] == words.as_str()).await?;
    assert_eq!(heard["message"]["extendedTextMessage"]["contextInfo"]["mentionedJid"], json!([chat.bob()]));

    chat.admin.replies(&chat.room, &chat.hello_event.event_id, "An answer.");
    let heard = chat.bob_gets(|event| event["text"] == "An answer.").await?;
    let context = &heard["message"]["extendedTextMessage"]["contextInfo"];
    assert_eq!((&context["stanzaId"], &context["participant"]), (&json!(chat.hello), &json!(chat.bob())));
    let (said, event) = chat.says("First.").await?;
    chat.admin.replies(&chat.room, &event, "Second.");
    let heard = chat.bob_gets(|event| event["text"] == "Second.").await?;
    let context = &heard["message"]["extendedTextMessage"]["contextInfo"];
    assert_eq!((&context["stanzaId"], &context["participant"]), (&json!(said), &json!(chat.alice())));
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_words_are_changed_taken_back_and_reacted_to() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let (said, event) = chat.says("A typo.").await?;
    chat.admin.edits(&chat.room, &event, "No typo.");
    let edited = chat.bobs.expect("update", |event| event["id"] == said.as_str()).await?;
    assert_eq!(edited["text"], "No typo.");

    let mut last = None;
    for emoji in ["👍", "🎉"] {
        last = Some(chat.admin.reacts(&chat.room, &chat.hello_event.event_id, emoji));
        let reaction = chat.bobs.expect("reaction", |event| event["id"] == chat.hello.as_str()).await?;
        assert_eq!(reaction["text"], emoji);
    }
    chat.admin.redacts(&chat.room, &last.expect("there were two"));
    let reaction = chat.bobs.expect("reaction", |event| event["id"] == chat.hello.as_str()).await?;
    assert_eq!(reaction["text"], "");

    chat.admin.redacts(&chat.room, &event);
    let revoked = chat.bobs.expect("update", |event| event["id"] == said.as_str()).await?;
    assert_eq!(revoked["messageStubType"], 1);
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_places_typing_and_reading_are_told() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let place = json!({"msgtype": "m.location", "body": "Harbor", "geo_uri": "geo:52.5,13.4"});
    chat.admin.sends_content(&chat.room, "m.room.message", &place);
    let heard = chat.bob_gets(|event| event["kind"] == "locationMessage").await?;
    let place = &heard["message"]["locationMessage"];
    assert_eq!((&place["degreesLatitude"], &place["name"]), (&json!(52.5), &json!("Harbor")));

    chat.admin.types(&chat.room, true);
    let seen = chat.bobs.expect("presence", |event| event["state"] == "composing").await?;
    assert_eq!(seen["who"], chat.alice());
    let second = chat.bobs.say(chat.alice(), "And again.").await?;
    let event = chat.hears("And again.").await;
    chat.admin.reads(&chat.room, &event.event_id);
    // What stands before it is read, too.
    for id in [&chat.hello, &second] {
        chat.bobs.expect("status", |event| event["id"] == id.as_str() && event["status"] == "READ").await?;
    }
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_polls_of_matrix_are_voted_in() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let answer = |id: &str, text: &str| json!({"id": id, "org.matrix.msc1767.text": text});
    let poll = json!({"org.matrix.msc3381.poll.start": {
        "kind": "org.matrix.msc3381.poll.disclosed", "max_selections": 2,
        "question": {"org.matrix.msc1767.text": "Lunch?"},
        "answers": [answer("a", "Soup"), answer("b", "Rice"), answer("c", "Fish")],
    }});
    let event = chat.admin.sends_content(&chat.room, "org.matrix.msc3381.poll.start", &poll);
    let heard = chat.bob_gets(|event| event["kind"] == "pollCreationMessage").await?;
    let id = heard["id"].as_str().unwrap_or_default().to_owned();
    assert_eq!(heard["message"]["pollCreationMessage"]["selectableOptionsCount"], 2);
    // Bob votes, changes his mind, and takes it back.
    for (chosen, ids) in [(&["Soup", "Fish"][..], &["a", "c"][..]), (&["Rice"], &["b"]), (&[], &[])] {
        chat.bobs.vote(&id, chosen).await?;
        let vote = chat
            .event(|event| {
                event.sender == chat.ghost
                    && event.content()["org.matrix.msc3381.poll.response"]["answers"] == json!(ids)
            })
            .await;
        assert_eq!(vote.content()["m.relates_to"]["event_id"], event.as_str());
    }
    // Alice votes from Matrix.
    let vote = json!({
        "m.relates_to": {"rel_type": "m.reference", "event_id": event},
        "org.matrix.msc3381.poll.response": {"answers": ["b"]},
    });
    chat.admin.sends_content(&chat.room, "org.matrix.msc3381.poll.response", &vote);
    let counted = chat
        .bobs
        .expect("vote", |event| event["poll"] == id.as_str() && event["options"] == json!(["Rice"]))
        .await;
    counted?;
    let end = json!({
        "m.relates_to": {"rel_type": "m.reference", "event_id": event}, "org.matrix.msc3381.poll.end": {},
        "org.matrix.msc1767.text": "The end.",
    });
    chat.admin.sends_content(&chat.room, "org.matrix.msc3381.poll.end", &end);
    chat.bob_reads("This poll is closed.").await?;
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_words_disappear_when_the_chat_wants_it() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    chat.linked.on.bob.send(chat.alice(), content::timer(86_400)).await?;
    assert_eq!(chat.hears("disappear on WhatsApp after 24 hours").await.sender, chat.ghost);
    chat.admin.sends(&chat.room, "Soon gone.");
    let heard = chat.bob_gets(|event| event["text"] == "Soon gone.").await?;
    assert_eq!(heard["message"]["extendedTextMessage"]["contextInfo"]["expiration"], 86_400, "{heard}");
    chat.linked.on.bob.send(chat.alice(), content::vanishing("Me, too.", 86_400)).await?;
    chat.hears("Me, too.").await;
    chat.linked.on.bob.send(chat.alice(), content::timer(0)).await?;
    chat.hears("do not disappear any more").await;
    chat.admin.sends(&chat.room, "To stay.");
    let heard = chat.bob_gets(|event| event["text"] == "To stay.").await?;
    let expiration = &heard["message"]["extendedTextMessage"]["contextInfo"]["expiration"];
    assert!(expiration.is_null() || expiration == 0, "{heard}");
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_messages_are_pinned_both_ways() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    empower(chat.homeserver(), &chat.room);
    let hello = json!([chat.hello_event.event_id]);
    let pinned = |wanted: serde_json::Value| {
        let (room, homeserver) = (chat.room.clone(), chat.homeserver());
        async move {
            let is_so = |state: Option<serde_json::Value>| {
                let pinned = state.map(|content| content["pinned"].clone()).unwrap_or(json!([]));
                (pinned == wanted).then_some(())
            };
            homeserver
                .wait_until(|homeserver| is_so(homeserver.state(&room, "m.room.pinned_events", "")))
                .await;
        }
    };
    let key = json!({"remoteJid": chat.alice(), "fromMe": true, "id": chat.hello});
    for (kind, wanted) in [(1, hello.clone()), (2, json!([]))] {
        let pin = json!({"pinInChatMessage": {"key": key, "type": kind, "senderTimestampMs": 1}});
        chat.linked.on.bob.send(chat.alice(), pin).await?;
        pinned(wanted).await;
    }
    for (content, kind) in
        [(json!({"pinned": hello}), "PIN_FOR_ALL"), (json!({"pinned": []}), "UNPIN_FOR_ALL")]
    {
        chat.admin.sets_state(&chat.room, "m.room.pinned_events", "", &content);
        let heard = chat.bob_gets(|event| event["message"]["pinInChatMessage"]["type"] == kind).await?;
        assert_eq!(heard["message"]["pinInChatMessage"]["key"]["id"], chat.hello.as_str());
    }
    chat.end().await
}
