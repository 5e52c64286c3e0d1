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
}

/// The ids of the parts that stand, first part first; none when surely nothing stands.
pub(super) async fn find(
    api: &Api,
    search: &Search<'_>,
    wrote: impl Fn(&Value) -> bool,
) -> Result<Vec<RemoteMessageId>, DeliverError> {
    let found = look(api, search, &wrote).await?;
    if !found.is_empty() {
        return Ok(found);
    }
    tokio::time::sleep(SETTLES_WITHIN).await;
    look(api, search, &wrote).await
}

/// Whether two texts are the same but for what Discord trims.
pub(super) fn same_words(one: &str, other: &str) -> bool {
    let bare =
        |text: &str| text.chars().filter(|c| !c.is_whitespace() && *c != '\u{200b}').collect::<String>();
    bare(one) == bare(other)
}

async fn look(
    api: &Api,
    search: &Search<'_>,
    wrote: &impl Fn(&Value) -> bool,
) -> Result<Vec<RemoteMessageId>, DeliverError> {
    let earliest = first_snowflake(search.accepted_ms - SKEW_MS).to_string();
    let mut after = search.after.map_or(earliest, str::to_owned);
    let mut found = Vec::new();
    for _ in 0..PAGES_MAX {
        let path = format!("/channels/{}/messages?after={after}&limit={PAGE_MESSAGES_MAX}", search.channel);
        let messages = oldest_first(api.get(&path).await.map_err(verdict_on_question)?);
        for message in messages.iter().filter(|message| wrote(message)) {
            let Some(wanted) = search.contents.get(found.len()) else { return Ok(found) };
            if same_words(message["content"].as_str().unwrap_or_default(), wanted) {
                found.push(RemoteMessageId::new(text(&message["id"])));
            }
        }
        let Some(last) = messages.last().filter(|_| messages.len() == PAGE_MESSAGES_MAX) else {
            return Ok(found);
        };
        after = text(&last["id"]);
    }
    let words = "So much was said in the channel since that it cannot be told whether the message arrived.";
    if found.is_empty() { Err(DeliverError::Uncertain(words.to_owned())) } else { Ok(found) }
}
