//! Updates that are asked for: `getUpdates` again and again, each time only after all that came is stored.
//!
//! Asking with an offset tells Telegram that everything before it need not be kept any more, so the offset moves only with the store. Without
//! one Telegram gives the oldest that it keeps: so a session begins, and so it asks after a quiet time, because after a week without updates
//! their numbers begin anywhere. Reference: <https://core.telegram.org/bots/api#getupdates>.

use std::{sync::Arc, time::Duration};

use magpie_common::platform::ConnectError;
use serde_json::{Value, json};

use super::{api::Api, intake::Intake, verdict::connect_verdict};
use crate::events::WANTED;

/// For how long Telegram holds a question that has no answer yet.
const POLL: Duration = Duration::from_secs(50);

/// How much longer the answer may take.
const POLL_GRACE: Duration = Duration::from_secs(15);

/// Updates of one answer.
const UPDATES_MAX: usize = 100;

pub(super) struct Polling {
    pub(super) api: Arc<Api>,
    pub(super) intake: Intake,
}

impl Polling {
    /// Runs until updates cannot be had or stored, and says why.
    pub(super) async fn run(self) -> ConnectError {
        let mut intake = self.intake;
        if let Err(error) = intake.recall().await {
            return error;
        }
        let mut offset = None;
        loop {
            let mut fields =
                json!({"limit": UPDATES_MAX, "timeout": POLL.as_secs(), "allowed_updates": WANTED});
            if let Some(offset) = offset {
                fields["offset"] = json!(offset);
            }
            let updates = match self.api.call_within("getUpdates", &fields, POLL + POLL_GRACE).await {
                Ok(Value::Array(updates)) => updates,
                Ok(_) => return ConnectError::Transient("Telegram's updates cannot be read.".to_owned()),
                Err(error) => return connect_verdict(&error),
            };
            let last = updates.iter().filter_map(|update| update["update_id"].as_i64()).max();
            offset = last.and_then(|last| last.checked_add(1));
            if let Err(error) = intake.take(updates).await {
                return error;
            }
        }
    }
}
