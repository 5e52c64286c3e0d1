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
use magpie_tests::wechat_official::{
    AES_KEY, APP_ID, APP_SECRET, Fault, OfficialSim, SmallWorld, TOKEN, World, staged::callback_address,
};
use magpie_wechat::{WeChat, WeChatConfig};

use super::{Door, SEND, chat, config, key, platform, user};

/// Which delivery of a check the nth message on WeChat is of, and which part: WeChat gives messages of ours no ids, so the bridge names them by
/// the keys of their deliveries.
type Naming = fn(usize) -> (usize, usize);

struct OnSimulator {
    /// Gone after `go_away`.
    sim: Mutex<Option<Arc<OfficialSim>>>,
    small: SmallWorld,
    config: WeChatConfig,
    door: Door,
    naming: Naming,
}

impl OnSimulator {
    async fn start() -> Self {
        Self::naming(|nth| (nth, 0)).await
    }

    async fn naming(naming: Naming) -> Self {
        let (world, small) = World::small(Clock::system());
        let sim = OfficialSim::start(world).await.expect("a loopback port is free");
        sim.brings_again_after_ms(50, usize::MAX);
        // Alice has paid for something, to nobody's knowledge, so that the account may write as much as it wants.
        sim.person_pays(&small.alice);
        let config = config(&sim);
        let door = Door::open().await;
        let subject = Self { sim: Mutex::new(Some(Arc::new(sim))), small, config, door, naming };
        drop(subject.platform());
        let address = callback_address(&subject.door.url, APP_ID);
        subject.sim().subscribe(APP_ID, &address).await.expect("the check is answered");
        subject
    }

    fn sim(&self) -> Arc<OfficialSim> {
        let sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner);
        sim.clone().expect("the network has not gone away")
    }

    fn wrong(&self) -> WeChatConfig {
        WeChatConfig { official_app_secret: Some(Secret::new("not-the-secret")), ..self.config.clone() }
    }
}

fn login(config: WeChatConfig) -> SavedLogin {
    let login = platform(config, &Clock::system()).configured_logins().pop();
    login.expect("the configuration names an account")
}

#[async_trait]
impl Subject for OnSimulator {
    type Platform = WeChat;

    fn platform(&self) -> WeChat {
        let platform = platform(self.config.clone(), &Clock::system());
        self.door.lead_to(&platform);
        platform
    }

    fn misconfigured_platform(&self) -> WeChat {
        platform(self.wrong(), &Clock::system())
    }

    fn login(&self) -> SavedLogin {
        login(self.config.clone())
    }

    fn refused_login(&self) -> SavedLogin {
        login(self.wrong())
    }

    fn chat(&self) -> RemoteChatId {
        chat(&self.small.alice)
    }

    fn no_chat(&self) -> RemoteChatId {
        RemoteChatId::new("official/wx0000000000000000/oAlice-5x12ab")
    }

    fn person(&self) -> RemoteUserId {
        user(&self.small.alice)
    }

    fn no_person(&self) -> Option<RemoteUserId> {
        Some(RemoteUserId::new(format!("official/{APP_ID}/oNobody")))
    }

    async fn person_says(&self, text: &str) -> RemoteMessageId {
        RemoteMessageId::new(self.sim().person_says(&self.small.alice, text))
    }

    async fn happens(&self, what: Happening, _target: &RemoteMessageId) -> bool {
        let (sim, alice) = (self.sim(), &self.small.alice);
        match what {
            Happening::Message => drop(sim.person_says(&self.small.bob, "something")),
            // Bob has written before, so what may be written to him changes.
            Happening::ChatChanged => sim.person_leaves(&self.small.bob),
            Happening::Unknown => drop(sim.person_posts(alice, "hologram", &[("Id", "1")])),
            // Of anything else an account hears nothing.
            Happening::Edit
            | Happening::Redact
            | Happening::React
            | Happening::Unreact
            | Happening::Migrated
            | Happening::Vote
            | Happening::Receipt
            | Happening::Arrived
            | Happening::Failed
            | Happening::SameUser
            | Happening::Poll
            | Happening::Pin
            | Happening::MembersChanged
            | Happening::Preview
            | Happening::Gap
            | Happening::Standing
            | Happening::Typing
            | Happening::UserChanged
            | Happening::StateChanged => return false,
        }
        true
    }

    async fn heard(&self) -> Vec<Heard> {
        let sent = self.sim().sent_to(&self.small.alice).into_iter().enumerate();
        let named = sent.map(|(nth, sent)| {
            let (of, part) = (self.naming)(nth);
            let id = RemoteMessageId::new(format!("ours/{}/{part}", key(of).key));
            Heard { id, text: sent.words().to_owned(), author: None }
        });
        named.collect()
    }

    async fn cut(&self) {
        unreachable!(
            "nothing connects the bridge and WeChat between calls, so the check that cuts is not run"
        )
    }

    async fn fault(&self, fault: DeliveryFault) {
        let fault = match fault {
            DeliveryFault::CutBeforeEffect => Fault::CutBefore,
            DeliveryFault::CutAfterEffect => Fault::CutAfter,
            DeliveryFault::Busy => Fault::Refuse(-1),
        };
        self.sim().fault(SEND, fault);
    }

    fn goes(&self, flow: &str) -> bool {
        flow == "official"
    }

    async fn go_away(&self) {
        let sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner).take();
        let sim = sim.and_then(Arc::into_inner).expect("nobody else holds the network");
        sim.stop().await;
    }

    async fn revoke(&self) {
        self.sim().resets_secret(APP_ID);
    }

    async fn answer(&self, _flow: &str, step: &LoginStep, answers: Answers) -> Option<Vec<(String, String)>> {
        let LoginStep::Ask(fields) = step else { return Some(Vec::new()) };
        let secret = match answers {
            Answers::Right => APP_SECRET,
            Answers::Wrong => "not-the-secret",
            Answers::Late => return None,
        };
        let answer = |name: &str| match name {
            "app_id" => APP_ID,
            "app_secret" => secret,
            "token" => TOKEN,
            _ => AES_KEY,
        };
        Some(fields.iter().map(|field| (field.name.to_owned(), answer(field.name).to_owned())).collect())
    }
}

/// All of the suite but what a network of callbacks cannot promise: there is no connection to be cut, and what WeChat brings again comes in an
/// order of its own. That nothing of it is lost is shown in `hearing`.
#[tokio::test]
async fn wechat_official_passes_the_platform_suite() {
    let subject = OnSimulator::start;
    platform_suite::connecting_yields_a_session(&subject().await).await;
    platform_suite::a_wrong_credential_is_named(&subject().await).await;
    platform_suite::an_absent_network_is_worth_trying_again(&subject().await).await;
    platform_suite::a_revoked_credential_ends_the_session(&subject().await).await;
    platform_suite::doctor_names_fault_and_remedy(&subject().await).await;
    platform_suite::a_hundred_messages_arrive_once_in_order(&subject().await).await;
    let after_the_first = OnSimulator::naming(|nth| (nth + 1, 0)).await;
    platform_suite::a_message_is_delivered_once_and_its_id_names_it(&after_the_first).await;
    platform_suite::own_deliveries_do_not_come_back(&subject().await).await;
    for fault in [DeliveryFault::CutBeforeEffect, DeliveryFault::CutAfterEffect, DeliveryFault::Busy] {
        platform_suite::a_delivery_in_doubt_happens_at_most_once(&subject().await, fault).await;
    }
    platform_suite::a_too_long_text_is_not_lost(&OnSimulator::naming(|nth| (1, nth)).await).await;
    platform_suite::a_relay_names_its_author(&subject().await).await;
    platform_suite::limits_and_deliver_agree_on_every_action(&subject().await).await;
    platform_suite::everything_that_happens_is_pushed(&subject().await).await;
    platform_suite::files_agree_with_limits(&subject().await).await;
    platform_suite::people_are_found_and_chats_with_them_open_once(&subject().await).await;
    platform_suite::configuration_or_flow_leads_in(&subject().await).await;
    platform_suite::a_login_flow_leads_to_a_session(&subject().await).await;
    platform_suite::a_refused_code_is_over(&subject().await).await;
    platform_suite::a_code_is_renewed_or_over_when_its_time_is(&subject().await).await;
}
