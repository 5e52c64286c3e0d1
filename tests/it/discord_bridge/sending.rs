//! To Discord: as the bot and through webhooks, once.

use magpie_common::{
    ids::RemoteMessageId,
    message::{Mention, MentionTarget, Message, Node, Outgoing, OutgoingMessage, Person, RichText},
    platform::DeliverError,
};
use magpie_discord::DiscordConfig;
use magpie_tests::discord::{Author, Fault, Overwrite, RateLimitScope, Snowflake, World, permissions};

use super::{Stage, ids, in_doubt, key, said, said_by};

const EXECUTE: &str = "POST /webhooks/*/*";

#[tokio::test]
async fn people_speak_through_one_webhook_and_do_not_come_back() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.general();
    session.deliver(&chat, &said_by("Ada", "hello"), &key(1)).await.expect("it is delivered");
    session.deliver(&chat, &said_by("Discord fan", "hi *all*"), &key(2)).await.expect("it is delivered");
    let long = "Adelaide ".repeat(10);
    session.deliver(&chat, &said_by(long.trim(), "too long"), &key(3)).await.expect("it is delivered");
    let people: Vec<_> = stage
        .sim
        .messages(stage.small.general)
        .into_iter()
        .map(|it| match it.author {
            Author::Webhook { name, avatar_url, .. } => (name, avatar_url, it.content),
            other => panic!("not a webhook: {other:?}"),
        })
        .collect();
    let picture = Some("https://example.org/bird.png".to_owned());
    assert_eq!(
        people,
        [
            ("Ada".to_owned(), picture.clone(), "hello".to_owned()),
            ("D\u{200d}iscord fan".to_owned(), picture.clone(), "hi \\*all\\*".to_owned()),
            (format!("{}…", &long[..79]), picture, format!("**{}**\ntoo long", long.trim())),
        ]
    );
    assert_eq!(stage.sim.webhooks().len(), 1);
    stage.sim.person_sends(stage.small.general, stage.small.alice, "theirs");
    stage.arrived("theirs").await;
    assert_eq!(stage.words(), ["theirs"]);
    session.close().await;
    stage.should_be_honest("people_speak_through_one_webhook_and_do_not_come_back");
}

#[tokio::test]
async fn after_a_restart_the_webhook_is_found_and_its_messages_are_still_ours() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    session.deliver(&stage.general(), &said_by("Ada", "one"), &key(1)).await.expect("it is delivered");
    session.close().await;
    let session = stage.connect().await;
    stage.sim.person_sends(stage.small.general, stage.small.alice, "theirs");
    stage.arrived("theirs").await;
    assert_eq!(stage.words(), ["theirs"]);
    session.deliver(&stage.general(), &said_by("Ada", "two"), &key(2)).await.expect("it is delivered");
    assert_eq!(stage.sim.webhooks().len(), 1);
    session.close().await;
}

#[tokio::test]
async fn a_webhook_that_somebody_deleted_is_made_anew() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    session.deliver(&stage.general(), &said_by("Ada", "one"), &key(1)).await.expect("it is delivered");
    assert!(stage.sim.person_deletes_webhook(stage.sim.webhooks()[0].id));
    session.deliver(&stage.general(), &said_by("Ada", "two"), &key(2)).await.expect("it is delivered");
    assert_eq!(stage.contents(stage.small.general), ["one", "two"]);
    session.close().await;
}

#[tokio::test]
async fn a_webhook_that_somebody_deleted_is_made_anew_for_threads_apart() {
    let stage = Stage::new().await;
    let apart = serde_json::from_value(serde_json::json!({"threads": "own_room"})).expect("good settings");
    let settings = [(stage.small.guild.to_string(), apart)].into();
    let config = DiscordConfig { guild_settings: settings, ..super::config(&stage.sim, stage.sim.token()) };
    let (general, alice) = (stage.small.general, stage.small.alice);
    let thread = stage.sim.person_begins_bare_thread(general, alice, "apart").expect("it begins");
    let session = stage.connect_with(config).await;
    let chat = magpie_common::ids::RemoteChatId::new(thread.to_string());
    let first = session.deliver(&chat, &said_by("Ada", "one"), &key(1)).await.expect("it is delivered");
    assert!(stage.sim.person_deletes_webhook(stage.sim.webhooks()[0].id));
    session.deliver(&chat, &said_by("Ada", "two"), &key(2)).await.expect("it is delivered");
    assert_eq!(stage.contents(thread), ["one", "two"]);
    assert!(stage.sim.person_deletes_webhook(stage.sim.webhooks()[0].id));
    let Outgoing::Message(new) = said_by("Ada", "changed") else { panic!("a message was made") };
    let edit = Outgoing::Edit { parts: first.ids, new };
    assert!(
        session.deliver(&chat, &edit, &key(3)).await.is_err(),
        "nobody can change what a webhook that is gone wrote"
    );
    session.deliver(&chat, &said_by("Ada", "three"), &key(4)).await.expect("it is delivered");
    assert_eq!(stage.contents(thread), ["one", "two", "three"]);
    session.close().await;
}

#[tokio::test]
async fn a_webhook_message_in_doubt_is_looked_for_and_not_doubled() {
    for (fault, there) in
        [(Fault::CutAfter, true), (Fault::CutBefore, false), (Fault::AnswerAfter { status: 502 }, true)]
    {
        let stage = Stage::new().await;
        let session = stage.connect().await;
        session
            .deliver(&stage.general(), &said_by("Ada", "earlier"), &key(1))
            .await
            .expect("it is delivered");
        stage.sim.fault(EXECUTE, fault.clone());
        let outcome = session.deliver(&stage.general(), &said_by("Ada", "doubtful"), &key(2)).await;
        assert!(matches!(outcome, Err(DeliverError::Uncertain(_))), "{fault:?}: {outcome:?}");
        assert_eq!(stage.contents(stage.small.general).len(), if there { 2 } else { 1 }, "{fault:?}");
        let done = ids(session.deliver(&stage.general(), &said_by("Ada", "doubtful"), &in_doubt(2)).await);
        let messages = stage.sim.messages(stage.small.general);
        assert_eq!(messages.len(), 2, "{fault:?}");
        assert_eq!(done, [messages[1].id.to_string()], "{fault:?}");
        session.close().await;
    }
}

#[tokio::test]
async fn parts_of_a_long_message_are_not_doubled_after_a_break() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let text = (0..900).map(|nth| format!("word{nth} ")).collect::<String>();
    let gate = stage.sim.hold(EXECUTE);
    stage.sim.fault(EXECUTE, Fault::CutAfter);
    gate.release();
    let outcome = session.deliver(&stage.general(), &said_by("Ada", &text), &key(1)).await;
    assert!(matches!(outcome, Err(DeliverError::Uncertain(_))), "{outcome:?}");
    let done = ids(session.deliver(&stage.general(), &said_by("Ada", &text), &in_doubt(1)).await);
    let stand: Vec<String> =
        stage.sim.messages(stage.small.general).iter().map(|it| it.id.to_string()).collect();
    assert!(stand.len() > 2, "{stand:?}");
    assert_eq!(done, stand);
    let joined = stage.contents(stage.small.general).join(" ");
    assert_eq!(joined.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
    session.close().await;
}

#[tokio::test]
async fn a_rate_limit_in_the_middle_of_a_message_in_doubt_is_waited_out() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let text = (0..900).map(|nth| format!("word{nth} ")).collect::<String>();
    let limited = || Fault::RateLimited { scope: RateLimitScope::Shared, retry_after_ms: 60_000 };
    stage.sim.fault(EXECUTE, Fault::CutAfter);
    let outcome = session.deliver(&stage.general(), &said_by("Ada", &text), &key(1)).await;
    assert!(matches!(outcome, Err(DeliverError::Uncertain(_))), "{outcome:?}");
    stage.sim.hold(EXECUTE).release();
    stage.sim.fault(EXECUTE, limited());
    let outcome = session.deliver(&stage.general(), &said_by("Ada", &text), &in_doubt(1)).await;
    let Err(DeliverError::Retry { after: Some(after), .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(after.as_secs(), 60);
    assert_eq!(stage.contents(stage.small.general).len(), 2);
    session.close().await;
}

#[tokio::test]
async fn somebody_who_was_renamed_between_two_attempts_is_not_doubled() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.fault(EXECUTE, Fault::CutAfter);
    let outcome = session.deliver(&stage.general(), &said_by("Ada", "once"), &key(1)).await;
    assert!(matches!(outcome, Err(DeliverError::Uncertain(_))), "{outcome:?}");
    let done = ids(session.deliver(&stage.general(), &said_by("Lovelace", "once"), &in_doubt(1)).await);
    assert_eq!(done, [stage.sim.messages(stage.small.general)[0].id.to_string()]);
    assert_eq!(stage.contents(stage.small.general), ["once"]);
    session.close().await;
}

/// A reply by Ada to what Bob, who has a nickname, said: its answer was cut, and a session that has seen nothing delivers it again.
async fn a_reply_in_doubt_stands_once(meanwhile: impl Fn(&Stage, Snowflake), text: &str) {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let general = stage.small.general;
    let target = stage.sim.person_sends(general, stage.small.bob, "what do you say?");
    stage.arrived("what do you say?").await;
    let Outgoing::Message(mut reply) = said_by("Ada", text) else { panic!("a message was made") };
    reply.message.reply_to = Some(RemoteMessageId::new(target.to_string()));
    let reply = Outgoing::Message(reply);
    stage.sim.fault(EXECUTE, Fault::CutAfter);
    let outcome = session.deliver(&stage.general(), &reply, &key(1)).await;
    assert!(matches!(outcome, Err(DeliverError::Uncertain(_))), "{outcome:?}");
    let sent = stage.sim.messages(general).pop().expect("it stands");
    assert!(sent.content.starts_with("↪ [Bobby]"), "{sent:?}");
    session.close().await;
    meanwhile(&stage, target);
    let session = stage.connect().await;
    let done = ids(session.deliver(&stage.general(), &reply, &in_doubt(1)).await);
    assert_eq!(done, [sent.id.to_string()]);
    let stand = stage.sim.messages(general).into_iter().filter(|it| it.id != target).map(|it| it.id);
    assert_eq!(stand.collect::<Vec<_>>(), [sent.id]);
    session.close().await;
}

#[tokio::test]
async fn a_reply_in_doubt_to_somebody_with_a_nickname_is_not_doubled() {
    a_reply_in_doubt_stands_once(|_, _| (), "that it is so").await;
}

#[tokio::test]
async fn a_reply_in_doubt_to_what_was_deleted_since_is_not_doubled() {
    let deleted = |stage: &Stage, target| assert!(stage.sim.person_deletes(stage.small.general, target));
    a_reply_in_doubt_stands_once(deleted, "that it is so").await;
}

#[tokio::test]
async fn a_reply_in_doubt_to_what_was_edited_since_is_not_doubled() {
    let edited = |stage: &Stage, target| {
        assert!(stage.sim.person_edits(stage.small.general, target, &"entirely different ".repeat(9)));
    };
    a_reply_in_doubt_stands_once(edited, "that it is so").await;
    // So long that it does not fit into one message any more below what is quoted now.
    a_reply_in_doubt_stands_once(edited, "word ".repeat(370).trim()).await;
}

#[tokio::test]
async fn a_long_reply_whose_line_changed_in_the_middle_is_left_in_doubt() {
    for (fault, count) in [(Fault::CutAfter, 3), (Fault::CutBefore, 2)] {
        let stage = Stage::new().await;
        let general = stage.small.general;
        let target = stage.sim.person_sends(general, stage.small.bob, &"quite a long question ".repeat(4));
        let session = stage.connect().await;
        let text = (0..900).map(|nth| format!("word{nth} ")).collect::<String>();
        let Outgoing::Message(mut reply) = said_by("Ada", &text) else { panic!("a message was made") };
        reply.message.reply_to = Some(RemoteMessageId::new(target.to_string()));
        let reply = Outgoing::Message(reply);
        let gone = Fault::Answer { status: 404, body: serde_json::json!({"code": 10_008, "message": "no"}) };
        stage.sim.fault("GET /channels/*/messages/*", gone);
        let gate = stage.sim.hold(EXECUTE);
        stage.sim.fault(EXECUTE, fault);
        gate.release();
        for key in [key(1), in_doubt(1)] {
            let outcome = session.deliver(&stage.general(), &reply, &key).await;
            assert!(matches!(outcome, Err(DeliverError::Uncertain(_))), "{outcome:?}");
            let stand = stage.contents(general);
            assert_eq!(stand.len(), count, "{stand:?}");
            assert!(stand[1].starts_with("↪ [an earlier message]"), "{stand:?}");
        }
        session.close().await;
    }
}

#[tokio::test]
async fn somebody_with_a_long_name_who_was_renamed_between_two_attempts_is_not_doubled() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.fault(EXECUTE, Fault::CutAfter);
    let before = "Adelaide ".repeat(10);
    let outcome = session.deliver(&stage.general(), &said_by(before.trim(), "once"), &key(1)).await;
    assert!(matches!(outcome, Err(DeliverError::Uncertain(_))), "{outcome:?}");
    for since in ["Lovelace ".repeat(10).trim(), "Ada"] {
        let done = ids(session.deliver(&stage.general(), &said_by(since, "once"), &in_doubt(1)).await);
        assert_eq!(done, [stage.sim.messages(stage.small.general)[0].id.to_string()]);
        assert_eq!(stage.contents(stage.small.general).len(), 1);
    }
    session.close().await;
}

#[tokio::test]
async fn the_bots_own_message_in_doubt_is_repeated_by_its_nonce() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.fault("POST /channels/*/messages", Fault::CutAfter);
    let outcome = session.deliver(&stage.general(), &said("once"), &key(1)).await;
    assert!(matches!(outcome, Err(DeliverError::Uncertain(_))), "{outcome:?}");
    let done = ids(session.deliver(&stage.general(), &said("once"), &in_doubt(1)).await);
    assert_eq!(done, [stage.sim.messages(stage.small.general)[0].id.to_string()]);
    assert_eq!(stage.contents(stage.small.general), ["once"]);
    session.close().await;
    stage.should_be_honest("the_bots_own_message_in_doubt_is_repeated_by_its_nonce");
}

#[tokio::test]
async fn only_who_is_mentioned_is_pinged() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let target = MentionTarget::Person(Person::Remote(magpie_common::ids::RemoteUserId::new(
        stage.small.bob.to_string(),
    )));
    let mention = Node::Mention(Mention { target, label: "Bobby".to_owned() });
    let words = Node::Text(format!(" @everyone <@{}>", stage.small.alice));
    let message = Message::text(RichText(vec![mention, words]));
    let outgoing = Outgoing::Message(OutgoingMessage { message, author: None, sent_ms: 1 });
    session.deliver(&stage.general(), &outgoing, &key(1)).await.expect("it is delivered");
    let sent = stage.sim.messages(stage.small.general).remove(0);
    assert!(!sent.mentions.everyone, "{sent:?}");
    assert_eq!(sent.mentions.users, [stage.small.bob], "{sent:?}");
    session.close().await;
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let (mut world, small) = World::small();
    let bot = world.state().application.id;
    let deny = permissions::SEND_MESSAGES | permissions::MANAGE_WEBHOOKS;
    world.edit_channel(small.news).overwrites = vec![Overwrite { id: bot, is_member: true, deny, allow: 0 }];
    let stage = Stage::of(world, small).await;
    let session = stage.connect().await;
    let refuse =
        |code: u64| Fault::Answer { status: 403, body: serde_json::json!({"code": code, "message": "no"}) };
    stage.sim.fault("POST /channels/*/messages", refuse(50_013));
    let outcome = session.deliver(&stage.general(), &said("x"), &key(1)).await;
    let Err(DeliverError::Rejected(words)) = outcome else { panic!("{outcome:?}") };
    assert!(words.contains("timed out"), "it has all that it takes: {words}");
    let news = magpie_common::ids::RemoteChatId::new(stage.small.news.to_string());
    for (said, lacking) in [(said("x"), "Send Messages"), (said_by("Ada", "x"), "Manage Webhooks")] {
        let outcome = session.deliver(&news, &said, &key(1)).await;
        let Err(DeliverError::Rejected(words)) = outcome else { panic!("{outcome:?}") };
        assert!(words.ends_with(&format!("Grant it in Discord: {lacking}.")), "{words}");
    }
    let limited = Fault::RateLimited { scope: RateLimitScope::Shared, retry_after_ms: 60_000 };
    stage.sim.fault("POST /channels/*/messages", limited);
    let outcome = session.deliver(&stage.general(), &said("x"), &key(2)).await;
    let Err(DeliverError::Retry { after: Some(after), .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(after.as_secs(), 60);
    let nowhere = magpie_common::ids::RemoteChatId::new(Snowflake(5).to_string());
    let outcome = session.deliver(&nowhere, &said("x"), &key(3)).await;
    assert!(matches!(outcome, Err(DeliverError::Rejected(_))), "{outcome:?}");
    session.close().await;
}
