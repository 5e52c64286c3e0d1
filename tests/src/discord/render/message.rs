//! Messages as JSON, with all that hangs on them.

use serde_json::{Value, json};

use super::user;
use crate::discord::{
    files,
    model::{Author, File, Forward, Message, Reaction, ReactionEmoji, Records, Sticker, User},
    snowflake::{Snowflake, timestamp},
};

/// A message as history shows it: no nonce, and the replied message inside.
pub fn message(records: &Records, message: &Message) -> Value {
    let mut it = basic_message(records, message);
    if let Some(target) = message.reply_to {
        let found = records.channels.get(&message.channel).and_then(|channel| channel.messages.get(&target));
        it["referenced_message"] = found.map_or(Value::Null, |found| basic_message(records, found));
    }
    it
}

/// An emoji as reactions have it.
pub fn reaction_emoji(emoji: &ReactionEmoji) -> Value {
    let mut it = json!({"id": emoji.id, "name": emoji.name});
    if emoji.id.is_some() {
        it["animated"] = json!(false);
    }
    it
}

fn basic_message(records: &Records, message: &Message) -> Value {
    let mut it = json!({
        "id": message.id,
        "channel_id": message.channel,
        "type": message.kind.unwrap_or(if message.reply_to.is_some() { 19 } else { 0 }),
        "author": author(records, &message.author),
        "content": message.content,
        "timestamp": timestamp(message.id.created_ms()),
        "edited_timestamp": message.edited_ms.map(timestamp),
        "mentions": message.mentions.users.iter().map(|id| user(&records.users[id])).collect::<Vec<_>>(),
        "mention_roles": message.mentions.roles,
        "mention_everyone": message.mentions.everyone,
        "attachments": message.files.iter().map(|file| attachment(records, message, file)).collect::<Vec<_>>(),
        "embeds": message.embeds,
        "components": [],
        "flags": message.flags,
        "pinned": false,
        "tts": false,
    });
    if !message.reactions.is_empty() {
        let bot = records.application.id;
        it["reactions"] = message.reactions.iter().map(|one| reaction(one, bot)).collect();
    }
    if !message.stickers.is_empty() {
        let item = |it: &Sticker| json!({"id": it.id, "name": it.name, "format_type": it.format});
        it["sticker_items"] = message.stickers.iter().map(item).collect();
    }
    if let Some(forward) = &message.forward {
        let (channel, id) = (forward.channel, forward.message);
        let guild = records.channels.get(&channel).map(|channel| channel.guild);
        it["message_reference"] =
            json!({"type": 1, "channel_id": channel, "message_id": id, "guild_id": guild});
        it["message_snapshots"] = json!([{"message": snapshot(forward)}]);
    }
    if let Author::Webhook { id, application, .. } = &message.author {
        it["webhook_id"] = json!(id);
        if let Some(application) = application {
            it["application_id"] = json!(application);
        }
    }
    if let Some(thread) = message.thread {
        let guild = records.channels.get(&thread).map(|channel| channel.guild);
        it["message_reference"] = json!({"type": 0, "channel_id": thread, "guild_id": guild});
    }
    if let Some(target) = message.reply_to {
        let guild = records.channels.get(&message.channel).map(|channel| channel.guild);
        it["message_reference"] =
            json!({"type": 0, "channel_id": message.channel, "message_id": target, "guild_id": guild});
    }
    it
}

fn author(records: &Records, author: &Author) -> Value {
    match author {
        Author::User(id) => user(&records.users[id]),
        Author::Webhook { id, name, avatar, .. } => {
            let (username, avatar) = (name.clone(), avatar.clone());
            let mut it = user(&User { id: *id, username, global_name: None, avatar, is_bot: true });
            it["discriminator"] = json!("0000");
            it
        }
    }
}

fn reaction(reaction: &Reaction, bot: Snowflake) -> Value {
    let count = reaction.users.len();
    json!({
        "emoji": reaction_emoji(&reaction.emoji),
        "count": count,
        "count_details": {"burst": 0, "normal": count},
        "burst_colors": [],
        "me_burst": false,
        "me": reaction.users.contains(&bot),
    })
}

fn attachment(records: &Records, message: &Message, file: &File) -> Value {
    let url = files::address(records, message.channel, file);
    let mut it = json!({
        "id": file.id,
        "filename": file.filename,
        "size": file.bytes.size(),
        "url": url,
        "proxy_url": url,
        "flags": if file.filename.starts_with("SPOILER_") { 1 << 3 } else { 0 },
    });
    if let Some(mime) = &file.content_type {
        it["content_type"] = json!(mime);
    }
    if let Some((width, height)) = file.dimensions {
        it["width"] = json!(width);
        it["height"] = json!(height);
    }
    if let Some((seconds, waveform)) = &file.voice {
        it["duration_secs"] = json!(seconds);
        it["waveform"] = json!(waveform);
    }
    it
}

fn snapshot(forward: &Forward) -> Value {
    json!({
        "type": 0,
        "content": forward.content,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "timestamp": timestamp(forward.message.created_ms()),
        "edited_timestamp": null,
        "flags": 0,
        "components": [],
    })
}
