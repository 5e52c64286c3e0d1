//! WeChat behind a Wechaty gateway as a checker sees it: people write in groups, and the bridge has the account of somebody in all of them, who
//! lends it to the others in Matrix.
//!
//! A gateway keeps nothing for a bridge that is away, so no bridge could keep what it was told in its last moment. The puppet here is one that
//! tells whoever listens anew what was said since the last time; then nothing may be lost, and nothing that is told again may be doubled.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

use anyhow::Context;
use async_trait::async_trait;
use serde_json::json;
use tokio::sync::mpsc;

use super::network::{Heard, Network};
use crate::wechaty::{
    Fault, Gateway, Habits,
    content::text,
    staged::{platform_section, remote, sign_in},
};

/// Chats that can be opened.
const GROUPS: usize = 40;
/// What people may have on their lips.
const DEEDS_MAX: usize = 4_096;
/// Whose account the bridge has.
const OWNER: &str = "owner";
/// Ids of messages have as many digits as WeChat's own.
const FIRST_ID: u64 = 7_000_000_000_000_000_000;

/// Something that somebody does when it is their turn.
enum Deed {
    Says { person: String, group: String, id: String, words: String },
    Fails(Fault),
    IsCut,
}

/// A WeChat with people and silent groups.
pub struct WechatyNetwork {
    /// The gateway.
    pub gateway: Gateway,
    section: String,
    /// Their ids, by their names.
    people: BTreeMap<String, String>,
    opened: AtomicUsize,
    said: AtomicU64,
    deeds: mpsc::Sender<Deed>,
}

impl WechatyNetwork {
    /// Starts one with these people.
    ///
    /// # Errors
    /// When the gateway does not start.
    pub async fn start(names: &[&str]) -> anyhow::Result<Self> {
        let gateway = Gateway::start().await?;
        gateway.has(Habits { again: true, ..Habits::default() }).await?;
        gateway.contact(OWNER, "Owner").await?;
        let mut people = BTreeMap::new();
        for name in names {
            gateway.contact(name, name).await?;
            people.insert((*name).to_owned(), (*name).to_owned());
        }
        let members: Vec<&str> = names.iter().copied().chain([OWNER]).collect();
        for nth in 1..=GROUPS {
            gateway.room(&group(nth), &format!("chat-{nth}"), &members).await?;
        }
        let section = platform_section(&gateway)?;
        let (deeds, turn) = mpsc::channel(DEEDS_MAX);
        tokio::spawn(act(gateway.clone(), turn));
        Ok(Self {
            gateway,
            section,
            people,
            opened: AtomicUsize::new(0),
            said: AtomicU64::new(FIRST_ID),
            deeds,
        })
    }

    /// From now on this fault holds, in turn with what people say.
    pub fn fault(&self, fault: Fault) {
        self.soon(Deed::Fails(fault));
    }

    /// The bridge's connections are cut.
    pub fn cut(&self) {
        self.soon(Deed::IsCut);
    }

    fn soon(&self, deed: Deed) {
        self.deeds.try_send(deed).expect("people are not that far behind");
    }
}

/// The id of a group.
fn group(nth: usize) -> String {
    format!("{nth}@chatroom")
}

/// One after the other, so that what is said first is first.
async fn act(gateway: Gateway, mut turn: mpsc::Receiver<Deed>) {
    while let Some(deed) = turn.recv().await {
        let done = match deed {
            Deed::Says { person, group, id, words } => {
                let mut content = text(&words);
                content["id"] = json!(id);
                gateway.says(&person, &group, content).await.map(drop)
            }
            Deed::Fails(fault) => gateway.fault(fault).await,
            Deed::IsCut => gateway.cut().await,
        };
        // Whoever waits for what did not happen says what is missing.
        if let Err(error) = done {
            println!("the gateway does not do it: {error:#}");
        }
    }
}

#[async_trait]
impl Network for WechatyNetwork {
    const BRIDGE: &'static str = "wechat";
    const GREETING: Option<(&'static str, &'static str)> = Some(("set-relay", "speaks in this room"));

    async fn sign_in(&self, url: &str, admin: &str) -> anyhow::Result<()> {
        sign_in(&self.gateway, url, admin, OWNER).await.context("sign in at the gateway")
    }

    fn platform(&self, _url: &str) -> String {
        self.section.clone()
    }

    fn open_chat(&self, _name: &str) -> String {
        // The groups were there all along, and had nothing to say. They bear the names that chats are opened with.
        group(self.opened.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn person_says(&self, chat: &str, person: &str, words: &str) -> String {
        let id = self.said.fetch_add(1, Ordering::Relaxed).to_string();
        let [person, group, words] = [self.people[person].as_str(), chat, words].map(str::to_owned);
        self.soon(Deed::Says { person, group, id: id.clone(), words });
        id
    }

    fn ghost(&self, person: &str) -> String {
        format!("@wechat_{}", remote(OWNER, &self.people[person]))
    }

    fn heard(&self, chat: &str, from: usize) -> (Vec<Heard>, usize) {
        let (new, count) = self.gateway.seen_from(from);
        let ours = new
            .iter()
            .filter(|event| event["event"] == "sent" && event["kind"] == "text" && event["to"] == chat);
        (ours.filter_map(|event| Some(heard_as(event["text"].as_str()?))).collect(), count)
    }

    fn version(&self) -> u64 {
        self.gateway.seen_from(usize::MAX).1 as u64
    }

    async fn changed(&self, version: u64) {
        self.gateway.changed(usize::try_from(version).unwrap_or(usize::MAX)).await;
    }
}

/// A relay's words begin with a name; the owner speaks without one.
fn heard_as(words: &str) -> Heard {
    let words = words.replace('\u{200b}', "");
    let (author, text) = words.split_once(": ").unwrap_or(("alice", &words));
    Heard { author: author.to_owned(), text: text.to_owned() }
}
