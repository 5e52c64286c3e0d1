//! One room that Discord, Telegram, WhatsApp, WeChat and Matrix share: four bridges at one homeserver, and a chat of each network joined to the
//! room of people's own.
//!
//! On Discord that is a channel, on Telegram a group, on WhatsApp somebody's talk with a business, and on WeChat a group in which Alice is with
//! her own account, which speaks there for the others, too. Shared by the story and the demonstration. Next: `quartet/networks.rs`, who is
//! there; `quartet/places.rs`, what people say and see.

use std::time::Duration;

use anyhow::{Context, ensure};
use magpie_common::platform::WEBHOOK_PATH;
use serde_json::{Map, Value, json};
use tokio::time::{interval, timeout};

pub use self::{
    networks::Networks,
    places::{Place, Places},
};
use crate::{
    harness::{
        bridge::Bridge,
        person::{Event, Person},
        synapse::{Synapse, SynapseOptions},
    },
    stage::Stage,
    wechaty::staged::{login_of, remote, sign_in},
};

mod networks;
mod places;

/// The homeserver's name.
pub const SERVER: &str = "magpie.test";

/// What has not arrived after so long does not come.
pub const PATIENCE: Duration = Duration::from_secs(90);

const DISCORD_BOT: &str = "@discordbot:magpie.test";
const TELEGRAM_BOT: &str = "@telegrambot:magpie.test";
const WHATSAPP_BOT: &str = "@whatsappbot:magpie.test";
const WECHAT_BOT: &str = "@wechatbot:magpie.test";

/// How answers begin to commands that did what they should.
const JOINED: &str = "This room and “";
const LENT: &str = "`wechaty-wxid_alice` speaks in this room";

/// So often a bridge is asked how it is.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Everything that runs.
pub struct Quartet {
    /// The homeserver.
    pub synapse: Synapse,
    /// Where people are.
    pub places: Places,
    /// The bridges, in the order of [`Place::NETWORKS`].
    pub bridges: [Bridge; 4],
    // The bridges' files are in here.
    _stages: [Stage; 4],
}

impl Quartet {
    /// Starts everything, and joins a chat of each network to one room.
    ///
    /// # Errors
    /// When something does not start, or a bridge does not do as it is told.
    pub async fn begin() -> anyhow::Result<Self> {
        let networks = Networks::start().await?;
        let mut stages = networks.stages()?;
        let registrations = stages.iter().map(Stage::registration).collect();
        let options =
            SynapseOptions { registrations, server_name: SERVER.to_owned(), ..SynapseOptions::default() };
        let synapse = Synapse::start(options).await?;
        for stage in &mut stages {
            stage.set_homeserver(&synapse.url().parse()?);
        }
        let alice = synapse.person("alice").await?;
        alice.set_display_name("Alice").await?;
        let bridges = start(&stages).await?;
        let [.., whatsapp, wechat] = &bridges;
        let webhook = format!("{}{WEBHOOK_PATH}", whatsapp.url());
        networks.whatsapp.0.subscribe(&webhook).await.map_err(anyhow::Error::msg)?;
        sign_in(&networks.wechat, wechat.url(), alice.id(), networks::ALICE).await?;
        connected(wechat.url(), alice.id()).await?;
        free_channel(&alice).await?;
        free_talk(&alice, &networks).await?;
        let room = own_room(&alice).await?;
        join_all(&alice, &room, &networks).await?;
        Ok(Self { synapse, places: Places { networks, alice, room }, bridges, _stages: stages })
    }

    /// Ends everything in order.
    ///
    /// # Errors
    /// When something did not end in order, or was against a network's description.
    pub async fn end(self) -> anyhow::Result<()> {
        for mut bridge in self.bridges {
            ensure!(bridge.stop().await?.success(), "a bridge does not end in order:\n{}", bridge.tail());
        }
        let Places { networks, alice, .. } = self.places;
        drop(alice);
        self.synapse.stop().await?;
        networks.end().await
    }
}

async fn start(stages: &[Stage; 4]) -> anyhow::Result<[Bridge; 4]> {
    let one = async |stage: &Stage, place: Place| {
        stage.start().await.with_context(|| format!("the {} bridge did not become ready", place.name()))
    };
    let [discord, telegram, whatsapp, wechat] = stages;
    Ok([
        one(discord, Place::Discord).await?,
        one(telegram, Place::Telegram).await?,
        one(whatsapp, Place::WhatsApp).await?,
        one(wechat, Place::WeChat).await?,
    ])
}

/// Waits until the WeChat bridge itself knows that it is connected, a moment after the gateway hears of it.
async fn connected(url: &str, user_id: &str) -> anyhow::Result<()> {
    let seen = async {
        let mut looks = interval(LOOK_EVERY);
        loop {
            looks.tick().await;
            if login_of(url, user_id).await?["state"] == "connected" {
                return anyhow::Ok(());
            }
        }
    };
    timeout(PATIENCE, seen).await.context("the account on WeChat does not become connected")?
}

/// Takes its room from Discord's channel `general`: the bridge has made one for each.
async fn free_channel(alice: &Person) -> anyhow::Result<()> {
    let mut seen = Vec::new();
    loop {
        let room = invited(alice, DISCORD_BOT, &seen).await?;
        let called = alice.state_of(&room, "m.room.name", "").await?.unwrap_or_default();
        if called["name"] == "general" {
            return unbridge(alice, &room, Place::Discord).await;
        }
        seen.push(room);
    }
}

/// Takes its room from Dora's talk on WhatsApp. She must speak first: businesses may only answer.
async fn free_talk(alice: &Person, networks: &Networks) -> anyhow::Result<()> {
    let (whatsapp, talk) = &networks.whatsapp;
    whatsapp.person_says(*talk, "Hello, have you got birds?");
    let room = invited(alice, WHATSAPP_BOT, &[]).await?;
    unbridge(alice, &room, Place::WhatsApp).await
}

/// Follows the next invitation of a bot into a room.
async fn invited(alice: &Person, bot: &str, seen: &[String]) -> anyhow::Result<String> {
    let is_new = |event: &Event| event.is_invite_of(alice.id(), bot) && !seen.contains(&event.room);
    let room = alice.wait_within(PATIENCE, is_new).await?.room;
    alice.join(&room).await?;
    Ok(room)
}

async fn unbridge(alice: &Person, room: &str, place: Place) -> anyhow::Result<()> {
    let name = place.name();
    let answer = format!("This room and its chat on {name} go separate ways");
    told(alice, room, (&format!("!{} unbridge", name.to_lowercase()), &answer)).await
}

/// A room of Alice's own with all bots in it.
async fn own_room(alice: &Person) -> anyhow::Result<String> {
    let bots: Vec<&str> = Place::NETWORKS.into_iter().filter_map(Place::bot).collect();
    let powers: Map<String, Value> = bots.iter().map(|bot| ((*bot).to_owned(), json!(100))).collect();
    let request = json!({
        "name": "Four networks", "preset": "private_chat", "invite": bots,
        "power_level_content_override": { "users": powers },
    });
    let room = alice.create_room_with(request).await?;
    for bot in bots {
        let is_inside = |event: &Event| {
            event.kind() == "m.room.member"
                && event.json["state_key"] == bot
                && event.content()["membership"] == "join"
        };
        alice.wait_for(&room, is_inside).await?;
    }
    Ok(room)
}

/// Joins the room to all chats. On WeChat nobody speaks for others unless somebody lends their account.
async fn join_all(alice: &Person, room: &str, networks: &Networks) -> anyhow::Result<()> {
    let (whatsapp, talk) = &networks.whatsapp;
    let dora = whatsapp.person(talk.person).context("Dora is gone")?;
    let group = remote(networks::ALICE, networks::BIRDS);
    for (command, answer) in [
        (format!("!discord bridge {}", networks.discord.1.general), JOINED),
        (format!("!telegram bridge {}", networks.telegram.1.supergroup), JOINED),
        (format!("!whatsapp bridge {}/{}", talk.number, dora.user_id), JOINED),
        (format!("!wechat bridge {group}"), JOINED),
        ("!wechat set-relay".to_owned(), LENT),
    ] {
        told(alice, room, (&command, answer)).await?;
    }
    Ok(())
}

/// Gives a command, and waits until the bot whose it is answers so.
async fn told(alice: &Person, room: &str, (command, answer): (&str, &str)) -> anyhow::Result<()> {
    let network = command.split_whitespace().next().unwrap_or_default().trim_start_matches('!');
    let bot = format!("@{network}bot:{SERVER}");
    alice.send_text(room, command).await?;
    let said = |event: &Event| event.sender() == bot && event.body().starts_with(answer);
    alice.wait_for(room, said).await.map(drop).with_context(|| format!("`{command}` did not do it"))
}
