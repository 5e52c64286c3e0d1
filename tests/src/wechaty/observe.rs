//! What the gateway tells of what happens, as it happens.
//!
//! Each event is JSON with its kind in `event`: `connected`; `stream` (`open`: whether somebody listens from now on); `asked` (`id`: the bridge
//! has fetched that message); `stopped` (somebody stopped the puppet, which signs the account out).
//!
//! Of what the bridge sends: `sent` with `id`, `to` and `kind`: `text` (`text`, `mentions`), `file` (`name`, `mediaType`, `boxType`: 1 inside the
//! request, 7 uploaded before, `size`, `sha256`, `base64` of small ones, and `voiceLength` of speech), `url`, `location` (`place`), `miniProgram`, `contact` (`card`), `forward`.
//!
//! Of what else it does: `did` with `kind`: `recall` (`id`), `friendshipAccept` (`id`), `friendshipAdd` (`contact`), `invitationAccept` (`id`),
//! `topic` (`room`, `topic`), `alias`, `add`, `remove`, `quit`, `read` (`conversation`, `isRead`).

use anyhow::Context;
use serde_json::Value;

use super::Gateway;

impl Gateway {
    /// Waits for the first event of a kind that fits and was not taken by an earlier call. Events of a killed process are not among them.
    ///
    /// # Errors
    /// When none comes in time.
    pub async fn expect(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        self.node().expect(kind, fits).await
    }

    /// Waits until these words were sent to a conversation; gives the message's id.
    ///
    /// # Errors
    /// When they were not.
    pub async fn expect_text(&self, to: &str, words: &str) -> anyhow::Result<String> {
        let sent = self.expect_sent("text", |event| event["to"] == to && event["text"] == words).await?;
        sent["id"].as_str().map(str::to_owned).context("what was sent has an id")
    }

    /// Waits until something of this kind was sent.
    ///
    /// # Errors
    /// When it was not.
    pub async fn expect_sent(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        self.expect("sent", |event| event["kind"] == kind && fits(event)).await
    }

    /// Waits until the bridge did something of this kind.
    ///
    /// # Errors
    /// When it did not.
    pub async fn expect_done(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        self.expect("did", |event| event["kind"] == kind && fits(event)).await
    }

    /// Waits until a stream of events was opened; once for each.
    ///
    /// # Errors
    /// When it was not.
    pub async fn heard_by_somebody(&self) -> anyhow::Result<()> {
        self.expect("stream", |event| event["open"] == true).await.map(drop)
    }

    /// Waits until a stream of events was closed; once for each.
    ///
    /// # Errors
    /// When it was not.
    pub async fn heard_by_nobody(&self) -> anyhow::Result<()> {
        self.expect("stream", |event| event["open"] == false).await.map(drop)
    }

    /// All events of a kind, those of killed processes too.
    pub fn seen(&self, kind: &str) -> Vec<Value> {
        let (all, _) = self.seen_from(0);
        all.into_iter().filter(|event| event["event"] == kind).collect()
    }

    /// All texts that were sent to a conversation, in order, with their ids.
    pub fn texts(&self, to: &str) -> Vec<(String, String)> {
        let sent = self.seen("sent").into_iter().filter(|event| event["kind"] == "text" && event["to"] == to);
        sent.filter_map(|event| Some((event["id"].as_str()?.to_owned(), event["text"].as_str()?.to_owned())))
            .collect()
    }

    /// All events from the `from`-th on, and how many there are.
    pub fn seen_from(&self, from: usize) -> (Vec<Value>, usize) {
        let now = self.now();
        let past = now.past.len();
        let (present, count) = now.node.seen_from(from.saturating_sub(past));
        let old = now.past.get(from..).unwrap_or_default();
        ([old, &present].concat(), past + count)
    }

    /// Waits until there are not `count` events any more but others.
    pub async fn changed(&self, count: usize) {
        let (node, past) = {
            let now = self.now();
            (now.node.clone(), now.past.len())
        };
        // Otherwise more than these have been told already.
        if let Some(count) = count.checked_sub(past) {
            node.changed(count).await;
        }
    }
}
