//! The suite of all platforms.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    config::Secret,
    ids::{RemoteChatId, RemoteMessageId, RemoteUserId},
    platform::{LoginStep, SavedLogin},
    testkit::platform_suite::{self, Answers, DeliveryFault, Happening, Heard, Subject},
};
use magpie_tests::wechat_wecom::{
    AES_KEY, AGENT_ID, CORP_ID, Fault, KF_SECRET, SECRET, Sent, SmallWorld, TOKEN, To, WeComSim, World,
};
use magpie_wechat::{WeChat, WeChatConfig};

use super::{Door, config, login, platform, user};

const WRONG_SECRET: &str = "a-secret-of-nobody";

struct OnSimulator {
    /// Gone after `go_away`.
    sim: Mutex<Option<Arc<WeComSim>>>,
    small: SmallWorld,
    config: WeChatConfig,
    door: Door,
    /// Bob's id, which changes.
    bob: Mutex<String>,
}

impl OnSimulator {
    async fn start() -> Self {
        let (world, small) = World::small(Clock::system());
        let sim = WeComSim::start(world).await.expect("a loopback port is free");
        let (config, door) = (config(&sim), Door::open().await);
        let bob = Mutex::new(small.bob.clone());
        let subject = Self { sim: Mutex::new(Some(Arc::new(sim))), small, config, door, bob };
        drop(subject.platform());
        subject.sim().subscribe(&subject.door.callback()).await.expect("the check is answered");
        subject
    }

    fn sim(&self) -> Arc<WeComSim> {
        let sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner);
        sim.clone().expect("the network has not gone away")
    }

    fn wrong(&self) -> WeChatConfig {
        WeChatConfig { wecom_secret: Some(Secret::new(WRONG_SECRET)), ..self.config.clone() }
    }

    /// Bob gets another id.
    fn bob_moves(&self) {
        let mut bob = self.bob.lock().unwrap_or_else(PoisonError::into_inner);
        let next = format!("{bob}-2");
        self.sim().member_changes(&bob, &next, "Bob");
        *bob = next;
    }
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
        login(&platform(self.config.clone(), &Clock::system()))
    }

    fn refused_login(&self) -> SavedLogin {
        login(&platform(self.wrong(), &Clock::system()))
    }

    fn chat(&self) -> RemoteChatId {
        RemoteChatId::new(format!("wecom/{CORP_ID}/agent:{AGENT_ID}:{}", self.small.alice))
    }

    fn no_chat(&self) -> RemoteChatId {
        RemoteChatId::new(format!("wecom/{CORP_ID}/agent:7:{}", self.small.alice))
    }

    fn person(&self) -> RemoteUserId {
        user(&self.small.alice)
    }

    fn no_person(&self) -> Option<RemoteUserId> {
        Some(user("nobody-there"))
    }

    fn spellings(&self) -> Vec<String> {
        vec![self.small.alice.clone(), format!(" {} ", self.small.alice)]
    }

    async fn person_says(&self, text: &str) -> RemoteMessageId {
        RemoteMessageId::new(self.sim().member_says(&self.small.alice, text))
    }

    async fn happens(&self, what: Happening, _target: &RemoteMessageId) -> bool {
        let sim = self.sim();
        match what {
            Happening::Message => drop(sim.member_says(&self.small.bob, "something")),
            Happening::Unknown => drop(sim.member_posts(&self.small.alice, "hologram", &[])),
            Happening::UserChanged => sim.member_changes(&self.small.bob, &self.small.bob, "Robert"),
            Happening::Migrated | Happening::SameUser => self.bob_moves(),
            // Customers take messages back, and messages to them fail (`service`); of the rest an app hears nothing.
            Happening::Redact
            | Happening::Failed
            | Happening::Edit
            | Happening::React
            | Happening::Unreact
            | Happening::Vote
            | Happening::Receipt
            | Happening::Arrived
            | Happening::Poll
            | Happening::Pin
            | Happening::ChatChanged
            | Happening::MembersChanged
            | Happening::Preview
            | Happening::Gap
            | Happening::Standing
            | Happening::Typing
            | Happening::StateChanged => return false,
        }
        true
    }

    async fn heard(&self) -> Vec<Heard> {
        let sent = self.sim().sent_to(&To::Member(self.small.alice.clone())).into_iter();
        let heard = |sent: Sent| Heard {
            id: RemoteMessageId::new(format!("sent/{}", sent.id)),
            text: sent.words().to_owned(),
            author: None,
        };
        sent.filter(|sent| sent.kind == "text").map(heard).collect()
    }

    async fn cut(&self) {
        unreachable!("nothing connects the bridge and WeCom between calls, so the check that cuts is not run")
    }

    async fn fault(&self, fault: DeliveryFault) {
        let fault = match fault {
            DeliveryFault::CutBeforeEffect => Fault::CutBefore,
            DeliveryFault::CutAfterEffect => Fault::CutAfter,
            DeliveryFault::Busy => Fault::Refuse(45_009),
        };
        self.sim().fault("POST /cgi-bin/message/send", fault);
    }

    fn goes(&self, flow: &str) -> bool {
        flow == "wecom"
    }

    async fn go_away(&self) {
        let sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner).take();
        let sim = sim.and_then(Arc::into_inner).expect("nobody else holds the network");
        sim.stop().await;
    }

    async fn revoke(&self) {
        self.sim().resets_secrets();
    }

    async fn answer(&self, flow: &str, step: &LoginStep, answers: Answers) -> Option<Vec<(String, String)>> {
        // Other ways into WeChat have tests of their own.
        (flow == "wecom").then_some(())?;
        let LoginStep::Ask(fields) = step else { return Some(Vec::new()) };
        let secret = match answers {
            Answers::Right => SECRET,
            Answers::Wrong => WRONG_SECRET,
            Answers::Late => return None,
        };
        let answer = |name: &str| match name {
            "corp_id" => CORP_ID.to_owned(),
            "agent_id" => AGENT_ID.to_string(),
            "secret" => secret.to_owned(),
            "token" => TOKEN.to_owned(),
            "aes_key" => AES_KEY.to_owned(),
            _ => KF_SECRET.to_owned(),
        };
        Some(fields.iter().map(|field| (field.name.to_owned(), answer(field.name))).collect())
    }
}

/// All of the suite but what a network of callbacks cannot promise: there is no connection to be cut, and what WeCom brings again it gives up
/// after three more times. That nothing of it is lost is shown in `callbacks` and `service`.
#[tokio::test]
async fn wecom_passes_the_platform_suite() {
    let subject = OnSimulator::start;
    platform_suite::connecting_yields_a_session(&subject().await).await;
    platform_suite::a_wrong_credential_is_named(&subject().await).await;
    platform_suite::an_absent_network_is_worth_trying_again(&subject().await).await;
    platform_suite::a_revoked_credential_ends_the_session(&subject().await).await;
    platform_suite::doctor_names_fault_and_remedy(&subject().await).await;
    platform_suite::a_hundred_messages_arrive_once_in_order(&subject().await).await;
    platform_suite::a_message_is_delivered_once_and_its_id_names_it(&subject().await).await;
    platform_suite::own_deliveries_do_not_come_back(&subject().await).await;
    for fault in [DeliveryFault::CutBeforeEffect, DeliveryFault::CutAfterEffect, DeliveryFault::Busy] {
        platform_suite::a_delivery_in_doubt_happens_at_most_once(&subject().await, fault).await;
    }
    platform_suite::a_too_long_text_is_not_lost(&subject().await).await;
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
