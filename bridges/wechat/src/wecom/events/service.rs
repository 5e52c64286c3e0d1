//! From what customer service pulls to what it means. Pure: one item of a list at a time.
//!
//! Reference: <https://developer.work.weixin.qq.com/document/path/94670>. Next: `cards`, what needs more words.

use magpie_common::{
    clock::TimestampMs,
    config::Secret,
    ids::RemoteMessageId,
    message::{AttachmentKind, Message},
};
use serde_json::Value;

use super::raw;
use crate::{
    config::is_fit,
    faces,
    json::{at_ms, number, text},
    said::{file, link, notice, place},
    wecom::place::{Service, is_id},
};

mod cards;

/// An item of the list.
#[derive(Clone, Debug)]
pub(in crate::wecom) struct Item {
    /// Whose talk with which service account.
    pub service: Service,
    /// Its id.
    pub id: RemoteMessageId,
    /// When it happened.
    pub sent_ms: TimestampMs,
    /// What it means.
    pub read: Read,
    /// With what the customer may be welcomed, once and soon.
    pub welcome: Option<Secret>,
}

/// What an item means.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::wecom) enum Read {
    /// Somebody said something, or did something that the bridge puts into words.
    Said {
        /// Who.
        by: By,
        /// What.
        message: Message,
    },
    /// Somebody took a message back.
    Recalled {
        /// Who.
        by: By,
        /// Which.
        id: RemoteMessageId,
    },
    /// A message of ours has not arrived.
    Failed {
        /// Which.
        id: RemoteMessageId,
        /// Why, for whoever wrote it.
        words: String,
    },
    /// It is for nobody in a chat.
    Nothing,
    /// Nobody can read this (yet).
    Unknown {
        /// What WeCom calls it.
        name: String,
        /// The raw form.
        raw: String,
    },
}

/// Who says something in a talk with a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::wecom) enum By {
    /// The customer wrote, which lets the company answer.
    Customer,
    /// The customer did something.
    Visitor,
    /// A member of the company, in WeCom's own app.
    Staff(String),
}

/// Where an item comes from.
const FROM_CUSTOMER: i64 = 3;
const FROM_STAFF: i64 = 5;

/// Why a message has not arrived.
const FAILURES: [(i64, &str); 12] = [
    (1, "the service account was deleted"),
    (2, "customer service was shut"),
    (4, "the customer wrote more than 48 hours ago. Wait until they write"),
    (5, "the conversation was ended. Wait until the customer writes"),
    (6, "five messages are all that may be sent until the customer writes again"),
    (7, "the company has bound no WeChat channel"),
    (8, "the company is not verified in WeCom"),
    (9, "the company has bound no WeChat channel, and is not verified in WeCom"),
    (10, "the customer does not want messages of this account"),
    (11, "no member of the company has signed in to WeCom's app"),
    (12, "WeChat does not take this kind of message here"),
    (13, "WeChat has held it back for safety"),
];

/// Reads an item; `None` where it belongs to no talk.
pub(in crate::wecom) fn read(told: &Value) -> Option<Item> {
    const ID_BYTES_MAX: usize = 256;
    let event = &told["event"];
    let field = |name: &str| {
        let outer = text(&told[name]);
        if outer.is_empty() { text(&event[name]) } else { outer }
    };
    let id = Some(text(&told["msgid"])).filter(|id| (1..=ID_BYTES_MAX).contains(&id.len()))?;
    let service =
        Service { kf: field("open_kfid").to_owned(), external: field("external_userid").to_owned() };
    (is_id(&service.kf) && is_id(&service.external)).then_some(())?;
    let kind = text(&told["msgtype"]);
    let read = if kind == "event" { happened(event) } else { said(kind, told) };
    let read = read.unwrap_or_else(|| {
        let event = if kind == "event" { text(&event["event_type"]) } else { "" };
        Read::Unknown { name: format!("{kind} {event}").trim().to_owned(), raw: raw(told) }
    });
    let welcome = Some(Secret::new(text(&event["welcome_code"]))).filter(is_fit);
    Some(Item { service, id: RemoteMessageId::new(id), sent_ms: at_ms(&told["send_time"])?, read, welcome })
}

/// Whether it is an event of a service account that belongs to no customer: somebody of the staff has come or gone.
pub(in crate::wecom) fn is_of_staff(told: &Value) -> bool {
    text(&told["event"]["event_type"]) == "servicer_status_change"
}

fn said(kind: &str, told: &Value) -> Option<Read> {
    let by = match number(&told["origin"])? {
        FROM_CUSTOMER => By::Customer,
        FROM_STAFF => By::Staff(Some(text(&told["servicer_userid"])).filter(|id| is_id(id))?.to_owned()),
        _ => return None,
    };
    let message = content(kind, &told[kind])?;
    (!message.is_empty()).then_some(Read::Said { by, message })
}

fn content(kind: &str, content: &Value) -> Option<Message> {
    use AttachmentKind::{File, Image, Video, Voice};
    let media = &content["media_id"];
    Some(match kind {
        "text" => Message::text(faces::read(text(&content["content"]))),
        "image" => file(media, Image, ("image.jpg", None))?,
        "voice" => file(media, Voice, ("voice message.amr", Some("audio/amr")))?,
        "video" => file(media, Video, ("video.mp4", Some("video/mp4")))?,
        "file" => file(media, File, ("file", None))?,
        "location" => {
            let label = [text(&content["name"]), text(&content["address"])].join(" ");
            Message::text(place(&content["latitude"], &content["longitude"], &label)?)
        }
        "link" => Message::text(link(&content["title"], &content["desc"], &content["url"])?),
        "business_card" => {
            notice(&format!("Shared the card of {} in the company.", cards::shown(&content["userid"])?))
        }
        "miniprogram" => Message::text(cards::card("Mini program", &content["title"])?),
        "channels" => Message::text(cards::channels(content)?),
        "channels_shop_product" => Message::text(cards::card("Product", &content["title"])?),
        "channels_shop_order" => Message::text(cards::card("Order", &content["order_id"])?),
        "msgmenu" => Message::text(cards::menu(content)?),
        "merged_msg" => Message::text(cards::merged(content)?),
        // WeCom tells nothing of what stands in it.
        "note" => notice("Sent a note, which can be read on a phone alone."),
        _ => return None,
    })
}

fn happened(event: &Value) -> Option<Read> {
    let visitor = |words: &str| Some(Read::Said { by: By::Visitor, message: notice(words) });
    match text(&event["event_type"]) {
        "enter_session" => visitor("Opened the chat."),
        "user_recall_msg" => recalled(By::Customer, event),
        "servicer_recall_msg" => {
            let userid = Some(text(&event["servicer_userid"])).filter(|id| is_id(id));
            recalled(userid.map_or(By::Visitor, |userid| By::Staff(userid.to_owned())), event)
        }
        "msg_send_fail" => {
            let id = Some(text(&event["fail_msgid"])).filter(|id| !id.is_empty())?;
            Some(Read::Failed { id: RemoteMessageId::new(id), words: failure(event) })
        }
        "session_status_change" => session(event),
        "servicer_status_change" => Some(Read::Nothing),
        "reject_customer_msg_switch_change" => match number(&event["reject_switch"]) {
            Some(1) => visitor("Is blocked by the company's staff now."),
            Some(0) => visitor("Is not blocked by the company's staff any more."),
            _ => None,
        },
        _ => None,
    }
}

fn recalled(by: By, event: &Value) -> Option<Read> {
    let id = Some(text(&event["recall_msgid"])).filter(|id| !id.is_empty())?;
    Some(Read::Recalled { by, id: RemoteMessageId::new(id) })
}

fn failure(event: &Value) -> String {
    let code = number(&event["fail_type"]).unwrap_or_default();
    let why = FAILURES.iter().find(|(known, _)| *known == code).map(|(_, words)| (*words).to_owned());
    let why = why.unwrap_or_else(|| format!("WeCom gives no reason (type {code})"));
    format!("WeCom took the message, but it has not arrived: {why}.")
}

/// The talk was taken, handed on or ended, by a member of the company.
fn session(event: &Value) -> Option<Read> {
    let [old, new] = ["old_servicer_userid", "new_servicer_userid"].map(|name| {
        let id = text(&event[name]);
        is_id(id).then(|| id.to_owned())
    });
    let (by, words) = match number(&event["change_type"])? {
        1 => (new, "Answers the customer from now on, in WeCom's app.".to_owned()),
        2 => {
            let to = new.clone().unwrap_or_else(|| "somebody else".to_owned());
            (old.or(new), format!("Hands the customer on to {to}."))
        }
        3 => (old, "Ended the conversation with the customer.".to_owned()),
        4 => (new, "Took the conversation with the customer up again.".to_owned()),
        _ => return None,
    };
    Some(Read::Said { by: by.map_or(By::Visitor, By::Staff), message: notice(&words) })
}

#[cfg(test)]
mod tests;
