//! The suite of all platforms, for accounts of phones.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId, RemoteUserId},
    platform::{LoginStep, SavedLogin},
    testkit::platform_suite::{self, Answers, DeliveryFault, Happening, Heard, Subject},
};
use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{
        Fault, FaultKind, LinkedSim, Phone,
        content::{About, edit, poll, reaction, revoke, text},
        groups::{Addressing, Membership},
        phone::{Doing, Mark},
    },
};
use magpie_whatsapp::{
    WhatsApp, WhatsAppConfig,
    format::{Nobody, read},
};
use serde_json::{Value, json};

use super::{ALICE, BOB, CAROL, config, link, platform, user};

/// Nobody listens there.
const NOWHERE: &str = "ws://127.0.0.1:9/ws/chat";

/// The bridge is linked to Alice's phone, and the chat is a group of hers with Bob, who speaks.
struct OnSimulator {
    /// Gone after `go_away`.
    sim: Mutex<Option<LinkedSim>>,
    config: WhatsAppConfig,
    alice: Phone,
    bob: Phone,
    carol: Phone,
    group: String,
    saved: SavedLogin,
    device: String,
    unlinked: SavedLogin,
}

impl OnSimulator {
    async fn start() -> Self {
        Self::try_start().await.expect("the simulator starts, and people are linked")
    }

    async fn try_start() -> anyhow::Result<Self> {
        let sim = LinkedSim::start().await?;
        let config = config(&sim);
        let alice = sim.account(ALICE, "Alice").await?;
        let bob = sim.account(BOB, "Bob").await?;
        let carol = sim.account(CAROL, "Carol").await?;
        alice.name_contact(&bob, "Bob").await?;
        let group = alice.create_group("Birds", &[&bob], Addressing::Lid).await?;
        let (unlinked, device) = link(&sim, &alice).await?;
        sim.unlink(&device).await?;
        let (saved, device) = link(&sim, &alice).await?;
        let sim = Mutex::new(Some(sim));
        Ok(Self { sim, config, alice, bob, carol, group, saved, device, unlinked })
    }

    fn sim(&self) -> LinkedSim {
        let sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner);
        sim.clone().expect("the network has not gone away")
    }

    fn is_group(&self, event: &Value) -> bool {
        event["phone"] == BOB && event["from"] == self.group.as_str() && event["sender"] == ALICE
    }

    /// Bob does something to a message of his.
    async fn bob_does(&self, content: Value, options: Value) {
        self.bob.send_with(&self.group, content, options).await.expect("Bob is in the group");
    }
}

fn message(author: &Phone, stanza: &str) -> RemoteMessageId {
    RemoteMessageId::new(format!("{}/{stanza}", user(author)))
}

#[async_trait]
impl Subject for OnSimulator {
    type Platform = WhatsApp;

    fn platform(&self) -> WhatsApp {
        platform(&self.config)
    }

    fn misconfigured_platform(&self) -> WhatsApp {
        platform(&WhatsAppConfig { linked_server_url: Some(NOWHERE.to_owned()), ..self.config.clone() })
    }

    fn login(&self) -> SavedLogin {
        self.saved.clone()
    }

    fn refused_login(&self) -> SavedLogin {
        self.unlinked.clone()
    }

    fn chat(&self) -> RemoteChatId {
        RemoteChatId::new(self.group.clone())
    }

    fn no_chat(&self) -> RemoteChatId {
        RemoteChatId::new("120363000000000001@g.us")
    }

    fn person(&self) -> RemoteUserId {
        user(&self.bob)
    }

    /// Hidden ids cannot be asked about.
    fn no_person(&self) -> Option<RemoteUserId> {
        None
    }

    fn spellings(&self) -> Vec<String> {
        ["+1 202 555-0102", BOB].map(str::to_owned).to_vec()
    }

    async fn person_says(&self, words: &str) -> RemoteMessageId {
        let id = self.bob.send(&self.group, text(words)).await.expect("Bob is in the group");
        message(&self.bob, &id)
    }

    async fn happens(&self, what: Happening, target: &RemoteMessageId) -> bool {
        let id = target.as_str().rsplit('/').next().unwrap_or_default();
        let (sim, group) = (self.sim(), &self.group);
        let about = About { chat: group, id, author: None, is_own: true };
        let done = match what {
            Happening::Message => self.bob.send(group, text("something")).await.map(drop),
            Happening::Edit => {
                self.bob_does(edit(about, &text("something else")), json!({"edit": "1"})).await;
                Ok(())
            }
            Happening::React | Happening::Unreact => {
                let emoji = if what == Happening::React { "👍" } else { "" };
                self.bob_does(reaction(about, emoji), json!({"type": "reaction"})).await;
                Ok(())
            }
            Happening::Typing => self.bob.does(Doing::Typing, group).await,
            Happening::Receipt => {
                // What Alice wrote on her phone is hers on all her devices.
                let own = self.alice.send(group, text("seen?")).await.expect("Alice is in the group");
                self.bob.mark(Mark::Read, group, Some(&self.alice.lid), &own).await
            }
            Happening::Poll => {
                let asked = poll("tea?", &["yes", "no"], 1, [7; 32]);
                self.bob_does(asked, json!({"type": "poll"})).await;
                Ok(())
            }
            Happening::Pin => {
                let key = json!({"remoteJid": group, "fromMe": true, "id": id});
                let pin = json!({"pinInChatMessage": {"key": key, "type": "PIN_FOR_ALL"}});
                self.bob_does(pin, json!({})).await;
                Ok(())
            }
            Happening::ChatChanged => self.bob.set_subject(group, "Rare birds").await,
            Happening::MembersChanged => {
                self.bob.change_members(group, Membership::Add, &[&self.carol]).await
            }
            Happening::UserChanged => self.bob.set_picture(Some(PICTURE)).await,
            Happening::StateChanged => sim.cut(&self.device).await,
            Happening::Unknown => {
                let strange = json!({"keepInChatMessage": {"keepType": "KEEP_FOR_ALL", "timestampMs": 1}});
                self.bob_does(strange, json!({})).await;
                Ok(())
            }
            Happening::Redact => {
                self.bob_does(revoke(about), json!({"edit": "7"})).await;
                Ok(())
            }
            // Arrivals are of messages of ours (`sessions`). Votes belong to polls, and chats and people that become one to people with several addresses: both have tests of their own.
            Happening::Vote
            | Happening::Arrived
            | Happening::Migrated
            | Happening::SameUser
            | Happening::Preview
            | Happening::Gap
            | Happening::Standing
            | Happening::Failed => return false,
        };
        done.expect("the simulator does it");
        true
    }

    fn comes_late(&self) -> bool {
        true
    }

    async fn heard(&self) -> Vec<Heard> {
        // Bob's phone reads one message after the other.
        let last = self.carol.send(&self.bob.lid, text("what have you read?")).await.expect("Bob is there");
        self.bob.expect(&last).await.expect("his phone reads it");
        let mut heard: Vec<Heard> = Vec::new();
        for event in self.sim().seen("phone-message").iter().filter(|event| self.is_group(event)) {
            let (Some(id), Some(words)) = (event["id"].as_str(), event["text"].as_str()) else { continue };
            let id = message(&self.alice, id);
            // What bears an id that is there already is the same message, for every client.
            if heard.iter().all(|one| one.id != id) {
                heard.push(Heard { id, text: read(words, &Nobody).to_plain(), author: None });
            }
        }
        heard
    }

    async fn cut(&self) {
        // A session outlives a broken connection; not that there is no other one.
        self.sim().turn_away(1).await.expect("the simulator does it");
        self.sim().cut(&self.device).await.expect("the device is there");
    }

    async fn fault(&self, fault: DeliveryFault) {
        let kind = match fault {
            DeliveryFault::CutBeforeEffect => FaultKind::Swallow,
            DeliveryFault::CutAfterEffect => FaultKind::CutAfter,
            DeliveryFault::Busy => FaultKind::RefuseMessage(503),
        };
        self.sim().inject(Fault::once(kind).of(&self.device)).await.expect("the simulator does it");
    }

    async fn go_away(&self) {
        let sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner).take();
        sim.expect("the network is there").stop().await.expect("the simulator ends");
    }

    async fn revoke(&self) {
        self.sim().unlink(&self.device).await.expect("the device is there");
    }

    async fn answer(&self, flow: &str, step: &LoginStep, answers: Answers) -> Option<Vec<(String, String)>> {
        match (flow, step, answers) {
            ("code", LoginStep::Ask(fields), Answers::Right | Answers::Wrong) => {
                let number = if answers == Answers::Right { ALICE } else { "0151 234567" };
                Some(fields.iter().map(|field| (field.name.to_owned(), number.to_owned())).collect())
            }
            ("qr", LoginStep::Show { code, .. }, Answers::Right) => {
                self.alice.scan(code).await.expect("a phone can scan it");
                Some(Vec::new())
            }
            ("code", LoginStep::Show { code, .. }, Answers::Right) => {
                self.alice.enter_code(&code.replace('-', "")).await.expect("it can be typed into a phone");
                Some(Vec::new())
            }
            // Codes hold for longer than a check waits; and whoever scans one has said yes.
            _ => None,
        }
    }
}

/// The smallest picture there is: one transparent point.
const PICTURE: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00,
    0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0x1f, 0x15, 0xc4, 0x89, 0x00,
    0x00, 0x00, 0x0d, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x00, 0x01, 0x00, 0x00, 0x05, 0x00, 0x01,
    0x0d, 0x0a, 0x2d, 0xb4, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

#[tokio::test(flavor = "multi_thread")]
async fn real_whatsapp_on_a_linked_device_passes_the_platform_suite() {
    let Some(_) = need(Component::Judge("whatsapp")) else { return };
    platform_suite::all(OnSimulator::start).await;
}
