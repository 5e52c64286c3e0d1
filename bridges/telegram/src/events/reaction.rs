//! Reactions: Telegram tells what somebody's reactions to a message were and are; the difference is what happened.
//!
//! Told only to admins, and never for reactions of bots. Reference: <https://core.telegram.org/bots/api#messagereactionupdated>.

use magpie_common::message::{Emoji, FileSource, RemoteEvent};
use serde_json::Value;

use super::sender;
use crate::{file::custom_emoji, json::at_ms, place::Spot, session::world::Known};

/// What a paid reaction shows.
const STAR: &str = "⭐";

pub(super) fn changed(told: &Value, known: &Known) -> Option<Vec<RemoteEvent>> {
    let spot = Spot::of_chat(&told["chat"], known.me)?;
    let (chat, target) = (spot.id(), spot.message(told["message_id"].as_i64()?));
    let sender = sender::actor(&told["user"], &told["actor_chat"])?;
    let (old, new) = (emoji(&told["old_reaction"])?, emoji(&told["new_reaction"])?);
    let sent_ms = at_ms(&told["date"]);
    let gone = old.iter().filter(|emoji| !new.contains(emoji)).map(|emoji| RemoteEvent::Unreact {
        chat: chat.clone(),
        target: target.clone(),
        sender: Some(sender.clone()),
        emoji: Some(emoji.clone()),
    });
    let come = new.iter().filter(|emoji| !old.contains(emoji)).map(|emoji| RemoteEvent::React {
        chat: chat.clone(),
        target: target.clone(),
        sender: sender.clone(),
        emoji: emoji.clone(),
        sent_ms,
    });
    Some(gone.chain(come).collect())
}

/// A list of reactions; those of a kind that is not known are left out.
fn emoji(list: &Value) -> Option<Vec<Emoji>> {
    let read = |reaction: &Value| match reaction["type"].as_str()? {
        "emoji" => Some(Emoji::unicode(reaction["emoji"].as_str()?)),
        "custom_emoji" => {
            let id = reaction["custom_emoji_id"].as_str()?;
            Some(Emoji::Custom { name: id.to_owned(), source: FileSource::Remote(custom_emoji(id)) })
        }
        "paid" => Some(Emoji::unicode(STAR)),
        _ => None,
    };
    Some(list.as_array()?.iter().filter_map(read).collect())
}
