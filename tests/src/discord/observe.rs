//! What a test sees of the simulated Discord. Waiting is for events, never for time; the only clock is a last resort that
//! turns a hanging test into a failing one.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::{
    DiscordSim, Snowflake,
    effects::Effects,
    model::{Message, Webhook},
    render,
    requests::LoggedRequest,
    state::State,
};
use crate::openapi::Finding;

const WAIT_MAX: Duration = Duration::from_secs(30);

impl DiscordSim {
    /// A channel as it stands, oldest message first.
    pub fn messages(&self, channel: Snowflake) -> Vec<Message> {
        let state = self.inner.lock();
        state
            .records
            .channels
            .get(&channel)
            .map(|it| it.messages.values().cloned().collect())
            .unwrap_or_default()
    }

    /// One message.
    pub fn message(&self, channel: Snowflake, id: Snowflake) -> Option<Message> {
        self.inner.lock().records.channels.get(&channel)?.messages.get(&id).cloned()
    }

    /// A channel as `GET /channels/{id}/messages` would write it for a reader of everything, oldest first.
    pub fn messages_json(&self, channel: Snowflake) -> Vec<Value> {
        let state = self.inner.lock();
        let messages = state.records.channels.get(&channel).into_iter().flat_map(|it| it.messages.values());
        messages.map(|message| render::message(&state.records, message)).collect()
    }

    /// All webhooks.
    pub fn webhooks(&self) -> Vec<Webhook> {
        self.inner.lock().records.webhooks.values().cloned().collect()
    }

    /// All requests so far, oldest first.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.inner.lock().requests.clone()
    }

    /// What happened to messages so far.
    pub fn effects(&self) -> Effects {
        self.inner.lock().effects.clone()
    }

    /// How many things happened to messages so far.
    pub fn effect_count(&self) -> usize {
        self.inner.lock().effects.all().len()
    }

    /// Waits until more has happened to messages than `count` things.
    pub async fn wait_for_effects(&self, count: usize) -> anyhow::Result<()> {
        self.wait(|state| (state.effects.all().len() > count).then_some(())).await
    }

    /// Whether traffic is held against Discord's description.
    pub fn is_judged(&self) -> bool {
        self.inner.spec.is_some()
    }

    /// Where traffic disagreed with Discord's description.
    pub fn findings(&self) -> Vec<Finding> {
        self.inner.lock().findings.clone()
    }

    /// The findings so far, which are forgotten; for tests that misbehave on purpose.
    pub fn take_findings(&self) -> Vec<Finding> {
        std::mem::take(&mut self.inner.lock().findings)
    }

    /// How many gateway sockets serve a session now.
    pub fn gateway_sessions(&self) -> usize {
        self.inner.lock().connected()
    }

    /// How many IDENTIFY and RESUME have come.
    pub fn gateway_starts(&self) -> (u32, u32) {
        let state = self.inner.lock();
        (state.sessions.identifies, state.sessions.resumes)
    }

    /// Waits for a message in a channel.
    pub async fn wait_for_message(
        &self,
        channel: Snowflake,
        wanted: impl Fn(&Message) -> bool,
    ) -> anyhow::Result<Message> {
        let find = |state: &State| {
            let messages = &state.records.channels.get(&channel)?.messages;
            messages.values().find(|message| wanted(message)).cloned()
        };
        let found = self.wait(find).await;
        found.with_context(|| format!("the channel held instead: {:#?}", self.messages(channel)))
    }

    /// Waits until a message is gone from a channel.
    pub async fn wait_until_gone(&self, channel: Snowflake, message: Snowflake) -> anyhow::Result<()> {
        self.wait(|state| {
            (!state.records.channels.get(&channel)?.messages.contains_key(&message)).then_some(())
        })
        .await
    }

    /// Waits for a request that was answered.
    pub async fn wait_for_request(
        &self,
        wanted: impl Fn(&LoggedRequest) -> bool,
    ) -> anyhow::Result<LoggedRequest> {
        let answered = |request: &&LoggedRequest| request.status.is_some() && wanted(request);
        self.wait(|state| state.requests.iter().find(answered).cloned()).await
    }

    /// Waits until exactly this many gateway sockets serve a session.
    pub async fn wait_for_gateway(&self, sockets: usize) -> anyhow::Result<()> {
        self.wait(|state| (state.connected() == sockets).then_some(())).await
    }

    /// Waits for the next IDENTIFY or RESUME after the given counts, see [`Self::gateway_starts`].
    pub async fn wait_for_gateway_start(&self, (identifies, resumes): (u32, u32)) -> anyhow::Result<()> {
        let is_new =
            |state: &State| state.sessions.identifies > identifies || state.sessions.resumes > resumes;
        self.wait(|state| is_new(state).then_some(())).await
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
        tokio::time::timeout(WAIT_MAX, seen).await.context("it did not happen on the simulated Discord")
    }
}

impl State {
    /// How many sessions have a socket.
    pub(crate) fn connected(&self) -> usize {
        self.sessions.by_id.values().filter(|session| session.connection.is_some()).count()
    }
}
