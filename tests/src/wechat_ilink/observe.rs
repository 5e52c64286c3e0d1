//! What a test sees of the simulated iLink. Waiting is for events, never for time; the only clock is a last resort that turns a hanging test
//! into a failing one.

use std::time::Duration;

use anyhow::Context;

use super::{
    ILinkSim,
    model::{BotId, LoggedRequest, Sent},
    state::State,
};
use crate::openapi::Finding;

/// Generous, because many tests share a machine.
const WAIT_MAX: Duration = Duration::from_secs(60);

impl ILinkSim {
    /// All that a bot has said, oldest first.
    pub fn sent(&self, bot: BotId) -> Vec<Sent> {
        self.inner.lock().records.sent.iter().filter(|sent| sent.bot == bot).cloned().collect()
    }

    /// How much all bots have said.
    pub fn sent_count(&self) -> usize {
        self.inner.lock().records.sent.len()
    }

    /// The words of all that a bot has said, oldest first.
    pub fn texts(&self, bot: BotId) -> Vec<String> {
        self.sent(bot).iter().map(|sent| sent.text().to_owned()).collect()
    }

    /// Whether a bot's person sees that it types.
    pub fn sees_typing(&self, bot: BotId) -> bool {
        self.inner.lock().records.bot(bot).is_typing
    }

    /// Whether a bot has said that it is there, and not that it has gone.
    pub fn is_started(&self, bot: BotId) -> bool {
        self.inner.lock().records.bot(bot).is_started
    }

    /// All requests so far, oldest first.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.inner.lock().requests.clone()
    }

    /// How many requests of that name there were.
    pub fn request_count(&self, name: &str) -> usize {
        self.inner.lock().requests.iter().filter(|request| request.name == name).count()
    }

    /// What was wrong with requests.
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

    /// Waits until bots have said more, or less.
    ///
    /// # Errors
    /// When that does not happen; so it is with all that wait.
    pub async fn wait_for_count_other_than(&self, count: usize) -> anyhow::Result<()> {
        self.wait(|state| (state.records.sent.len() != count).then_some(())).await
    }

    /// Waits for something that a bot says.
    ///
    /// # Errors
    /// With all that it said instead.
    pub async fn wait_for_sent(&self, bot: BotId, wanted: impl Fn(&Sent) -> bool) -> anyhow::Result<Sent> {
        let find = |state: &State| state.records.sent.iter().find(|it| it.bot == bot && wanted(it)).cloned();
        let found = self.wait(find).await;
        found.with_context(|| format!("the bot said instead: {:#?}", self.texts(bot)))
    }

    /// Waits until a bot has said these words.
    ///
    /// # Errors
    /// With all that it said instead.
    pub async fn wait_for_text(&self, bot: BotId, words: &str) -> anyhow::Result<Sent> {
        self.wait_for_sent(bot, |sent| sent.text().contains(words)).await
    }

    /// Waits for a request, answered or not.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn wait_for_request(
        &self,
        wanted: impl Fn(&LoggedRequest) -> bool,
    ) -> anyhow::Result<LoggedRequest> {
        self.wait_for_request_from(0, wanted).await
    }

    /// The same, from the `from`-th request on.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn wait_for_request_from(
        &self,
        from: usize,
        wanted: impl Fn(&LoggedRequest) -> bool,
    ) -> anyhow::Result<LoggedRequest> {
        self.wait(|state| state.requests.iter().skip(from).find(|request| wanted(request)).cloned()).await
    }

    /// Waits until so many requests of that name were answered.
    ///
    /// # Errors
    /// When there are not.
    pub async fn wait_for_requests(&self, name: &str, count: usize) -> anyhow::Result<()> {
        let is_done = |request: &&LoggedRequest| request.name == name && request.status.is_some();
        let counted = |state: &State| state.requests.iter().filter(is_done).count();
        self.wait(|state| (counted(state) >= count).then_some(())).await
    }

    /// The same, whether they were answered or not.
    ///
    /// # Errors
    /// When there are not so many.
    pub async fn wait_for_attempts(&self, name: &str, count: usize) -> anyhow::Result<()> {
        let counted = |state: &State| state.requests.iter().filter(|request| request.name == name).count();
        self.wait(|state| (counted(state) >= count).then_some(())).await
    }

    /// Waits until a client has been told how far a code has come: `scaned`, `expired`.
    ///
    /// # Errors
    /// When it has not.
    pub async fn wait_for_status(&self, word: &str) -> anyhow::Result<()> {
        self.wait_for_request(|request| request.answer["status"] == word).await.map(drop)
    }

    /// Waits until a bot's person sees that it types, or no longer.
    ///
    /// # Errors
    /// When that does not happen.
    pub async fn wait_for_typing(&self, bot: BotId, is_typing: bool) -> anyhow::Result<()> {
        self.wait(|state| (state.records.bot(bot).is_typing == is_typing).then_some(())).await
    }

    /// Waits until a bot has said that it is there.
    ///
    /// # Errors
    /// When it does not.
    pub async fn wait_for_start(&self, bot: BotId) -> anyhow::Result<()> {
        self.wait(|state| state.records.bot(bot).is_started.then_some(())).await
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
        tokio::time::timeout(WAIT_MAX, seen).await.context("it did not happen on the simulated iLink")
    }
}
