//! The suite of all platforms.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    config::Secret,
    ids::{RemoteChatId, RemoteMessageId, RemoteUserId},
    platform::{LoginStep, Platform, SavedLogin},
    testkit::platform_suite::{self, Answers, DeliveryFault, Happening, Heard, Subject},
};
use magpie_discord::{Discord, DiscordConfig};
use magpie_tests::discord::{DiscordSim, Fault, RateLimitScope, SmallWorld, World, trouble::Resumable};
use serde_json::json;

use super::login;

const WRONG_TOKEN: &str = "MTAw.a-wrong.token";

struct OnSimulator {
    /// Gone after `go_away`.
    sim: Mutex<Option<Arc<DiscordSim>>>,
    /// As long as somebody holds it, the address is known.
    addresses: Addresses,
    small: SmallWorld,
    token: String,
}

struct Addresses {
    origin: String,
    cdn_url: String,
}

impl OnSimulator {
    async fn start() -> Self {
        let (world, small) = World::small();
        let sim = DiscordSim::start(world).await.expect("a loopback port is free");
        let addresses = Addresses { origin: sim.origin(), cdn_url: sim.cdn_url() };
        let token = sim.token();
        Self { sim: Mutex::new(Some(Arc::new(sim))), addresses, small, token }
    }

    fn sim(&self) -> Arc<DiscordSim> {
        let sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner);
        sim.clone().expect("the network has not gone away")
    }

    fn with_token(&self, token: &str) -> Discord {
        let config = DiscordConfig {
            token: Some(Secret::new(token)),
            api_url: self.addresses.origin.clone(),
            cdn_url: self.addresses.cdn_url.clone(),
            gateway_hosts: vec!["127.0.0.1".to_owned()],
            ..DiscordConfig::default()
        };
        Discord::new(config, Clock::system()).expect("the settings are good")
    }
}

#[async_trait]
impl Subject for OnSimulator {
    type Platform = Discord;

    fn platform(&self) -> Discord {
        self.with_token(&self.token)
    }

    fn misconfigured_platform(&self) -> Discord {
        self.with_token(WRONG_TOKEN)
    }

    fn login(&self) -> SavedLogin {
        login(&self.token)
    }

    fn refused_login(&self) -> SavedLogin {
        login(WRONG_TOKEN)
    }

    fn chat(&self) -> RemoteChatId {
        RemoteChatId::new(self.small.general.to_string())
    }

    fn no_chat(&self) -> RemoteChatId {
        RemoteChatId::new("1234")
    }

    fn person(&self) -> RemoteUserId {
        RemoteUserId::new(self.small.alice.to_string())
    }

    fn no_person(&self) -> Option<RemoteUserId> {
        Some(RemoteUserId::new("1234"))
    }

    fn spellings(&self) -> Vec<String> {
        let alice = self.small.alice;
        vec![format!("<@{alice}>"), format!("<@!{alice}>"), "alice".to_owned(), "@Alice".to_owned()]
    }

    async fn person_says(&self, text: &str) -> RemoteMessageId {
        let id = self.sim().person_sends(self.small.general, self.small.alice, text);
        RemoteMessageId::new(id.to_string())
    }

    async fn happens(&self, what: Happening, target: &RemoteMessageId) -> bool {
        let (sim, SmallWorld { general, alice, bob, .. }) = (self.sim(), self.small);
        let place = (general, target.as_str().parse().expect("it is one of the simulator's ids"));
        match what {
            Happening::Message => drop(sim.person_sends(general, bob, "something")),
            Happening::Edit => drop(sim.person_edits(place.0, place.1, "something else")),
            Happening::Preview => {
                sim.preview_arrives(place, vec![json!({"type": "rich", "title": "a page"})])
            }
            Happening::React => sim.person_reacts(place, bob, "👍"),
            Happening::Unreact => drop(sim.person_unreacts(place, bob, "👍")),
            Happening::Redact => drop(sim.person_deletes(place.0, place.1)),
            Happening::Typing => sim.person_types(general, alice),
            Happening::ChatChanged => {
                sim.admin_edits_channel(general, |it| it.topic = Some("new".to_owned()));
            }
            Happening::Unknown => drop(sim.person_sends(general, bob, "")),
            // What a new connection finds; `receiving` and `hearing` have it.
            Happening::Gap
            | Happening::Standing
            | Happening::Arrived
            | Happening::Failed
            | Happening::Receipt
            | Happening::Poll
            | Happening::Vote
            | Happening::Pin
            | Happening::MembersChanged
            | Happening::UserChanged
            | Happening::StateChanged
            | Happening::Migrated
            | Happening::SameUser => return false,
        }
        true
    }

    async fn heard(&self) -> Vec<Heard> {
        let sim = self.sim();
        let alice = magpie_tests::discord::Author::User(self.small.alice);
        let ours = sim.messages(self.small.general).into_iter().filter(|message| message.author != alice);
        let name = |author| match author {
            magpie_tests::discord::Author::Webhook { name, .. } => Some(name),
            magpie_tests::discord::Author::User(_) => None,
        };
        ours.map(|it| Heard {
            id: RemoteMessageId::new(it.id.to_string()),
            text: it.content,
            author: name(it.author),
        })
        .collect()
    }

    async fn cut(&self) {
        // A connection that can be resumed is no end of the session, so it must not be.
        let sim = self.sim();
        sim.gateway_invalidate(Resumable::No);
        sim.gateway_cut();
    }

    async fn fault(&self, fault: DeliveryFault) {
        let fault = match fault {
            DeliveryFault::CutBeforeEffect => Fault::CutBefore,
            DeliveryFault::CutAfterEffect => Fault::CutAfter,
            DeliveryFault::Busy => Fault::RateLimited { scope: RateLimitScope::User, retry_after_ms: 50 },
        };
        self.sim().fault("POST /channels/*/messages", fault);
    }

    async fn go_away(&self) {
        let sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner).take();
        let sim = sim.and_then(Arc::into_inner).expect("nobody else holds the network");
        sim.stop().await;
    }

    async fn revoke(&self) {
        self.sim().owner_resets_token();
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
async fn discord_passes_the_platform_suite() {
    platform_suite::all(OnSimulator::start).await;
}
