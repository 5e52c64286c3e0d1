//! From what a callback tells to what it means. Pure: one callback at a time.
//!
//! A field that is missing or new must not lose the words beside it; what cannot be mapped stays with its raw form. References:
//! <https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html>,
//! <https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_event_pushes.html>.

use magpie_common::{
    clock::TimestampMs,
    ids::RemoteMessageId,
    message::{AttachmentKind, Message, clean_line},
};
use serde_json::Value;
use sha1::{Digest, Sha1};

use super::recording;
use crate::{
    faces,
    json::{at_ms, text},
    said::{file, link, notice, place},
};

/// Raw forms are cut at this length.
const RAW_BYTES_MAX: usize = 16 * 1024;

/// What a callback means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Read {
    /// The person said something, or did something that the bridge puts into words.
    Told(Message, Deed),
    /// A template did not arrive.
    NotArrived {
        /// Which.
        id: RemoteMessageId,
        /// Why.
        words: &'static str,
    },
    /// It is for nobody in a chat.
    Nothing,
    /// Nobody can read this (yet).
    Unknown {
        /// What WeChat calls it.
        name: String,
        /// The raw form.
        raw: String,
    },
}

/// What the person did, which decides how long the account may write to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// They wrote.
    Wrote,
    /// They followed, scanned a code or pressed something in the menu.
    Pressed,
    /// They follow the account no more.
    Left,
    /// Anything else.
    Other,
}

/// Reads a callback.
pub(super) fn read(told: &Value) -> Read {
    let kind = text(&told["MsgType"]);
    let read = if kind == "event" {
        event(told)
    } else {
        said(kind, told).map(|message| Read::Told(message, Deed::Wrote))
    };
    read.unwrap_or_else(|| {
        let event = if kind == "event" { text(&told["Event"]) } else { "" };
        Read::Unknown { name: clean_line(format!("{kind} {event}").trim()), raw: raw(told) }
    })
}

/// The raw form, as far as it is kept.
pub(super) fn raw(told: &Value) -> String {
    let mut raw = told.to_string();
    raw.truncate(raw.floor_char_boundary(RAW_BYTES_MAX));
    raw
}

/// The id under which it is known: of a message its own; an event has none, so what tells it from others stands for one.
pub(super) fn id(told: &Value) -> Option<RemoteMessageId> {
    const KEY_BYTES_MAX: usize = 200;
    let own = text(&told["MsgId"]);
    if !own.is_empty() {
        return own.bytes().all(|byte| byte.is_ascii_digit()).then(|| RemoteMessageId::new(own));
    }
    let [time, event, key] = ["CreateTime", "Event", "EventKey"].map(|name| text(&told[name]));
    let is_event = at_ms(&told["CreateTime"]).is_some() && event.len() <= KEY_BYTES_MAX;
    // An address may be long, and its sum tells it from others as well.
    let key = if key.len() <= KEY_BYTES_MAX { key.to_owned() } else { sum(key) };
    is_event.then(|| RemoteMessageId::new(format!("event/{time}/{event}/{key}")))
}

fn sum(words: &str) -> String {
    Sha1::digest(words).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// When it was said.
pub(super) fn sent_ms(told: &Value) -> Option<TimestampMs> {
    at_ms(&told["CreateTime"])
}

fn said(kind: &str, told: &Value) -> Option<Message> {
    use AttachmentKind::{Image, Video};
    let media = &told["MediaId"];
    let message = match kind {
        "text" => Message::text(faces::read(text(&told["Content"]))),
        "image" => file(media, Image, ("image.jpg", None))?,
        "video" | "shortvideo" => file(media, Video, ("video.mp4", Some("video/mp4")))?,
        "voice" => {
            let format = text(&told["Format"]).to_ascii_lowercase();
            let (name, mime) = match format.as_str() {
                "amr" => ("voice message.amr", Some("audio/amr")),
                "mp3" => ("voice message.mp3", Some("audio/mpeg")),
                _ => ("voice message", None),
            };
            // What WeChat understood of it.
            let text = faces::read(text(&told["Recognition"]));
            Message { text, ..recording::message(told, (name, mime))? }
        }
        "location" => Message::text(place(&told["Location_X"], &told["Location_Y"], text(&told["Label"]))?),
        "link" => Message::text(link(&told["Title"], &told["Description"], &told["Url"])?),
        _ => return None,
    };
    (!message.is_empty()).then_some(message)
}

fn event(told: &Value) -> Option<Read> {
    let key = clean_line(text(&told["EventKey"]));
    let did = |words: String, deed| Some(Read::Told(notice(&words), deed));
    match text(&told["Event"]) {
        "subscribe" => {
            let from = key.strip_prefix("qrscene_").filter(|scene| !scene.is_empty());
            let by = from.map(|scene| format!(", by the code “{scene}”")).unwrap_or_default();
            did(format!("Follows the account now{by}."), Deed::Pressed)
        }
        "unsubscribe" => did("Does not follow the account any more.".to_owned(), Deed::Left),
        "SCAN" => did(format!("Scanned the code “{key}”."), Deed::Pressed),
        "CLICK" => did(format!("Pressed “{key}” in the menu."), Deed::Pressed),
        "VIEW" | "view_miniprogram" => did(format!("Opened {key} from the menu."), Deed::Other),
        "scancode_push" | "scancode_waitmsg" => {
            let found = clean_line(text(&told["ScanCodeInfo"]["ScanResult"]));
            did(format!("Scanned “{found}” from the menu."), Deed::Pressed)
        }
        "TEMPLATESENDJOBFINISH" => Some(template_fate(told)),
        // Phones tell where they are every few seconds while the chat is open: nobody said that into the chat. The fate of mass messages, which
        // are not sent from here.
        "LOCATION" | "MASSSENDJOBFINISH" => Some(Read::Nothing),
        _ => None,
    }
}

/// The id of a template that was sent, from WeChat's own.
pub(super) fn template_id(msgid: &str) -> Option<RemoteMessageId> {
    const DIGITS_MAX: usize = 20;
    let is_id = (1..=DIGITS_MAX).contains(&msgid.len()) && msgid.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then(|| RemoteMessageId::new(format!("template/{msgid}")))
}

/// What became of a template. Other programs of the account send some, too, which are not known here.
fn template_fate(told: &Value) -> Read {
    let words = match text(&told["Status"]) {
        "success" => return Read::Nothing,
        "failed:user block" => "The person does not take messages of this account.",
        _ => "WeChat took the template, and could not bring it.",
    };
    template_id(text(&told["MsgID"])).map_or(Read::Nothing, |id| Read::NotArrived { id, words })
}

#[cfg(test)]
mod tests {
    use magpie_common::message::FileSource;
    use serde_json::json;

    use super::*;
    use crate::said::media_id;

    fn words(read: Read) -> String {
        match read {
            Read::Told(message, _) => message.text.to_plain(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn words_places_and_links_are_read() {
        for (told, shown) in [
            (json!({"MsgType": "text", "Content": "你好[微笑]"}), "你好🙂"),
            (
                json!({"MsgType": "location", "Location_X": "23.134521", "Location_Y": "113.358803", "Label": "Tower"}),
                "📍 Tower\nhttps://www.openstreetmap.org/?mlat=23.134521&mlon=113.358803#map=16/23.134521/113.358803",
            ),
            (
                json!({"MsgType": "link", "Title": "Birds", "Description": "All of them.", "Url": "https://example.org/"}),
                "Birds (https://example.org/)\nAll of them.",
            ),
            (json!({"MsgType": "link", "Title": "Birds", "Url": "weixin://x"}), "Birds"),
            (
                json!({"MsgType": "event", "Event": "subscribe", "EventKey": "qrscene_7"}),
                "Follows the account now, by the code “7”.",
            ),
            (
                json!({"MsgType": "event", "Event": "CLICK", "EventKey": "PRICES"}),
                "Pressed “PRICES” in the menu.",
            ),
            (
                json!({"MsgType": "event", "Event": "scancode_push", "ScanCodeInfo": {"ScanType": "qrcode", "ScanResult": "1"}}),
                "Scanned “1” from the menu.",
            ),
            (json!({"MsgType": "event", "Event": "unsubscribe"}), "Does not follow the account any more."),
        ] {
            assert_eq!(words(read(&told)), shown);
        }
    }

    #[test]
    fn files_are_named_by_their_media_id() {
        let told = json!({"MsgType": "voice", "MediaId": "aB-_9", "Format": "amr", "Recognition": "hello"});
        let Read::Told(message, Deed::Wrote) = read(&told) else { panic!("it is a message") };
        assert_eq!(message.text.to_plain(), "hello");
        let FileSource::Remote(file) = &message.attachments[0].source else { panic!("it is on WeChat") };
        assert_eq!(
            (media_id(file), message.attachments[0].mime.as_deref()),
            (Some("aB-_9"), Some("audio/amr"))
        );
        for bad in ["", "../x", "a/b", "a?b", &"1".repeat(257)] {
            assert!(
                matches!(read(&json!({"MsgType": "image", "MediaId": bad})), Read::Unknown { .. }),
                "{bad}"
            );
        }
    }

    #[test]
    fn what_is_not_known_keeps_its_raw_form() {
        for told in [
            json!({"MsgType": "hologram", "Content": "x"}),
            json!({"MsgType": "text", "Content": ""}),
            json!({"MsgType": "event", "Event": "dance"}),
            json!({}),
            json!("words"),
        ] {
            assert!(matches!(read(&told), Read::Unknown { .. }), "{told}");
        }
        assert_eq!(read(&json!({"MsgType": "event", "Event": "LOCATION", "Latitude": "1"})), Read::Nothing);
    }

    #[test]
    fn a_template_that_does_not_arrive_is_told() {
        let told = |status: &str, msgid: &str| {
            read(
                &json!({"MsgType": "event", "Event": "TEMPLATESENDJOBFINISH", "MsgID": msgid, "Status": status}),
            )
        };
        assert_eq!(told("success", "7"), Read::Nothing);
        for (status, part) in
            [("failed:user block", "does not take"), ("failed: system failed", "could not bring")]
        {
            let Read::NotArrived { id, words } = told(status, "200163836") else { panic!("{status}") };
            assert_eq!(id.as_str(), "template/200163836");
            assert!(words.contains(part), "{words}");
        }
        assert_eq!(told("failed:user block", "x"), Read::Nothing);
    }

    #[test]
    fn each_callback_has_an_id_of_its_own() {
        let of = |told: Value| id(&told).map(|id| id.to_string());
        assert_eq!(of(json!({"MsgId": "6234567890123456789"})).as_deref(), Some("6234567890123456789"));
        let pressed = of(json!({"CreateTime": "1348831860", "Event": "CLICK", "EventKey": "A"}));
        assert_eq!(pressed.as_deref(), Some("event/1348831860/CLICK/A"));
        let opened =
            |end: &str| json!({"CreateTime": "1", "Event": "VIEW", "EventKey": "a".repeat(600) + end});
        let long = of(opened("")).expect("it has one");
        assert!(long.len() < 100 && of(opened("b")).is_some_and(|other| other != long), "{long}");
        for bad in [json!({}), json!({"MsgId": "x"}), json!({"CreateTime": "x", "Event": "CLICK"})] {
            assert_eq!(of(bad), None);
        }
    }
}
