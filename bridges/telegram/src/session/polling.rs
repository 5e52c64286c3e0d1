//! Updates that are asked for: `getUpdates` again and again, each time only after all that came is stored.
//!
//! Asking with an offset tells Telegram that everything before it need not be kept any more, so the offset moves only with the store. Without
//! one Telegram gives the oldest that it keeps: so a session begins, and so it asks after a quiet time, because after a week without updates
//! their numbers begin anywhere. Reference: <https://core.telegram.org/bots/api#getupdates>.

use std::{sync::Arc, time::Duration};

use magpie_common::platform::ConnectError;
use serde_json::{Value, json};
use tracing::debug;

use super::{
    api::{Api, ApiError},
    intake::Intake,
    verdict::question_verdict,
};
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
    /// Runs until updates cannot be had for a while or cannot be stored, and says why.
    pub(super) async fn run(self) -> ConnectError {
        let Self { api, mut intake } = self;
        if let Err(error) = intake.recall().await {
            return error;
        }
        let (mut offset, mut failures) = (None, 0);
        loop {
            let updates = match ask(&api, offset).await {
                Ok(updates) => updates,
                Err(error) => {
                    let pause = match question_verdict(&error, failures) {
                        Ok(pause) => pause,
                        Err(why) => return why,
                    };
                    debug!(%error, pause_ms = pause.as_millis(), "Updates are asked for again.");
                    failures += 1;
                    tokio::time::sleep(pause).await;
                    continue;
                }
            };
            failures = 0;
            let last = updates.iter().filter_map(|update| update["update_id"].as_i64()).max();
            offset = last.and_then(|last| last.checked_add(1));
            if let Err(error) = intake.take(updates).await {
                return error;
            }
        }
    }
}

/// `getUpdates`
async fn ask(api: &Api, offset: Option<i64>) -> Result<Vec<Value>, ApiError> {
    let mut fields = json!({"limit": UPDATES_MAX, "timeout": POLL.as_secs(), "allowed_updates": WANTED});
    if let Some(offset) = offset {
        fields["offset"] = json!(offset);
    }
    match api.call_within("getUpdates", &fields, POLL + POLL_GRACE).await? {
        Value::Array(updates) => Ok(updates),
        _ => Err(ApiError::Unclear("the updates cannot be read".to_owned())),
    }
}
