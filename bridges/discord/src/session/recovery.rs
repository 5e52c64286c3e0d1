//! Fetches what was said while nobody listened.
//!
//! One page of one channel after the other, in turns, so that a long absence in one channel does not hold up the rest. Pages
//! go to the pump, which maps them like live events. `GET /channels/{id}/messages?after=`:
//! <https://discord.com/developers/docs/resources/message#get-channel-messages>.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::mpsc;
use tracing::warn;

use super::{
    api::{Api, ApiError},
    world::text,
};

/// What one request gives at most.
const PAGE_MESSAGES_MAX: usize = 100;

/// How often one page is asked for.
const ATTEMPTS_MAX: u32 = 4;

/// Grows with each attempt.
const PAUSE: Duration = Duration::from_millis(500);

/// A channel with messages to fetch.
#[derive(Debug)]
pub(super) struct Missed {
    /// The channel.
    pub channel: String,
    /// The last message that is known.
    pub after: String,
    /// How many were fetched so far.
    pub taken: usize,
}

/// Fetched messages of one channel, oldest first.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// The channel.
    pub channel: String,
    /// The messages.
    pub messages: Vec<Value>,
    /// The last message that is known now.
    pub after: String,
    /// Nothing more comes for this channel.
    pub is_last: bool,
    /// The limit was reached after so many messages.
    pub gave_up_after: Option<usize>,
    /// Why nothing could be fetched.
    pub failed: Option<String>,
}

/// Runs until nobody reads its pages.
pub(super) async fn run(
    api: Arc<Api>,
    messages_max: usize,
    mut missed: mpsc::Receiver<Missed>,
    pages: mpsc::Sender<Page>,
) {
    let mut turns: VecDeque<Missed> = VecDeque::new();
    loop {
        if turns.is_empty() {
            match missed.recv().await {
                Some(next) => turns.push_back(next),
                None => return,
            }
        }
        while let Ok(next) = missed.try_recv() {
            turns.push_back(next);
        }
        let Some(turn) = turns.pop_front() else { continue };
        let page = fetch(&api, &turn, messages_max).await;
        if !page.is_last && page.failed.is_none() {
            let taken = turn.taken + page.messages.len();
            turns.push_back(Missed { channel: turn.channel, after: page.after.clone(), taken });
        }
        if pages.send(page).await.is_err() {
            return;
        }
    }
}

async fn fetch(api: &Api, turn: &Missed, messages_max: usize) -> Page {
    let page =
        Page { channel: turn.channel.clone(), after: turn.after.clone(), is_last: true, ..Page::default() };
    if turn.taken >= messages_max {
        return Page { gave_up_after: Some(turn.taken), ..page };
    }
    match ask(api, turn).await {
        Ok(messages) => {
            let after = messages.last().map_or_else(|| turn.after.clone(), |message| text(&message["id"]));
            let is_last = messages.len() < PAGE_MESSAGES_MAX;
            Page { messages, after, is_last, ..page }
        }
        Err(error) if error.is_not_found() => {
            warn!(channel = turn.channel, %error, "Missed messages of a channel cannot be read.");
            page
        }
        Err(error) => Page { failed: Some(format!("Missed messages could not be fetched: {error}")), ..page },
    }
}

async fn ask(api: &Api, turn: &Missed) -> Result<Vec<Value>, ApiError> {
    let path = format!("/channels/{}/messages?after={}&limit={PAGE_MESSAGES_MAX}", turn.channel, turn.after);
    let mut attempt = 1;
    loop {
        match api.get(&path).await {
            Ok(answer) => return Ok(oldest_first(answer)),
            Err(ApiError::Refused(refusal)) => return Err(ApiError::Refused(refusal)),
            Err(error) if attempt >= ATTEMPTS_MAX => return Err(error),
            Err(ApiError::Limited(wait)) => tokio::time::sleep(wait).await,
            Err(_) => tokio::time::sleep(PAUSE * attempt).await,
        }
        attempt += 1;
    }
}

/// Discord answers newest first.
pub(super) fn oldest_first(answer: Value) -> Vec<Value> {
    let Value::Array(mut messages) = answer else { return Vec::new() };
    messages.sort_by_key(|message| text(&message["id"]).parse::<u64>().unwrap_or_default());
    messages
}
