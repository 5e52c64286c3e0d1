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
    deliver::Payload,
    permissions::{MANAGE_WEBHOOKS, VIEW_CHANNEL},
    verdict::{explained, verdict_on_question},
    world::{Channel, World},
};
use crate::{
    json::text,
    place::{Place, Spot},
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
    /// By the channel that they belong to, never by a thread of it.
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
        let channel = &*self.home(channel);
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
        spot: &Spot,
        payload: Payload,
    ) -> Result<Result<Value, ApiError>, DeliverError> {
        let channel = spot.chat.as_str();
        let hook = self.of(channel).await?;
        let again = payload.files.is_empty().then(|| payload.json.clone());
        let at = spot.thread.as_deref().unwrap_or(channel);
        let thread =
            self.thread(channel, at).map_or_else(String::new, |thread| format!("&thread_id={thread}"));
        let path = |hook: &Hook| format!("/webhooks/{}/{}?wait=true{thread}", hook.id, hook.token);
        match self.api.post(&path(&hook), payload).await {
            Err(error) if is_gone(&error) => {
                self.forget(channel);
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
        place: &Place,
        payload: Payload,
    ) -> Result<Result<Value, ApiError>, DeliverError> {
        let hook = self.of(channel).await?;
        let answer = self.api.patch(&self.message(&hook, channel, place), payload).await;
        self.forget_if_gone(channel, &answer);
        Ok(answer)
    }

    /// `DELETE` of the same.
    pub(super) async fn delete(
        &self,
        channel: &str,
        place: &Place,
    ) -> Result<Result<Value, ApiError>, DeliverError> {
        let hook = self.of(channel).await?;
        let answer = self.api.delete(&self.message(&hook, channel, place)).await;
        self.forget_if_gone(channel, &answer);
        Ok(answer)
    }

    fn message(&self, hook: &Hook, channel: &str, place: &Place) -> String {
        let thread = self.thread(channel, &place.channel);
        let thread = thread.map_or_else(String::new, |thread| format!("?thread_id={thread}"));
        format!("/webhooks/{}/{}/messages/{}{thread}", hook.id, hook.token, place.message)
    }

    /// A webhook belongs to a channel; in a thread of it, the thread must be named.
    fn thread<'a>(&self, channel: &str, at: &'a str) -> Option<&'a str> {
        let known = self.world.read();
        let is_thread = at != channel || known.channels.get(at).is_some_and(Channel::is_thread);
        is_thread.then_some(at)
    }

    fn forget_if_gone(&self, channel: &str, answer: &Result<Value, ApiError>) {
        if answer.as_ref().is_err_and(is_gone) {
            self.forget(channel);
        }
    }

    fn forget(&self, channel: &str) {
        let home = self.home(channel);
        self.lock().remove(&home);
    }

    /// The channel that bears the webhook: a thread has none of its own.
    fn home(&self, channel: &str) -> String {
        self.world.read().governing_id(channel)
    }

    async fn find(&self, channel: &str) -> Result<Option<Hook>, DeliverError> {
        let answer = self.api.get(&format!("/channels/{channel}/webhooks")).await;
        let answer = answer.map_err(|error| self.verdict(error, channel))?;
        let application = self.world.read().application.clone();
        let ours = |hook: &&Value| {
            text(&hook["application_id"]) == application && hook["name"].as_str() == Some(self.name.as_str())
        };
        Ok(answer.as_array().into_iter().flatten().filter(ours).find_map(Hook::read))
    }

    async fn make(&self, channel: &str) -> Result<Hook, DeliverError> {
        let body = json!({"name": self.name});
        // A webhook too many is harmless: the next search finds it.
        let made = self.api.post(&format!("/channels/{channel}/webhooks"), body).await;
        let made = made.map_err(|error| self.verdict(error, channel))?;
        info!(channel, "A webhook was made.");
        let missing = || DeliverError::Rejected("Discord made a webhook that cannot be used.".to_owned());
        Hook::read(&made).ok_or_else(missing)
    }

    fn verdict(&self, error: ApiError, channel: &str) -> DeliverError {
        let needed = VIEW_CHANNEL | MANAGE_WEBHOOKS;
        verdict_on_question(explained(error, needed, (&self.world, channel)))
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
    fn read(data: &Value) -> Option<Self> {
        let (id, token) = (text(&data["id"]), data["token"].as_str()?);
        (!id.is_empty()).then(|| Self { id, token: token.to_owned() })
    }
}
