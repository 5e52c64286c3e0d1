//! Collections of settings (names in the address book, marks on chats) that were left unread. The library reads none that it is reading
//! already, but what changed a moment after it asked is in no answer: that collection is read once more.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;
use wacore::appstate::patch_decode::WAPatchName;
use whatsapp_rust::{Client, sync_task::MajorSyncTask};

/// Which are owed. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Settings(Arc<Owed>);

#[derive(Default)]
struct Owed {
    names: Mutex<HashSet<WAPatchName>>,
    more: Notify,
}

impl Settings {
    /// These were left out, since somebody else was reading them. Returns at once.
    pub(super) fn left_out(&self, names: &[String]) {
        let known = names.iter().filter_map(|name| name.parse::<WAPatchName>().ok());
        let known = known.filter(|name| *name != WAPatchName::Unknown);
        self.0.names.lock().unwrap_or_else(PoisonError::into_inner).extend(known);
        self.0.more.notify_one();
    }

    /// Reads what is left out, each when nobody reads it any more; for ever.
    pub(super) async fn run(self, client: Arc<Client>) {
        loop {
            for name in self.owed().await {
                client.process_sync_task(MajorSyncTask::AppStateSync { name, full_sync: false }).await;
            }
        }
    }

    /// What is owed by now; waits until something is.
    async fn owed(&self) -> HashSet<WAPatchName> {
        loop {
            let owed = std::mem::take(&mut *self.0.names.lock().unwrap_or_else(PoisonError::into_inner));
            if !owed.is_empty() {
                return owed;
            }
            self.0.more.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_left_out_is_owed_once_and_again_when_it_is_left_out_again() {
        let settings = Settings::default();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        settings.left_out(&names(&["regular_high", "something_new"]));
        settings.left_out(&names(&["regular_high", "regular_low"]));
        let both = HashSet::from([WAPatchName::RegularHigh, WAPatchName::RegularLow]);
        assert_eq!(settings.owed().await, both);
        settings.left_out(&names(&["regular_low"]));
        assert_eq!(settings.owed().await, HashSet::from([WAPatchName::RegularLow]));
    }
}
