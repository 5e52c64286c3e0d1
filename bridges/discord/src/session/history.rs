//! Looks in a channel's history for messages that may have been sent.

use std::time::Duration;

use magpie_common::{ids::RemoteMessageId, platform::DeliverError};
use serde_json::Value;

use super::{api::Api, recovery::oldest_first, verdict::verdict_on_question, world::text};
use crate::events::first_snowflake;

const PAGE_MESSAGES_MAX: usize = 100;

/// A busier channel than this cannot be searched; the message stays uncertain.
const PAGES_MAX: usize = 10;

/// Clocks differ by no more than this.
const SKEW_MS: i64 = 60_000;

/// A request that lost its answer takes effect within this time, so an empty first look is followed by a second one.
const SETTLES_WITHIN: Duration = Duration::from_millis(1000);

/// What is looked for.
pub(super) struct Search<'a> {
    /// Where.
    pub channel: &'a str,
    /// Only younger messages can be it.
    pub after: Option<&'a str>,
    /// When it was accepted; it can only be younger.
    pub accepted_ms: i64,
    /// The words of each part, in order.
    pub contents: Vec<&'a str>,
    /// How many files the first part bears.
    pub files: usize,
}

/// Whether we wrote a message, and whether it bears the name under which we would write it now.
type Marks<'a> = (&'a (dyn Fn(&Value) -> bool + Sync), &'a (dyn Fn(&Value) -> bool + Sync));

/// The ids of the parts that stand, first part first; none when surely nothing stands.
pub(super) async fn find(
    api: &Api,
    search: &Search<'_>,
    marks: Marks<'_>,
) -> Result<Vec<RemoteMessageId>, DeliverError> {
    let found = look(api, search, marks).await?;
    if !found.is_empty() {
        return Ok(found);
    }
    tokio::time::sleep(SETTLES_WITHIN).await;
    look(api, search, marks).await
}

/// Whether two texts are the same but for what Discord trims and what we put in ourselves.
pub(super) fn same_words(one: &str, other: &str) -> bool {
    let bare = |text: &str| {
        text.chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '\u{200b}' | '\u{200d}'))
            .collect::<String>()
    };
    bare(one) == bare(other)
}

async fn look(
    api: &Api,
    search: &Search<'_>,
    (wrote, named): Marks<'_>,
) -> Result<Vec<RemoteMessageId>, DeliverError> {
    let earliest = first_snowflake(search.accepted_ms - SKEW_MS).to_string();
    let mut after = search.after.map_or(earliest, str::to_owned);
    let mut ours = Vec::new();
    for _ in 0..PAGES_MAX {
        let path = format!("/channels/{}/messages?after={after}&limit={PAGE_MESSAGES_MAX}", search.channel);
        let messages = oldest_first(api.get(&path).await.map_err(verdict_on_question)?);
        let next = messages.last().filter(|_| messages.len() == PAGE_MESSAGES_MAX);
        let next = next.map(|last| text(&last["id"]));
        ours.extend(messages.into_iter().filter(|message| wrote(message)));
        match next {
            Some(last) => after = last,
            None => return Ok(parts(&ours, search, named)),
        }
    }
    let found = parts(&ours, search, named);
    let words = "So much was said in the channel since that it cannot be told whether the message arrived.";
    if found.is_empty() { Err(DeliverError::Uncertain(words.to_owned())) } else { Ok(found) }
}

/// The messages that are the parts, in order. Somebody may have another name since, so the name decides only between several.
fn parts(ours: &[Value], search: &Search<'_>, named: impl Fn(&Value) -> bool) -> Vec<RemoteMessageId> {
    let Search { contents, files, .. } = search;
    let bears = |message: &Value| message["attachments"].as_array().map_or(0, Vec::len);
    let says = |message: &Value, nth: usize, words: &str| {
        same_words(message["content"].as_str().unwrap_or_default(), words)
            && (nth > 0 || bears(message) == *files)
    };
    let Some(first) = contents.first() else { return Vec::new() };
    let mut begins = ours.iter().filter(|message| says(message, 0, first));
    let is_alone = begins.next().is_some() && begins.next().is_none();
    let mut found = Vec::new();
    for message in ours.iter().filter(|message| is_alone || named(message)) {
        let Some(wanted) = contents.get(found.len()) else { break };
        if says(message, found.len(), wanted) {
            found.push(RemoteMessageId::new(text(&message["id"])));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(ours: &[(&str, &str)], contents: &[&str]) -> Vec<String> {
        let messages: Vec<Value> = (1..)
            .zip(ours)
            .map(|(id, (name, words))| json!({"id": id, "author": {"username": name}, "content": words}))
            .collect();
        let named = |message: &Value| message["author"]["username"] == "Ada";
        let search =
            Search { channel: "1", after: None, accepted_ms: 0, contents: contents.to_vec(), files: 0 };
        parts(&messages, &search, named).iter().map(|id| id.as_str().to_owned()).collect()
    }

    #[test]
    fn a_name_decides_only_between_several() {
        assert_eq!(found(&[("Eve", "other"), ("Old Ada", "hi")], &["hi"]), ["2"]);
        assert_eq!(found(&[("Eve", "hi"), ("Ada", "hi")], &["hi"]), ["2"]);
        assert!(found(&[("Eve", "hi"), ("Bob", "hi")], &["hi"]).is_empty());
        assert_eq!(found(&[("Old Ada", "one"), ("Ada", "two")], &["one", "two", "three"]), ["1", "2"]);
    }

    #[test]
    fn marks_that_nobody_sees_are_no_difference() {
        assert!(same_words("D\u{200d}iscord ", "Discord"));
    }
}
