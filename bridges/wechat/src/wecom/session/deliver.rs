//! Performs what comes from Matrix.
//!
//! WeCom knows no key of which it is sure that it makes a repeat harmless, so whatever may have happened is never sent again. Messages to
//! customers bear an id of ours all the same, by which WeCom tells of those that did not arrive. Next: `deliver/files`, `deliver/commands`.

use std::sync::Arc;

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    ids::{RemoteChatId, RemoteMessageId},
    message::{Action, Attachment, Message, Outgoing},
    platform::{DeliverError, Delivered, DeliveryKey, EventSink, NotStored},
};
use serde_json::{Value, json};

use super::{
    capabilities::TEXT_BYTES_MAX,
    countdown::Countdown,
    notes::Notes,
    pace::Pace,
    verdict::{NOT_OURS, NOTHING_LEFT, verdict},
    window::{MESSAGES_MAX, State},
};
use crate::{
    api::{Api, ApiError},
    ending::End,
    faces,
    json::text,
    parts::{Parted, Unfinished, corrected, correction},
    wecom::place::{Names, Place, Service},
};

pub(super) mod commands;
mod files;
mod groups;
mod recall;

/// A message to a member that needs more is refused.
const PARTS_MAX: usize = 20;

/// What WeCom does not do without its secret.
const NO_SERVICE: &str = "The secret of customer service is not known, so nothing can be sent to customers. Sign in again with it.";

/// Performs deliveries of one session.
pub(super) struct Deliverer {
    pub(super) api: Arc<Api>,
    pub(super) kf_api: Option<Arc<Api>>,
    pub(super) names: Names,
    pub(super) clock: Clock,
    pub(super) paces: Notes<Pace>,
    pub(super) countdown: Arc<Countdown>,
    pub(super) unfinished: Arc<Unfinished>,
    pub(super) end: End,
    pub(super) sink: EventSink,
}

/// What becomes one message in WeCom.
enum Piece<'a> {
    Words(String),
    File(&'a Attachment),
    Location(Value),
}

/// A message on its way into a chat.
struct Errand<'a> {
    deliverer: &'a Deliverer,
    place: &'a Place,
    key: &'a DeliveryKey,
    pieces: Vec<Piece<'a>>,
}

#[async_trait]
impl<'a> Parted for Errand<'a> {
    type Part = Piece<'a>;

    fn parts(&self) -> &[Piece<'a>] {
        &self.pieces
    }

    async fn should_fit(&self, count: usize) -> Result<(), DeliverError> {
        self.deliverer.fits(self.place, count).await
    }

    async fn send(
        &self,
        piece: &Piece<'a>,
        before: &[RemoteMessageId],
    ) -> Result<RemoteMessageId, DeliverError> {
        self.deliverer.send_piece(self.place, piece, part_key(self.key, before.len())).await
    }

    async fn resolve(&self, _known: Vec<RemoteMessageId>) -> Result<Vec<RemoteMessageId>, DeliverError> {
        let words = "WeCom did not confirm it, and tells nobody what became of it. Look in WeCom before you repeat it.";
        Err(DeliverError::Uncertain(words.to_owned()))
    }
}

impl Deliverer {
    /// Performs one action.
    pub(super) async fn deliver(
        &self,
        chat: &RemoteChatId,
        outgoing: &Outgoing,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let Some(place) = self.names.place(chat) else {
            let words = "This is no chat to which this app could write in WeCom.";
            return Err(if outgoing.action() == Action::Message {
                DeliverError::Rejected(words.to_owned())
            } else {
                DeliverError::Unsupported(words.to_owned())
            });
        };
        match (outgoing, &place) {
            (Outgoing::Message(outgoing), _) => match &outgoing.message.command {
                Some(command) => self.command(&place, command, key).await,
                None => self.message(&place, &outgoing.message, key).await,
            },
            (Outgoing::Edit { parts, new }, _) => self.correct(&place, (parts, &new.message), key).await,
            (Outgoing::Redact { parts, .. }, Place::Member { .. }) => self.recall(parts).await,
            (Outgoing::Redact { parts, .. }, Place::Customer(service)) => {
                self.recall_from_customer(service, parts).await
            }
            (Outgoing::Location { latitude, longitude, description, .. }, Place::Customer(_)) => {
                let name = if description.is_empty() { "Location" } else { description.as_str() };
                let place_there =
                    json!({"name": name, "address": "", "latitude": latitude, "longitude": longitude});
                self.pieces(&place, vec![Piece::Location(place_there)], key).await
            }
            (Outgoing::ChatInfo { name, .. }, Place::Group { chatid }) => {
                self.rename(chatid, name.as_deref()).await
            }
            (Outgoing::Member { user, change }, Place::Group { chatid }) => {
                self.move_member(chatid, (user, *change)).await
            }
            (
                Outgoing::Redact { .. }
                | Outgoing::React { .. }
                | Outgoing::Unreact { .. }
                | Outgoing::Typing { .. }
                | Outgoing::Read { .. }
                | Outgoing::Poll { .. }
                | Outgoing::Vote { .. }
                | Outgoing::ClosePoll { .. }
                | Outgoing::Pin { .. }
                | Outgoing::Unpin { .. }
                | Outgoing::ChatInfo { .. }
                | Outgoing::Member { .. }
                | Outgoing::Location { .. },
                _,
            ) => {
                let action = outgoing.action().words();
                Err(DeliverError::Unsupported(format!(
                    "An app in WeCom cannot bring {action} into this chat."
                )))
            }
        }
    }

    /// Sends a message, in as many as it takes.
    async fn message(
        &self,
        place: &Place,
        message: &Message,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let linked = message.with_links(|file| !files::is_fit(file));
        let mut pieces: Vec<Piece<'_>> = linked.attachments.iter().map(Piece::File).collect();
        pieces.extend(faces::write(&linked.text, TEXT_BYTES_MAX).into_iter().map(Piece::Words));
        if pieces.is_empty() {
            let words = "There is nothing in the message that WeCom can show.";
            return Err(DeliverError::Rejected(words.to_owned()));
        }
        self.pieces(place, pieces, key).await
    }

    async fn pieces(
        &self,
        place: &Place,
        pieces: Vec<Piece<'_>>,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        self.unfinished.send(key, &self.end, &Errand { deliverer: self, place, key, pieces }).await
    }

    /// Whether so many messages may go to the chat at all: what would end in the middle is not begun.
    async fn fits(&self, place: &Place, pieces: usize) -> Result<(), DeliverError> {
        let Place::Customer(service) = place else {
            let words = format!("The message is too long: it would take more than {PARTS_MAX} in WeCom.");
            return if pieces > PARTS_MAX { Err(DeliverError::Rejected(words)) } else { Ok(()) };
        };
        let window = self.countdown.read(service).await.map_err(not_known)?;
        let left = match window.state(self.clock.now_ms()) {
            // WeCom says whether any is left: what the customer wrote last may not be pulled yet.
            State::Unknown | State::UsedUp => MESSAGES_MAX,
            State::Open(left) => left,
            State::Shut => {
                let words = "WeCom lets nothing be sent more than 48 hours after the customer wrote. Wait until they write.";
                return Err(DeliverError::Rejected(words.to_owned()));
            }
        };
        if left as usize >= pieces {
            return Ok(());
        }
        Err(DeliverError::Rejected(format!(
            "The message would take {pieces} in WeCom, and only {left} may go until the customer writes again. Make it shorter."
        )))
    }

    /// Sends a correction: WeCom lets nobody change a message.
    async fn correct(
        &self,
        place: &Place,
        (parts, new): (&[RemoteMessageId], &Message),
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let sent = self.message(place, &correction(new), key).await?;
        Ok(corrected(parts, sent))
    }

    async fn send_piece(
        &self,
        place: &Place,
        piece: &Piece<'_>,
        part: String,
    ) -> Result<RemoteMessageId, DeliverError> {
        let api = self.api_of(place)?;
        match place {
            // First of all, or a file would be brought again after each wait.
            Place::Member { userid: to } | Place::Group { chatid: to } => self.wait_for_turn(to).await?,
            Place::Customer(_) => {}
        }
        let mut body = match piece {
            Piece::Words(words) => json!({"msgtype": "text", "text": {"content": words}}),
            Piece::File(file) => self.bring(api, file).await?,
            Piece::Location(place) => json!({"msgtype": "location", "location": place}),
        };
        match place {
            Place::Member { userid } => {
                body["touser"] = json!(userid);
                body["agentid"] = json!(self.names.agent_id);
                let told = api.post("cgi-bin/message/send", &body).await.map_err(verdict)?;
                arrived(&told)?;
                let msgid = text(&told["msgid"]);
                Ok(if msgid.is_empty() { own_id(&part) } else { recall::id(msgid) })
            }
            Place::Group { chatid } => {
                body["chatid"] = json!(chatid);
                api.post("cgi-bin/appchat/send", &body).await.map_err(verdict)?;
                Ok(own_id(&part))
            }
            Place::Customer(service) => {
                body["touser"] = json!(service.external);
                body["open_kfid"] = json!(service.kf);
                body["msgid"] = json!(part);
                self.answer(api, service, &body).await?;
                Ok(RemoteMessageId::new(part))
            }
        }
    }

    /// `POST /cgi-bin/kf/send_msg`: what may have gone counts.
    async fn answer(&self, api: &Api, service: &Service, body: &Value) -> Result<(), DeliverError> {
        let against = self.countdown.cached(service).and_then(|window| window.opened());
        let sent = api.post("cgi-bin/kf/send_msg", body).await;
        let code = sent.as_ref().err().and_then(ApiError::code);
        let is_not_ours = code == Some(NOT_OURS);
        let sent = sent.map_err(verdict);
        if matches!(sent, Ok(_) | Err(DeliverError::Uncertain(_))) {
            self.countdown.count(service, |window| window.spend(against.as_ref())).await;
        } else if code.is_some_and(|code| NOTHING_LEFT.contains(&code)) {
            self.countdown.count(service, |window| window.use_up(against.as_ref())).await;
        }
        match sent {
            Ok(_) => Ok(()),
            Err(_) if is_not_ours => Err(DeliverError::Rejected(self.whose(api, service).await)),
            Err(error) => Err(error),
        }
    }

    /// By which secret one speaks there.
    fn api_of(&self, place: &Place) -> Result<&Api, DeliverError> {
        match place {
            Place::Member { .. } | Place::Group { .. } => Ok(&self.api),
            Place::Customer(_) => self.kf_api(),
        }
    }

    fn kf_api(&self) -> Result<&Api, DeliverError> {
        self.kf_api.as_deref().ok_or_else(|| DeliverError::Rejected(NO_SERVICE.to_owned()))
    }

    /// WeCom drops what is too much, and says nothing; so it waits here. It counts before it goes, and over restarts.
    async fn wait_for_turn(&self, to: &str) -> Result<(), DeliverError> {
        let now_ms = self.clock.now_ms();
        let (turn, cursor) = self.paces.change(to, |pace| pace.spend(now_ms)).await.map_err(not_known)?;
        turn.map_err(|wait| DeliverError::Retry {
            after: Some(wait),
            reason: format!(
                "WeCom lets an app write 30 times in a minute and 1000 times in an hour to the same person; it goes on in {} seconds.",
                wait.as_secs() + 1
            ),
        })?;
        match cursor {
            Some(cursor) => self.sink.remember(cursor).await.map_err(not_known),
            None => Ok(()),
        }
    }
}

/// An answer may say that all is well, and name beside it whom the message did not reach.
fn arrived(told: &Value) -> Result<(), DeliverError> {
    let words = if !text(&told["invaliduser"]).is_empty() {
        "WeCom did not bring it: it knows no such member, or the app is not shown to them. Whoever runs WeCom's console can change that."
    } else if !text(&told["unlicenseduser"]).is_empty() {
        "WeCom did not bring it: the company has no license for that member. Whoever runs WeCom's console can change that."
    } else {
        return Ok(());
    };
    Err(DeliverError::Rejected(words.to_owned()))
}

/// What a part of a message is called, the same for every attempt. Customer service takes 32 letters of this sort.
fn part_key(key: &DeliveryKey, nth: usize) -> String {
    const CHARS_MAX: usize = 28;
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '-' || *letter == '_';
    let key: String = key.key.chars().filter(is_plain).take(CHARS_MAX).collect();
    format!("{key}-{nth}")
}

/// Where WeCom names no message of ours, the bridge does.
fn own_id(part: &str) -> RemoteMessageId {
    RemoteMessageId::new(format!("ours/{part}"))
}

/// What is remembered cannot be read just now.
fn not_known(error: NotStored) -> DeliverError {
    DeliverError::Retry { after: None, reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_a_name_that_customer_service_takes() {
        let key = |key: &str| DeliveryKey { key: key.to_owned(), in_doubt: None };
        assert_eq!(part_key(&key("kGZ-_abcdefghijklmnopq"), 3), "kGZ-_abcdefghijklmnopq-3");
        assert!(part_key(&key(&"a/".repeat(100)), 19).len() <= 32);
    }

    #[test]
    fn success_beside_a_name_is_none() {
        assert_eq!(arrived(&json!({"errcode": 0, "invaliduser": "", "msgid": "x"})), Ok(()));
        for name in ["invaliduser", "unlicenseduser"] {
            assert!(matches!(arrived(&json!({name: "ada"})), Err(DeliverError::Rejected(_))), "{name}");
        }
    }
}
