//! Ordering trouble: with requests, updates, files, tokens and clocks.

use serde_json::Value;

use super::{Fault, Gate, TelegramSim, model::UserId, render, updates, world::Settings};

impl TelegramSim {
    /// The next call of a method (`sendMessage`, `*` for any, `file` for downloads, `webhook` for updates that are brought) meets this fault.
    pub fn fault(&self, method: &str, fault: Fault) {
        self.inner.change(|state| state.faults.add(method, None, fault));
    }

    /// The same for calls of one bot.
    pub fn fault_of(&self, bot: UserId, method: &str, fault: Fault) {
        self.inner.change(|state| state.faults.add(method, Some(bot), fault));
    }

    /// The next call of a method waits, before it has any effect, until the gate is opened.
    pub fn hold(&self, method: &str) -> Gate {
        let gate = Gate::default();
        self.fault(method, Fault::HoldBefore(gate.clone()));
        gate
    }

    /// Takes back all faults that nobody met yet.
    pub fn clear_faults(&self) {
        self.inner.change(|state| state.faults.clear());
    }

    /// The next updates come twice under one number.
    pub fn updates_come_twice(&self, updates: usize) {
        self.inner.change(|state| state.faults.duplicates = updates);
    }

    /// A bot gets an update that this simulator knows nothing about: `{kind: payload}`, whatever kinds it asked for.
    pub fn raw_update(&self, bot: UserId, update: Value) {
        self.inner.change(|state| updates::push(state, bot, render::fields(update)));
    }

    /// The owner revokes a bot's token; the new one is told.
    pub fn owner_revokes_token(&self, bot: UserId) -> String {
        self.inner.change(|state| {
            let token = format!("{bot}:simulated-renewed-{}", state.next_id());
            state.bot_mut(bot).token = Some(token.clone());
            token
        })
    }

    /// Turns a bot's privacy mode on or off. It counts in groups that the bot enters afterwards.
    pub fn owner_sets_privacy(&self, bot: UserId, privacy: Privacy) {
        self.inner.change(|state| state.bot_mut(bot).reads_all = privacy == Privacy::Off);
    }

    /// All paths of files are of no use any more; `getFile` gives new ones.
    pub fn file_paths_expire(&self) {
        self.inner.change(|state| state.records.files.values_mut().for_each(|file| file.path.clear()));
    }

    /// Telegram forgets a file: its ids and paths are refused.
    pub fn file_goes(&self, unique_id: &str) {
        self.inner.change(|state| {
            if let Some(file) = state.records.files.get_mut(unique_id) {
                file.is_gone = true;
            }
        });
    }

    /// Changes what the servers allow, and their clock.
    pub fn settings<T>(&self, change: impl FnOnce(&mut Settings) -> T) -> T {
        self.inner.change(|state| change(&mut state.settings))
    }
}

/// Whether a bot in a group sees only what is meant for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// It does.
    On,
    /// It sees everything.
    Off,
}
