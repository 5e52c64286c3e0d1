//! What the server says of what we sent: only then is a message delivered.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};
use wacore::types::events::ServerAck;

/// The server answers within a moment, or the connection has gone.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Answers that are waited for. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Acks(Arc<Mutex<HashMap<String, oneshot::Sender<Answer>>>>);

/// What the server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has the message.
    Taken,
    /// It refuses the message, by a number.
    Refused(String),
}

/// An answer that is waited for. Dropping it ends the waiting.
pub(super) struct Waiting {
    acks: Acks,
    stanza: String,
    answer: oneshot::Receiver<Answer>,
}

impl Acks {
    /// Begins to wait; before the message is sent, so that no answer is missed.
    pub(super) fn wait_for(&self, stanza: &str) -> Waiting {
        let (sender, answer) = oneshot::channel();
        self.lock().insert(stanza.to_owned(), sender);
        Waiting { acks: self.clone(), stanza: stanza.to_owned(), answer }
    }

    /// The server has answered.
    pub(super) fn heard(&self, ack: &ServerAck) {
        if ack.class.as_deref().is_some_and(|class| class != "message") {
            return;
        }
        if let Some(waiting) = self.lock().remove(&ack.id) {
            let answer = ack.error.clone().map_or(Answer::Taken, Answer::Refused);
            // Whoever waited may have given up.
            let _ = waiting.send(answer);
        }
    }

    /// The connection is gone, and with it every answer.
    pub(super) fn lost(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Answer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// What the server said; `None` when it says nothing.
    pub(super) async fn answer(mut self) -> Option<Answer> {
        timeout(ANSWER_WITHIN, &mut self.answer).await.ok()?.ok()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.acks.lock().remove(&self.stanza);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(id: &str, class: &str, error: Option<&str>) -> ServerAck {
        ServerAck::builder()
            .id(id.to_owned())
            .class(class.to_owned())
            .maybe_error(error.map(str::to_owned))
            .build()
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_finds_whoever_waits() {
        let acks = Acks::default();
        let (one, two, three) = (acks.wait_for("1"), acks.wait_for("2"), acks.wait_for("3"));
        acks.heard(&ack("1", "receipt", None));
        acks.heard(&ack("2", "message", Some("479")));
        acks.heard(&ack("1", "message", None));
        acks.heard(&ack("unknown", "message", None));
        assert_eq!(one.answer().await, Some(Answer::Taken));
        assert_eq!(two.answer().await, Some(Answer::Refused("479".to_owned())));
        assert_eq!(three.answer().await, None, "nobody answers for ever");
        assert!(acks.lock().is_empty(), "nothing is left behind");
        let four = acks.wait_for("4");
        acks.lost();
        let told = tokio::time::Instant::now();
        assert_eq!(
            (four.answer().await, told.elapsed()),
            (None, Duration::ZERO),
            "nobody waits for what is lost"
        );
    }
}
