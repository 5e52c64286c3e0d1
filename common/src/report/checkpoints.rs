//! How far each message of somebody in Matrix has come: told in batches to `homeserver.message_send_checkpoint_endpoint`.
//!
//! The queue is bounded. What finds no room, and what the endpoint does not take after some tries, is dropped and counted.

use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::Duration,
};

use prometheus::{IntCounterVec, register_int_counter_vec};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Endpoint, Subject, cut, pause};
use crate::clock::{Clock, TimestampMs};

/// So many checkpoints wait while the endpoint is away: some 2 MB.
const QUEUE_MAX: usize = 4_096;

/// So many go at once.
const BATCH_MAX: usize = 100;

/// A batch is tried so often, which takes about two minutes; after that newer ones matter more.
const TRIES_MAX: u32 = 8;

/// What is left when the bridge stops has this long to go.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

static CHECKPOINTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let (name, help) = ("magpie_checkpoints_total", "Message checkpoints by what became of them.");
    register_int_counter_vec!(name, help, &["outcome"]).expect("the name is unique")
});

/// Lets what is counted stand at zero.
pub(crate) fn begin_counting() {
    for outcome in ["sent", "refused", "dropped"] {
        CHECKPOINTS.with_label_values(&[outcome]).inc_by(0);
    }
}

/// Takes checkpoints; clones share the queue. Without an endpoint it does nothing.
#[derive(Clone, Default)]
pub struct Checkpoints(Option<Arc<Queue>>);

struct Queue {
    sender: mpsc::Sender<Checkpoint>,
    clock: Clock,
}

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CheckpointStep {
    /// The bridge has it.
    Bridge,
    /// It is brought to the network.
    Remote,
    /// It was meant for the bridge itself.
    Command,
}

/// How it went there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CheckpointStatus {
    /// Well.
    Success,
    /// Not yet; it is tried again.
    WillRetry,
    /// Not at all.
    PermFailure,
    /// There is no such thing.
    Unsupported,
    /// Nobody knows, for no answer came.
    Timeout,
    /// The network took it, and it has not arrived after all.
    DeliveryFailed,
}

/// What is told of an event.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Where it is.
    pub step: CheckpointStep,
    /// How it went.
    pub status: CheckpointStatus,
    /// How often it was tried before.
    pub retry_num: u32,
    /// Why, in plain words.
    pub info: Option<&'a str>,
}

/// The form that goes out.
#[derive(Debug, Serialize)]
struct Checkpoint {
    event_id: String,
    room_id: String,
    step: CheckpointStep,
    status: CheckpointStatus,
    timestamp: TimestampMs,
    event_type: String,
    reported_by: &'static str,
    retry_num: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<String>,
}

#[derive(Serialize)]
struct Batch<'a> {
    checkpoints: &'a [Checkpoint],
}

impl Checkpoints {
    /// Checkpoints for an endpoint, and what sends them there.
    pub fn to(endpoint: Endpoint, clock: Clock) -> (Self, CheckpointSender) {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let checkpoints = Self(Some(Arc::new(Queue { sender, clock: clock.clone() })));
        (checkpoints, CheckpointSender { endpoint, queue, clock })
    }

    /// Whether anybody wants them.
    pub fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Tells of an event. Returns at once, whatever the endpoint does.
    pub fn tell(&self, subject: &Subject<'_>, report: &Report<'_>) {
        let Some(queue) = &self.0 else { return };
        let Ok(place) = queue.sender.try_reserve() else {
            CHECKPOINTS.with_label_values(&["dropped"]).inc();
            return;
        };
        place.send(Checkpoint {
            event_id: subject.event_id.clone().into_owned(),
            room_id: subject.room_id.clone().into_owned(),
            step: report.step,
            status: report.status,
            timestamp: queue.clock.now_ms(),
            event_type: subject.event_type.clone().into_owned(),
            reported_by: "BRIDGE",
            retry_num: report.retry_num,
            message_type: subject.message_type(),
            info: report.info.map(cut),
        });
    }
}

impl fmt::Debug for Checkpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checkpoints({})", self.is_wanted())
    }
}

/// Brings checkpoints to their endpoint.
pub struct CheckpointSender {
    endpoint: Endpoint,
    queue: mpsc::Receiver<Checkpoint>,
    clock: Clock,
}

impl CheckpointSender {
    /// Sends until `stop`, and then once more what is left.
    pub async fn send(mut self, stop: CancellationToken) {
        let mut batch = Vec::new();
        while !stop.is_cancelled() {
            tokio::select! {
                count = self.queue.recv_many(&mut batch, BATCH_MAX) => if count == 0 { return },
                () = stop.cancelled() => break,
            }
            if self.deliver(&batch, &stop).await {
                batch.clear();
            }
        }
        self.queue.close();
        while !self.queue.is_empty() && batch.len() < QUEUE_MAX {
            self.queue.recv_many(&mut batch, BATCH_MAX).await;
        }
        let last = async {
            for piece in batch.chunks(BATCH_MAX) {
                self.post(piece).await;
            }
        };
        if tokio::time::timeout(LAST_PATIENCE, last).await.is_err() {
            tracing::warn!("Not all checkpoints of messages could be told before the end.");
        }
    }

    /// Whether the batch is done with: taken, or given up. Only the end of the bridge leaves it.
    async fn deliver(&self, batch: &[Checkpoint], stop: &CancellationToken) -> bool {
        for tries in 1.. {
            let posted = stop.run_until_cancelled(self.endpoint.post(write(batch))).await;
            let Some(posted) = posted else { return false };
            let Err(error) = posted else {
                count("sent", batch);
                return true;
            };
            if tries == 1 {
                tracing::warn!(%error, "The endpoint for message checkpoints did not take them.");
            }
            if !error.is_transient() || tries == TRIES_MAX {
                break;
            }
            let pause = pause(tries, self.clock.jitter());
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return false;
            }
        }
        count("refused", batch);
        true
    }

    async fn post(&self, batch: &[Checkpoint]) {
        let outcome = if self.endpoint.post(write(batch)).await.is_ok() { "sent" } else { "refused" };
        count(outcome, batch);
    }
}

fn write(checkpoints: &[Checkpoint]) -> Vec<u8> {
    serde_json::to_vec(&Batch { checkpoints }).expect("a checkpoint has a JSON form")
}

fn count(outcome: &str, batch: &[Checkpoint]) {
    CHECKPOINTS.with_label_values(&[outcome]).inc_by(batch.len() as u64);
}
