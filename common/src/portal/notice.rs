//! What a room is told when a message did not get through: in plain words, once.

use std::time::Duration;

use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId, UserId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Portals, status_events::Status};
use crate::{
    config::Level,
    convert::{Known, ToMatrix, content_relations, write_html},
    homeserver::{HomeserverError, SendEvent},
    ids::GhostNames,
    login::backoff,
    message::{Node, RichText},
    report::{CheckpointStatus, CheckpointStep, Report, Subject},
    store::{Direction, OpenRow, StoreError},
};

/// A notice is tried so often while the homeserver has trouble: who wrote a message should learn what became of it. The room waits
/// meanwhile, so not for long.
const NOTICE_TRIES: u32 = 6;
const NOTICE_PAUSE_MAX: Duration = Duration::from_secs(5);

/// How people ask for another try; the portal knows what it means on a notice.
const RETRY_HINT: &str = "React with 🔁 to try again.";

#[derive(Deserialize)]
struct Which {
    event_id: OwnedEventId,
    #[serde(rename = "type", default)]
    event_type: String,
    #[serde(default)]
    content: Value,
}

impl Which {
    /// What somebody did, in their words.
    fn deed(&self) -> &'static str {
        match &*self.event_type {
            "m.reaction" => "reaction",
            "m.room.redaction" => "deletion",
            _ if content_relations(&self.content).is_ok_and(|relations| relations.edits.is_some()) => "edit",
            _ => "message",
        }
    }
}

/// Whether a program says so (specification, `m.notice`). Nothing answers that: two bridges in one room would answer each other for ever.
pub(super) fn is_by_program(content: &Value) -> bool {
    content.get("msgtype").and_then(Value::as_str) == Some("m.notice")
}

impl Portals {
    /// Answers the message of `row` with what became of it. A notice that fails is logged: the row itself keeps the reason.
    pub(super) async fn tell_of_failure(&self, row: &OpenRow, reason: &str) {
        let Some((room_id, which)) = answerable(row) else { return };
        let name = self.parts.settings.about.name;
        let words = format!("⚠ Your {} was not delivered to {name}: {reason} {RETRY_HINT}", which.deed());
        self.reply(&room_id, &which.event_id, &words, row.attempts).await;
    }

    /// Answers a message that the network took, and that has not arrived after all. No row keeps the reason, so it is the caller's to try again.
    pub(super) async fn tell_of_late_failure(
        &self,
        room_id: &RoomId,
        event_id: &EventId,
        reason: &str,
    ) -> Result<(), HomeserverError> {
        let about = &self.parts.settings.about;
        let words = format!("⚠ {} took your message, but it did not arrive: {reason}", about.name);
        self.answer(room_id, event_id, &words, 0).await?;
        let (subject, info) = (Subject::of(room_id, event_id), Some(reason));
        let (step, status) = (CheckpointStep::Remote, CheckpointStatus::DeliveryFailed);
        self.parts.checkpoints.tell(&subject, &Report { step, status, retry_num: 0, info });
        if self.parts.settings.message_status_events {
            let reason = Some("m.foreign_network_error");
            let status = Status { status: "FAIL_PERMANENT", reason, words: Some(&words) };
            self.status_events.tell(&subject, about.id, &status, 0);
        }
        Ok(())
    }

    /// Answers a message whose fate nobody knows.
    pub(super) async fn tell_of_doubt(&self, row: &OpenRow, reason: &str) {
        let Some((room_id, which)) = answerable(row) else { return };
        let (name, deed) = (self.parts.settings.about.name, which.deed());
        let words = format!(
            "❔ Your {deed} may or may not have reached {name} ({reason}). It was not sent again, so that it cannot \
             appear twice; look there, and react with 🔁 if it is missing."
        );
        self.reply(&room_id, &which.event_id, &words, row.attempts).await;
    }

    /// Greets whoever has invited the bot into a room that nobody else is in. The first that is a direct chat, or has no name, is where they
    /// are told news; a named one may be meant for a chat, and for others who come later.
    pub(super) async fn welcome(
        &self,
        room_id: &RoomId,
        user_id: &UserId,
        is_direct: bool,
    ) -> Result<(), StoreError> {
        let bot = self.parts.homeserver.bot();
        let looked = async {
            let members = bot.joined_members(room_id).await?;
            let is_named = !is_direct && bot.state_event(room_id, "m.room.name", "").await?.is_some();
            Ok::<_, HomeserverError>((members, is_named))
        };
        let (members, is_named) = match looked.await {
            Ok(looked) => looked,
            Err(error) => {
                tracing::warn!(%error, room = %room_id, "Who is in a room is not known.");
                return Ok(());
            }
        };
        if members.iter().any(|member| member != user_id && member != self.parts.names.bot()) {
            return Ok(());
        }
        let settings = &self.parts.settings;
        let (name, prefix) = (settings.about.name, &settings.command_prefix);
        if is_named {
            let words = format!(
                "This is the {name} bridge. `{prefix} bridge <chat id>` joins this room to a chat, `{prefix} help` lists what else I can do."
            );
            self.tell_once(room_id, &words).await;
            return Ok(());
        }
        if self.parts.store.person(user_id).await?.management_room.is_some() {
            return Ok(());
        }
        self.parts.store.set_management_room(user_id, room_id).await?;
        let login = match settings.permissions.level(user_id) >= Level::User {
            true => " `login` signs in with an account of yours.",
            false => "",
        };
        let words = format!(
            "This is the {name} bridge. `help` lists what I can do; in this room no prefix is needed.{login}"
        );
        self.tell_once(room_id, &words).await;
        Ok(())
    }

    pub(super) async fn tell_once(&self, room_id: &RoomId, words: &str) {
        let event = SendEvent {
            room_id,
            event_type: "m.room.message",
            txn_id: &super::keys::tell_id(&format!("{room_id} {words}")),
            content: &notice_content(words, &self.parts.names),
            sent_ms: None,
        };
        if let Err(error) = self.parts.homeserver.bot().send(event).await {
            tracing::warn!(%error, room = %room_id, "A notice could not be sent.");
        }
    }

    /// Says something to the room as the bridge bot, in answer to an event. What fails in spite of all tries is logged. `attempts` tells one
    /// answer from the same words after another try.
    pub(super) async fn reply(&self, room_id: &RoomId, event_id: &EventId, words: &str, attempts: u32) {
        for tries in 1.. {
            match self.answer(room_id, event_id, words, attempts).await {
                Err(error) if error.is_transient() && tries < NOTICE_TRIES => {
                    let pause = error.retry_after().unwrap_or_else(|| backoff(tries, 0.0));
                    tokio::time::sleep(pause.min(NOTICE_PAUSE_MAX)).await;
                }
                Err(error) => return tracing::warn!(%error, "A notice could not be sent."),
                Ok(()) => return,
            }
        }
    }

    /// The same, tried once. Repeating it does no harm.
    async fn answer(
        &self,
        room_id: &RoomId,
        event_id: &EventId,
        words: &str,
        attempts: u32,
    ) -> Result<(), HomeserverError> {
        let mut content = notice_content(words, &self.parts.names);
        content["m.relates_to"] = json!({ "m.in_reply_to": { "event_id": event_id } });
        // The same answer to the same event has the same id, and another answer (after a retry, say) another one.
        let txn_id = super::keys::notice_id(event_id, words, attempts);
        let event = SendEvent {
            room_id,
            event_type: "m.room.message",
            txn_id: &txn_id,
            content: &serde_json::value::to_raw_value(&content).expect("a JSON value has a JSON form"),
            sent_ms: None,
        };
        self.parts.homeserver.bot().send(event).await.map(drop)
    }
}

/// The content of a notice. What stands between backticks can be typed as it is.
pub(crate) fn notice_content(words: &str, names: &GhostNames) -> Value {
    let mut content = json!({ "msgtype": "m.notice", "body": words, "m.mentions": {} });
    if let Some(html) = write_html(&marked(words), &ToMatrix::new(names, &Known::default())).html {
        content["format"] = json!("org.matrix.custom.html");
        content["formatted_body"] = json!(html);
    }
    content
}

/// The bot's own words: what stands between backticks can be typed as it is.
fn marked(words: &str) -> RichText {
    let mut nodes = Vec::new();
    for (nth, line) in words.lines().enumerate() {
        if nth > 0 {
            nodes.push(Node::LineBreak);
        }
        // A backtick without another one is only a sign.
        if line.matches('`').count() % 2 == 1 {
            nodes.push(Node::Text(line.to_owned()));
            continue;
        }
        let pieces = line.split('`').enumerate().filter(|(_, piece)| !piece.is_empty());
        nodes.extend(pieces.map(|(nth, piece)| match nth % 2 {
            0 => Node::Text(piece.to_owned()),
            _ => Node::Code(piece.to_owned()),
        }));
    }
    RichText(nodes)
}

/// The message that a row is about, where somebody in Matrix said it.
fn answerable(row: &OpenRow) -> Option<(OwnedRoomId, Which)> {
    let Direction::FromMatrix = row.direction else { return None };
    let which: Which = serde_json::from_str(&row.body).ok()?;
    (!is_by_program(&which.content)).then_some((RoomId::parse(&*row.lane).ok()?, which))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_backticks_is_code() {
        let text = |words: &str| Node::Text(words.to_owned());
        let code = |words: &str| Node::Code(words.to_owned());
        let nodes = |words: &str| marked(words).0;
        assert_eq!(nodes("say `help` twice"), [text("say "), code("help"), text(" twice")]);
        assert_eq!(nodes("one ` alone"), [text("one ` alone")]);
        assert_eq!(nodes("a\n`b`"), [text("a"), Node::LineBreak, code("b")]);
    }
}
