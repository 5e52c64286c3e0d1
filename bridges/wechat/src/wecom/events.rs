//! From what a callback tells to what it means. Pure: one callback at a time.
//!
//! A field that is missing or new must not lose the words beside it; what cannot be mapped stays with its raw form. References:
//! <https://developer.work.weixin.qq.com/document/path/90239> (messages), <https://developer.work.weixin.qq.com/document/path/90240> (events).
//! Next: `service`, what customers tell, which is pulled.

use magpie_common::{
    clock::TimestampMs,
    config::Secret,
    ids::RemoteMessageId,
    message::{AttachmentKind, Message, clean_line},
};
use serde_json::Value;

use super::place::is_id;
use crate::{
    config::is_fit,
    faces,
    json::{at_ms, name, short, text},
    said::{file, link, notice, place},
};

pub(super) mod service;

/// Raw forms are cut at this length.
const RAW_BYTES_MAX: usize = 16 * 1024;

/// What a callback means.
#[derive(Clone, Debug)]
pub(super) enum Read {
    /// The member said something, or did something that the bridge puts into words.
    Said(Message),
    /// There is something to be pulled from customer service.
    Pull {
        /// Of which service account.
        kf: String,
        /// With what it may be asked for, for ten minutes.
        token: Option<Secret>,
    },
    /// A member changed.
    Member {
        /// Who, until now.
        userid: String,
        /// Who, from now on.
        new_userid: Option<String>,
        /// What they are called now.
        name: Option<String>,
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

/// Reads a callback.
pub(super) fn read(told: &Value) -> Read {
    let kind = text(&told["MsgType"]);
    let read = if kind == "event" { event(told) } else { said(kind, told).map(Read::Said) };
    read.unwrap_or_else(|| {
        let event = if kind == "event" { text(&told["Event"]) } else { "" };
        Read::Unknown { name: clean_line(format!("{kind} {event}").trim()), raw: raw(told) }
    })
}

/// The raw form, for whoever can read it one day.
pub(super) fn raw(told: &Value) -> String {
    let mut raw = told.to_string();
    raw.truncate(raw.floor_char_boundary(RAW_BYTES_MAX));
    raw
}

/// The id under which it is known: of a message its own; an event has none, so what tells it from others stands for one.
pub(super) fn id(told: &Value) -> Option<RemoteMessageId> {
    const EVENT_BYTES_MAX: usize = 200;
    let own = text(&told["MsgId"]);
    if !own.is_empty() {
        return own.bytes().all(|byte| byte.is_ascii_digit()).then(|| RemoteMessageId::new(own));
    }
    let [time, event, key, task] =
        ["CreateTime", "Event", "EventKey", "TaskId"].map(|name| text(&told[name]));
    let is_event = at_ms(&told["CreateTime"]).is_some() && event.len() <= EVENT_BYTES_MAX;
    is_event.then(|| RemoteMessageId::new(format!("event/{time}/{event}/{}/{}", short(key), short(task))))
}

/// When it was said.
pub(super) fn sent_ms(told: &Value) -> Option<TimestampMs> {
    at_ms(&told["CreateTime"])
}

fn said(kind: &str, told: &Value) -> Option<Message> {
    use AttachmentKind::{Image, Video, Voice};
    let media = &told["MediaId"];
    let message = match kind {
        "text" => Message::text(faces::read(text(&told["Content"]))),
        "image" => file(media, Image, ("image.jpg", None))?,
        "video" => file(media, Video, ("video.mp4", Some("video/mp4")))?,
        "voice" => match text(&told["Format"]).to_ascii_lowercase().as_str() {
            "amr" => file(media, Voice, ("voice message.amr", Some("audio/amr")))?,
            _ => file(media, Voice, ("voice message", None))?,
        },
        "location" => Message::text(place(&told["Location_X"], &told["Location_Y"], text(&told["Label"]))?),
        "link" => Message::text(link(&told["Title"], &told["Description"], &told["Url"])?),
        _ => return None,
    };
    (!message.is_empty()).then_some(message)
}

fn event(told: &Value) -> Option<Read> {
    let key = clean_line(text(&told["EventKey"]));
    let did = |words: String| Some(Read::Said(notice(&words)));
    match text(&told["Event"]) {
        "subscribe" => did("May use the app now.".to_owned()),
        "unsubscribe" => did("May not use the app any more.".to_owned()),
        "click" => did(format!("Pressed “{key}” in the menu.")),
        "view" => did(format!("Opened {key} from the menu.")),
        "template_card_event" => did(format!("Pressed “{key}” on a card.")),
        "template_card_menu_event" => did(format!("Chose “{key}” from the menu of a card.")),
        // Phones tell where they are whenever the app is open, and that it is: nobody said that into the chat.
        "LOCATION" | "enter_agent" => Some(Read::Nothing),
        "kf_msg_or_event" => {
            let kf = Some(text(&told["OpenKfId"])).filter(|kf| is_id(kf))?.to_owned();
            let token = Some(Secret::new(text(&told["Token"]))).filter(is_fit);
            Some(Read::Pull { kf, token })
        }
        "change_contact" => Some(contact(told)),
        _ => None,
    }
}

/// The company's address book has changed. Only what a chat shows counts.
fn contact(told: &Value) -> Read {
    let userid = text(&told["UserID"]);
    let new_userid = Some(text(&told["NewUserID"])).filter(|new| is_id(new) && *new != userid);
    let (new_userid, name) = (new_userid.map(str::to_owned), name(&told["Name"]));
    let is_told = text(&told["ChangeType"]) == "update_user" && is_id(userid);
    match is_told && (new_userid.is_some() || name.is_some()) {
        true => Read::Member { userid: userid.to_owned(), new_userid, name },
        false => Read::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};
    use serde_json::json;

    use super::*;

    fn words(told: Value) -> String {
        match read(&told) {
            Read::Said(message) => message.text.to_plain(),
            other => panic!("{told}: {other:?}"),
        }
    }

    #[test]
    fn words_places_links_and_deeds_are_read() {
        for (told, shown) in [
            (json!({"MsgType": "text", "Content": "你好[微笑]"}), "你好🙂"),
            (
                json!({"MsgType": "location", "Location_X": "23.1", "Location_Y": "113.3", "Label": "Tower", "AppType": "wxwork"}),
                "📍 Tower\nhttps://www.openstreetmap.org/?mlat=23.1&mlon=113.3#map=16/23.1/113.3",
            ),
            (
                json!({"MsgType": "link", "Title": "Birds", "Description": "All of them.", "Url": "https://example.org/"}),
                "Birds (https://example.org/)\nAll of them.",
            ),
            (json!({"MsgType": "event", "Event": "subscribe", "EventKey": ""}), "May use the app now."),
            (
                json!({"MsgType": "event", "Event": "click", "EventKey": "PRICES"}),
                "Pressed “PRICES” in the menu.",
            ),
            (
                json!({"MsgType": "event", "Event": "template_card_event", "EventKey": "yes", "TaskId": "7"}),
                "Pressed “yes” on a card.",
            ),
        ] {
            assert_eq!(words(told), shown);
        }
    }

    #[test]
    fn files_are_named_by_their_media_id() {
        for (kind, mime) in [("voice", "audio/amr"), ("video", "video/mp4")] {
            let told = json!({"MsgType": kind, "MediaId": "1idWD-_9", "Format": "amr"});
            let Read::Said(message) = read(&told) else { panic!("it is a message") };
            assert_eq!(message.attachments[0].mime.as_deref(), Some(mime));
        }
        assert!(matches!(read(&json!({"MsgType": "image", "MediaId": "../x"})), Read::Unknown { .. }));
    }

    #[test]
    fn customer_service_says_only_that_there_is_something() {
        let told =
            json!({"MsgType": "event", "Event": "kf_msg_or_event", "Token": "ENCtoken", "OpenKfId": "wkAJ2"});
        let Read::Pull { kf, token } = read(&told) else { panic!("it is to be pulled") };
        assert_eq!((kf.as_str(), token.expect("it is told").expose()), ("wkAJ2", "ENCtoken"));
        let bad = json!({"MsgType": "event", "Event": "kf_msg_or_event", "OpenKfId": "a/b"});
        assert!(matches!(read(&bad), Read::Unknown { .. }));
    }

    #[test]
    fn a_member_may_change_name_and_id() {
        let told = json!({
            "MsgType": "event", "Event": "change_contact", "ChangeType": "update_user", "UserID": "ada", "NewUserID": "ada.l", "Name": "Ada",
        });
        let Read::Member { userid, new_userid, name } = read(&told) else { panic!("a member changed") };
        assert_eq!(
            (userid.as_str(), new_userid.as_deref(), name.as_deref()),
            ("ada", Some("ada.l"), Some("Ada"))
        );
        let other = json!({"MsgType": "event", "Event": "change_contact", "ChangeType": "delete_user", "UserID": "ada"});
        assert!(matches!(read(&other), Read::Nothing));
    }

    #[test]
    fn each_callback_has_an_id_of_its_own() {
        let of = |told: Value| id(&told).map(|id| id.to_string());
        assert_eq!(of(json!({"MsgId": "6234567890123456789"})).as_deref(), Some("6234567890123456789"));
        let pressed = of(json!({"CreateTime": "1348831860", "Event": "click", "EventKey": "A"}));
        assert_eq!(pressed.as_deref(), Some("event/1348831860/click/A/"));
        let opened =
            |end: &str| json!({"CreateTime": "1", "Event": "view", "EventKey": "a".repeat(600) + end});
        let long = of(opened("")).expect("it has one");
        assert!(long.len() < 100 && of(opened("b")).is_some_and(|other| other != long), "{long}");
        for bad in [json!({}), json!({"MsgId": "x"}), json!({"CreateTime": "x", "Event": "click"})] {
            assert_eq!(of(bad), None);
        }
    }

    #[test]
    fn what_is_not_known_keeps_its_raw_form() {
        for told in [
            json!({"MsgType": "hologram"}),
            json!({"MsgType": "text", "Content": ""}),
            json!({"MsgType": "event", "Event": "dance"}),
            json!({"MsgType": "holo\ngram\u{202e}"}),
            json!({}),
            json!("words"),
        ] {
            let Read::Unknown { name, .. } = read(&told) else { panic!("{told}") };
            assert!(name.chars().all(|letter| letter.is_ascii_graphic() || letter == ' '), "{name}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_comes_makes_it_panic(kind in "[a-zA-Z_]{0,20}", value in any::<String>()) {
            let told = json!({"MsgType": kind, "Event": kind, "Content": value, "MediaId": value, "Location_X": value, "UserID": value});
            let _ = (read(&told), id(&told), sent_ms(&told));
        }
    }
}
