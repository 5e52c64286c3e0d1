//! What is heard on the line's own task, which must not wait: it goes into queues, and each queue has a task.
//!
//! | queue | what is in it | when it is full |
//! |---|---|---|
//! | `messages` | what was said and did not go through the hook: recovered, or not readable yet | the session ends: nobody would tell it again |
//! | `past` | pieces of the past, which take long | a piece is left out |
//! | `rest` | all that is no message | something is left out |

use std::sync::Arc;

use magpie_common::platform::ConnectError;
use tokio::sync::mpsc;
use tracing::error;
use wacore::types::events::Event;

use super::{acks::Acks, ending::End, happenings};
use crate::linked::{line::Ears, verdict};

/// What may wait in the queue of messages, and in that of the rest.
const EVENTS_MAX: usize = 8_192;
/// What may wait of the past: a piece can be large.
const PIECES_MAX: usize = 256;

/// What was heard.
pub(super) struct Heard {
    pub(super) messages: mpsc::Receiver<Arc<Event>>,
    pub(super) past: mpsc::Receiver<Arc<Event>>,
    pub(super) rest: mpsc::Receiver<Arc<Event>>,
}

/// Ears, and where what they hear comes out.
pub(super) fn ears(acks: Acks, end: End) -> (Ears, Heard) {
    let (messages_in, messages) = mpsc::channel(EVENTS_MAX);
    let (past_in, past) = mpsc::channel(PIECES_MAX);
    let (rest_in, rest) = mpsc::channel(EVENTS_MAX);
    let away = end.clone();
    let unreached = move |error: &anyhow::Error| {
        away.because(ConnectError::Transient(format!(
            "WhatsApp's server cannot be reached ({}). Check the network of this machine.",
            verdict::told(&format!("{error:#}"))
        )));
    };
    let hear = move |event: Arc<Event>| {
        if let Some(why) = verdict::end(&event) {
            end.because(why);
            return;
        }
        let left_out = match &*event {
            Event::ServerAck(ack) => {
                acks.heard(ack);
                return;
            }
            // It was taken in there.
            Event::Messages(batch) if batch.hook_committed => return,
            Event::Messages(_) | Event::UndecryptableMessage(_) => {
                if messages_in.try_send(event).is_err() {
                    let words = "Too many messages came at once. The bridge connects anew.";
                    end.because(ConnectError::Transient(words.to_owned()));
                }
                return;
            }
            Event::Disconnected(_) => {
                acks.lost();
                rest_in.try_send(event)
            }
            Event::HistorySync(_) => past_in.try_send(event),
            _ => rest_in.try_send(event),
        };
        if let Err(mpsc::error::TrySendError::Full(event)) = left_out {
            let kind = event.kind();
            error!(?kind, "Too much happens in WhatsApp at once; something that is no message was left out.");
        }
    };
    let ears = Ears { kinds: happenings::HEARD, hear: Box::new(hear), unreached: Arc::new(unreached) };
    (ears, Heard { messages, past, rest })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;
    use wacore::types::events::{BatchOrigin, MessageBatch};

    use super::*;

    fn batch(hook_committed: bool) -> Arc<Event> {
        let (messages, origin) = (Arc::from([]), BatchOrigin::Live);
        let batch = MessageBatch::builder().messages(messages).origin(origin).hook_committed(hook_committed);
        Arc::new(Event::Messages(batch.build()))
    }

    #[tokio::test]
    async fn only_messages_that_nobody_took_in_are_queued() {
        let (ears, mut heard) = ears(Acks::default(), End::default());
        (ears.hear)(batch(true));
        (ears.hear)(batch(false));
        assert!(
            matches!(&*heard.messages.try_recv().expect("one"), Event::Messages(it) if !it.hook_committed)
        );
        assert!(heard.messages.try_recv().is_err() && heard.rest.try_recv().is_err());
    }

    /// Invariant: no message is left out; when there is no room for one the session ends.
    #[tokio::test(start_paused = true)]
    async fn a_session_ends_before_a_message_is_left_out() {
        let end = End::default();
        let (ears, _heard) = ears(Acks::default(), end.clone());
        for _ in 0..EVENTS_MAX {
            (ears.hear)(batch(false));
        }
        assert!(timeout(Duration::from_secs(1), end.reason()).await.is_err(), "there is room");
        (ears.hear)(batch(false));
        assert!(matches!(end.reason().await, ConnectError::Transient(_)));
    }
}
