//! What was edited, deleted or reacted to while nobody listened, out of what stands now.

use magpie_common::message::{RemoteEvent, Stands};

use super::{Pump, is_younger};
use crate::{
    events::{self, Mapped},
    json::text,
    session::review::Review,
};

/// What Discord shows of links comes within seconds of their message, and bears no time of its own. So long after the message it is looked for,
/// and the homeserver takes the same one again for a repeat.
const PREVIEW_LATE_MS: i64 = 10 * 60 * 1000;

impl Pump {
    /// Edits and late previews come as if they were live; the same edit twice is known by its time. For the rest, what stands is compared with the room.
    pub(super) async fn take_review(&mut self, channel: &str, review: Review) {
        let mut edits = Vec::new();
        let fresh_ms = self.clock.now_ms().saturating_sub(PREVIEW_LATE_MS);
        let standing = {
            let known = self.world.read();
            let mut messages: Vec<Stands> = Vec::with_capacity(review.stood.len());
            for stood in review.stood {
                // What was not known before came as it is.
                if !is_younger(&text(&stood.message["id"]), &review.known) {
                    edits.extend(
                        events::map("MESSAGE_UPDATE", &stood.message, &known)
                            .into_iter()
                            .filter_map(|mapped| edit(mapped, fresh_ms)),
                    );
                }
                self.addresses.note(&stood.message);
                messages.push(events::stands(&stood.message, stood.reactions, &known));
            }
            let spot = known.spot(channel);
            let stretch = (spot.message(&review.oldest), spot.message(&review.newest));
            RemoteEvent::Standing { chat: spot.chat(), stretch, messages }
        };
        for edit in edits {
            self.push(Mapped { event: edit, cursor: None }).await;
        }
        self.push(Mapped { event: standing, cursor: None }).await;
    }
}

/// An edit or the late preview of a message not older than that, without the looks of its author: they are told only live.
fn edit(mapped: Mapped, fresh_ms: i64) -> Option<RemoteEvent> {
    match mapped.event {
        RemoteEvent::Edit { mut new, edited_ms } => {
            (new.sender.name, new.sender.avatar) = (None, None);
            Some(RemoteEvent::Edit { new, edited_ms })
        }
        RemoteEvent::Preview(mut new) if new.sent_ms >= fresh_ms && !new.message.preview.is_blank() => {
            (new.sender.name, new.sender.avatar) = (None, None);
            Some(RemoteEvent::Preview(new))
        }
        _ => None,
    }
}
