//! What goes to the phone: words, contexts, quotas, doubt, typing.

use magpie_common::{
    ids::RemoteMessageId,
    message::{Message, Outgoing, RichText},
    platform::{DeliverError, Platform},
};
use magpie_tests::wechat_ilink::{Fault, StaleIn};

use super::{Stage, ids, in_doubt, key, message, said};

/// The words of a delivery that did not take place and may take place later, or will not without somebody's doing. Never a question of being
/// signed in.
fn not_now(delivered: Result<magpie_common::platform::Delivered, DeliverError>) -> String {
    match delivered {
        Err(DeliverError::Rejected(words) | DeliverError::Retry { reason: words, .. }) => {
            assert!(words.chars().count() > 10, "{words}");
            words
        }
        other => panic!("it is neither refused nor to be tried again: {other:?}"),
    }
}

#[tokio::test]
async fn words_go_with_the_newest_context_and_an_id_of_their_own() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    let first = ids(session.deliver(&stage.chat(), &said("good day"), &key(1)).await);
    stage.sim.fault("sendmessage", Fault::Answer { status: 429, body: serde_json::Value::Null });
    not_now(session.deliver(&stage.chat(), &said("good night"), &key(2)).await);
    let second = ids(session.deliver(&stage.chat(), &said("good night"), &key(2)).await);
    let sent = stage.sim.sent(stage.bot);
    assert_eq!(stage.sim.texts(stage.bot), ["good day", "good night"]);
    assert_eq!((&first, &second), (&vec![sent[0].id.to_string()], &vec![sent[1].id.to_string()]));
    let requests = stage.sim.requests().into_iter().filter(|it| it.name == "sendmessage");
    let own: Vec<String> = requests.map(|it| it.body["msg"]["client_id"].to_string()).collect();
    assert_ne!(own[0], own[1]);
    assert_eq!(own[1], own[2], "the second attempt is of the same message");
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn an_answer_names_what_it_answers() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let theirs = stage.alice_writes().await;
    let reply = |to: &str| {
        let reply_to = Some(RemoteMessageId::new(to));
        message(Message { reply_to, ..Message::text(RichText::plain("about that")) })
    };
    let ours = ids(session.deliver(&stage.chat(), &reply(&theirs.to_string()), &key(1)).await);
    ids(session.deliver(&stage.chat(), &reply(&ours[0]), &key(2)).await);
    let quoted: Vec<String> = stage.sim.sent(stage.bot).iter().map(|sent| quoted(&sent.item)).collect();
    assert_eq!(quoted, [theirs.to_string(), ours[0].clone()]);
    session.close().await;
    stage.should_be_right();
}

/// The id that an item quotes.
fn quoted(item: &serde_json::Value) -> String {
    let id = &item["ref_msg"]["svr_id"];
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

#[tokio::test]
async fn long_words_go_in_parts_and_none_is_lost() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    let long: String = (0..1_500).map(|nth| format!("word{nth} ")).collect();
    let parts = ids(session.deliver(&stage.chat(), &said(&long), &key(1)).await);
    let texts = stage.sim.texts(stage.bot);
    assert_eq!((parts.len(), texts.len() > 1), (texts.len(), true));
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!(squeezed(&texts.concat()), squeezed(&long));
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn nothing_goes_before_the_person_wrote_and_then_it_goes() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let words = not_now(session.deliver(&stage.chat(), &said("too early"), &key(1)).await);
    assert!(words.contains("Nobody has written"), "{words}");
    assert_eq!(stage.sim.sent_count(), 0);
    stage.alice_writes().await;
    assert_eq!(ids(session.deliver(&stage.chat(), &said("now"), &key(2)).await).len(), 1);
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn a_context_that_is_gone_is_told_and_ends_nothing() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    stage.sim.contexts_expire(stage.bot);
    not_now(session.deliver(&stage.chat(), &said("lost?"), &key(1)).await);
    // The session goes on, both ways.
    stage.sim.person_says(stage.bot, "I am back");
    stage.arrived("I am back").await;
    assert_eq!(ids(session.deliver(&stage.chat(), &said("lost?"), &key(1)).await).len(), 1);
    assert_eq!(stage.sim.texts(stage.bot), ["lost?"]);
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn a_used_up_quota_is_told_and_filled_by_the_next_word() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    let mut nth = 0;
    let refused = loop {
        assert!(nth < 20, "there is an end to what a bot may say");
        nth += 1;
        match session.deliver(&stage.chat(), &said(&format!("number {nth}")), &key(nth)).await {
            Ok(_) => {}
            refused @ Err(_) => break refused,
        }
    };
    not_now(refused);
    let asked = stage.sim.request_count("sendmessage");
    // It is not asked again and again.
    not_now(session.deliver(&stage.chat(), &said(&format!("number {nth}")), &key(nth)).await);
    assert_eq!(stage.sim.request_count("sendmessage"), asked);
    stage.sim.person_says(stage.bot, "go on");
    stage.arrived("go on").await;
    ids(session.deliver(&stage.chat(), &said(&format!("number {nth}")), &key(nth)).await);
    let expected: Vec<String> = (1..=nth).map(|nth| format!("number {nth}")).collect();
    assert_eq!(stage.sim.texts(stage.bot), expected);
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_doubt_and_no_second_message() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    for (nth, (fault, arrives)) in [
        (Fault::CutAfter, true),
        (Fault::AnswerAfter { status: 502 }, true),
        (Fault::CutBefore, false),
        // It has trouble; nobody knows at which moment.
        (Fault::refusal(-1, "system error"), false),
    ]
    .into_iter()
    .enumerate()
    {
        let before = stage.sim.sent_count();
        stage.sim.fault("sendmessage", fault);
        let first = session.deliver(&stage.chat(), &said("once"), &key(nth)).await;
        assert!(matches!(first, Err(DeliverError::Uncertain(_))), "{first:?}");
        let again = session.deliver(&stage.chat(), &said("once"), &in_doubt(nth)).await;
        assert!(matches!(again, Err(DeliverError::Uncertain(_))), "{again:?}");
        assert_eq!(stage.sim.sent_count(), before + usize::from(arrives));
    }
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn a_yes_that_was_noted_is_no_doubt_after_a_restart() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    let first = ids(session.deliver(&stage.chat(), &said("once"), &key(1)).await);
    session.close().await;
    // The bridge was killed before it recorded that, so it asks again.
    let session = stage.connect().await;
    assert_eq!(ids(session.deliver(&stage.chat(), &said("once"), &in_doubt(1)).await), first);
    let unknown = session.deliver(&stage.chat(), &said("another"), &in_doubt(2)).await;
    assert!(matches!(unknown, Err(DeliverError::Uncertain(_))), "of another nobody knows: {unknown:?}");
    assert_eq!(stage.sim.texts(stage.bot), ["once"]);
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn an_answer_without_an_id_is_an_answer() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    stage.sim.tells_no_ids();
    let one = ids(session.deliver(&stage.chat(), &said("one"), &key(1)).await);
    let two = ids(session.deliver(&stage.chat(), &said("two"), &key(2)).await);
    assert_ne!(one, two);
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn a_stale_token_is_told_as_signed_out() {
    for field in [StaleIn::Errcode, StaleIn::Ret] {
        let stage = Stage::new().await;
        let session = stage.connect().await;
        stage.alice_writes().await;
        stage.sim.tells_stale_in(field);
        stage.sim.token_goes_stale(stage.bot);
        let refused = session.deliver(&stage.chat(), &said("hello?"), &key(1)).await;
        assert!(matches!(&refused, Err(DeliverError::LoggedOut(words)) if words.len() > 10), "{refused:?}");
        session.close().await;
        let again = stage.platform().connect(&stage.login, stage.sink()).await;
        assert!(
            matches!(again, Err(magpie_common::platform::ConnectError::BadCredentials(_))),
            "it must be scanned again"
        );
        stage.should_be_right();
    }
}

#[tokio::test]
async fn typing_is_shown_and_ends() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.alice_writes().await;
    for active in [true, false, true, false] {
        session
            .deliver(&stage.chat(), &Outgoing::Typing { active }, &key(1))
            .await
            .expect("it is not worth an error");
        stage.sim.wait_for_typing(stage.bot, active).await.expect("the phone shows it");
    }
    assert_eq!(stage.sim.request_count("getconfig"), 1, "a ticket is kept");
    session.close().await;
    stage.should_be_right();
}
