//! What comes from the phone: words, quotes in every form, and what nobody can read.

use std::collections::BTreeSet;

use magpie_common::{ids::RemoteUserId, message::RemoteEvent, platform::Platform};
use magpie_tests::wechat_ilink::{Order, Post, Quote};
use serde_json::json;

use super::{Stage, ids, key, message_id, said};

#[tokio::test]
async fn words_arrive_with_their_64_bit_ids() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let first = stage.sim.person_says(stage.bot, "你好[微笑]");
    let arrived = stage.arrived("你好🙂").await;
    assert_eq!((arrived.id, &arrived.chat), (message_id(first), &stage.chat()));
    assert!(arrived.sender.ids.contains(&RemoteUserId::new(stage.chat().as_str())));
    stage.sim.writes_ids_as_text();
    let second = stage.sim.person_says(stage.bot, "as text");
    assert_eq!(stage.arrived("as text").await.id, message_id(second));
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn quotes_lead_to_what_both_sides_said() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let first = stage.alice_writes().await;
    let ours = ids(session.deliver(&stage.chat(), &said("an answer"), &key(1)).await);
    let sent = stage.sim.sent(stage.bot)[0].id;
    stage.sim.person_quotes(stage.bot, &Quote::ById(first), "about mine");
    assert_eq!(stage.arrived("about mine").await.message.reply_to, Some(message_id(first)));
    stage.sim.person_quotes(stage.bot, &Quote::ById(sent), "about yours");
    let reply_to = stage.arrived("about yours").await.message.reply_to;
    assert_eq!(reply_to.map(|id| id.to_string()).as_deref(), Some(ours[0].as_str()));
    let part = Quote::Part { id: first, text: "let us talk".to_owned(), part: "us".to_owned() };
    stage.sim.person_quotes(stage.bot, &part, "about a part");
    assert_eq!(stage.arrived("about a part").await.message.reply_to, Some(message_id(first)));
    // Without an id there are only the words.
    let whole = Quote::Whole { title: "Alice".to_owned(), text: "long ago".to_owned() };
    stage.sim.person_quotes(stage.bot, &whole, "do you remember?");
    let shown = stage.arrived("do you remember?").await.message;
    assert!(shown.text.to_plain().contains("long ago") || shown.reply_to.is_some(), "{shown:?}");
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn what_is_taken_back_is_redacted() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let id = stage.alice_writes().await;
    stage.sim.person_recalls(stage.bot, id);
    let look = |event| match event {
        RemoteEvent::Redact { chat, ids, .. } => Some((chat, ids)),
        _ => None,
    };
    let gone = stage.happened("a recall", look).await;
    assert_eq!(gone, (stage.chat(), vec![message_id(id)]));
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn what_cannot_be_read_harms_nothing_else() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    for item in [
        json!({"type": 99, "hologram_item": {"title": "a bird"}}),
        json!({"type": 11, "tool_call_item": {}}),
        json!({"type": 1}),
        json!({"type": 2, "image_item": {"media": {"aes_key": "nonsense"}}}),
        json!("an item"),
        json!(null),
    ] {
        stage.sim.person_posts(stage.bot, Post::item(item));
    }
    stage.sim.person_posts(stage.bot, Post::default());
    for beside in [
        json!({"message_id": null}),
        json!({"from_user_id": 7}),
        json!({"item_list": "none"}),
        json!({"create_time_ms": "yesterday"}),
        json!({"context_token": null}),
    ] {
        stage.sim.person_posts(stage.bot, Post { beside, ..Post::text("something is wrong with it") });
    }
    // What bots said is not said by Alice, and strangers are not Alice.
    let (bot, bob) = (stage.bot.to_string(), stage.small.bob.to_string());
    let echo = json!({"message_type": 2, "from_user_id": bot});
    stage.sim.person_posts(stage.bot, Post { beside: echo, ..Post::text("an echo") });
    let stranger = json!({"from_user_id": bob});
    stage.sim.person_posts(stage.bot, Post { beside: stranger, ..Post::text("a stranger") });
    stage.alice_writes().await;
    // What has content is told as what nobody can read, in the order in which it came; what has none is nothing.
    let unknown = |event| match event {
        RemoteEvent::Unknown { chat, name, .. } => Some((chat, name)),
        _ => None,
    };
    let events = stage.recorder.events().into_iter();
    let told: Vec<_> = events.filter_map(|it| unknown(it.event)).collect();
    let here = Some(stage.chat());
    let expected = [
        (here.clone(), "message of type 99"),
        (here.clone(), "message of type 2"),
        (here.clone(), "message of type 0"),
        (here, "message without an id"),
        (None, "message of nobody"),
    ];
    assert_eq!(told, expected.map(|(chat, name)| (chat, name.to_owned())));
    // A strange field beside the words harms no words.
    let words = stage.words();
    let harmed = words.iter().filter(|words| *words == "something is wrong with it").count();
    assert_eq!(harmed, 2, "{words:?}");
    assert!(words.iter().any(|words| words == "a stranger"), "it is told, and as Bob's: {words:?}");
    let alice = RemoteUserId::new(stage.chat().as_str());
    for message in stage.recorder.messages() {
        let words = message.message.text.to_plain();
        assert_ne!(words, "an echo");
        let is_alices = message.chat == stage.chat() && message.sender.ids.contains(&alice);
        assert!(!is_alices || words != "a stranger", "Bob speaks as Alice");
    }
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn a_new_session_goes_on_after_the_last_one() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.person_says(stage.bot, "one");
    stage.arrived("one").await;
    session.close().await;
    stage.sim.person_says(stage.bot, "two");
    let session = stage.connect().await;
    stage.arrived("two").await;
    assert_eq!(stage.words(), ["one", "two"]);
    // What came before the restart still allows an answer.
    session.close().await;
    let session = stage.connect().await;
    assert_eq!(ids(session.deliver(&stage.chat(), &said("three"), &key(1)).await).len(), 1);
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn what_comes_twice_or_late_arrives() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.updates_come_twice(1);
    let first = stage.sim.person_says(stage.bot, "twice");
    stage.sim.holds_updates();
    let (second, third) =
        (stage.sim.person_says(stage.bot, "second"), stage.sim.person_says(stage.bot, "third"));
    stage.sim.releases_updates(Order::Reversed);
    stage.sim.repeats_all_updates(stage.bot);
    let last = stage.sim.person_says(stage.bot, "the end");
    stage.arrived("the end").await;
    // The store drops what it knows by its id.
    let seen: BTreeSet<_> = stage.recorder.messages().into_iter().map(|message| message.id).collect();
    assert_eq!(seen, BTreeSet::from([first, second, third, last].map(message_id)));
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn two_bots_of_one_bridge_keep_their_people_apart() {
    let stage = Stage::new().await;
    let platform = stage.platform();
    let (other, login) = super::sign_in(&platform, &stage.sim, stage.small.bob).await;
    let with_alice = platform.connect(&stage.login, stage.sink()).await.expect("it connects");
    let sink = magpie_common::platform::EventSink::new(
        login.id.clone(),
        std::sync::Arc::new(stage.recorder.clone()),
    );
    let with_bob = platform.connect(&login, sink).await.expect("it connects");
    stage.sim.person_says(other, "I am Bob");
    assert_eq!(stage.arrived("I am Bob").await.chat, super::chat(other, stage.small.bob));
    stage.alice_writes().await;
    ids(with_bob.deliver(&super::chat(other, stage.small.bob), &said("hello Bob"), &key(1)).await);
    ids(with_alice.deliver(&stage.chat(), &said("hello Alice"), &key(2)).await);
    assert_eq!(
        (stage.sim.texts(other), stage.sim.texts(stage.bot)),
        (vec!["hello Bob".to_owned()], vec!["hello Alice".to_owned()])
    );
    // One token goes stale; the other bot talks on.
    stage.sim.token_goes_stale(other);
    with_bob.ended().await;
    ids(with_alice.deliver(&stage.chat(), &said("still here"), &key(3)).await);
    with_alice.close().await;
    with_bob.close().await;
    stage.should_be_right();
}
