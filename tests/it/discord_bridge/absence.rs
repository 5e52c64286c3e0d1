//! What happens while the bridge is not connected, beyond new messages in channels.

use magpie_common::{
    ids::{RemoteMessageId, RemoteUserId},
    message::{Emoji, RemoteEvent, Stands},
    testkit::platform_suite::{Recorded, Recorder},
};
use magpie_tests::discord::{Snowflake, World};
use serde_json::json;

use super::{Stage, key, said_by};

impl Stage {
    /// What stands in a channel, as it was told after so many events.
    async fn stands(&self, channel: Snowflake, after: usize) -> Vec<Stands> {
        let found = |recorder: &Recorder| {
            recorder.events().into_iter().skip(after).find_map(|one| match one.event {
                RemoteEvent::Standing { chat, messages, .. } if chat.as_str() == channel.to_string() => {
                    Some(messages)
                }
                _ => None,
            })
        };
        self.recorder.wait_for("what stands", found).await
    }
}

fn id(message: Snowflake) -> RemoteMessageId {
    RemoteMessageId::new(message.to_string())
}

#[tokio::test]
async fn what_changed_meanwhile_is_seen_in_what_stands() {
    let (mut world, small) = World::small();
    let wave = world.emoji(small.guild, "wave");
    let stage = Stage::of(world, small).await;
    let (general, alice, bob) = (small.general, small.alice, small.bob);
    let session = stage.connect().await;
    let mut all = Vec::new();
    for words in ["one", "two", "three"] {
        all.push(stage.sim.person_sends(general, alice, words));
        stage.arrived(words).await;
    }
    let ours = session.deliver(&stage.general(), &said_by("Bird", "four"), &key(1)).await;
    let ours = ours.expect("it is delivered").ids.remove(0);
    session.close().await;
    stage.sim.person_deletes(general, all[0]);
    stage.sim.person_edits(general, all[1], "two, or more");
    stage.sim.preview_arrives((general, all[2]), vec![json!({"type": "rich", "title": "Three birds"})]);
    stage.sim.person_reacts((general, all[2]), bob, "👍");
    stage.sim.person_reacts((general, all[2]), alice, &format!("wave:{wave}"));
    let before = stage.recorder.events().len();
    let session = stage.connect().await;
    let stands = stage.stands(general, before).await;
    let ids: Vec<_> = stands.iter().map(|it| it.id.clone()).collect();
    assert_eq!(ids, [id(all[1]), id(all[2]), ours]);
    let mut reactions = stands[1].reactions.clone().expect("they are known");
    reactions.sort_by_key(|(user, _)| user.to_string());
    let of = |user: Snowflake| RemoteUserId::new(user.to_string());
    assert_eq!(reactions[1], (of(bob), Emoji::unicode("👍")));
    assert!(
        matches!(&reactions[0], (user, Emoji::Custom { name, .. }) if *user == of(alice) && name == "wave")
    );
    let edits: Vec<_> = stage.recorder.events().split_off(before).into_iter().filter_map(edited).collect();
    assert_eq!(edits, ["two, or more"]);
    let previews = stage.recorder.events().split_off(before).into_iter().filter_map(previewed);
    assert_eq!(previews.collect::<Vec<_>>(), [id(all[2])]);
    session.close().await;
    stage.should_be_honest("what_changed_meanwhile_is_seen_in_what_stands");
}

fn edited(one: Recorded) -> Option<String> {
    match one.event {
        RemoteEvent::Edit { new, .. } => Some(new.message.text.to_plain()),
        _ => None,
    }
}

fn previewed(one: Recorded) -> Option<RemoteMessageId> {
    match one.event {
        RemoteEvent::Preview(message) => {
            assert!(message.message.preview.to_plain().contains("Three birds"), "{message:?}");
            Some(message.id)
        }
        _ => None,
    }
}

#[tokio::test]
async fn only_the_latest_are_looked_at_and_nothing_before_them_is_missing() {
    let stage = Stage::new().await;
    let (general, alice) = (stage.small.general, stage.small.alice);
    let session = stage.connect().await;
    let all: Vec<_> = (0..55).map(|nth| stage.sim.person_sends(general, alice, &format!("{nth}"))).collect();
    stage.arrived("54").await;
    session.close().await;
    stage.sim.person_deletes(general, all[54]);
    let before = stage.recorder.events().len();
    let session = stage.connect().await;
    assert_eq!(stage.stands(general, before).await.len(), 50);
    let standing = stage.recorder.events().into_iter().skip(before).find_map(|one| match one.event {
        RemoteEvent::Standing { chat, stretch, .. } if chat == stage.general() => Some(stretch),
        _ => None,
    });
    assert_eq!(standing, Some((id(all[4]), id(all[54]))), "the last one stands no more, and was there");
    session.close().await;
    stage.should_be_honest("only_the_latest_are_looked_at_and_nothing_before_them_is_missing");
}

#[tokio::test]
async fn without_the_right_to_the_past_nobody_is_told_of_a_gap_where_nothing_was_missed() {
    let (mut world, small) = World::small();
    world.edit_guild(small.guild).roles.values_mut().for_each(|role| role.permissions &= !(1 << 16));
    let stage = Stage::of(world, small).await;
    let session = stage.connect().await;
    stage.sim.person_sends(small.general, small.alice, "hello");
    stage.arrived("hello").await;
    session.close().await;
    let before = stage.recorder.events().len();
    let session = stage.connect().await;
    stage.sim.person_sends(small.general, small.alice, "again");
    stage.arrived("again").await;
    let told = stage.recorder.events().into_iter().skip(before);
    let told: Vec<_> = told
        .filter(|one| matches!(one.event, RemoteEvent::Gap { .. } | RemoteEvent::Standing { .. }))
        .collect();
    assert!(told.is_empty(), "{told:?}");
    session.close().await;
}

#[tokio::test]
async fn a_conversation_of_two_is_caught_up_and_heard_after_a_restart() {
    let (mut world, small) = World::small();
    let direct = world.direct(small.bob);
    let stage = Stage::of(world, small).await;
    let session = stage.connect().await;
    let first = stage.sim.person_sends(direct, small.bob, "psst");
    stage.arrived("psst").await;
    session.close().await;
    stage.sim.person_sends(direct, small.bob, "are you there?");
    let before = stage.recorder.events().len();
    let session = stage.connect().await;
    stage.arrived("are you there?").await;
    let stands = stage.stands(direct, before).await;
    assert_eq!(stands.len(), 2);
    // Nobody has written there since.
    stage.sim.person_deletes(direct, first);
    let deleted = |recorder: &Recorder| {
        let events = recorder.events();
        events.iter().find_map(|one| match &one.event {
            RemoteEvent::Redact { ids, .. } => Some(ids.clone()),
            _ => None,
        })
    };
    assert_eq!(stage.recorder.wait_for("the deletion", deleted).await, [id(first)]);
    session.close().await;
    stage.should_be_honest("a_conversation_of_two_is_caught_up_and_heard_after_a_restart");
}

#[tokio::test]
async fn the_first_answers_in_a_thread_are_caught_up() {
    let stage = Stage::new().await;
    let (general, alice) = (stage.small.general, stage.small.alice);
    let session = stage.connect().await;
    let root = stage.sim.person_sends(general, alice, "the root");
    stage.arrived("the root").await;
    let while_connected = stage.sim.person_begins_thread((general, root), alice, "aside").expect("it begins");
    let other = stage.sim.person_sends(general, alice, "another root");
    // The channel has gone on since the first thread began.
    stage.arrived("another root").await;
    session.close().await;
    let meanwhile = stage.sim.person_begins_thread((general, other), alice, "another").expect("it begins");
    stage.sim.person_sends(while_connected, alice, "an answer");
    stage.sim.person_sends(meanwhile, alice, "another answer");
    let session = stage.connect().await;
    stage.arrived("an answer").await;
    stage.arrived("another answer").await;
    session.close().await;
    stage.should_be_honest("the_first_answers_in_a_thread_are_caught_up");
}
