//! Looks at the latest messages of a channel after nobody listened: Discord tells nobody later what was edited, deleted or reacted
//! to meanwhile.
//!
//! `GET /channels/{id}/messages` and `GET …/reactions/{emoji}`:
//! <https://discord.com/developers/docs/resources/message#get-reactions>. Called by `recovery`; the pump makes events of it.

use magpie_common::{ids::RemoteUserId, message::Emoji};
use serde_json::Value;
use tracing::warn;

use super::{
    api::{Api, ApiError},
    verdict::is_unknown_message,
};
use crate::{
    emoji,
    json::{oldest_first, text},
};

/// So many of a channel's latest messages are looked at.
const MESSAGES_MAX: usize = 50;

/// Discord names at most so many people at once; who reacts where more do is not looked at.
const PEOPLE_MAX: usize = 100;

/// So many questions about reactions are asked in one channel.
const QUESTIONS_MAX: usize = 40;

/// Where to look.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// The channel.
    pub channel: String,
    /// The last message that was known when nobody listened any more.
    pub known: String,
    /// The last message that there was later, as far as that is known.
    pub newest: u64,
}

/// What stands in a channel.
#[derive(Debug)]
pub(super) struct Review {
    /// The last message that was known before.
    pub known: String,
    /// From this message on nothing stands but what was found.
    pub oldest: String,
    /// Up to this message, whether or not it stands.
    pub newest: String,
    /// The latest messages without a gap, oldest first.
    pub stood: Vec<Stood>,
}

/// A message as it stands.
#[derive(Debug)]
pub(super) struct Stood {
    /// The message.
    pub message: Value,
    /// Who reacts, and with what; `None` where that could not be found out.
    pub reactions: Option<Vec<(RemoteUserId, Emoji)>>,
}

/// The latest messages of a channel as they stand now; `None` when they may not be read.
pub(super) async fn look(api: &Api, me: &str, at: &Look) -> Result<Option<Review>, ApiError> {
    let channel = &at.channel;
    let latest = oldest_first(api.get(&format!("/channels/{channel}/messages?limit={MESSAGES_MAX}")).await?);
    let first = latest.first().map(|first| text(&first["id"]));
    let last = latest.last().and_then(|last| text(&last["id"]).parse().ok());
    let newest = last.unwrap_or(at.newest).max(at.newest);
    // Whoever may not read the past is told that there is none.
    if first.is_none() && !is_gone(api, at).await? {
        return Ok(None);
    }
    let is_whole = latest.len() < MESSAGES_MAX && is_first(api, channel, first.as_deref(), newest).await?;
    let Some(oldest) = first.filter(|_| !is_whole).or_else(|| is_whole.then(|| floor(channel, newest)))
    else {
        return Ok(None);
    };
    let mut questions = QUESTIONS_MAX;
    let mut stood: Vec<Stood> = Vec::with_capacity(MESSAGES_MAX);
    // The newest ones first, as long as questions are left.
    for message in latest.into_iter().rev() {
        let reactions = reactions((api, me), (channel, &message), &mut questions).await;
        if let Err(error) = &reactions {
            warn!(channel, %error, "Who reacts to a message could not be found out.");
        }
        stood.push(Stood { message, reactions: reactions.ok().flatten() });
    }
    stood.reverse();
    Ok(Some(Review { known: at.known.clone(), oldest, newest: newest.to_string(), stood }))
}

/// Whether the last known message surely stands no more.
async fn is_gone(api: &Api, at: &Look) -> Result<bool, ApiError> {
    match api.get(&format!("/channels/{}/messages/{}", at.channel, at.known)).await {
        Err(error) if is_unknown_message(&error) => Ok(true),
        other => other.map(|_| false),
    }
}

/// Whether nothing stands before a message: a short answer alone does not say so.
async fn is_first(api: &Api, channel: &str, first: Option<&str>, newest: u64) -> Result<bool, ApiError> {
    let before = first.map_or_else(|| newest.saturating_add(1).to_string(), str::to_owned);
    let older = api.get(&format!("/channels/{channel}/messages?before={before}&limit=1")).await?;
    Ok(older.as_array().is_some_and(Vec::is_empty))
}

/// The smallest id that a message of the channel can have, among ids as long as the newest: the channel's own is older than all of them.
fn floor(channel: &str, newest: u64) -> String {
    let length = newest.to_string().len();
    match channel.len() == length {
        true => channel.to_owned(),
        false => format!("1{:0>1$}", "", length - 1),
    }
}

async fn reactions(
    (api, me): (&Api, &str),
    (channel, message): (&str, &Value),
    questions: &mut usize,
) -> Result<Option<Vec<(RemoteUserId, Emoji)>>, ApiError> {
    let mut found = Vec::new();
    for reaction in message["reactions"].as_array().into_iter().flatten() {
        let Some(emoji) = emoji::read(&reaction["emoji"]) else { continue };
        let Some(segment) = emoji::segment(&emoji) else { continue };
        for (kind, count) in counts(reaction) {
            if *questions == 0 || count > PEOPLE_MAX as u64 {
                return Ok(None);
            }
            *questions -= 1;
            let id = text(&message["id"]);
            let path = format!(
                "/channels/{channel}/messages/{id}/reactions/{segment}?type={kind}&limit={PEOPLE_MAX}"
            );
            let people = api.get(&path).await?;
            let people = people.as_array().into_iter().flatten().map(|user| text(&user["id"]));
            let others = people.filter(|user| user != me);
            found.extend(others.map(|user| (RemoteUserId::new(user), emoji.clone())));
        }
    }
    Ok(Some(found))
}

/// How many people other than us react: normally (0), and with the louder form of a reaction (1).
fn counts(reaction: &Value) -> impl Iterator<Item = (u8, u64)> {
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let (all, loud) = (count(&reaction["count"]), count(&reaction["count_details"]["burst"]));
    let ours = u64::from(reaction["me"] == true);
    [(0, all.saturating_sub(loud + ours)), (1, loud)].into_iter().filter(|(_, count)| *count > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_begin_with_the_channel_or_with_their_length() {
        assert_eq!(floor("150", 200), "150");
        assert_eq!(floor("99", 200), "100");
    }

    #[test]
    fn only_the_reactions_of_others_are_asked_for() {
        let asked = |reaction: Value| counts(&reaction).collect::<Vec<_>>();
        assert_eq!(asked(json!({"count": 1, "me": true})), []);
        assert_eq!(asked(json!({"count": 3, "me": true})), [(0, 2)]);
        assert_eq!(asked(json!({"count": 3, "count_details": {"burst": 1, "normal": 2}})), [(0, 2), (1, 1)]);
    }
}
