//! The endless `/sync` in the background.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use super::{
    event::{Event, Place},
    request::Client,
};

/// How long the homeserver may hold a request while nothing happens.
const POLL_MS: &str = "20000";
/// Between attempts while the homeserver is away.
const RETRY: Duration = Duration::from_millis(200);
/// So many new events in one room between two answers are seen without a gap.
const TIMELINE_LIMIT: u32 = 1000;

/// Listens until it is dropped.
#[derive(Debug)]
pub(super) struct Listener(JoinHandle<()>);

impl Listener {
    /// Has the first answer when it returns, so that whatever happens later will be noticed.
    pub async fn start(client: Client) -> anyhow::Result<(Self, watch::Receiver<Vec<Event>>)> {
        let mut ear = Ear { client, since: String::new(), seen: watch::Sender::default() };
        let seen = ear.seen.subscribe();
        ear.listen_once().await?;
        Ok((Self(tokio::spawn(ear.listen())), seen))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Ear {
    client: Client,
    since: String,
    seen: watch::Sender<Vec<Event>>,
}

impl Ear {
    async fn listen(mut self) {
        let mut attempts = interval(RETRY);
        attempts.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.listen_once().await.is_err() {
                attempts.tick().await;
            }
        }
    }

    /// GET /_matrix/client/v3/sync
    async fn listen_once(&mut self) -> anyhow::Result<()> {
        let filter = json!({"room": {"timeline": {"limit": TIMELINE_LIMIT}}}).to_string();
        let mut query = vec![("filter", filter.as_str())];
        if !self.since.is_empty() {
            query.extend([("since", self.since.as_str()), ("timeout", POLL_MS)]);
        }
        let answer = self.client.get(&["_matrix", "client", "v3", "sync"], &query).await?;
        if let Some(next) = answer["next_batch"].as_str() {
            next.clone_into(&mut self.since);
        }
        let new = events(&answer);
        if !new.is_empty() {
            self.seen.send_modify(|seen| seen.extend(new));
        }
        Ok(())
    }
}

/// State before timeline, as a client would show it.
fn events(answer: &Value) -> Vec<Event> {
    const PARTS: &[(&str, &str, Place)] = &[
        ("invite", "invite_state", Place::Invite),
        ("join", "state", Place::State),
        ("join", "timeline", Place::Timeline),
        ("join", "ephemeral", Place::Ephemeral),
        ("leave", "timeline", Place::Left),
    ];
    let mut events = Vec::new();
    for (membership, part, place) in PARTS {
        for (room, content) in answer["rooms"][membership].as_object().into_iter().flatten() {
            let found = content[part]["events"].as_array().into_iter().flatten();
            events.extend(found.map(|json| Event::new(room, *place, json.clone())));
        }
    }
    events
}
