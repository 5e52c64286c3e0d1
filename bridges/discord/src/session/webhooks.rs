//! The webhooks through which people from Matrix speak: one for each channel, ours alone.
//!
//! Found by our application's id, so that a webhook of the same name that somebody else made is never used. Reference:
//! <https://discord.com/developers/docs/resources/webhook>.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use magpie_common::{ids::RemoteMessageId, platform::DeliverError};
use serde_json::{Value, json};
use tracing::info;

use super::{
    api::{Api, ApiError},
    deliver::Payload,
    verdict::verdict_on_question,
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
    pub(super) async fn execute(
        &self,
        channel: &str,
        payload: Payload,
    ) -> Result<Result<Value, ApiError>, DeliverError> {
        let hook = self.of(channel).await?;
        let again = payload.files.is_empty().then(|| payload.json.clone());
        let path = |hook: &Hook| format!("/webhooks/{}/{}?wait=true", hook.id, hook.token);
        match self.api.post(&path(&hook), payload).await {
            Err(error) if is_gone(&error) => {
                self.lock().remove(channel);
                let hook = self.of(channel).await?;
                match again {
                    Some(json) => Ok(self.api.post(&path(&hook), json).await),
                    // The files have been read; they are opened anew.
                    None => {
                        Err(DeliverError::Retry { after: None, reason: "The webhook was gone.".to_owned() })
                    }
                }
            }
            answer => Ok(answer),
        }
    }

    /// `PATCH /webhooks/{id}/{token}/messages/{message}`
    pub(super) async fn patch(
        &self,
        channel: &str,
        message: &RemoteMessageId,
        payload: Payload,
    ) -> Result<Result<Value, ApiError>, DeliverError> {
        let hook = self.of(channel).await?;
        let answer = self.api.patch(&hook.message(message), payload).await;
        self.forget_if_gone(channel, &answer);
        Ok(answer)
    }

    /// `DELETE` of the same.
    pub(super) async fn delete(
        &self,
        channel: &str,
        message: &RemoteMessageId,
    ) -> Result<Result<Value, ApiError>, DeliverError> {
        let hook = self.of(channel).await?;
        let answer = self.api.delete(&hook.message(message)).await;
        self.forget_if_gone(channel, &answer);
        Ok(answer)
    }

    fn forget_if_gone(&self, channel: &str, answer: &Result<Value, ApiError>) {
        if answer.as_ref().is_err_and(is_gone) {
            self.lock().remove(channel);
        }
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
            .post(&format!("/channels/{channel}/webhooks"), body)
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

/// Whether the webhook itself is not there any more, or not under its token.
fn is_gone(error: &ApiError) -> bool {
    matches!(error, ApiError::Refused(refusal) if matches!(refusal.code, UNKNOWN_WEBHOOK | WRONG_WEBHOOK_TOKEN))
}

impl Hook {
    fn message(&self, id: &RemoteMessageId) -> String {
        format!("/webhooks/{}/{}/messages/{id}", self.id, self.token)
    }

    fn read(data: &Value) -> Option<Self> {
        let (id, token) = (text(&data["id"]), data["token"].as_str()?);
        (!id.is_empty()).then(|| Self { id, token: token.to_owned() })
    }
}
