//! What goes wrong for longer than one request: tokens that go stale, polls that end, updates that come twice or in another order.

use serde_json::Value;

use super::{ILinkSim, model::BotId, state::State};

/// Where a refusal for a stale token has its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StaleIn {
    /// In `errcode`.
    #[default]
    Errcode,
    /// In `ret`.
    Ret,
}

/// In which order held updates are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they were said.
    AsSaid,
    /// The last first.
    Reversed,
}

/// What is going on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble {
    pub stale_in: StaleIn,
    /// So many of the next updates come twice.
    pub duplicates: usize,
    /// Whether updates are held back, and those that are.
    pub is_held: bool,
    pub held: Vec<(BotId, Value)>,
}

/// An update is told, or held back.
pub(crate) fn tell(state: &mut State, bot: BotId, update: Value) {
    let mut times = 1;
    if state.trouble.duplicates > 0 {
        state.trouble.duplicates -= 1;
        times += 1;
    }
    for _ in 0..times {
        match state.trouble.is_held {
            true => state.trouble.held.push((bot, update.clone())),
            false => state.records.bot_mut(bot).updates.push(update.clone()),
        }
    }
}

impl ILinkSim {
    /// The bot's token is of no use any more: every call with it gets -14.
    pub fn token_goes_stale(&self, bot: BotId) {
        self.inner.change(|state| state.records.bot_mut(bot).is_alive = false);
    }

    /// Stale tokens are told of in this field from now on.
    pub fn tells_stale_in(&self, field: StaleIn) {
        self.inner.change(|state| state.trouble.stale_in = field);
    }

    /// No context token that the bot has is good any more, until its person writes again.
    pub fn contexts_expire(&self, bot: BotId) {
        self.inner.change(|state| state.records.bot_mut(bot).contexts.clear());
    }

    /// Every poll of the bot is cut until it says anew that it is there.
    pub fn cuts_off(&self, bot: BotId) {
        self.inner.change(|state| state.records.bot_mut(bot).is_cut_off = true);
    }

    /// So many of the next updates come twice, one after the other.
    pub fn updates_come_twice(&self, count: usize) {
        self.inner.change(|state| state.trouble.duplicates = count);
    }

    /// What was told is told once more, at the end.
    pub fn repeats_all_updates(&self, bot: BotId) {
        self.inner.change(|state| {
            let updates = &mut state.records.bot_mut(bot).updates;
            updates.extend_from_within(..);
        });
    }

    /// Updates are held back from now on.
    pub fn holds_updates(&self) {
        self.inner.change(|state| state.trouble.is_held = true);
    }

    /// What was held back is told, in this order.
    pub fn releases_updates(&self, order: Order) {
        self.inner.change(|state| {
            state.trouble.is_held = false;
            let mut held = std::mem::take(&mut state.trouble.held);
            if order == Order::Reversed {
                held.reverse();
            }
            for (bot, update) in held {
                state.records.bot_mut(bot).updates.push(update);
            }
        });
    }

    /// All files are gone from the file server.
    pub fn files_expire(&self) {
        self.inner.change(|state| state.records.files.values_mut().for_each(|file| file.is_gone = true));
    }

    /// What lies on the file server is damaged: the last byte of every file is missing.
    pub fn files_are_damaged(&self) {
        self.inner.change(|state| {
            for file in state.records.files.values_mut() {
                file.sealed.truncate(file.sealed.len().saturating_sub(1));
            }
        });
    }

    /// Polls are held for so long when there is nothing to tell, and clients are told the other time.
    pub fn holds_polls(&self, hold_ms: u64, told_timeout_ms: Option<u64>) {
        self.inner.change(|state| {
            state.settings.hold_ms = hold_ms;
            state.settings.told_timeout_ms = told_timeout_ms;
        });
    }

    /// A bot may say so much for each message of its person; without a number, any amount.
    pub fn sets_quota(&self, quota: Option<u32>) {
        self.inner.change(|state| state.settings.quota = quota);
    }

    /// Ids are written as text from now on.
    pub fn writes_ids_as_text(&self) {
        self.inner.change(|state| state.settings.ids_as_text = true);
    }

    /// Sends are answered without an id from now on.
    pub fn tells_no_ids(&self) {
        self.inner.change(|state| state.settings.tells_ids = false);
    }

    /// Uploads go to an address that is given whole from now on.
    pub fn gives_upload_urls(&self) {
        self.inner.change(|state| state.settings.gives_upload_urls = true);
    }
}
