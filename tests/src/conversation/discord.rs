//! A channel of Discord and its threads as a conversation: what webhooks say for people read back into what people said.

use std::collections::BTreeSet;

use super::{Entry, File, RELAY};
use crate::discord::{Author, DiscordSim, Message, Snowflake};

/// How the bridge's line for a reply begins.
const REPLY_LINE: &str = "↪ ";

/// A longer message of a webhook is continued by the next one.
const CONTINUED_CHARS_MIN: usize = 1_500;

/// What Discord itself tells of threads.
const TOLD: [u8; 2] = [18, 21];

/// Reads a channel; `name` gives the shown name of a user.
pub fn read(sim: &DiscordSim, channel: Snowflake, name: &dyn Fn(Snowflake) -> String) -> Vec<Entry> {
    let above = sim.messages(channel);
    let mut all: Vec<(Option<Snowflake>, Message)> = Vec::new();
    for message in above {
        all.extend(sim.messages(message.id).into_iter().map(|inside| (Some(message.id), inside)));
        all.push((None, message));
    }
    all.retain(|(_, message)| !message.kind.is_some_and(|kind| TOLD.contains(&kind)));
    all.sort_by_key(|(_, message)| message.id);
    let mut reader = Reader { sim, name, entries: Vec::new(), is_cut: false };
    for (thread, message) in &all {
        reader.add(*thread, message);
    }
    reader.entries.into_iter().map(|(_, entry)| entry).collect()
}

struct Reader<'a> {
    sim: &'a DiscordSim,
    name: &'a dyn Fn(Snowflake) -> String,
    entries: Vec<(Snowflake, Entry)>,
    /// The last message was so long that it may go on in the next one.
    is_cut: bool,
}

impl Reader<'_> {
    fn add(&mut self, thread: Option<Snowflake>, message: &Message) {
        let (author, is_webhook) = match &message.author {
            Author::User(id) => ((self.name)(*id), false),
            Author::Webhook { name, .. } => (name.clone(), true),
        };
        let (line, words) = match message.content.split_once('\n') {
            Some((line, rest)) if is_webhook && line.starts_with(REPLY_LINE) => (Some(line), rest),
            _ => (None, message.content.as_str()),
        };
        let was_cut =
            std::mem::replace(&mut self.is_cut, message.content.chars().count() >= CONTINUED_CHARS_MIN);
        if let Some((_, before)) = self.entries.last_mut()
            && was_cut
            && is_webhook
            && before.author == author
        {
            before.words = format!("{} {}", before.words.trim_end(), words);
            return;
        }
        let answered = message.reply_to.or_else(|| answered(line?));
        let entry = Entry {
            author,
            words: plain(words),
            files: files(message),
            answers: answered.and_then(|id| self.label(id)),
            thread: thread.and_then(|root| self.label(root)),
            reactions: self.reactions(message),
            preview: message.embeds.first().and_then(|embed| embed["title"].as_str()).map(str::to_owned),
        };
        self.entries.push((message.id, entry));
    }

    fn label(&self, id: Snowflake) -> Option<String> {
        self.entries.iter().find(|(known, _)| *known == id).map(|(_, entry)| entry.label())
    }

    fn reactions(&self, message: &Message) -> BTreeSet<(String, String)> {
        let bot = self.sim.bot();
        let who = |user: Snowflake| if user == bot { RELAY.to_owned() } else { (self.name)(user) };
        let mut reactions = BTreeSet::new();
        for reaction in &message.reactions {
            let emoji = match reaction.emoji.id {
                Some(_) => format!(":{}:", reaction.emoji.name),
                None => reaction.emoji.name.replace('\u{fe0f}', ""),
            };
            reactions.extend(reaction.users.iter().map(|user| (who(*user), emoji.clone())));
        }
        reactions
    }
}

/// The message that a reply line leads to.
fn answered(line: &str) -> Option<Snowflake> {
    let address = line.split("/channels/").nth(1)?;
    let id: String = address.split('/').nth(2)?.chars().take_while(char::is_ascii_digit).collect();
    id.parse().ok()
}

/// Words without Discord's spelling of places and emoji.
fn plain(words: &str) -> String {
    let words = match words.strip_prefix("📍 ") {
        Some(place) => place.lines().next().unwrap_or_default(),
        None => words,
    };
    let mut plain = String::new();
    let mut rest = words;
    while let Some((before, after)) = rest.split_once("<:") {
        let Some((emoji, behind)) = after.split_once('>') else { break };
        let name = emoji.split(':').next().unwrap_or_default();
        plain.push_str(&format!("{before}:{name}:"));
        rest = behind;
    }
    plain.push_str(rest);
    plain.replace('\\', "")
}

fn files(message: &Message) -> Vec<File> {
    let files = message.files.iter().map(|file| {
        let bare = file.filename.strip_prefix("SPOILER_");
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few seconds")]
        let spoken_ms = file.voice.as_ref().map(|(seconds, _)| (seconds * 1_000.0) as u64);
        File {
            name: bare.unwrap_or(&file.filename).to_owned(),
            size_bytes: Some(file.bytes.size()),
            spoiler: bare.is_some(),
            spoken_ms,
        }
    });
    let sticker =
        |name: &String| File { name: name.clone(), size_bytes: None, spoiler: false, spoken_ms: None };
    files.chain(message.stickers.iter().map(|it| sticker(&it.name))).collect()
}
