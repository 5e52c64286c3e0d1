//! The simulated WhatsApp as a checker sees it: people write in groups on their phones, and the bridge is a linked device of somebody in all
//! of them, who lends it to the others in Matrix.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use anyhow::Context;
use async_trait::async_trait;
use serde_json::json;
use tokio::sync::mpsc;

use super::{
    network::{Heard, Network},
    number,
};
use crate::{
    harness::tools::kept_logs,
    whatsapp_linked::{
        Fault, LinkedSim, Phone,
        content::text,
        groups::Addressing,
        staged::{PROGRAM, connected, platform_section, sign_in},
    },
};

/// Chats that can be opened.
const GROUPS: usize = 40;
/// What people may have on their lips.
const DEEDS_MAX: usize = 4_096;
/// Numbers that nobody has; the bridge's own ends in 0.
const NUMBER: &str = "120255501";

/// Something that somebody does when it is their turn.
enum Deed {
    Says { person: String, group: String, id: String, words: String },
    Fails(Fault),
    IsCut(String),
}

/// A WhatsApp with people and silent groups.
pub struct WhatsAppLinkedNetwork {
    /// The simulator.
    pub sim: LinkedSim,
    owner: Phone,
    /// The address of the bridge, once it is linked.
    device: Mutex<Option<String>>,
    people: BTreeMap<String, Phone>,
    groups: Vec<String>,
    opened: AtomicUsize,
    said: AtomicU64,
    /// What clients have: a message under an id that is there already is the same one.
    known: Mutex<HashSet<String>>,
    deeds: mpsc::Sender<Deed>,
}

impl WhatsAppLinkedNetwork {
    /// Starts one with these people.
    ///
    /// # Errors
    /// When the simulator does not start.
    pub async fn start(names: &[&str]) -> anyhow::Result<Self> {
        let sim = LinkedSim::start().await?;
        let owner = sim.account(&format!("{NUMBER}00"), "Owner").await?;
        let mut people = BTreeMap::new();
        for (nth, name) in (1..).zip(names) {
            people.insert((*name).to_owned(), sim.account(&format!("{NUMBER}{nth:02}"), name).await?);
        }
        let others: Vec<_> = people.values().collect();
        let mut groups = Vec::new();
        for (nth, mode) in (1..=GROUPS).zip([Addressing::Lid, Addressing::Number].into_iter().cycle()) {
            groups.push(owner.create_group(&format!("chat-{nth}"), &others, mode).await?);
        }
        let (deeds, turn) = mpsc::channel(DEEDS_MAX);
        tokio::spawn(act(sim.clone(), people.clone(), turn));
        let (device, opened, said) = (Mutex::default(), AtomicUsize::new(0), AtomicU64::new(0));
        let known = Mutex::default();
        Ok(Self { sim, owner, device, people, groups, opened, said, known, deeds })
    }

    /// From now on this fault holds for the bridge, in turn with what people say.
    pub fn fault(&self, fault: Fault) {
        let fault = fault.of(&self.device());
        self.soon(Deed::Fails(fault));
    }

    /// The bridge's connection is cut.
    pub fn cut(&self) {
        self.soon(Deed::IsCut(self.device()));
    }

    fn device(&self) -> String {
        let device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
        device.clone().expect("the bridge is linked before anything goes wrong")
    }

    fn soon(&self, deed: Deed) {
        self.deeds.try_send(deed).expect("people are not that far behind");
    }
}

/// One after the other, so that what is said first is first.
async fn act(sim: LinkedSim, people: BTreeMap<String, Phone>, mut turn: mpsc::Receiver<Deed>) {
    while let Some(deed) = turn.recv().await {
        let done = match deed {
            Deed::Says { person, group, id, words } => {
                let options = json!({"id": id});
                people[&person].send_with(&group, text(&words), options).await.map(drop)
            }
            Deed::Fails(fault) => sim.inject(fault).await,
            Deed::IsCut(device) => sim.cut(&device).await,
        };
        // Whoever waits for what did not happen says what is missing.
        if let Err(error) = done {
            println!("the simulator does not do it: {error:#}");
        }
    }
}

#[async_trait]
impl Network for WhatsAppLinkedNetwork {
    const BRIDGE: &'static str = "whatsapp";
    const PROGRAM: Option<&'static str> = Some(PROGRAM);
    const GREETING: Option<(&'static str, &'static str)> = Some(("set-relay", "speaks in this room"));

    async fn sign_in(&self, url: &str, admin: &str) -> anyhow::Result<()> {
        let device = sign_in(url, admin, &self.owner).await.context("link the bridge")?;
        connected(&self.sim, &device).await?;
        *self.device.lock().unwrap_or_else(PoisonError::into_inner) = Some(device);
        Ok(())
    }

    fn platform(&self, _url: &str) -> String {
        platform_section(&self.sim)
    }

    fn open_chat(&self, _name: &str) -> String {
        // The groups were there all along, and had nothing to say. They bear the names that chats are opened with.
        self.groups[self.opened.fetch_add(1, Ordering::Relaxed)].clone()
    }

    fn person_says(&self, chat: &str, person: &str, words: &str) -> String {
        let id = format!("3A{:018X}", self.said.fetch_add(1, Ordering::Relaxed));
        let [person, group, words] = [person, chat, words].map(str::to_owned);
        let remote = format!("{}/{id}", remote(&self.people[&person]));
        self.soon(Deed::Says { person, group, id, words });
        remote
    }

    fn ghost(&self, person: &str) -> String {
        format!("@whatsapp_{}", remote(&self.people[person]))
    }

    fn heard(&self, chat: &str, from: usize) -> (Vec<Heard>, usize) {
        let (new, count) = self.sim.seen_from(from);
        // Each phone reads the same; one is asked.
        let phone = self.people.values().next().expect("there are people");
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = new.iter().filter(|event| {
            event["event"] == "phone-message"
                && event["phone"] == phone.number.as_str()
                && event["from"] == chat
                && event["sender"] == self.owner.number.as_str()
                && known.insert(event["id"].to_string())
        });
        (heard.filter_map(|event| Some(heard_as(event["text"].as_str()?))).collect(), count)
    }

    /// Keys travel with messages. Of the bridge the library acknowledges a message a moment before the keys that came with it are on the
    /// disk; on a phone they are missing when the message that brought them was lost. Either asks for what it cannot read.
    fn late(&self) -> BTreeSet<u64> {
        let (all, _) = self.sim.seen_from(0);
        let asked = all.iter().filter(|event| event["event"] == "receipt" && event["type"] == "retry");
        let asked: HashSet<&str> = asked
            .filter_map(|event| event["ids"].as_array())
            .flatten()
            .filter_map(|id| id.as_str())
            .collect();
        let read = all.iter().filter(|event| event["event"] == "phone-message");
        let late = read.filter(|event| event["id"].as_str().is_some_and(|id| asked.contains(id)));
        late.filter_map(|event| number(&heard_as(event["text"].as_str()?).text)).collect()
    }

    async fn caught_up(&self) {
        loop {
            let (all, count) = self.sim.seen_from(0);
            let ids = |kind: &'static str| {
                let events = all.iter().filter(move |event| event["event"] == kind);
                events.filter_map(|event| Some((event["phone"].as_str()?, event["id"].as_str()?)))
            };
            let read: HashSet<_> = ids("phone-message").collect();
            if ids("phone-error").all(|unread| read.contains(&unread)) {
                return;
            }
            self.sim.changed(count).await;
        }
    }

    fn keep_record(&self) {
        let (all, _) = self.sim.seen_from(0);
        let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
        let (folder, name) = (kept_logs(), format!("whatsapp-simulator-{}.jsonl", std::process::id()));
        let path = folder.join(name);
        match std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, lines.join("\n"))) {
            Ok(()) => println!("what the simulator saw is kept in {}", path.display()),
            Err(error) => println!("what the simulator saw cannot be kept: {error}"),
        }
    }

    fn version(&self) -> u64 {
        self.sim.seen_from(usize::MAX).1 as u64
    }

    async fn changed(&self, version: u64) {
        self.sim.changed(usize::try_from(version).unwrap_or(usize::MAX)).await;
    }
}

/// A relay's words begin with a name; the owner speaks without one.
fn heard_as(words: &str) -> Heard {
    let words = words.replace(['*', '\u{200b}'], "");
    let (author, text) = words.split_once(": ").unwrap_or(("alice", &words));
    Heard { author: author.to_owned(), text: text.to_owned() }
}

/// How the bridge names a person.
fn remote(phone: &Phone) -> String {
    format!("lid-{}", phone.lid.trim_end_matches("@lid"))
}
