//! What has come of the numbered messages so far: read from both sides, each event once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use magpie_common::testkit::fake_homeserver::{FakeEvent, FakeHomeserver};
use ruma::OwnedRoomId;

use super::{Effect, Fate, Input, Network, Order, Rooms, Verdict, Violation, Way, judge, number};

/// How the bridge's bot begins a notice about a message that failed, and about one in doubt.
const FAILED: char = '⚠';
const UNCERTAIN: char = '❔';

/// Everything that was written, and all that came of it.
pub(super) struct Reading {
    inputs: Vec<Input>,
    /// Inputs that nothing has come of yet.
    pending: BTreeSet<u64>,
    effects: Vec<Effect>,
    fates: BTreeMap<u64, Fate>,
    rooms: HashMap<OwnedRoomId, Seen>,
    /// Up to which message each chat is read.
    chats: BTreeMap<String, usize>,
    /// Chats by the names of their rooms.
    names: BTreeMap<String, String>,
    second_rooms: BTreeSet<String>,
    known_by: Rooms,
    order: Order,
    ghosts: String,
    bot: String,
}

struct Seen {
    chat: String,
    events: usize,
}

impl Reading {
    pub(super) fn of<N: Network>(server_name: &str) -> Self {
        let bridge = N::BRIDGE;
        Self {
            inputs: Vec::new(),
            pending: BTreeSet::new(),
            effects: Vec::new(),
            fates: BTreeMap::new(),
            rooms: HashMap::new(),
            chats: BTreeMap::new(),
            names: BTreeMap::new(),
            second_rooms: BTreeSet::new(),
            known_by: N::ROOMS,
            order: N::ORDER,
            ghosts: format!("@{bridge}_"),
            bot: format!("@{bridge}bot:{server_name}"),
        }
    }

    /// A chat to read from now on, and how its room is named.
    pub(super) fn add_chat(&mut self, chat: &str, name: &str) {
        self.chats.insert(chat.to_owned(), 0);
        self.names.insert(name.to_owned(), chat.to_owned());
    }

    pub(super) fn add(&mut self, input: Input) {
        self.pending.insert(input.number);
        self.inputs.push(input);
    }

    /// The number of the next input.
    pub(super) fn next_number(&self) -> u64 {
        self.inputs.len() as u64 + 1
    }

    pub(super) fn pending(&self) -> &BTreeSet<u64> {
        &self.pending
    }

    pub(super) fn input(&self, number: u64) -> Option<&Input> {
        self.inputs.iter().find(|input| input.number == number)
    }

    /// The inputs that nothing has come of yet.
    pub(super) fn pending_inputs(&self) -> Vec<&Input> {
        self.inputs.iter().filter(|input| self.pending.contains(&input.number)).collect()
    }

    /// Reads what is new on both sides.
    pub(super) fn read<N: Network>(&mut self, homeserver: &FakeHomeserver, network: &N) {
        for room in homeserver.rooms() {
            self.read_room(homeserver, &room);
        }
        for (chat, from) in &mut self.chats {
            let (heard, count) = network.heard(chat, *from);
            *from = count;
            for heard in heard {
                number(&heard.text).map(|number| self.pending.remove(&number));
                let (way, chat) = (Way::ToNetwork, chat.clone());
                self.effects.push(Effect { way, chat, voice: heard.author, text: heard.text });
            }
        }
    }

    pub(super) fn judge<N: Network>(&self, network: &N) -> Verdict {
        let mut verdict = judge(&self.inputs, &self.effects, &self.fates, self.order);
        let late = network.late();
        verdict.violations.retain(
            |violation| !matches!(violation, Violation::Overtaken { number, .. } if late.contains(number)),
        );
        verdict.violations.extend(self.second_rooms.iter().cloned().map(Violation::SecondRoom));
        verdict
    }

    /// The room of a chat.
    pub(super) fn room_of(&self, homeserver: &FakeHomeserver, chat: &str) -> Option<OwnedRoomId> {
        let mut rooms = homeserver.rooms().into_iter();
        rooms.find(|room| self.chat_of(homeserver, room).as_deref() == Some(chat))
    }

    /// The chat whose room it is.
    fn chat_of(&self, homeserver: &FakeHomeserver, room: &OwnedRoomId) -> Option<String> {
        match self.known_by {
            Rooms::Named => {
                let name = homeserver.state(room, "m.room.name", "")?;
                self.names.get(name["name"].as_str()?).cloned()
            }
            Rooms::Direct => {
                let events = homeserver.events(room);
                let said = events.iter().rev().find(|event| event.event_type == "m.bridge")?.content();
                let chat = said["channel"]["id"].as_str()?;
                self.chats.contains_key(chat).then(|| chat.to_owned())
            }
        }
    }

    fn read_room(&mut self, homeserver: &FakeHomeserver, room: &OwnedRoomId) {
        if !self.rooms.contains_key(room) {
            // A space, say, is none's.
            let Some(chat) = self.chat_of(homeserver, room) else { return };
            if self.rooms.values().any(|seen| seen.chat == chat) {
                self.second_rooms.insert(chat.clone());
            }
            self.rooms.insert(room.clone(), Seen { chat, events: 0 });
        }
        let Some(seen) = self.rooms.get_mut(room) else { return };
        let (chat, events) = (seen.chat.clone(), homeserver.events(room));
        let from = std::mem::replace(&mut seen.events, events.len());
        for event in &events[from..] {
            if event.event_type == "m.room.message" {
                self.read_message(&chat, event);
            }
        }
    }

    fn read_message(&mut self, chat: &str, event: &FakeEvent) {
        let sender = event.sender.as_str();
        let text = event.body();
        if sender.starts_with(&self.ghosts) {
            number(&text).map(|number| self.pending.remove(&number));
            let (way, chat, voice) = (Way::ToMatrix, chat.to_owned(), sender.to_owned());
            self.effects.push(Effect { way, chat, voice, text });
        } else if sender == self.bot {
            let content = event.content();
            let answers = content["m.relates_to"]["m.in_reply_to"]["event_id"].as_str();
            let Some(input) = self.inputs.iter().rev().find(|input| Some(&*input.id) == answers) else {
                return;
            };
            let fate = match text.chars().next() {
                Some(FAILED) => Fate::Failed,
                Some(UNCERTAIN) => Fate::Uncertain,
                _ => return,
            };
            self.pending.remove(&input.number);
            self.fates.insert(input.number, fate);
        }
    }
}
