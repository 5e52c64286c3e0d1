//! Random sequences: whatever is told in whatever order, in the end each person has one ghost, and nobody else's.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed, TestRunner},
};

use super::*;

/// People, and how many ids each has.
const PEOPLE: usize = 2;
const IDS: usize = 4;
const CHATS: usize = 2;

/// What happens; ids are numbered, those of a person one after the other.
#[derive(Clone, Debug)]
enum Happens {
    /// Somebody says something in a chat.
    Says(usize, usize),
    /// The same, and another id of the speaker comes with it.
    SaysAs(usize, usize, usize),
    /// Two ids are one person.
    AreOne(usize, usize),
    /// The bridge stops and starts.
    Restart,
}

fn happens() -> impl Strategy<Value = Happens> {
    let id = 0..PEOPLE * IDS;
    let twins = (0..PEOPLE, 0..IDS, 0..IDS)
        .prop_map(|(person, one, other)| (person * IDS + one, person * IDS + other));
    prop_oneof![
        6 => (id, 0..CHATS).prop_map(|(id, chat)| Happens::Says(id, chat)),
        2 => (twins.clone(), 0..CHATS).prop_map(|((one, other), chat)| Happens::SaysAs(one, other, chat)),
        5 => twins.prop_map(|(one, other)| Happens::AreOne(one, other)),
        1 => Just(Happens::Restart),
    ]
}

fn name(id: usize) -> String {
    format!("p{}-{}", id / IDS, id % IDS)
}

/// Which ids were told to be one person's.
fn join(groups: &mut [usize], one: usize, other: usize) {
    let (from, to) = (groups[one], groups[other]);
    groups.iter_mut().filter(|group| **group == from).for_each(|group| *group = to);
}

async fn run(nth: u32, all: Vec<Happens>) {
    let mut stage = Stage::set(&format!("same_user_sequence_{nth}")).await;
    let (town, _) = stage.room().await;
    stage.herald_comes(&town).await;
    let (village, village_chat, _) = stage.another("village", "carol").await;
    let chats = [stage.chat.clone(), village_chat];
    let rooms = [town, village];
    let room_count = stage.fake.rooms().len();
    let mut groups: Vec<usize> = (0..PEOPLE * IDS).collect();
    let mut said: Vec<BTreeMap<String, usize>> = vec![BTreeMap::new(); CHATS];
    let ends = (0..PEOPLE * IDS).flat_map(|id| (0..CHATS).map(move |chat| (id, chat)));
    for (step, happens) in all.into_iter().enumerate() {
        match happens {
            Happens::Says(id, chat) | Happens::SaysAs(id, _, chat) => {
                let text = format!("{step} by {id}");
                let mut message = stage.network.message(&chats[chat], &name(id), &text);
                if let Happens::SaysAs(_, other, _) = happens {
                    message.sender.ids.others = vec![user(&name(other))];
                    join(&mut groups, id, other);
                }
                stage.network.pushes(RemoteEvent::Message(message)).await;
                said[chat].insert(text, id);
            }
            Happens::AreOne(one, other) => {
                stage.are_one(&name(one), &name(other)).await;
                join(&mut groups, one, other);
            }
            Happens::Restart => stage = stage.restarted().await,
        }
    }
    stage.settles("one").await;
    // What is told in passing is known once everything was said.
    for (room, said) in rooms.iter().zip(&said) {
        for text in said.keys() {
            stage.fake.wait_for_body(room, text).await;
        }
    }
    let mut ghosts: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for (id, chat) in ends {
        let text = format!("the end of {id} in {chat}");
        let (_, sender) = stage.speaks((&rooms[chat], &chats[chat]), &name(id), &text).await;
        said[chat].insert(text, id);
        ghosts.entry(groups[id]).or_default().insert(sender);
    }
    let mut taken = BTreeSet::new();
    for ghosts in ghosts.values() {
        assert_eq!(ghosts.len(), 1, "one person has one ghost: {ghosts:?}");
        let is_new = ghosts.iter().all(|ghost| taken.insert(ghost.clone()));
        assert!(is_new, "two people have one ghost: {ghosts:?}");
    }
    for (room, said) in rooms.iter().zip(&said) {
        for (text, id) in said {
            let shown: Vec<_> =
                stage.fake.messages(room).into_iter().filter(|(_, body)| body == text).collect();
            assert_eq!(shown.len(), 1, "{text} is shown once");
            let owner = format!("@fake_p{}-", id / IDS);
            assert!(shown[0].0.as_str().starts_with(&owner), "{text} is said by {}", shown[0].0);
        }
        for id in 0..PEOPLE * IDS {
            let is_ghost = taken.contains(&ghost(&name(id)));
            assert_eq!(stage.is_in(room, &name(id)), is_ghost, "{} in {room}", name(id));
        }
    }
    assert_eq!(stage.fake.rooms().len(), room_count, "every room is kept, and no other made");
    stage.ends().await;
}

#[test]
fn each_person_has_one_ghost_in_the_end() {
    let seed = std::env::var("MAGPIE_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let config =
        Config { cases: 12, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    let counter = std::sync::atomic::AtomicU32::new(0);
    let done = TestRunner::new(config).run(&proptest::collection::vec(happens(), 4..24), |all| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let nth = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        runtime.block_on(run(nth, all));
        Ok(())
    });
    done.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
}
