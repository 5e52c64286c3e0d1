//! The WeChat bridge on a Wechaty gateway at a real Synapse: what people on both sides see, through the death of the bridge and of the gateway.

use std::time::Duration;

use magpie_tests::{
    harness::{
        bridge::Bridge,
        person::{Event, Person},
        synapse::{Synapse, SynapseOptions},
        tools::{Component, need},
    },
    stage::{Cast, Stage},
    wechaty::{
        Gateway, JUDGE, Tls,
        content::{FileKind, file, mention, red_packet, text},
        staged::{cast, sign_in},
    },
};
use serde_json::json;

use super::{BIRDS, HAN, LI, ME, people};

const SERVER: &str = "magpie.test";
const BOT: &str = "@wechatbot:magpie.test";

/// A room is made for the first words.
const INVITED_WITHIN: Duration = Duration::from_secs(60);

struct Story {
    synapse: Synapse,
    gateway: Gateway,
    bridge: Bridge,
    /// Whose account it is, in Matrix.
    ada: Person,
    // The bridge's files are in here.
    _stage: Stage,
}

/// A chat, as both see it.
struct Chat {
    /// To whom Li Lei writes, and to whom the bridge does.
    inward: &'static str,
    outward: &'static str,
    /// Ada's room.
    room: String,
}

impl Story {
    /// With the certificate that comes with Wechaty, as most people have it.
    async fn begin() -> anyhow::Result<Self> {
        let gateway = Gateway::start_with(Tls::Stock).await?;
        people(&gateway).await?;
        let admin = format!("@ada:{SERVER}");
        let mut stage = Stage::set(Cast { admin: admin.clone(), ..cast(&gateway, SERVER)? })?;
        let registrations = vec![stage.registration()];
        let options =
            SynapseOptions { registrations, server_name: SERVER.to_owned(), ..SynapseOptions::default() };
        let synapse = Synapse::start(options).await?;
        stage.set_homeserver(&synapse.url().parse()?);
        let ada = synapse.person("ada").await?;
        let bridge = stage.start().await?;
        sign_in(&gateway, &stage.url(), &admin, ME).await?;
        Ok(Self { synapse, gateway, bridge, ada, _stage: stage })
    }

    /// Li Lei speaks first, and Ada follows the invitation into the room of that; gives the id of what he said.
    async fn chat(&self, outward: &'static str, words: &str) -> anyhow::Result<(Chat, String)> {
        let inward = if outward == LI { ME } else { outward };
        let known: Vec<String> = self.ada.seen().into_iter().map(|event| event.room).collect();
        let said = self.gateway.says(LI, inward, text(words)).await?;
        let is_new = |event: &Event| event.is_invite_of(self.ada.id(), BOT) && !known.contains(&event.room);
        let room = self.ada.wait_within(INVITED_WITHIN, is_new).await?.room;
        self.ada.join(&room).await?;
        self.ada.wait_for_text(&room, words).await?;
        Ok((Chat { inward, outward, room }, said))
    }

    /// Waits until something that stood there is gone.
    async fn is_gone(&self, chat: &Chat, target: &str) -> anyhow::Result<()> {
        let fits = |event: &Event| {
            let redacts = event.json.get("redacts").or_else(|| event.content().get("redacts"));
            event.kind() == "m.room.redaction" && redacts.is_some_and(|redacted| redacted == target)
        };
        self.ada.wait_for(&chat.room, fits).await.map(drop)
    }

    async fn end(mut self) -> anyhow::Result<()> {
        assert!(self.bridge.stop().await?.success(), "{}", self.bridge.tail());
        self.synapse.stop().await?;
        self.gateway.stop().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_synapse_and_wechat_hold_one_conversation_under_kills() -> anyhow::Result<()> {
    let (Some(_), Some(_)) = (need(Component::Synapse), need(Component::Judge(JUDGE))) else {
        return Ok(());
    };
    let mut story = Story::begin().await?;
    let direct = story.chat(LI, "are you there?").await?;
    let group = story.chat(BIRDS, "are you all there?").await?;
    for (chat, asked) in [&direct, &group] {
        println!("in {}", chat.outward);
        words(&story, chat).await?;
        files(&story, chat).await?;
        recalls(&story, chat, asked).await?;
    }
    the_group_changes(&story, &group.0).await?;
    both_die(&mut story, &direct.0).await?;
    story.end().await
}

async fn words(story: &Story, chat: &Chat) -> anyhow::Result<()> {
    let Story { ada, gateway, .. } = story;
    for number in 0..3 {
        ada.send_text(&chat.room, &format!("answer {number}")).await?;
        gateway.expect_text(chat.outward, &format!("answer {number}")).await?;
        gateway.says(LI, chat.inward, text(&format!("word {number}[微笑]"))).await?;
        ada.wait_for_text(&chat.room, &format!("word {number}🙂")).await?;
    }
    if chat.outward == BIRDS {
        gateway.says(LI, BIRDS, mention("@Me\u{2005}look here", &[ME])).await?;
        let looked = |event: &Event| event.body().contains("look here");
        let heard = ada.wait_for(&chat.room, looked).await?;
        assert_eq!(heard.content()["m.mentions"]["user_ids"], json!([ada.id()]));
    }
    gateway.says(LI, chat.inward, red_packet("Good luck")).await?;
    ada.wait_for(&chat.room, |event| event.body().contains("Good luck")).await?;
    let phone = format!("by thumb in {}", chat.outward);
    gateway.says(ME, chat.outward, text(&phone)).await?;
    ada.wait_for_text(&chat.room, &phone).await?;
    Ok(())
}

/// Small ones inside of what is told, large ones beside it.
async fn files(story: &Story, chat: &Chat) -> anyhow::Result<()> {
    let Story { ada, gateway, .. } = story;
    for size in [1_000_usize, 1_000_000] {
        let bytes: Vec<u8> = (0..=250).cycle().take(size).collect();
        let name = format!("theirs-{size}.bin");
        gateway.says(LI, chat.inward, file(FileKind::Attachment, &name, &bytes)).await?;
        let shown = ada.wait_for(&chat.room, |event| event.body() == name).await?;
        let url = shown.content()["url"].as_str().unwrap_or_default();
        assert_eq!(ada.download(url).await?, bytes, "it is whole");

        let name = format!("ours-{size}.bin");
        let url = ada.upload(&name, "application/octet-stream", bytes.clone()).await?;
        let info = json!({"mimetype": "application/octet-stream", "size": size});
        let content = json!({"msgtype": "m.file", "url": url, "filename": name, "body": name, "info": info});
        ada.send_message(&chat.room, content).await?;
        let sent = gateway.expect_sent("file", |event| event["name"] == name.as_str()).await?;
        assert_eq!((&sent["size"], &sent["to"]), (&json!(size), &json!(chat.outward)));
    }
    Ok(())
}

async fn recalls(story: &Story, chat: &Chat, asked: &str) -> anyhow::Result<()> {
    let Story { ada, gateway, .. } = story;
    let question = ada.wait_for(&chat.room, |event| event.body().starts_with("are you")).await?;
    gateway.recalls(LI, chat.inward, asked).await?;
    story.is_gone(chat, question.id()).await?;
    let event = ada.send_text(&chat.room, "never mind").await?;
    let said = gateway.expect_text(chat.outward, "never mind").await?;
    ada.redact(&chat.room, &event).await?;
    gateway.expect_done("recall", |event| event["id"] == said.as_str()).await?;
    Ok(())
}

async fn the_group_changes(story: &Story, chat: &Chat) -> anyhow::Result<()> {
    let Story { ada, gateway, .. } = story;
    gateway.names_room(BIRDS, "Rare birds", LI).await?;
    let is_named = |event: &Event| event.kind() == "m.room.name" && event.content()["name"] == "Rare birds";
    ada.wait_for(&chat.room, is_named).await?;
    gateway.leaves(BIRDS, &[HAN], HAN).await?;
    let has_left = |event: &Event| {
        event.kind() == "m.room.member"
            && event.content()["membership"] == "leave"
            && event.json["state_key"].as_str().is_some_and(|who| who.contains("han"))
    };
    ada.wait_for(&chat.room, has_left).await?;
    Ok(())
}

/// First the bridge, then the gateway: what was said before stands once, what waits goes, and the room says that something may be missing.
async fn both_die(story: &mut Story, chat: &Chat) -> anyhow::Result<()> {
    story.gateway.says(LI, chat.inward, text("before all that")).await?;
    story.ada.wait_for_text(&chat.room, "before all that").await?;
    story.bridge.kill_and_restart().await?;
    story.gateway.heard_by_somebody().await?;
    story.gateway.kill().await?;
    story.ada.send_text(&chat.room, "while it is dead").await?;
    story.gateway.respawn().await?;
    story.gateway.heard_by_somebody().await?;
    story.gateway.expect_text(chat.outward, "while it is dead").await?;
    story.ada.wait_for(&chat.room, |event| event.body().contains("missing here")).await?;
    story.gateway.says(LI, chat.inward, text("after all that")).await?;
    story.ada.wait_for_text(&chat.room, "after all that").await?;
    let said = story.ada.messages(&chat.room).await?;
    for words in ["before all that", "while it is dead", "after all that"] {
        let times = said.iter().filter(|event| event.body() == words).count();
        assert_eq!(times, 1, "{words}");
    }
    assert_eq!(
        story.gateway.texts(chat.outward).iter().filter(|(_, it)| it == "while it is dead").count(),
        1
    );
    Ok(())
}
