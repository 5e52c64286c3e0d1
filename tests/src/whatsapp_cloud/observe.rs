//! What a test sees of the simulated WhatsApp. Waiting is for events, never for time; the only clock is a last resort that turns a hanging
//! test into a failing one.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::{
    WhatsAppCloudSim,
    ids::Chat,
    model::{Message, Side},
    requests::LoggedRequest,
    state::State,
};
use crate::openapi::Finding;

/// Generous, because many tests share a machine.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A POST to the business, as it went.
#[derive(Clone, Debug)]
pub struct LoggedWebhook {
    /// Where it went.
    pub callback: String,
    /// What it said.
    pub body: Value,
    /// The status of each attempt; none when nobody answered.
    pub answers: Vec<Option<u16>>,
    /// Whether it will be tried again.
    pub is_waiting: bool,
}

impl WhatsAppCloudSim {
    /// All messages of a chat, oldest first.
    pub fn messages(&self, chat: Chat) -> Vec<Message> {
        let state = self.inner.lock();
        state.records.messages.iter().filter(|message| message.chat == chat).cloned().collect()
    }

    /// One message.
    pub fn message(&self, id: &str) -> Option<Message> {
        self.inner.lock().records.message(id).cloned()
    }

    /// All messages that the business sent, oldest first; also those that reached nobody.
    pub fn sent(&self) -> Vec<Message> {
        let state = self.inner.lock();
        state.records.messages.iter().filter(|message| message.side == Side::Business).cloned().collect()
    }

    /// Whether a person sees that the business types.
    pub fn sees_typing(&self, chat: Chat) -> bool {
        let state = self.inner.lock();
        state.records.typing_until_ms.get(&chat).is_some_and(|until_ms| *until_ms > state.now_ms())
    }

    /// All requests so far, oldest first.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.inner.lock().requests.clone()
    }

    /// All POSTs to the business so far, oldest first.
    pub fn webhooks(&self) -> Vec<LoggedWebhook> {
        let state = self.inner.lock();
        let deliveries = state.webhooks.deliveries.iter();
        let logged = deliveries.map(|delivery| LoggedWebhook {
            callback: delivery.callback.clone(),
            body: serde_json::from_slice(&delivery.body).unwrap_or_default(),
            answers: delivery.answers.clone(),
            is_waiting: delivery.due_ms.is_some(),
        });
        logged.collect()
    }

    /// Whether traffic is held against Meta's description.
    pub fn is_judged(&self) -> bool {
        self.inner.spec.is_some()
    }

    /// Where traffic disagreed with Meta's description.
    pub fn findings(&self) -> Vec<Finding> {
        self.inner.lock().findings.clone()
    }

    /// The findings so far, which are forgotten; for tests that misbehave on purpose.
    pub fn take_findings(&self) -> Vec<Finding> {
        std::mem::take(&mut self.inner.lock().findings)
    }

    /// Moves the clock, where the simulator stands on one that a test moves.
    pub fn advance_ms(&self, by_ms: i64) {
        self.inner.change(|state| state.clock.advance_ms(by_ms));
    }

    /// Waits until every webhook that is due was tried; those that failed wait for their time.
    pub async fn wait_for_webhooks(&self) -> anyhow::Result<()> {
        let is_due = |state: &State| {
            let next = state.webhooks.next().and_then(|(_, delivery)| delivery.due_ms);
            next.is_some_and(|due_ms| due_ms <= state.now_ms())
        };
        self.wait(|state| (!is_due(state)).then_some(())).await
    }

    /// Waits until every webhook was taken, those among them that were refused at first.
    pub async fn wait_until_all_is_taken(&self) -> anyhow::Result<()> {
        self.wait(|state| state.webhooks.next().is_none().then_some(())).await
    }

    /// How many messages there are.
    pub fn message_count(&self) -> usize {
        self.inner.lock().records.messages.len()
    }

    /// Waits until there are more messages, or fewer.
    pub async fn wait_for_count_other_than(&self, count: usize) -> anyhow::Result<()> {
        self.wait(|state| (state.records.messages.len() != count).then_some(())).await
    }

    /// Waits for a message in a chat.
    pub async fn wait_for_message(
        &self,
        chat: Chat,
        wanted: impl Fn(&Message) -> bool,
    ) -> anyhow::Result<Message> {
        let find =
            |state: &State| state.records.messages.iter().find(|it| it.chat == chat && wanted(it)).cloned();
        let found = self.wait(find).await;
        found.with_context(|| format!("the chat held instead: {:#?}", self.messages(chat)))
    }

    /// Waits for a request that was answered.
    pub async fn wait_for_request(
        &self,
        wanted: impl Fn(&LoggedRequest) -> bool,
    ) -> anyhow::Result<LoggedRequest> {
        let answered = |request: &&LoggedRequest| request.status.is_some() && wanted(request);
        self.wait(|state| state.requests.iter().find(answered).cloned()).await
    }

    /// Waits until the business has shown a person that it types.
    pub async fn wait_for_typing(&self, chat: Chat) -> anyhow::Result<()> {
        self.wait(|state| state.records.typing_until_ms.contains_key(&chat).then_some(())).await
    }

    async fn wait<T>(&self, look: impl Fn(&State) -> Option<T>) -> anyhow::Result<T> {
        let seen = async {
            loop {
                let changed = self.inner.changed.notified();
                tokio::pin!(changed);
                // From here on no change is missed, so looking comes second.
                changed.as_mut().enable();
                if let Some(found) = look(&self.inner.lock()) {
                    return found;
                }
                changed.await;
            }
        };
        tokio::time::timeout(WAIT_MAX, seen).await.context("it did not happen on the simulated WhatsApp")
    }
}
