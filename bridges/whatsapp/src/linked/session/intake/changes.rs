//! What is taken back, what takes the place of words of ours, and timers of chats.

use std::time::Duration;

use magpie_common::{
    ids::RemoteUserId,
    message::{RemoteEvent, RemoteMessage},
};
use tokio::time::timeout;
use tracing::warn;
use wacore::types::message::EditAttribute;
use whatsapp_rust::Client;

use super::{Intake, Taken};
use crate::linked::{
    events::{self, Target},
    session::{
        groups,
        world::{Timer, World},
    },
};

/// For so long a message waits for what is known of its group.
const GROUP_WITHIN: Duration = Duration::from_secs(10);

impl Intake {
    /// Everybody takes back what they wrote; in groups admins take back the rest.
    pub(super) async fn revoke(
        &self,
        client: &Client,
        taken: &Taken<'_>,
        target: &Target,
    ) -> Vec<RemoteEvent> {
        let (world, scene) = (&*self.world, &taken.scene);
        let by = scene.sender_id(world);
        let id = if target.own {
            Some(scene.message(world, &target.stanza))
        } else if self.may_revoke(client, taken, &by).await {
            scene.target(world, client, target).await
        } else {
            None
        };
        let Some(id) = id else {
            warn!("Somebody tried to take back a message that is not theirs.");
            return Vec::new();
        };
        vec![RemoteEvent::Redact { chat: scene.chat.clone(), ids: vec![id], by: Some(by) }]
    }

    /// The server marks what an admin takes back, and we know who is one. A group that was never looked at is looked at now.
    async fn may_revoke(&self, client: &Client, taken: &Taken<'_>, by: &RemoteUserId) -> bool {
        let (world, scene) = (&*self.world, &taken.scene);
        if scene.other.is_some() || taken.info.edit != EditAttribute::AdminRevoke {
            return false;
        }
        if world.group(&scene.chat, |_| ()).is_none()
            && let Ok(Ok(group)) = timeout(GROUP_WITHIN, client.groups().get_metadata(&scene.jid)).await
        {
            groups::learn(world, client, &group).await;
        }
        world.group(&scene.chat, |group| group.admins.contains(by)) == Some(true)
    }

    /// The timer that a message sets, if it is another one. In groups only the server tells what their admins set.
    pub(super) fn new_timer(
        &self,
        taken: &Taken<'_>,
        timer: events::Timer,
    ) -> Option<(magpie_common::ids::RemoteChatId, Timer)> {
        let scene = &taken.scene;
        let timer = Timer { secs: timer.secs, set_ms: timer.set_ms.unwrap_or(taken.sent_ms) };
        let is_new = scene.other.is_some() && self.world.is_new_timer(&scene.chat, timer);
        is_new.then(|| (scene.chat.clone(), timer))
    }

    pub(super) fn timer(&self, taken: &Taken<'_>, timer: events::Timer) -> Option<RemoteEvent> {
        self.new_timer(taken, timer)?;
        Some(RemoteEvent::Message(RemoteMessage {
            chat: taken.scene.chat.clone(),
            id: taken.id.clone(),
            sender: taken.scene.sender(&self.world)?,
            sent_ms: taken.sent_ms,
            message: events::note(&timer_words(timer.secs)),
        }))
    }
}

/// What a message means where words of ours stand in its place: those are changed, or taken away when the message itself shows nothing.
///
/// The words may not have been told yet, so what they are, or what they become, is told first: what was told before is known.
pub(super) fn in_place(world: &World, taken: &Taken<'_>, events: Vec<RemoteEvent>) -> Vec<RemoteEvent> {
    let (scene, id) = (&taken.scene, &taken.id);
    let mut told = Vec::with_capacity(events.len() + 2);
    let mut is_shown = false;
    for event in events {
        // A poll takes the place of words in words, which it holds.
        let shown = if let RemoteEvent::Message(message) | RemoteEvent::Poll { message, .. } = &event {
            Some(message.clone())
        } else {
            None
        };
        told.push(event);
        if let Some(new) = shown.filter(|shown| shown.id == *id) {
            is_shown = true;
            told.push(RemoteEvent::Edit { new, edited_ms: taken.sent_ms });
        }
    }
    if !is_shown && let Some(sender) = scene.sender(world) {
        let (chat, sent_ms) = (scene.chat.clone(), taken.sent_ms);
        let words =
            RemoteMessage { chat: chat.clone(), id: id.clone(), sender, sent_ms, message: events::waiting() };
        let by = Some(scene.sender_id(world));
        told.push(RemoteEvent::Message(words));
        told.push(RemoteEvent::Redact { chat, ids: vec![id.clone()], by });
    }
    told
}

/// What a timer means.
pub(in crate::linked::session) fn timer_words(secs: u32) -> String {
    const DAY_SECS: u32 = 24 * 60 * 60;
    match secs {
        0 => "Messages do not disappear any more on WhatsApp. They stay here in any case.".to_owned(),
        _ if secs < 2 * DAY_SECS => {
            format!("Messages disappear on WhatsApp after {} hours. They stay here.", secs.div_ceil(3_600))
        }
        _ => {
            format!("Messages disappear on WhatsApp after {} days. They stay here.", secs.div_ceil(DAY_SECS))
        }
    }
}

#[cfg(test)]
mod tests;
