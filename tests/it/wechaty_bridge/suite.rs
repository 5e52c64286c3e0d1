//! The suite of all platforms, at the real gateway.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    config::Secret,
    ids::{RemoteChatId, RemoteMessageId, RemoteUserId},
    platform::{EventSink, LoginStep, Platform, SavedLogin},
    testkit::platform_suite::{self, Answers, DeliveryFault, Happening, Heard, Recorder, Subject},
};
use magpie_tests::{
    harness::tools::{Component, need},
    wechaty::{
        Client, Fault, FaultKind, Gateway, Habits, JUDGE,
        content::{text, unknown},
        staged::{CODE, WAY, remote},
    },
};
use magpie_wechat::{WeChat, WeChatConfig};

use super::{BIRDS, HAN, LI, ME, people};

const WRONG_TOKEN: &str = "insecure_wrong-not-a-secret";

struct AtGateway {
    gateway: Gateway,
    login: SavedLogin,
    codes: AtomicUsize,
}

impl AtGateway {
    /// With the account signed in.
    async fn start() -> Self {
        let gateway = Gateway::start().await.expect("the gateway starts");
        people(&gateway).await.expect("the gateway answers");
        // What was said while nobody listened is told again by some puppets, and only then can nothing be lost.
        gateway.has(Habits { again: true, ..Habits::default() }).await.expect("the gateway answers");
        gateway.login(ME).await.expect("the gateway answers");
        let process = platform(config(&gateway)).begin_login(WAY).await;
        let step = process.expect("there is such a flow").step(Vec::new()).await.expect("a gateway answers");
        let login = match step {
            LoginStep::Done(login) => login,
            other => panic!("the account is signed in already: {other:?}"),
        };
        // That line is given up; there is one for a gateway.
        gateway.heard_by_nobody().await.expect("the sign-in hangs up");
        Self { gateway, login, codes: AtomicUsize::new(0) }
    }

    /// With nobody signed in, and a code that waits for a phone.
    async fn signed_out() -> Self {
        let subject = Self::start().await;
        subject.revoke().await;
        subject
    }

    fn config(&self, token: &str) -> WeChatConfig {
        WeChatConfig { wechaty_token: Some(Secret::new(token)), ..config(&self.gateway) }
    }
}

fn config(gateway: &Gateway) -> WeChatConfig {
    WeChatConfig {
        wechaty_endpoint: Some(gateway.address()),
        wechaty_token: Some(Secret::new(gateway.token())),
        wechaty_pause_max_ms: 0,
        ..WeChatConfig::default()
    }
}

fn platform(config: WeChatConfig) -> WeChat {
    WeChat::new(config, Clock::system()).expect("the settings are good")
}

#[async_trait]
impl Subject for AtGateway {
    type Platform = WeChat;

    fn platform(&self) -> WeChat {
        platform(config(&self.gateway))
    }

    fn misconfigured_platform(&self) -> WeChat {
        platform(self.config(WRONG_TOKEN))
    }

    fn login(&self) -> SavedLogin {
        self.login.clone()
    }

    fn refused_login(&self) -> SavedLogin {
        let secret = self.login.secret.expose().replace(self.gateway.token(), WRONG_TOKEN);
        SavedLogin { secret: Secret::new(secret), ..self.login.clone() }
    }

    fn chat(&self) -> RemoteChatId {
        RemoteChatId::new(remote(ME, BIRDS))
    }

    fn no_chat(&self) -> RemoteChatId {
        RemoteChatId::new(remote(ME, "404@chatroom"))
    }

    fn person(&self) -> RemoteUserId {
        RemoteUserId::new(remote(ME, LI))
    }

    fn no_person(&self) -> Option<RemoteUserId> {
        Some(RemoteUserId::new(remote(ME, "wxid_404")))
    }

    fn spellings(&self) -> Vec<String> {
        // Their id, and the WeChat ID that phones show.
        [LI, "wxid_li_h"].map(str::to_owned).to_vec()
    }

    async fn person_says(&self, words: &str) -> RemoteMessageId {
        let id = self.gateway.says(LI, BIRDS, text(words)).await.expect("the gateway answers");
        RemoteMessageId::new(id)
    }

    async fn happens(&self, what: Happening, target: &RemoteMessageId) -> bool {
        let gateway = &self.gateway;
        let done = match what {
            Happening::Message => gateway.says(HAN, BIRDS, text("something")).await.map(drop),
            Happening::Redact => gateway.recalls(LI, BIRDS, target.as_str()).await,
            Happening::ChatChanged => gateway.names_room(BIRDS, "Rare birds", LI).await,
            Happening::MembersChanged => gateway.leaves(BIRDS, &[HAN], LI).await,
            Happening::Unknown => gateway.says(LI, BIRDS, unknown("a hologram")).await.map(drop),
            // What is not told by gateways; gaps and ends of sessions are shown in `trouble`, news of people in `talking`.
            Happening::Edit
            | Happening::Preview
            | Happening::React
            | Happening::Unreact
            | Happening::Typing
            | Happening::Receipt
            | Happening::Poll
            | Happening::Vote
            | Happening::Pin
            | Happening::UserChanged
            | Happening::StateChanged
            | Happening::Migrated
            | Happening::SameUser
            | Happening::Gap
            | Happening::Standing
            | Happening::Arrived
            | Happening::Failed => return false,
        };
        done.expect("the gateway answers");
        true
    }

    async fn heard(&self) -> Vec<Heard> {
        let ours = self.gateway.texts(BIRDS).into_iter();
        ours.map(|(id, text)| Heard { id: RemoteMessageId::new(id), text, author: None }).collect()
    }

    async fn cut(&self) {
        self.gateway.cut().await.expect("the gateway answers");
    }

    async fn fault(&self, fault: DeliveryFault) {
        let kind = match fault {
            DeliveryFault::CutBeforeEffect => FaultKind::CutBefore,
            DeliveryFault::CutAfterEffect => FaultKind::CutAfter,
            DeliveryFault::Busy => unreachable!("no gateway says so, and that check is not run"),
        };
        self.gateway.fault(Fault::of_send(kind)).await.expect("the gateway answers");
    }

    fn goes(&self, flow: &str) -> bool {
        flow == "wechaty"
    }

    async fn go_away(&self) {
        self.gateway.kill().await.expect("it can be killed");
    }

    async fn revoke(&self) {
        self.gateway.logout().await.expect("the gateway answers");
        self.gateway.shows_code(CODE).await.expect("the gateway answers");
    }

    async fn answer(&self, flow: &str, step: &LoginStep, answers: Answers) -> Option<Vec<(String, String)>> {
        if flow != WAY {
            return None;
        }
        match (step, answers) {
            (LoginStep::Show { .. }, Answers::Right) => {
                self.gateway.login(ME).await.expect("the gateway answers");
                Some(Vec::new())
            }
            (LoginStep::Show { .. }, Answers::Late) => {
                let nth = self.codes.fetch_add(1, Ordering::Relaxed);
                self.gateway.shows_code(&format!("{CODE}-{nth}")).await.expect("the gateway answers");
                Some(Vec::new())
            }
            // Whoever refuses on the phone gets another code; and the settings have answered what is asked.
            (LoginStep::Show { .. }, Answers::Wrong) | (LoginStep::Ask(_) | LoginStep::Done(_), _) => None,
        }
    }
}

// All of the suite but what no gateway can promise: nobody is asked to try again later, and what is said in the moment in which a session
// closes is told to nobody. In three tests, as each of its parts starts a gateway.

#[tokio::test(flavor = "multi_thread")]
async fn real_wechaty_passes_the_platform_suite_of_connecting() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let subject = AtGateway::start;
    platform_suite::connecting_yields_a_session(&subject().await).await;
    platform_suite::a_wrong_credential_is_named(&subject().await).await;
    platform_suite::an_absent_network_is_worth_trying_again(&subject().await).await;
    platform_suite::a_revoked_credential_ends_the_session(&subject().await).await;
    platform_suite::a_cut_connection_ends_the_session_and_loses_nothing(&subject().await).await;
    platform_suite::doctor_names_fault_and_remedy(&subject().await).await;

    platform_suite::configuration_or_flow_leads_in(&subject().await).await;
    platform_suite::a_login_flow_leads_to_a_session(&AtGateway::signed_out().await).await;
    platform_suite::a_code_is_renewed_or_over_when_its_time_is(&AtGateway::signed_out().await).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn real_wechaty_passes_the_platform_suite_of_hearing_and_finding() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let subject = AtGateway::start;
    platform_suite::a_hundred_messages_arrive_once_in_order(&subject().await).await;
    platform_suite::what_was_not_stored_is_pushed_again(&subject().await).await;
    platform_suite::everything_that_happens_is_pushed(&subject().await).await;

    platform_suite::people_are_found_and_chats_with_them_open_once(&subject().await).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn real_wechaty_passes_the_platform_suite_of_delivering() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let subject = AtGateway::start;
    platform_suite::a_message_is_delivered_once_and_its_id_names_it(&subject().await).await;
    platform_suite::own_deliveries_do_not_come_back(&subject().await).await;
    for fault in [DeliveryFault::CutBeforeEffect, DeliveryFault::CutAfterEffect] {
        platform_suite::a_delivery_in_doubt_happens_at_most_once(&subject().await, fault).await;
    }
    platform_suite::a_too_long_text_is_not_lost(&subject().await).await;
    platform_suite::a_relay_names_its_author(&subject().await).await;
    platform_suite::limits_and_deliver_agree_on_every_action(&subject().await).await;
    platform_suite::files_agree_with_limits(&subject().await).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_line_that_is_being_hung_up_is_waited_for() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let subject = AtGateway::start().await;
    let client = Client::connect(&subject.gateway).await?;
    // By the sign-in, and by the client.
    for _ in 0..2 {
        subject.gateway.heard_by_somebody().await?;
    }
    let sink = EventSink::new(subject.login.id.clone(), Arc::new(Recorder::default()));
    let (platform, login) = (subject.platform(), subject.login());
    let (connected, stopped) = tokio::join!(platform.connect(&login, sink), client.stop());
    stopped?;
    connected?.close().await;
    Ok(())
}
