//! Words go both ways: in two direct chats and a group, once and in order, with mentions; and people look as they do at WeChat.

use magpie_common::testkit::fake_homeserver::FakeEvent;
use magpie_tests::{
    harness::tools::{Component, need},
    wechaty::{
        JUDGE,
        content::{mention, text},
    },
};
use serde_json::json;

use super::{BIRDS, HAN, LI, ME, Signed, chat::Chat, ghost};

#[tokio::test(flavor = "multi_thread")]
async fn real_words_go_both_ways_once_and_in_order_in_each_chat() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let signed = Signed::start().await?;
    let (gateway, homeserver) = (&signed.on.gateway, &signed.on.homeserver);
    let mut rooms = Vec::new();
    for (talker, to, conversation) in [(LI, ME, LI), (HAN, ME, HAN), (HAN, BIRDS, BIRDS)] {
        let hello = format!("hello in {conversation}");
        gateway.says(talker, to, text(&hello)).await?;
        let (room, admin) = signed.room_with(&hello).await;
        assert_eq!(signed.hears(&room, &hello).await.sender, ghost(talker));
        assert!(!rooms.contains(&room), "each chat has a room of its own");
        for number in 0..5 {
            admin.sends(&room, &format!("answer {number}"));
        }
        for number in 0..5 {
            gateway.expect_text(conversation, &format!("answer {number}")).await?;
        }
        for number in 0..5 {
            gateway.says(talker, to, text(&format!("word {number}"))).await?;
        }
        signed.hears(&room, "word 4").await;
        let numbers = |what: &str| (0..5).map(|number| format!("{what} {number}")).collect::<Vec<_>>();
        let said: Vec<_> = homeserver.messages(&room).into_iter().map(|(_, body)| body).collect();
        assert_eq!(said, [vec![hello], numbers("answer"), numbers("word")].concat(), "each once, in order");
        let sent: Vec<_> = gateway.texts(conversation).into_iter().map(|(_, words)| words).collect();
        assert_eq!(sent, numbers("answer"), "each once, in order");
        rooms.push(room);
    }
    assert_eq!(homeserver.state(&rooms[2], "m.room.name", "").expect("it has a name")["name"], "Birds");
    signed.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_mentions_go_both_ways() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin_in_group().await?;
    // Han Meimei's name stands in the group as she set it there.
    chat.gateway().nick(BIRDS, HAN, "Captain").await?;
    chat.gateway().says(HAN, BIRDS, text("I am here.")).await?;
    chat.hears("I am here.").await;
    chat.li_says(mention("@Captain\u{2005}and @Me\u{2005}look", &[HAN, ME])).await?;
    let heard = chat.hears("look").await.content();
    let mentioned = heard["m.mentions"]["user_ids"].as_array().cloned().unwrap_or_default();
    assert!(mentioned.contains(&json!(ghost(HAN))), "{heard}");
    assert!(mentioned.contains(&json!(super::ADMIN)), "whose account it is is meant: {heard}");
    assert!(!heard["body"].as_str().is_some_and(|body| body.contains('\u{2005}')), "{heard}");

    let pill = format!("<a href=\"{}\">Li Lei</a> look", ghost(LI).matrix_to_uri());
    let content = json!({
        "msgtype": "m.text", "body": "Li Lei look", "format": "org.matrix.custom.html", "formatted_body": pill,
        "m.mentions": {"user_ids": [ghost(LI)]},
    });
    chat.admin.sends_content(&chat.room, "m.room.message", &content);
    let sent = chat.gateway().expect_sent("text", |event| event["to"] == BIRDS).await?;
    assert_eq!(sent["mentions"], json!([LI]), "{sent}");
    let words = sent["text"].as_str().unwrap_or_default();
    assert!(words.starts_with("@Li Lei\u{2005}") && words.ends_with("look"), "{words:?}");
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_form_falls_away_and_faces_become_emoji() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    chat.li_says(text("你好[微笑] https://example.org/")).await?;
    chat.hears("你好🙂 https://example.org/").await;
    let content = json!({
        "msgtype": "m.text", "body": "bold code", "format": "org.matrix.custom.html",
        "formatted_body": "<strong>bold</strong> <a href=\"https://example.org/\">there</a>",
    });
    chat.admin.sends_content(&chat.room, "m.room.message", &content);
    chat.gateway().expect_text(LI, "bold there (https://example.org/)").await?;
    // Gateways have no answers, so both ways they repeat in words what they are about.
    chat.admin.replies(&chat.room, &chat.hello_event.event_id, "An answer.");
    let fits =
        |event: &serde_json::Value| event["text"].as_str().is_some_and(|words| words.ends_with("An answer."));
    let sent = chat.gateway().expect_sent("text", fits).await?;
    assert!(sent["text"].as_str().is_some_and(|words| words.starts_with("「Li Lei：Hello.」")), "{sent}");
    chat.li_says(text("「Me：An answer.」\n- - - - - - - - - - - - - - -\nTo what?")).await?;
    let html = chat.hears("To what?").await.content()["formatted_body"].to_string();
    assert!(html.contains("<blockquote>") && html.contains("Me：An answer."), "{html}");
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_people_have_their_names_and_pictures() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let homeserver = chat.homeserver();
    let is_called = async |name: &str| {
        homeserver
            .wait_until(|homeserver| {
                let profile = homeserver.profile(&ghost(LI))?;
                (profile.display_name.as_deref() == Some(name)).then_some(profile)
            })
            .await
    };
    let profile = is_called("Li Lei").await;
    let picture = profile.avatar_url.expect("people have pictures");
    assert!(homeserver.media(&picture).is_some_and(|media| media.bytes.starts_with(b"\x89PNG")));
    // What the account's owner calls somebody counts more than what they call themselves.
    let alias = json!({"alias": "Uncle Li"});
    chat.gateway().contact_with(LI, "Li Lei", alias).await?;
    chat.li_says(text("Who am I?")).await?;
    is_called("Uncle Li").await;
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_somebody_without_an_account_is_introduced_by_name() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin_in_group().await?;
    let bob = chat.homeserver().person("bob");
    chat.admin.sends(&chat.room, "!wechat set-relay");
    chat.hears("speaks in this room").await;
    chat.admin.invites(&chat.room, bob.user_id()).await;
    bob.joins(&chat.room);
    bob.sends(&chat.room, "From Bob.");
    chat.gateway().expect_text(BIRDS, "bob: From Bob.").await?;
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_is_said_on_the_phone_is_ones_own() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    chat.gateway().says(ME, LI, text("By thumb.")).await?;
    let event = chat.hears("By thumb.").await;
    assert_ne!(event.sender, ghost(LI), "Li Lei did not say it");
    // A chat that begins on the phone gets its room, too.
    chat.gateway().says(ME, HAN, text("Hello, Han Meimei.")).await?;
    let (room, _) = chat.signed.room_with("Hello, Han Meimei.").await;
    assert_ne!(room, chat.room);
    chat.gateway().says(HAN, ME, text("Hello to you.")).await?;
    let is_hers = |event: &FakeEvent| event.body() == "Hello to you." && event.sender == ghost(HAN);
    chat.homeserver().wait_for(&room, is_hers).await;
    chat.end().await
}
