//! The real program between the simulated iLink and a homeserver: what people see.

use std::sync::Arc;

use magpie_common::testkit::fake_homeserver::{FakeEvent, FakeHomeserver, FakePerson};
use magpie_tests::{
    harness::bridge::Bridge,
    stage::{Cast, Stage},
    wechat_ilink::{
        BotId, ILinkSim, Order, Quote, SmallWorld, World,
        staged::{environment, platform_section, sign_in},
    },
};
use ruma::{OwnedRoomId, RoomId, user_id};

const ADMIN: &str = "@admin:example.org";
const BOT: &str = "@wechatbot:example.org";

/// The program on its stage, where nobody is signed in yet.
struct Staged {
    sim: ILinkSim,
    small: SmallWorld,
    homeserver: FakeHomeserver,
    admin: FakePerson,
    bridge: Bridge,
    /// Its files, which go with it.
    stage: Stage,
}

impl Staged {
    async fn start() -> anyhow::Result<Self> {
        let (world, small) = World::small();
        let sim = ILinkSim::start(world).await?;
        let mut stage = Stage::set(Cast {
            id: "wechat",
            server_name: "example.org".to_owned(),
            homeserver: "http://127.0.0.1:9".to_owned(),
            database: None,
            durability: "full",
            admin: ADMIN.to_owned(),
            platform: platform_section(&sim),
            environment: environment(),
        })?;
        let homeserver = FakeHomeserver::start(stage.fake_settings()).await?;
        stage.set_homeserver(&homeserver.url());
        let bridge = stage.start().await?;
        let admin = homeserver.person("admin");
        Ok(Self { sim, small, homeserver, admin, bridge, stage })
    }

    /// The same with Alice's bot, and the room in which she wrote.
    async fn signed_in() -> anyhow::Result<(Self, BotId, OwnedRoomId)> {
        let staged = Self::start().await?;
        let bot = sign_in(&staged.sim, (&staged.stage.url(), ADMIN), staged.small.alice).await?;
        staged.sim.person_says(bot, "are you there?");
        let room = staged.room_with("are you there?").await;
        Ok((staged, bot, room))
    }

    /// The room in which somebody said this, joined by the admin.
    async fn room_with(&self, words: &str) -> OwnedRoomId {
        let has_it = |homeserver: &FakeHomeserver| {
            let rooms = homeserver.rooms().into_iter();
            rooms.into_iter().find(|room| homeserver.messages(room).iter().any(|(_, body)| body == words))
        };
        let room = self.homeserver.wait_until(has_it).await;
        self.admin.joins(&room);
        room
    }

    /// Waits until the bridge's bot says something with these words in it.
    async fn told(&self, room: &RoomId, words: &str) -> Arc<FakeEvent> {
        let fits = |event: &FakeEvent| event.sender == BOT && event.body().contains(words);
        self.homeserver.wait_for(room, fits).await
    }

    /// Waits until the room's topic has these words in it.
    async fn topic(&self, room: &RoomId, words: &str) {
        let says = |homeserver: &FakeHomeserver| {
            let topic = homeserver.state(room, "m.room.topic", "")?;
            topic["topic"].as_str()?.contains(words).then_some(())
        };
        self.homeserver.wait_until(says).await;
    }

    /// How often something was said in a room.
    fn times(&self, room: &RoomId, words: &str) -> usize {
        self.homeserver.messages(room).iter().filter(|(_, body)| body == words).count()
    }

    async fn restart(&mut self) -> anyhow::Result<()> {
        assert!(self.bridge.stop().await?.success(), "{}", self.bridge.tail());
        self.bridge = self.stage.start().await?;
        Ok(())
    }

    async fn end(mut self) -> anyhow::Result<()> {
        assert!(self.bridge.stop().await?.success(), "{}", self.bridge.tail());
        let findings = self.sim.findings();
        assert!(findings.is_empty(), "{findings:#?}");
        Ok(())
    }
}

#[tokio::test]
async fn a_chat_leads_through_the_sign_in() -> anyhow::Result<()> {
    let staged = Staged::start().await?;
    let (sim, admin) = (&staged.sim, &staged.admin);
    let desk = admin.creates_direct_chat(user_id!("@wechatbot:example.org"));
    staged.told(&desk, "This is the WeChat bridge.").await;
    admin.sends(&desk, "!wechat login ilink");
    let is_picture = |event: &FakeEvent| event.sender == BOT && event.content()["msgtype"] == "m.image";
    staged.homeserver.wait_for(&desk, is_picture).await;
    let code = sim.codes().pop().expect("a code is shown");
    sim.phone_shows_number(&code, "42");
    staged.told(&desk, "The number that WeChat shows").await;
    admin.sends(&desk, "41");
    staged.told(&desk, "That did not work").await;
    admin.sends(&desk, "42");
    sim.wait_for_status("scaned").await?;
    let bot = sim.person_confirms(&code, staged.small.alice);
    staged.told(&desk, "Signed in to WeChat as").await;
    sim.person_says(bot, "it is me");
    let room = staged.room_with("it is me").await;

    // The same WeChat again: nothing new is bound.
    admin.sends(&desk, "!wechat login ilink");
    sim.wait_for_requests("get_bot_qrcode", 2).await?;
    let code = sim.codes().pop().expect("a code is shown");
    assert_eq!(sim.person_confirms(&code, staged.small.alice), bot);
    sim.wait_for_status("binded_redirect").await?;
    sim.person_says(bot, "still me");
    staged.homeserver.wait_for_body(&room, "still me").await;

    // WeChat does not take the bot any more, and whose it is hears that wherever they get news.
    sim.token_goes_stale(bot);
    let news = staged.homeserver.wait_until(|homeserver| {
        let said = homeserver.rooms().into_iter().flat_map(|room| homeserver.messages(&room));
        said.map(|(_, body)| body).find(|body| body.contains("WeChat does not accept"))
    });
    assert!(news.await.contains("`login ilink`"));
    staged.end().await
}

#[tokio::test]
async fn what_comes_twice_or_after_a_restart_is_shown_once() -> anyhow::Result<()> {
    let (mut staged, bot, room) = Staged::signed_in().await?;
    staged.sim.updates_come_twice(1);
    staged.sim.person_says(bot, "twice");
    staged.sim.holds_updates();
    for words in ["late", "early"] {
        staged.sim.person_says(bot, words);
    }
    staged.sim.releases_updates(Order::Reversed);
    staged.sim.repeats_all_updates(bot);
    staged.homeserver.wait_for_body(&room, "late").await;
    staged.restart().await?;
    staged.sim.repeats_all_updates(bot);
    staged.sim.person_says(bot, "the end");
    staged.homeserver.wait_for_body(&room, "the end").await;
    for words in ["are you there?", "twice", "early", "late", "the end"] {
        assert_eq!(staged.times(&room, words), 1, "{words}");
    }
    staged.end().await
}

#[tokio::test]
async fn people_talk_and_are_told_what_does_not_go() -> anyhow::Result<()> {
    let (staged, bot, room) = Staged::signed_in().await?;
    let (sim, admin) = (&staged.sim, &staged.admin);
    let said = admin.sends(&room, "here I am");
    let here = sim.wait_for_text(bot, "here I am").await?;
    sim.person_quotes(bot, &Quote::ById(here.id), "I see");
    let answer = staged.homeserver.wait_for_body(&room, "I see").await;
    assert_eq!(answer.content()["m.relates_to"]["m.in_reply_to"]["event_id"], said.as_str());
    let ghost = answer.sender.clone();
    assert!(ghost.as_str().starts_with("@wechat_ilink/"), "{ghost}");

    admin.types(&room, true);
    sim.wait_for_typing(bot, true).await?;
    admin.types(&room, false);
    sim.wait_for_typing(bot, false).await?;

    // The room says what may go, and what does not go is told.
    staged.topic(&room, "several messages").await;
    sim.contexts_expire(bot);
    admin.sends(&room, "lost");
    sim.wait_for_request(|request| request.answer["ret"] == -2).await?;
    staged.told(&room, "on your phone").await;
    staged.topic(&room, "no messages here").await;
    sim.person_says(bot, "try again");
    staged.homeserver.wait_for_body(&room, "try again").await;
    staged.topic(&room, "several messages").await;
    admin.sends(&room, "now?");
    sim.wait_for_text(bot, "now?").await?;

    // What the network cannot do is said.
    let event = admin.sends(&room, "a slip");
    sim.wait_for_text(bot, "a slip").await?;
    admin.redacts(&room, &event);
    staged.told(&room, "deletions").await;
    staged.end().await
}
