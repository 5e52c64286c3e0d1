//! What a relay says for people without an account: named beside the words or in them, and never as somebody else.

use super::*;
use crate::{
    message::{Action, Emoji},
    testkit::{
        fake_homeserver::{Fault, FaultRule},
        fake_network::Said,
    },
};

/// A name that tries everything at once: lines, hidden characters, markup, pings, another speaker, and far too many letters.
fn hostile_name() -> String {
    format!("Alice**: I agree\nBob\u{202e}\u{7} @room {{message}} {}", "x".repeat(10_000))
}

const HOSTILE_ID: &str = "(@bob:example.org)";

impl Stage {
    async fn wait_for_said(&self, count: usize) -> Vec<Said> {
        let what = format!("{count} messages arrive");
        self.network
            .wait_until(&what, |network| {
                let said = network.said(&self.chat);
                (said.len() == count).then_some(said)
            })
            .await
    }

    /// What the network shows as the author of the latest message, and the message itself.
    async fn latest(&self, count: usize) -> (Option<String>, Said) {
        let said = self.wait_for_said(count).await.pop().expect("there are some");
        (said.whole.author.as_ref().map(|author| author.name.clone()), said)
    }
}

#[tokio::test]
async fn a_hostile_name_beside_the_words_is_one_line_with_an_id() {
    let stage = Stage::set("hostile_beside").await;
    let (room, _) = stage.room().await;
    let bob = stage.fake.person("bob");
    bob.sets_display_name(&hostile_name());
    bob.sends(&room, "hello");
    let (author, said) = stage.latest(1).await;
    let author = author.expect("the network shows authors");
    assert_eq!(author, format!("Alice**: I agree Bob room {{message}} xxxx {HOSTILE_ID}"));
    assert_eq!(said.text, "hello");
    stage.ends().await;
}

#[tokio::test]
async fn a_hostile_name_in_the_words_is_one_line_with_an_id() {
    let stage = Stage::set("hostile_within").await;
    stage.network.shows_no_authors();
    let (room, _) = stage.room().await;
    let bob = stage.fake.person("bob");
    bob.sets_display_name(&hostile_name());
    bob.sends(&room, "hello");
    let (author, said) = stage.latest(1).await;
    assert_eq!(author, None);
    assert_eq!(said.text, format!("Alice** I agree Bob room {{message}} xxxx {HOSTILE_ID}: hello"));
    // Words cannot begin a message of somebody else either.
    bob.sends(&room, "hello\nalice: I agree");
    let (_, said) = stage.latest(2).await;
    let lines: Vec<_> = said.text.lines().collect();
    assert!(lines[0].ends_with(&format!("{HOSTILE_ID}: ")), "{lines:?}");
    assert_eq!(lines[1..], ["> hello", "> alice: I agree"]);
    stage.ends().await;
}

#[tokio::test]
async fn every_kind_of_message_names_its_author_by_the_templates() {
    let settings =
        "  relay_templates:\n    text: '<{name}> {message}'\n    edit: '<{name}, edited> {message}'\n";
    let stage = Stage::set_relaying("templates", settings).await;
    stage.network.shows_no_authors();
    let (room, first) = stage.room().await;
    let (alice, bob) = (stage.fake.person("alice"), stage.fake.person("bob"));
    let event = alice.sends(&room, "hello");
    let (_, said) = stage.latest(1).await;
    assert_eq!(said.text, "<alice> hello");
    alice.edits(&room, &event, "hello all");
    stage.network.wait_for_texts(&stage.chat, &["<alice, edited> hello all"]).await;
    alice.redacts(&room, &event);
    stage.network.wait_for_texts(&stage.chat, &[]).await;
    let first_event = stage.fake.wait_for_body(&room, "first").await;
    bob.sends_content(&room, "m.room.message", &json!({ "msgtype": "m.emote", "body": "waves" }));
    bob.replies(&room, &first_event.event_id, "yes");
    bob.sends_content(
        &room,
        "m.room.message",
        &json!({ "msgtype": "m.location", "body": "the harbor", "geo_uri": "geo:53.5,10" }),
    );
    let texts = ["* bob waves", "<bob> yes", "bob is here: the harbor 53.5,10"];
    let said = stage.network.wait_for_texts(&stage.chat, &texts).await;
    assert_eq!(said[1].whole.message.reply_to, Some(first.id));
    assert!(said.iter().all(|said| said.whole.author.is_none()));
    stage.ends().await;
}

#[tokio::test]
async fn two_people_of_one_name_are_told_apart_as_long_as_they_are_two() {
    let stage = Stage::set("namesakes").await;
    stage.network.shows_no_authors();
    let (room, _) = stage.room().await;
    let (alice, bob) = (stage.fake.person("alice"), stage.fake.person("bob"));
    alice.sends(&room, "1");
    stage.network.wait_for_texts(&stage.chat, &["alice: 1"]).await;
    let faults = stage.fake.faults();
    for path_contains in ["/joined_members", "/profile/"] {
        let fault = Fault::Answer { status: 500, body: json!({}) };
        faults.add(FaultRule {
            method: None,
            path_contains: path_contains.to_owned(),
            times: u32::MAX,
            fault,
        });
    }
    alice.sends(&room, "2");
    bob.sends(&room, "3");
    stage.network.wait_for_texts(&stage.chat, &["alice: 1", "alice: 2", "bob: 3"]).await;
    assert_eq!(faults.hits(), 0, "what is known is not asked again");
    faults.clear();
    // The same in letters of another alphabet.
    bob.sets_display_name("Аliсе");
    bob.sends(&room, "4");
    alice.sends(&room, "5");
    let both = ["Аliсе (@bob:example.org): 4", "alice (@alice:example.org): 5"];
    let before = ["alice: 1", "alice: 2", "bob: 3"];
    stage.network.wait_for_texts(&stage.chat, &[&before[..], &both].concat()).await;
    // Only the name in this room counts.
    let named = json!({ "membership": "join", "displayname": "Bobby" });
    bob.sets_state(&room, "m.room.member", "@bob:example.org", &named);
    bob.sends(&room, "6");
    alice.sends(&room, "7");
    let all = [&before[..], &both, &["Bobby: 6", "alice: 7"]].concat();
    stage.network.wait_for_texts(&stage.chat, &all).await;
    stage.ends().await;
}

#[tokio::test]
async fn who_leaves_right_after_speaking_is_shown_with_an_id() {
    let stage = Stage::set("gone_namesake").await;
    stage.network.shows_no_authors();
    let (room, _) = stage.room().await;
    stage.network.refuses([crate::platform::DeliverError::Retry { after: None, reason: "busy".to_owned() }]);
    let bob = stage.fake.person("bob");
    bob.sets_display_name("alice");
    // The first attempt fails, and Bob is gone before the second.
    bob.sends(&room, "I agree");
    stage.network.wait_until("it is tried", |network| (network.deliveries() > 0).then_some(())).await;
    bob.leaves(&room);
    let texts = ["alice (@bob:example.org): I agree"];
    stage.network.wait_for_texts(&stage.chat, &texts).await;
    stage.ends().await;
}

#[tokio::test]
async fn reactions_become_words_where_the_network_has_none_and_the_operator_wants_it() {
    let stage = Stage::set_relaying("reactions_in_words", "  relay_reactions: words\n").await;
    stage.network.shows_no_authors();
    stage.network.lacks(Action::React);
    let (room, first) = stage.room().await;
    let on = stage.fake.wait_for_body(&room, "first").await.event_id.clone();
    let alice = stage.fake.person("alice");
    let reaction = alice.reacts(&room, &on, "👍");
    let said = stage.network.wait_for_texts(&stage.chat, &["alice reacted with 👍"]).await;
    let message = &said[0].whole.message;
    assert_eq!((message.reply_to.as_ref(), message.silent_reply), (Some(&first.id), true));
    // Taken back, the words go, too.
    alice.redacts(&room, &reaction);
    stage.network.wait_for_texts(&stage.chat, &[]).await;
    assert_eq!(stage.network.reactions(), []);
    stage.ends().await;
}

#[tokio::test]
async fn reactions_that_nobody_wants_in_words_are_let_go_without_a_notice() {
    let stage = Stage::set("reactions_off").await;
    stage.network.shows_no_authors();
    stage.network.lacks(Action::React);
    let (room, _) = stage.room().await;
    let on = stage.fake.wait_for_body(&room, "first").await.event_id.clone();
    let alice = stage.fake.person("alice");
    alice.reacts(&room, &on, "👍");
    alice.sends(&room, "hello");
    stage.network.wait_for_texts(&stage.chat, &["alice: hello"]).await;
    let notices = stage.fake.events(&room).into_iter().filter(|event| event.sender == "@fakebot:example.org");
    assert_eq!(notices.filter(|event| event.event_type == "m.room.message").count(), 0);
    stage.ends().await;
}

#[tokio::test]
async fn a_relay_reacts_with_one_voice_whether_or_not_authors_are_shown() {
    let stage = Stage::set("reactions_of_a_relay").await;
    stage.network.shows_no_authors();
    let (room, first) = stage.room().await;
    let on = stage.fake.wait_for_body(&room, "first").await.event_id.clone();
    for person in ["alice", "bob"] {
        stage.fake.person(person).reacts(&room, &on, "👍");
    }
    stage.fake.person("alice").sends(&room, "then");
    stage.network.wait_for_texts(&stage.chat, &["alice: then"]).await;
    assert_eq!(stage.network.reactions(), [(first.id, Emoji::unicode("👍"))]);
    stage.ends().await;
}

#[tokio::test]
async fn a_room_keeps_templates_of_its_own_wherever_it_and_its_chat_go() {
    let mut stage =
        Stage::set_relaying("own_templates", "  relay_templates:\n    text: '[{name}] {message}'\n").await;
    stage.network.shows_no_authors();
    let (room, _) = stage.room().await;
    let (alice, bob) = (stage.fake.person("alice"), stage.fake.person("bob"));
    let other = stage.network.add_chat("village");
    let village = stage.network.message(&other, "dave", "elsewhere");
    stage.network.pushes(RemoteEvent::Message(village)).await;
    let village = stage.fake.wait_until(|fake| fake.room_named("village")).await;
    alice.sends(&room, "1");
    stage.network.wait_for_texts(&stage.chat, &["[alice] 1"]).await;
    // Only whoever may change the room chooses what is said in it.
    let asked = bob.sends(&room, "!fake relay-template text Bob of {name}: {message}");
    let (_, words) = stage.notice(&room, &asked).await;
    assert!(words.starts_with("You may not change this room's settings"), "{words}");
    stage.empowers(&room, "@bob:example.org", 100).await;
    let asked = bob.sends(&room, "!fake relay-template text <{name}> {message}");
    let (_, words) = stage.notice(&room, &asked).await;
    assert_eq!(words, "From now on in this room:\n- text: `<{name}> {message}` (this room's own)");
    let event = alice.sends(&room, "2");
    alice.sends_content(&room, "m.room.message", &json!({ "msgtype": "m.emote", "body": "waves" }));
    stage.network.wait_for_texts(&stage.chat, &["[alice] 1", "<alice> 2", "* alice waves"]).await;
    alice.sends(&village, "here as ever");
    stage.network.wait_for_texts(&other, &["[alice] here as ever"]).await;
    // After a restart, in another room, and under another id of the chat.
    stage = stage.restarted().await;
    stage.network.shows_no_authors();
    alice.edits(&room, &event, "two");
    stage.network.wait_for_texts(&stage.chat, &["[alice] 1", "<alice> two", "* alice waves"]).await;
    stage.empowers(&room, "@alice:example.org", 150).await;
    let new = alice.upgrades(&room, "11");
    let bot = UserId::parse("@fakebot:example.org").expect("the bot's name");
    alice.invites(&new, &bot).await;
    alice.sends(&new, "3");
    let texts = ["[alice] 1", "<alice> two", "* alice waves", "<alice> 3"];
    stage.network.wait_for_texts(&stage.chat, &texts).await;
    let city = stage.network.add_chat("city");
    let moved = RemoteEvent::Migrated { from: stage.chat.clone(), to: city.clone() };
    stage.network.pushes(moved).await;
    let after = stage.network.message(&city, "carol", "after the move");
    stage.network.pushes(RemoteEvent::Message(after)).await;
    stage.fake.wait_for_body(&new, "after the move").await;
    alice.sends(&new, "4");
    stage.network.wait_for_texts(&city, &["<alice> 4"]).await;
    let asked = alice.sends(&new, "!fake relay-template reset");
    stage.notice(&new, &asked).await;
    alice.sends(&new, "5");
    stage.network.wait_for_texts(&city, &["<alice> 4", "[alice] 5"]).await;
    stage.ends().await;
}

#[tokio::test]
async fn whoever_lends_an_account_chooses_what_it_says_for_others() {
    let stage = Stage::set("own_templates_of_an_account").await;
    let (room, _) = stage.room().await;
    stage.empowers(&room, "@bob:example.org", 100).await;
    let bob = stage.fake.person("bob");
    let lent = crate::store::Relay::Login(crate::ids::LoginId::new("somebody's"));
    stage.running.parts.store.set_portal_relay(&stage.chat, &lent).await.expect("it is stored");
    let asked = bob.sends(&room, "!fake relay-template text <{name}> {message}");
    let (_, words) = stage.notice(&room, &asked).await;
    assert!(words.starts_with("The account that speaks here for others is not yours."), "{words}");
    // An admin of the bridge may; and is told where nobody will see it.
    let asked = stage.fake.person("alice").sends(&room, "!fake relay-template text <{name}> {message}");
    let (_, words) = stage.notice(&room, &asked).await;
    assert!(
        words.ends_with("\nFake shows names beside messages, so templates are not used in this room."),
        "{words}"
    );
    stage.ends().await;
}
