//! A populated bridge in which everybody gets other ids: a phone number first, a hidden id then, a user id of a business in the end, told in
//! any order, again, and where rooms were made under several of them. Every room and every ghost is kept, and every message is found.

use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

use super::*;
use crate::{
    ids::RemoteMessageId,
    message::{ChatInfo, ChatKind},
    store,
};

/// So many people, each with a chat of two.
const PEOPLE: usize = 240;
/// Under so many ids each of them is known in the end.
const IDS: usize = 3;
const GROUPS: usize = 6;
const MEMBERS: usize = 40;
/// So many things are said while people get their ids.
const SAID_BETWEEN: usize = 60;

/// Under which ids there are rooms for people, one sort of people after the other.
const ROOMS: [&[usize]; 6] = [&[0], &[0, 1], &[0, 1, 2], &[0, 2], &[1, 2], &[1]];

/// Something that was said, by whom, and where it stands.
struct Entry {
    person: usize,
    /// The chat, and the message by its id there; none for what was said in Matrix.
    place: Option<(RemoteChatId, RemoteMessageId)>,
    room: OwnedRoomId,
    event: OwnedEventId,
}

struct Town {
    stage: Stage,
    random: StdRng,
    entries: Vec<Entry>,
    groups: Vec<(RemoteChatId, OwnedRoomId)>,
    shown: Shown,
}

/// Where messages of the network stand, each event looked at once.
#[derive(Default)]
struct Shown {
    places: BTreeMap<String, (OwnedRoomId, OwnedEventId)>,
    /// How many events of a room were looked at.
    seen: BTreeMap<OwnedRoomId, usize>,
}

impl Shown {
    /// Whether more is shown than before.
    fn grows(&mut self, fake: &FakeHomeserver) -> bool {
        let before = self.places.len();
        for room in fake.rooms() {
            let events = fake.events(&room);
            let seen = self.seen.entry(room.clone()).or_default();
            for event in &events[*seen..] {
                let content = event.content();
                if let Some(id) = content["app.magpie.remote"]["id"].as_str() {
                    self.places.insert(id.to_owned(), (room.clone(), event.event_id.clone()));
                }
            }
            *seen = events.len();
        }
        self.places.len() > before
    }
}

fn id(person: usize, nth: usize) -> String {
    match nth {
        0 => format!("1650{person:07}"),
        1 => format!("lid-88{person:07}"),
        _ => format!("US.{person:09}"),
    }
}

fn direct(person: usize, nth: usize) -> RemoteChatId {
    RemoteChatId::new(format!("lid-1/{}", id(person, nth)))
}

impl Town {
    /// A town whose people are known by whatever id they were met.
    async fn populated(stage: Stage, seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        let mut town = Self { stage, random, entries: vec![], groups: vec![], shown: Shown::default() };
        for person in 0..PEOPLE {
            for nth in 0..IDS {
                let (chat, with) = (direct(person, nth), Some(user(&id(person, nth))));
                let info = ChatInfo { with, private: true, ..ChatInfo::new(ChatKind::Direct, None) };
                town.stage.network.add_chat_like(chat.as_str(), info);
            }
            for nth in ROOMS[person % ROOMS.len()] {
                town.hears(&direct(person, *nth), person, *nth).await;
            }
        }
        for group in 0..GROUPS {
            let chat = town.stage.network.add_chat(&format!("group {group}"));
            for member in 0..MEMBERS {
                let person = (group * MEMBERS / 2 + member) % PEOPLE;
                town.hears(&chat, person, ROOMS[person % ROOMS.len()][0]).await;
            }
        }
        town.arrive().await;
        for group in 0..GROUPS {
            let chat = RemoteChatId::new(format!("group {group}"));
            let room = town.room(&chat).await.expect("it was made");
            town.groups.push((chat, room));
        }
        // And somebody in Matrix answers everybody.
        for entry in 0..town.entries.len() {
            let (room, person) = (town.entries[entry].room.clone(), town.entries[entry].person);
            if town.groups.iter().all(|(_, group)| *group != room) {
                let event = town.stage.fake.person("alice").sends(&room, &format!("to {person}"));
                town.entries.push(Entry { person, place: None, room, event });
            }
        }
        let all = town.entries.iter().filter(|entry| entry.place.is_none()).count();
        let is_said = |network: &FakeNetwork| (network.deliveries() >= all).then_some(());
        town.stage.network.wait_until("what alice says arrives", is_said).await;
        town.stage.running.parts.store.settled().await.expect("it is stored");
        town
    }

    async fn room(&self, chat: &RemoteChatId) -> Option<OwnedRoomId> {
        let portal = self.stage.running.parts.store.portal_by_chat(chat).await.expect("it is read");
        portal.and_then(|portal| portal.room_id)
    }

    /// Somebody says something; where it stands is looked up when all has arrived.
    async fn hears(&mut self, chat: &RemoteChatId, person: usize, nth: usize) {
        let text = format!("{} of {person} by {nth}", self.entries.len());
        let message = self.stage.network.message(chat, &id(person, nth), &text);
        self.stage.network.pushes(RemoteEvent::Message(message.clone())).await;
        let (room, event) = (ruma::room_id!("!nowhere:example.org"), ruma::event_id!("$nothing"));
        self.entries.push(Entry {
            person,
            place: Some((message.chat, message.id)),
            room: room.to_owned(),
            event: event.to_owned(),
        });
    }

    /// Waits until all that was said is shown, and notes where it is.
    async fn arrive(&mut self) {
        let Self { stage, entries, shown, .. } = self;
        let waiting = |entry: &&mut Entry| entry.event == "$nothing";
        for entry in entries.iter_mut().filter(waiting) {
            let Some((_, id)) = &entry.place else { continue };
            while !shown.places.contains_key(id.as_str()) {
                stage.fake.wait_until(|fake| shown.grows(fake).then_some(())).await;
            }
            (entry.room, entry.event) = shown.places[id.as_str()].clone();
        }
        stage.running.parts.store.settled().await.expect("it is stored");
    }

    /// Everybody is told to have other ids, again and again, while people go on talking and the bridge is started anew.
    async fn migrate(mut self) -> Self {
        let mut news = Vec::new();
        for person in 0..PEOPLE {
            for (from, to) in [(0, 1), (1, 2)] {
                let times = self.random.random_range(1..=2);
                news.extend(std::iter::repeat_n((person, from, to), times));
            }
            // Some networks tell the long way at once.
            if person % 5 == 0 {
                news.push((person, 0, 2));
            }
        }
        news.shuffle(&mut self.random);
        let every = news.len() / SAID_BETWEEN;
        let restart = news.len() / 2;
        for (step, (person, from, to)) in news.into_iter().enumerate() {
            let same =
                RemoteEvent::SameUser { canonical: user(&id(person, to)), alias: user(&id(person, from)) };
            self.stage.network.pushes(same).await;
            let (from, to) = (direct(person, from), direct(person, to));
            self.stage.network.pushes(RemoteEvent::Migrated { from, to }).await;
            if step % every == 0 {
                let group = self.random.random_range(0..GROUPS);
                let (chat, nth) = (self.groups[group].0.clone(), self.random.random_range(0..IDS));
                self.hears(&chat, person, nth).await;
            }
            if step == restart {
                self.stage = self.stage.restarted().await;
            }
        }
        self.arrive().await;
        self
    }

    /// Everybody says something by each of their ids, in the chat by that id and in a group.
    async fn speak_at_last(&mut self) {
        for person in 0..PEOPLE {
            for nth in 0..IDS {
                self.hears(&direct(person, nth), person, nth).await;
            }
            let group = self.groups[person % GROUPS].0.clone();
            self.hears(&group, person, person % IDS).await;
        }
        self.arrive().await;
    }

    /// Where a chat goes on, and who speaks there for its person.
    async fn end_of(&self, person: usize) -> (OwnedRoomId, String) {
        let room = self.room(&direct(person, IDS - 1)).await.expect("the chat has a room under its last id");
        let ghosts: BTreeSet<String> = self
            .entries
            .iter()
            .rev()
            .filter(|entry| entry.person == person && entry.place.is_some())
            .take(IDS + 1)
            .map(|entry| {
                let events = self.stage.fake.events(&entry.room);
                let event = events.iter().find(|event| event.event_id == entry.event);
                event.expect("it is shown").sender.to_string()
            })
            .collect();
        assert_eq!(ghosts.len(), 1, "person {person} speaks as {ghosts:?}");
        (room, ghosts.into_iter().next().expect("there is one"))
    }

    /// Whether every message is known by its id and by its event, in the chat of today.
    async fn should_know_everything(&self) {
        let store = &self.stage.running.parts.store;
        let groups: BTreeSet<_> = self.groups.iter().map(|(chat, _)| chat.clone()).collect();
        for entry in &self.entries {
            let today = match &entry.place {
                Some((chat, _)) if groups.contains(chat) => chat.clone(),
                _ => direct(entry.person, IDS - 1),
            };
            let rows = store.message_by_event(&entry.event).await.expect("it is read");
            assert_eq!(rows.len(), 1, "the event of {} is known once", entry.person);
            assert_eq!(rows[0].chat.as_ref(), Some(&today), "by its chat of today");
            if let Some((_, id)) = &entry.place {
                let rows = store.message_by_remote(&today, id).await.expect("it is read");
                let found: Vec<_> = rows.iter().map(|row| row.event_id.as_deref()).collect();
                assert_eq!(found, [Some(&*entry.event)], "the message of {} is found", entry.person);
            }
        }
    }

    /// The room at the end of those that were left one for another.
    fn goes_on_in(&self, left: &OwnedRoomId) -> OwnedRoomId {
        let mut room = left.clone();
        for _ in 0..IDS {
            let Some(tombstone) = self.stage.fake.state(&room, "m.room.tombstone", "") else { break };
            let next = tombstone["replacement_room"].as_str().expect("it names a room");
            room = ruma::RoomId::parse(next).expect("it is a room's id");
        }
        room
    }

    /// Every id leads to one chat, and of several rooms the others lead to the one that stays.
    async fn should_have_one_room_each(&self, before: &[OwnedRoomId]) {
        let fake = &self.stage.fake;
        let rooms = fake.rooms();
        assert_eq!(rooms.iter().filter(|room| !before.contains(room)).count(), 0, "no room was made");
        assert_eq!(before.iter().filter(|room| !rooms.contains(room)).count(), 0, "no room is lost");
        let mut taken = BTreeSet::new();
        for person in 0..PEOPLE {
            let (room, ghost) = self.end_of(person).await;
            assert!(taken.insert(ghost.clone()), "two people speak as {ghost}");
            assert!(fake.state(&room, "m.room.tombstone", "").is_none(), "the room that stays is open");
            for nth in 0..IDS - 1 {
                let led = self.room(&direct(person, nth)).await;
                assert_eq!(led.as_ref(), Some(&room), "a former id leads to the one room");
            }
            let of_person = |entry: &&Entry| {
                entry.person == person && self.groups.iter().all(|(_, it)| *it != entry.room)
            };
            let all: BTreeSet<_> = self.entries.iter().filter(of_person).map(|it| it.room.clone()).collect();
            assert_eq!(
                all.len(),
                ROOMS[person % ROOMS.len()].len(),
                "every room of person {person} is there"
            );
            for other in all.iter().filter(|other| **other != room) {
                assert_eq!(
                    self.goes_on_in(other),
                    room,
                    "whoever is in a room that was left finds the one that stays"
                );
            }
            let inside = |room: &OwnedRoomId| {
                let ghosts = (0..IDS).map(|nth| self.stage.ghost_by(&id(person, nth)));
                ghosts.filter(|ghost| fake.membership(room, ghost) == Some(Membership::Joined)).count()
            };
            assert_eq!(inside(&room), 1, "one ghost of person {person} is in their room");
            for (_, group) in &self.groups {
                assert!(inside(group) <= 1, "one ghost of person {person} is in a group");
            }
        }
        let store = &self.stage.running.parts.store;
        let portals = store.portals(u32::MAX >> 1, None).await.expect("they are read");
        assert_eq!(portals.len(), PEOPLE + GROUPS, "every chat has one room");
        for (chat, room) in &self.groups {
            assert_eq!(self.room(chat).await.as_ref(), Some(room), "groups keep their rooms");
        }
    }
}

impl Stage {
    fn ghost_by(&self, id: &str) -> ruma::OwnedUserId {
        let names = crate::ids::GhostNames::new("fake_", "fakebot", self.fake.server_name());
        names.expect("a bridge's names").ghost(&user(id)).expect("it is short enough")
    }
}

async fn story(stage: Stage) {
    let seed = std::env::var("MAGPIE_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    println!("seed {seed}");
    let town = Town::populated(stage, seed).await;
    let (rooms, said) = (town.stage.fake.rooms(), town.entries.len());
    let made: usize = (0..PEOPLE).map(|person| ROOMS[person % ROOMS.len()].len()).sum();
    assert!(rooms.len() >= made + GROUPS, "{} rooms for {made} chats and {GROUPS} groups", rooms.len());
    assert!(said >= 2 * made + GROUPS * MEMBERS);
    let mut town = town.migrate().await;
    town.speak_at_last().await;
    town.should_know_everything().await;
    town.should_have_one_room_each(&rooms).await;
    // Whoever answers the oldest message is understood, and the network is asked by the id of today.
    for person in [0, 1, 2, 3, 4, 5] {
        let entry = town.entries.iter().find(|it| it.person == person).expect("they said something");
        let (_, id) = entry.place.clone().expect("on the network");
        let (room, _) = town.end_of(person).await;
        town.stage.fake.person("alice").replies(&room, &entry.event, "at last");
        let chat = direct(person, IDS - 1);
        let said =
            |network: &FakeNetwork| network.said(&chat).into_iter().find(|said| said.text == "at last");
        let said = town.stage.network.wait_until("the answer arrives", said).await;
        assert_eq!(said.whole.message.reply_to, Some(id));
    }
    town.stage.ends().await;
}

#[tokio::test]
async fn phone_to_hidden_id_to_user_id_on_a_populated_sqlite_keeps_every_room_and_ghost() {
    story(Stage::set("populated").await).await;
}

/// Runs when `MAGPIE_TEST_POSTGRES_URL` names a server.
#[tokio::test]
async fn phone_to_hidden_id_to_user_id_on_a_populated_postgres_keeps_every_room_and_ghost() {
    if let Some(url) = store::postgres_of_a_test().await {
        story(Stage::set_on("populated_postgres", &url).await).await;
    }
}
