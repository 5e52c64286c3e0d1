//! The suite of all platforms.
//!
//! A bot may only say something once its person has written, and the suite knows nothing of that. So everybody here has left a note of a tool
//! before, which is shown nowhere, and no session is handed out before it has taken that.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    config::About,
    ids::{RemoteChatId, RemoteMessageId, RemoteUserId},
    platform::{
        ConnectError, EventSink, Finding, LoginFlow, LoginProcess, LoginStep, Platform, PlatformError,
        SavedLogin, Session, Webhook,
    },
    testkit::platform_suite::{self, Answers, DeliveryFault, Happening, Heard, Subject},
};
use magpie_tests::wechat_ilink::{BotId, Fault, ILinkSim, LoggedRequest, Post, SmallWorld, World};
use magpie_wechat::{WeChat, WeChatConfig};
use serde_json::{Value, json};

use super::{FLOW, chat, config, message_id, sign_in};

/// What nobody listens on.
const NOWHERE: &str = "http://127.0.0.1:9";

/// A message that is shown nowhere.
fn leave_note(sim: &ILinkSim, bot: BotId) {
    sim.person_posts(bot, Post::item(json!({"type": 11, "tool_call_item": {"name": "none"}})));
}

/// Gone once the network has gone away.
type MaySim = Arc<Mutex<Option<Arc<ILinkSim>>>>;

/// The bridge, whose sessions are handed out when they may speak.
struct Ready {
    bridge: WeChat,
    sim: MaySim,
}

#[async_trait]
impl Platform for Ready {
    const ABOUT: About = WeChat::ABOUT;

    type Config = WeChatConfig;

    fn new(config: WeChatConfig, clock: Clock) -> Result<Self, PlatformError> {
        Ok(Self { bridge: WeChat::new(config, clock)?, sim: MaySim::default() })
    }

    fn login_flows(&self) -> Vec<LoginFlow> {
        // The others have suites of their own.
        self.bridge.login_flows().into_iter().filter(|flow| flow.id == FLOW).collect()
    }

    async fn begin_login(&self, flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError> {
        self.bridge.begin_login(flow).await
    }

    fn configured_login(&self) -> Option<SavedLogin> {
        self.bridge.configured_login()
    }

    async fn connect(&self, login: &SavedLogin, sink: EventSink) -> Result<Arc<dyn Session>, ConnectError> {
        let sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let before = sim.as_ref().map_or(0, |sim| sim.requests().len());
        let session = self.bridge.connect(login, sink).await?;
        if let Some(sim) = sim {
            // The note is the answer to an empty cursor, and whoever asks for what comes after it has taken it.
            let asks = |it: &LoggedRequest| it.name == "getupdates" && it.body["get_updates_buf"] != "";
            sim.wait_for_request_from(before, asks).await.expect("the bridge listens");
        }
        Ok(session)
    }

    async fn diagnose(&self) -> Vec<Finding> {
        let findings = self.bridge.diagnose().await;
        findings.into_iter().filter(|finding| finding.check.contains("iLink")).collect()
    }

    fn webhook(&self) -> Option<Arc<dyn Webhook>> {
        self.bridge.webhook()
    }
}

struct OnSimulator {
    sim: MaySim,
    config: WeChatConfig,
    small: SmallWorld,
    bot: BotId,
    login: SavedLogin,
    refused: SavedLogin,
}

impl OnSimulator {
    async fn start() -> Self {
        let (world, small) = World::small();
        let sim = ILinkSim::start(world.with_quota(None)).await.expect("a loopback port is free");
        let config = config(&sim);
        let bridge = WeChat::new(config.clone(), Clock::system()).expect("the settings are good");
        let (bot, login) = sign_in(&bridge, &sim, small.alice).await;
        let (stale, refused) = sign_in(&bridge, &sim, small.bob).await;
        sim.token_goes_stale(stale);
        leave_note(&sim, bot);
        Self { sim: Arc::new(Mutex::new(Some(Arc::new(sim)))), config, small, bot, login, refused }
    }

    fn sim(&self) -> Arc<ILinkSim> {
        let sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner);
        sim.clone().expect("the network has not gone away")
    }

    fn with(&self, config: WeChatConfig) -> Ready {
        let bridge = WeChat::new(config, Clock::system()).expect("the settings are good");
        Ready { bridge, sim: Arc::clone(&self.sim) }
    }
}

#[async_trait]
impl Subject for OnSimulator {
    type Platform = Ready;

    fn platform(&self) -> Ready {
        self.with(self.config.clone())
    }

    fn misconfigured_platform(&self) -> Ready {
        self.with(WeChatConfig { ilink_api_url: NOWHERE.to_owned(), ..self.config.clone() })
    }

    fn login(&self) -> SavedLogin {
        self.login.clone()
    }

    fn refused_login(&self) -> SavedLogin {
        self.refused.clone()
    }

    fn chat(&self) -> RemoteChatId {
        chat(self.bot, self.small.alice)
    }

    fn no_chat(&self) -> RemoteChatId {
        chat(self.bot, self.small.bob)
    }

    fn person(&self) -> RemoteUserId {
        RemoteUserId::new(self.chat().as_str())
    }

    fn no_person(&self) -> Option<RemoteUserId> {
        Some(RemoteUserId::new(self.no_chat().as_str()))
    }

    async fn person_says(&self, text: &str) -> RemoteMessageId {
        message_id(self.sim().person_says(self.bot, text))
    }

    async fn happens(&self, what: Happening, target: &RemoteMessageId) -> bool {
        match what {
            Happening::Message => drop(self.sim().person_says(self.bot, "something")),
            Happening::Unknown => {
                self.sim().person_posts(self.bot, Post::item(json!({"type": 99, "hologram_item": {}})));
            }
            Happening::Redact => {
                let id = target.as_str().parse().expect("it is one of the simulator's ids");
                self.sim().person_recalls(self.bot, id);
            }
            // A bot is told what its person says and takes back, and nothing else.
            Happening::Edit
            | Happening::Preview
            | Happening::React
            | Happening::Unreact
            | Happening::Typing
            | Happening::Receipt
            | Happening::Poll
            | Happening::Vote
            | Happening::Pin
            | Happening::ChatChanged
            | Happening::MembersChanged
            | Happening::UserChanged
            | Happening::StateChanged
            | Happening::Migrated
            | Happening::SameUser
            | Happening::Gap
            | Happening::Standing
            | Happening::Arrived
            | Happening::Failed => return false,
        }
        true
    }

    async fn heard(&self) -> Vec<Heard> {
        let words = self.sim().sent(self.bot).into_iter().filter(|sent| !sent.text().is_empty());
        words
            .map(|sent| Heard { id: message_id(sent.id), text: sent.text().to_owned(), author: None })
            .collect()
    }

    async fn cut(&self) {
        self.sim().cuts_off(self.bot);
    }

    async fn fault(&self, fault: DeliveryFault) {
        let fault = match fault {
            DeliveryFault::CutBeforeEffect => Fault::CutBefore,
            DeliveryFault::CutAfterEffect => Fault::CutAfter,
            DeliveryFault::Busy => Fault::Answer { status: 429, body: Value::Null },
        };
        self.sim().fault("sendmessage", fault);
    }

    fn goes(&self, flow: &str) -> bool {
        flow == "ilink"
    }

    async fn go_away(&self) {
        let sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner).take();
        let sim = sim.and_then(Arc::into_inner).expect("nobody else holds the network");
        sim.stop().await;
    }

    async fn revoke(&self) {
        self.sim().token_goes_stale(self.bot);
    }

    async fn answer(&self, _flow: &str, step: &LoginStep, answers: Answers) -> Option<Vec<(String, String)>> {
        let LoginStep::Show { code, .. } = step else { return None };
        match answers {
            Answers::Right => {
                let sim = self.sim();
                leave_note(&sim, sim.person_confirms(code, self.small.alice));
            }
            Answers::Late => self.sim().code_expires(code),
            // A phone has no way to say no: the code runs out.
            Answers::Wrong => return None,
        }
        Some(Vec::new())
    }
}

#[tokio::test]
async fn wechat_by_ilink_passes_the_platform_suite() {
    Box::pin(platform_suite::all(OnSimulator::start)).await;
}
