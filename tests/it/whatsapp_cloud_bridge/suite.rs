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
use magpie_tests::whatsapp_cloud::{
    Fault, PayloadAge, Post, Secrets, Side, SmallWorld, WhatsAppCloudSim, World,
};
use magpie_whatsapp::{
    WhatsApp, WhatsAppConfig,
    format::{Nobody, read},
};
use serde_json::json;

use super::{Door, config, platform};

const WRONG_TOKEN: &str = "EAAJBwrongZCnotAsecret0000000000";

struct OnSimulator {
    /// Gone after `go_away`.
    sim: Mutex<Option<Arc<WhatsAppCloudSim>>>,
    small: SmallWorld,
    config: WhatsAppConfig,
    secrets: Secrets,
    door: Door,
}

impl OnSimulator {
    async fn start() -> Self {
        let (world, small) = World::small(Clock::system());
        let sim = WhatsAppCloudSim::start(world).await.expect("a loopback port is free");
        sim.writes_in_age(PayloadAge::PhoneNumbers);
        // Alice has written before, to nobody's knowledge, so the business may answer.
        sim.person_says(small.with_alice(), "before the bridge was there");
        let config = config(&sim, &small);
        let secrets = sim.secrets();
        let door = Door::open().await;
        let subject = Self { sim: Mutex::new(Some(Arc::new(sim))), small, config, secrets, door };
        drop(subject.platform());
        subject.sim().subscribe(&subject.door.url).await.expect("the handshake is answered");
        subject
    }

    fn sim(&self) -> Arc<WhatsAppCloudSim> {
        let sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner);
        sim.clone().expect("the network has not gone away")
    }

    fn wrong(&self) -> WhatsAppConfig {
        WhatsAppConfig { cloud_access_token: Some(Secret::new(WRONG_TOKEN)), ..self.config.clone() }
    }
}

#[async_trait]
impl Subject for OnSimulator {
    type Platform = WhatsApp;

    fn platform(&self) -> WhatsApp {
        let platform = platform(self.config.clone(), &Clock::system());
        self.door.lead_to(&platform);
        platform
    }

    fn misconfigured_platform(&self) -> WhatsApp {
        platform(self.wrong(), &Clock::system())
    }

    fn login(&self) -> SavedLogin {
        let platform = platform(self.config.clone(), &Clock::system());
        platform.configured_logins().pop().expect("the configuration names a number")
    }

    fn refused_login(&self) -> SavedLogin {
        let platform = platform(self.wrong(), &Clock::system());
        platform.configured_logins().pop().expect("the configuration names a number")
    }

    fn chat(&self) -> RemoteChatId {
        RemoteChatId::new(format!("{}/{}", self.small.number, self.person()))
    }

    fn no_chat(&self) -> RemoteChatId {
        RemoteChatId::new(format!("999/{}", self.person()))
    }

    fn person(&self) -> RemoteUserId {
        RemoteUserId::new("16505551234")
    }

    // Whether somebody is on WhatsApp is not told.
    fn no_person(&self) -> Option<RemoteUserId> {
        None
    }

    fn spellings(&self) -> Vec<String> {
        ["+1 650 555 1234", "+1 (650) 555-1234", "https://wa.me/16505551234"].map(str::to_owned).to_vec()
    }

    async fn person_says(&self, text: &str) -> RemoteMessageId {
        RemoteMessageId::new(self.sim().person_says(self.small.with_alice(), text))
    }

    async fn happens(&self, what: Happening, target: &RemoteMessageId) -> bool {
        let (sim, chat, target) = (self.sim(), self.small.with_alice(), target.as_str());
        match what {
            Happening::Message => drop(sim.person_says(self.small.with_bob(), "something")),
            Happening::Edit => drop(sim.person_edits(chat, target, "something else")),
            Happening::React => drop(sim.person_reacts(chat, target, "👍")),
            Happening::Unreact => drop(sim.person_unreacts(chat, target)),
            Happening::Migrated => sim.person_changes_number(self.small.bob, "16505550000"),
            Happening::Redact => drop(sim.person_deletes(chat, target)),
            Happening::Unknown => drop(sim.person_posts(chat, Post::new("hologram", json!({"id": "1"})))),
            // Votes, receipts and failures belong to messages of ours (`sending`, `doubt`); of the rest a business hears nothing.
            Happening::Vote
            | Happening::Receipt
            | Happening::Arrived
            | Happening::Failed
            | Happening::SameUser
            | Happening::Poll
            | Happening::Pin
            | Happening::ChatChanged
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
        let ours = self.sim().messages(self.small.with_alice()).into_iter();
        let ours = ours.filter(|message| message.side == Side::Business && message.kind == "text");
        let words = |body: &str| read(body, &Nobody).to_plain();
        ours.map(|message| Heard {
            id: RemoteMessageId::new(message.id.as_str()),
            text: words(message.content["body"].as_str().unwrap_or_default()),
            author: None,
        })
        .collect()
    }

    async fn cut(&self) {
        unreachable!(
            "nothing connects the bridge and WhatsApp between calls, so the check that cuts is not run"
        )
    }

    async fn fault(&self, fault: DeliveryFault) {
        let fault = match fault {
            DeliveryFault::CutBeforeEffect => Fault::CutBefore,
            DeliveryFault::CutAfterEffect => Fault::CutAfter,
            DeliveryFault::Busy => Fault::Refuse(130_429),
        };
        self.sim().fault("POST /*/messages", fault);
    }

    async fn go_away(&self) {
        let sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner).take();
        let sim = sim.and_then(Arc::into_inner).expect("nobody else holds the network");
        sim.stop().await;
    }

    async fn revoke(&self) {
        self.sim().revoke_token();
    }

    async fn answer(&self, _flow: &str, step: &LoginStep, answers: Answers) -> Option<Vec<(String, String)>> {
        let LoginStep::Ask(fields) = step else { return Some(Vec::new()) };
        let token = match answers {
            Answers::Right => self.secrets.token.as_str(),
            Answers::Wrong => WRONG_TOKEN,
            Answers::Late => return None,
        };
        let number = self.small.number.to_string();
        let answer = |name: &str| match name {
            "phone_number_id" => number.clone(),
            "access_token" => token.to_owned(),
            "app_secret" => self.secrets.app_secret.clone(),
            _ => self.secrets.verify_token.clone(),
        };
        Some(fields.iter().map(|field| (field.name.to_owned(), answer(field.name))).collect())
    }
}

/// All of the suite but what a network of webhooks cannot promise: there is no connection to be cut, and what WhatsApp brings again comes in
/// an order of its own. That nothing of it is lost is shown in `webhook`.
#[tokio::test]
async fn whatsapp_cloud_passes_the_platform_suite() {
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
