//! What people say in the room, wherever they are, and what they see of each other.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};

use super::{
    DISCORD_BOT, TELEGRAM_BOT, WECHAT_BOT, WHATSAPP_BOT,
    networks::{BIRDS, LI, Networks},
};
use crate::{
    discord::{self, Author},
    harness::person::Person,
    wechaty::content,
    whatsapp_cloud::Side,
};

/// Where something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The channel `general`.
    Discord,
    /// The group `Birds`.
    Telegram,
    /// Dora's talk with a business.
    WhatsApp,
    /// The group `Birds`.
    WeChat,
    /// The room.
    Matrix,
}

/// Everywhere that people are.
pub struct Places {
    /// The networks.
    pub networks: Networks,
    /// Somebody in Matrix who runs the bridges.
    pub alice: Person,
    /// The room.
    pub room: String,
}

impl Place {
    /// Where a bridge leads to, in the order of the bridges.
    pub const NETWORKS: [Self; 4] = [Self::Discord, Self::Telegram, Self::WhatsApp, Self::WeChat];

    /// Everywhere.
    pub const ALL: [Self; 5] = [Self::Discord, Self::Telegram, Self::WhatsApp, Self::WeChat, Self::Matrix];

    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Discord => "Discord",
            Self::Telegram => "Telegram",
            Self::WhatsApp => "WhatsApp",
            Self::WeChat => "WeChat",
            Self::Matrix => "Matrix",
        }
    }

    /// Who speaks there.
    pub fn speaker(self) -> &'static str {
        match self {
            // Bob's name in that server.
            Self::Discord => "Bobby",
            Self::Telegram => "Bob",
            Self::WhatsApp => "Dora",
            Self::WeChat => "Li Lei",
            Self::Matrix => "Alice",
        }
    }

    /// The bot of the bridge that leads there.
    pub fn bot(self) -> Option<&'static str> {
        match self {
            Self::Discord => Some(DISCORD_BOT),
            Self::Telegram => Some(TELEGRAM_BOT),
            Self::WhatsApp => Some(WHATSAPP_BOT),
            Self::WeChat => Some(WECHAT_BOT),
            Self::Matrix => None,
        }
    }
}

impl Places {
    /// Whoever speaks in a place says something.
    ///
    /// # Errors
    /// When it cannot be said.
    pub async fn says(&self, place: Place, words: &str) -> anyhow::Result<()> {
        let Networks { discord, telegram, whatsapp, wechat } = &self.networks;
        match place {
            Place::Discord => drop(discord.0.person_sends(discord.1.general, discord.1.bob, words)),
            Place::Telegram => drop(telegram.0.person_sends(telegram.1.supergroup, telegram.1.bob, words)),
            Place::WhatsApp => drop(whatsapp.0.person_says(whatsapp.1, words)),
            Place::WeChat => drop(wechat.says(LI, BIRDS, content::text(words)).await?),
            Place::Matrix => drop(self.alice.send_text(&self.room, words).await?),
        }
        Ok(())
    }

    /// Waits until what was said in one place stands in another, under the right name; gives the line as people read it there.
    ///
    /// # Errors
    /// When it does not come, or under another name.
    pub async fn arrives(&self, (from, to): (Place, Place), words: &str) -> anyhow::Result<String> {
        let line = format!("{}: {words}", from.speaker());
        let Networks { discord, telegram, whatsapp, wechat } = &self.networks;
        let seen = match to {
            Place::Discord => {
                let is_it = |it: &discord::Message| on_discord(it).is_some_and(|it| it == line);
                discord.0.wait_for_message(discord.1.general, is_it).await.map(drop)
            }
            Place::Telegram => {
                let is_it = |it: &crate::telegram::Message| it.text() == line;
                telegram.0.wait_for_message(telegram.1.supergroup, is_it).await.map(drop)
            }
            Place::WhatsApp => {
                let is_it =
                    |it: &crate::whatsapp_cloud::Message| on_whatsapp(it).is_some_and(|it| it == line);
                whatsapp.0.wait_for_message(whatsapp.1, is_it).await.map(drop)
            }
            Place::WeChat => {
                let is_it = |event: &serde_json::Value| {
                    event["to"] == BIRDS && event["text"].as_str().is_some_and(|it| on_wechat(it) == line)
                };
                wechat.expect_sent("text", is_it).await.map(drop)
            }
            Place::Matrix => self.is_shown(from, words).await,
        };
        seen.with_context(|| format!("“{line}” did not arrive on {}", to.name()))?;
        Ok(line)
    }

    /// All that stands in a place and was said elsewhere, in order, each line with a name before it.
    ///
    /// # Errors
    /// When the homeserver does not answer.
    pub async fn brought(&self, place: Place) -> anyhow::Result<Vec<String>> {
        let Networks { discord, telegram, whatsapp, wechat } = &self.networks;
        Ok(match place {
            Place::Discord => discord.0.messages(discord.1.general).iter().filter_map(on_discord).collect(),
            Place::Telegram => {
                let all = telegram.0.messages(telegram.1.supergroup).into_iter();
                all.filter(|it| it.author == telegram.1.bot).map(|it| it.text().to_owned()).collect()
            }
            Place::WhatsApp => whatsapp.0.messages(whatsapp.1).iter().filter_map(on_whatsapp).collect(),
            Place::WeChat => wechat.texts(BIRDS).iter().map(|(_, words)| on_wechat(words)).collect(),
            Place::Matrix => self.in_matrix().await?,
        })
    }

    async fn is_shown(&self, from: Place, words: &str) -> anyhow::Result<()> {
        let seen = self.alice.wait_for_text(&self.room, words).await?;
        let name = self.name_of(seen.sender()).await?;
        ensure!(name == from.speaker(), "{name} said it");
        Ok(())
    }

    async fn in_matrix(&self) -> anyhow::Result<Vec<String>> {
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        let mut lines = Vec::new();
        for event in self.alice.messages(&self.room).await? {
            let sender = event.sender();
            let is_bot = Place::NETWORKS.iter().any(|network| network.bot() == Some(sender));
            if is_bot || sender == self.alice.id() {
                continue;
            }
            let name = match names.get(sender).cloned() {
                Some(name) => name,
                None => {
                    let name = self.name_of(sender).await?;
                    names.insert(sender.to_owned(), name.clone());
                    name
                }
            };
            lines.push(format!("{name}: {}", event.body()));
        }
        Ok(lines)
    }

    async fn name_of(&self, user_id: &str) -> anyhow::Result<String> {
        let profile = self.alice.profile(user_id).await?;
        Ok(profile["displayname"].as_str().unwrap_or(user_id).to_owned())
    }
}

/// What the bridge said there: Discord shows the name beside the words.
fn on_discord(message: &discord::Message) -> Option<String> {
    match &message.author {
        Author::Webhook { name, .. } => Some(format!("{name}: {}", message.content)),
        Author::User(_) => None,
    }
}

/// What the business said there, without the signs that make names bold.
fn on_whatsapp(message: &crate::whatsapp_cloud::Message) -> Option<String> {
    let words = message.content["body"].as_str().filter(|_| message.side == Side::Business)?;
    Some(words.replace(['*', '\u{200b}'], ""))
}

/// What Alice's account said there. She speaks without her name, which stands beside her words; the others with theirs.
fn on_wechat(words: &str) -> String {
    let is_named = |place: &Place| words.strip_prefix(place.speaker()).is_some_and(|it| it.starts_with(": "));
    match Place::ALL.iter().any(is_named) {
        true => words.to_owned(),
        false => format!("{}: {words}", Place::Matrix.speaker()),
    }
}
