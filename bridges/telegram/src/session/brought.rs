//! Updates that Telegram brings to the webhook; each is answered when it is stored.
//!
//! Whoever is called hears nothing when nobody calls, so now and then Telegram is asked whether the webhook stands.

use std::{sync::Arc, time::Duration};

use magpie_common::platform::ConnectError;
use serde_json::json;
use tokio::{sync::mpsc, time};
use tracing::warn;

use super::{api::Api, intake::Intake, verdict::connect_verdict};
use crate::{
    json::text,
    webhook::{self, Hooks},
};

/// Updates that wait; Telegram brings one at a time.
const WAITING_MAX: usize = 4;

/// How often the webhook is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);

pub(super) struct Brought {
    api: Arc<Api>,
    intake: Intake,
    updates: mpsc::Receiver<webhook::Brought>,
    url: String,
}

impl Brought {
    /// From now on the bot's updates come here.
    pub(super) fn register(hooks: &Hooks, me: i64, (api, intake): (Arc<Api>, Intake), url: String) -> Self {
        let (session, updates) = mpsc::channel(WAITING_MAX);
        hooks.take(me, session);
        Self { api, intake, updates, url }
    }

    /// Runs until updates cannot be had or stored, and says why.
    pub(super) async fn run(mut self) -> ConnectError {
        if let Err(error) = self.intake.recall().await {
            return error;
        }
        let mut look = time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                brought = self.updates.recv() => {
                    let Some((update, stored)) = brought else {
                        return ConnectError::Transient("The webhook was given to a newer session.".to_owned());
                    };
                    if let Err(error) = self.intake.take(vec![update]).await {
                        return error;
                    }
                    // Who waited may have hung up; then it comes again, and is known.
                    let _ = stored.send(());
                }
                _ = look.tick() => if let Err(error) = self.look().await {
                    return error;
                }
            }
        }
    }

    /// `getWebhookInfo`: whether Telegram still means us, and reaches us.
    async fn look(&self) -> Result<(), ConnectError> {
        let info =
            self.api.call("getWebhookInfo", &json!({})).await.map_err(|error| connect_verdict(&error))?;
        if text(&info["url"]) != self.url {
            let words = "Somebody else has taken the bot's webhook away. It is set again; stop the other program if it stays so.";
            return Err(ConnectError::Transient(words.to_owned()));
        }
        if let (Some(waiting @ 1..), Some(why)) =
            (info["pending_update_count"].as_u64(), info["last_error_message"].as_str())
        {
            warn!(waiting, why, "Telegram has trouble with the webhook.");
        }
        Ok(())
    }
}
