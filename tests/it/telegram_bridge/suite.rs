//! The suite of all platforms.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId, RemoteUserId},
    platform::{LoginStep, SavedLogin},
    testkit::platform_suite::{self, Answers, DeliveryFault, Happening, Heard, Subject},
};
use magpie_telegram::Telegram;
use magpie_tests::telegram::{Fault, SmallWorld, TelegramSim, World};
use serde_json::json;

use super::{config, login, platform};

const WRONG_TOKEN: &str = "5000000000:wrong-not-a-secret-0000000000";

struct OnSimulator {
    /// Gone after `go_away`.
    sim: Mutex<Option<Arc<TelegramSim>>>,
    url: String,
    small: SmallWorld,
    token: String,
}

impl OnSimulator {
    async fn start() -> Self {
        let (world, small) = World::small();
        let sim = TelegramSim::start(world).await.expect("a loopback port is free");
        let (url, token) = (sim.url(), sim.token());
        Self { sim: Mutex::new(Some(Arc::new(sim))), url, small, token }
    }

    fn sim(&self) -> Arc<TelegramSim> {
        let sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner);
        sim.clone().expect("the network has not gone away")
    }
}

#[async_trait]
impl Subject for OnSimulator {
    type Platform = Telegram;

    fn platform(&self) -> Telegram {
        platform(config(&self.url, &self.token))
    }

    fn misconfigured_platform(&self) -> Telegram {
        platform(config(&self.url, WRONG_TOKEN))
    }

    fn login(&self) -> SavedLogin {
        login(&self.token)
    }

    fn refused_login(&self) -> SavedLogin {
        login(WRONG_TOKEN)
    }

    fn chat(&self) -> RemoteChatId {
        RemoteChatId::new(self.small.supergroup.to_string())
    }

    fn no_chat(&self) -> RemoteChatId {
        RemoteChatId::new("-1001234")
    }

    fn person(&self) -> RemoteUserId {
        RemoteUserId::new(self.small.alice.to_string())
    }

    fn no_person(&self) -> Option<RemoteUserId> {
        Some(RemoteUserId::new("1234"))
    }

    fn spellings(&self) -> Vec<String> {
        ["@alice", "Alice", "https://t.me/alice"].map(str::to_owned).to_vec()
    }

    async fn person_says(&self, text: &str) -> RemoteMessageId {
        let id = self.sim().person_sends(self.small.supergroup, self.small.alice, text);
        RemoteMessageId::new(id.to_string())
    }

    async fn happens(&self, what: Happening, target: &RemoteMessageId) -> bool {
        let (sim, SmallWorld { supergroup, alice, bob, .. }) = (self.sim(), self.small);
        let place = (supergroup, target.as_str().parse().expect("it is one of the simulator's ids"));
        match what {
            Happening::Message => drop(sim.person_sends(supergroup, bob, "something")),
            Happening::Edit => assert!(sim.person_edits(place, "something else")),
            Happening::React => assert!(sim.person_reacts(place, bob, "👍")),
            Happening::Unreact => assert!(sim.person_unreacts(place, bob)),
            Happening::Poll => drop(sim.person_sends_poll(supergroup, bob, ("tea?", &["yes", "no"]))),
            Happening::Pin => sim.person_pins(place, alice),
            Happening::ChatChanged => sim.person_renames(supergroup, alice, "Rare birds"),
            Happening::MembersChanged => sim.person_joins(supergroup, sim.person("Carol")),
            Happening::Migrated => drop(sim.person_upgrades(self.small.group, alice)),
            Happening::Unknown => {
                sim.raw_update(
                    self.small.bot,
                    json!({"hologram": {"chat": {"id": supergroup, "type": "supergroup"}}}),
                );
            }
            // A bot is told of votes in its own polls only (`hearing`), and never of deletions, typing and what is read.
            Happening::Vote
            | Happening::Redact
            | Happening::Preview
            | Happening::Gap
            | Happening::Standing
            | Happening::Arrived
            | Happening::Failed
            | Happening::Typing
            | Happening::Receipt
            | Happening::UserChanged
            | Happening::SameUser
            | Happening::StateChanged => return false,
        }
        true
    }

    async fn heard(&self) -> Vec<Heard> {
        let ours = self.sim().messages(self.small.supergroup).into_iter();
        let ours = ours.filter(|message| message.author == self.small.bot && !message.text().is_empty());
        ours.map(|message| Heard {
            id: RemoteMessageId::new(message.id.to_string()),
            text: message.text().to_owned(),
            author: None,
        })
        .collect()
    }

    async fn cut(&self) {
        // A session outlives a broken connection (`faults`), but not that somebody else asks. The question under way is answered by something
        // that nobody hears of, and the next one is refused.
        let sim = self.sim();
        let description = "Conflict: terminated by other getUpdates request".to_owned();
        sim.fault("getUpdates", Fault::Answer { status: 409, description });
        sim.raw_update(self.small.bot, json!({"poll": {"id": "1", "question": "?", "options": []}}));
    }

    async fn fault(&self, fault: DeliveryFault) {
        let fault = match fault {
            DeliveryFault::CutBeforeEffect => Fault::CutBefore,
            DeliveryFault::CutAfterEffect => Fault::CutAfter,
            DeliveryFault::Busy => Fault::TooMany { retry_after: 1 },
        };
        self.sim().fault("sendMessage", fault);
    }

    async fn go_away(&self) {
        let sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner).take();
        let sim = sim.and_then(Arc::into_inner).expect("nobody else holds the network");
        sim.stop().await;
    }

    async fn revoke(&self) {
        self.sim().owner_revokes_token(self.small.bot);
    }

    async fn answer(&self, _flow: &str, step: &LoginStep, answers: Answers) -> Option<Vec<(String, String)>> {
        let LoginStep::Ask(fields) = step else { return Some(Vec::new()) };
        let token = match answers {
            Answers::Right => self.token.as_str(),
            Answers::Wrong => WRONG_TOKEN,
            Answers::Late => return None,
        };
        Some(fields.iter().map(|field| (field.name.to_owned(), token.to_owned())).collect())
    }
}

#[tokio::test]
async fn telegram_passes_the_platform_suite() {
    platform_suite::all(OnSimulator::start).await;
}
