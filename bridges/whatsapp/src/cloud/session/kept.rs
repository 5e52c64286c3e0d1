//! What is kept of a number from session to session, as long as the bridge runs: what was sent, how far messages have come, how fast we may
//! speak.

use std::sync::{Mutex, PoisonError};

use magpie_common::platform::Progress;

use super::{deliver::Sort, limiter::Limiter, newest::Newest, sent::Sent};

/// So many files are remembered that were brought and not sent yet.
const FILES_MAX: usize = 256;

/// All of it.
pub(in crate::cloud) struct Kept {
    pub(super) sent: Sent,
    pub(super) progress: Progress,
    pub(super) limiter: Limiter,
    /// Files that WhatsApp has, by the keys of their messages.
    files: Mutex<Newest<String, Brought>>,
}

/// A file that WhatsApp has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Brought {
    /// WhatsApp's id of it.
    pub id: String,
    /// As what it was brought.
    pub sort: Sort,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            sent: Sent::default(),
            progress: Progress::default(),
            limiter: Limiter::default(),
            files: Mutex::new(Newest::new(FILES_MAX)),
        }
    }
}

impl Kept {
    /// The file of a message, if WhatsApp has it.
    pub(super) fn file(&self, key: &str) -> Option<Brought> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).get(&key.to_owned()).cloned()
    }

    /// WhatsApp has the file of a message, or it has none any more.
    pub(super) fn keep_file(&self, key: &str, file: Option<Brought>) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        match file {
            Some(file) => files.put(key.to_owned(), file),
            None => files.forget(&key.to_owned()),
        }
    }
}
