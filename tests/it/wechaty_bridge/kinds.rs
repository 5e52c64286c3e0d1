//! What Matrix has no form for is told in words, and money is never touched.

use magpie_common::testkit::fake_homeserver::FakeEvent;
use magpie_tests::{
    harness::tools::{Component, need},
    wechaty::{
        JUDGE,
        content::{card, link, merged, mini_program, place, red_packet, text, transfer, unknown},
    },
};
use serde_json::{Value, json};

use super::{BOT, HAN, LI, chat::Chat, ghost};

const POLL: &str = "org.matrix.msc3381.poll.start";

#[tokio::test(flavor = "multi_thread")]
async fn real_cards_links_places_and_records_are_told_in_words() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let cases: [(Value, &[&str]); 6] = [
        (card(HAN), &["👤", "Han Meimei"]),
        (
            link("Bird news", "All about birds.", "https://example.org/birds"),
            &["Bird news", "All about birds."],
        ),
        (mini_program("Bird shop", "Seeds and more"), &["Bird shop", "on your phone"]),
        (place("Bird tower", "1 Long Road", (39.5, 116.25)), &["📍", "Bird tower", "1 Long Road", "39.5"]),
        (
            merged("Li Lei and Han Meimei", &["Li Lei: Did you see it?", "Han Meimei: I did."]),
            &["Li Lei and Han Meimei", "Li Lei: Did you see it?", "Han Meimei: I did."],
        ),
        (json!({"type": 10, "text": "Meet at noon."}), &["Meet at noon."]),
    ];
    for (content, parts) in cases {
        chat.li_says(content).await?;
        let event = chat.hears(parts[parts.len() - 1]).await;
        for part in parts {
            assert!(event.body().contains(part), "{part} is missing: {}", event.body());
        }
        assert_eq!(event.sender, ghost(LI));
    }
    let html = chat.hears("Bird news").await.content()["formatted_body"].to_string();
    assert!(html.contains("https://example.org/birds"), "{html}");
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_red_packets_and_transfers_are_told_and_never_taken() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    for (content, words) in [(red_packet("Happy new year"), "Happy new year"), (transfer("￥8.88"), "￥8.88")]
    {
        chat.li_says(content).await?;
        let event = chat.hears(words).await;
        assert!(event.body().contains("on your phone"), "{}", event.body());
        assert_eq!(event.content()["msgtype"], "m.notice");
    }
    chat.li_says(text("Did you take it?")).await?;
    chat.hears("Did you take it?").await;
    for kind in ["sent", "did"] {
        assert_eq!(chat.gateway().seen(kind), Vec::<Value>::new(), "nothing was done about it");
    }
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_nobody_knows_yet_is_shown_with_its_title() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    chat.li_says(unknown("<msg><appmsg><title>Hologram of a bird</title><type>99</type></appmsg></msg>"))
        .await?;
    chat.hears("Hologram of a bird").await;
    chat.li_says(json!({"type": 16, "text": ""})).await?;
    // A number that no Wechaty has, an event without its fields, and one for what is not there: the next words still come.
    chat.li_says(json!({"type": 77, "text": "x"})).await?;
    chat.gateway().emits("message", json!({"messageId": "there-is-no-such-message"})).await?;
    chat.gateway().emits("message", json!({})).await?;
    chat.gateway()
        .emits("room-join", json!({"roomId": "404@chatroom", "inviteeIdList": [HAN], "inviterId": LI}))
        .await?;
    chat.gateway().emits("friendship", json!({"friendshipId": "404"})).await?;
    chat.gateway().emits("dirty", json!({"payloadType": 2, "payloadId": LI})).await?;
    chat.li_says(text("Still here.")).await?;
    chat.hears("Still here.").await;
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_places_of_matrix_go_in_words_and_what_cannot_go_is_told() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let content = json!({"msgtype": "m.location", "body": "The nest", "geo_uri": "geo:39.5,116.25"});
    chat.admin.sends_content(&chat.room, "m.room.message", &content);
    let sent = chat.gateway().expect("sent", |event| event["to"] == LI).await?;
    // The service of Wechaty drops every field of a place that is sent, so only words bring it there.
    let words = sent["text"].as_str().unwrap_or_default();
    assert!(words.contains("The nest") && words.contains("39.5") && words.contains("116.25"), "{sent}");
    // A poll goes in words, and cannot be answered there.
    let answers = json!([{"id": "a", "org.matrix.msc1767.text": "Millet"}, {"id": "b", "org.matrix.msc1767.text": "Oats"}]);
    let start =
        json!({"question": {"org.matrix.msc1767.text": "Seeds?"}, "max_selections": 1, "answers": answers});
    chat.admin.sends_content(&chat.room, POLL, &json!({POLL: start}));
    chat.gateway().expect_text(LI, "📊 Seeds?\n1. Millet\n2. Oats").await?;
    // What only Matrix has does not vanish: whoever sent it is told.
    let reaction = chat.admin.reacts(&chat.room, &chat.hello_event.event_id, "🐦");
    let is_told = |event: &FakeEvent| {
        event.sender == BOT
            && event.content()["m.relates_to"]["m.in_reply_to"]["event_id"] == reaction.as_str()
    };
    chat.event(is_told).await;
    chat.end().await
}
