//! The webhooks through which people from Matrix speak: one for each channel, ours alone.
//!
//! Found by our application's id, so that a webhook of the same name that somebody else made is never used. Reference:
//! <https://discord.com/developers/docs/resources/webhook>.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use magpie_common::platform::DeliverError;
use serde_json::{Value, json};
use tracing::info;

use super::{
    api::{Api, ApiError},
    verdict::{verdict, verdict_on_question},
    world::{World, text},
};

/// Discord's code for a webhook that is gone.
const UNKNOWN_WEBHOOK: u64 = 10_015;

/// Discord's code for a webhook whose token changed.
const WRONG_WEBHOOK_TOKEN: u64 = 50_027;

/// Finds, makes and uses webhooks.
pub(super) struct Webhooks {
    pub api: Arc<Api>,
    pub world: Arc<World>,
    pub name: String,
    pub known: Mutex<HashMap<String, Hook>>,
}

/// A webhook of ours.
#[derive(Clone)]
pub(super) struct Hook {
    id: String,
    token: String,
}

impl Webhooks {
    /// The webhook of a channel, made when there is none.
    pub(super) async fn of(&self, channel: &str) -> Result<Hook, DeliverError> {
        if let Some(hook) = self.lock().get(channel) {
            return Ok(hook.clone());
        }
        let hook = match self.find(channel).await? {
            Some(hook) => hook,
            None => self.make(channel).await?,
        };
        self.world.write().own_webhooks.insert(hook.id.clone());
        self.lock().insert(channel.to_owned(), hook.clone());
        Ok(hook)
    }

    /// `POST /webhooks/{id}/{token}?wait=true`, once more when the webhook is gone.
    pub(super) async fn execute(&self, channel: &str, body: &Value) -> Result<Value, DeliverError> {
        let hook = self.of(channel).await?;
        match self.post(&hook, body).await {
            Err(ApiError::Refused(refusal))
                if matches!(refusal.code, UNKNOWN_WEBHOOK | WRONG_WEBHOOK_TOKEN) =>
            {
                self.lock().remove(channel);
                let hook = self.of(channel).await?;
                self.post(&hook, body).await.map_err(verdict)
            }
            outcome => outcome.map_err(verdict),
        }
    }

    async fn post(&self, hook: &Hook, body: &Value) -> Result<Value, ApiError> {
        self.api.post(&format!("/webhooks/{}/{}?wait=true", hook.id, hook.token), body).await
    }

    async fn find(&self, channel: &str) -> Result<Option<Hook>, DeliverError> {
        let answer =
            self.api.get(&format!("/channels/{channel}/webhooks")).await.map_err(verdict_on_question)?;
        let application = self.world.read().application.clone();
        let ours = |hook: &&Value| {
            text(&hook["application_id"]) == application && hook["name"].as_str() == Some(self.name.as_str())
        };
        Ok(answer.as_array().into_iter().flatten().filter(ours).find_map(Hook::read))
    }

    async fn make(&self, channel: &str) -> Result<Hook, DeliverError> {
        let body = json!({"name": self.name});
        // A webhook too many is harmless: the next search finds it.
        let made = self
            .api
            .post(&format!("/channels/{channel}/webhooks"), &body)
            .await
            .map_err(verdict_on_question)?;
        info!(channel, "A webhook was made.");
        let missing = || DeliverError::Rejected("Discord made a webhook that cannot be used.".to_owned());
        Hook::read(&made).ok_or_else(missing)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Hook>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hook {
    fn read(data: &Value) -> Option<Self> {
        let (id, token) = (text(&data["id"]), data["token"].as_str()?);
        (!id.is_empty()).then(|| Self { id, token: token.to_owned() })
    }
}
