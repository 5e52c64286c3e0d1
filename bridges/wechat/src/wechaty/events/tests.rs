//! Tables of messages as gateways tell them.

use magpie_common::{
    ids::RemoteUserId,
    message::{MentionTarget, Person, Tone},
};
use proptest::prelude::{any, proptest};

use super::*;

fn said(kind: i32, text: &str) -> Said {
    Said { id: "m1".to_owned(), kind, text: text.to_owned(), ..Said::default() }
}

fn shown(said: &Said, beside: &Beside) -> Message {
    match read(said, beside, ("me", &[])) {
        Meaning::Said(message) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn words_of_every_kind_are_read() {
    let plain = |kind, text: &str, beside: Beside| shown(&said(kind, text), &beside).text.to_plain();
    let link = UrlLink {
        title: "Birds".to_owned(),
        description: "All of them.".to_owned(),
        url: "https://example.org/".to_owned(),
    };
    let place = Place {
        latitude: 23.5,
        longitude: 113.25,
        name: "Tower".to_owned(),
        address: "1 Road".to_owned(),
        ..Place::default()
    };
    let program = MiniProgram { title: "Shop".to_owned(), description: "Buy".to_owned() };
    let app = |inside: &str| format!("<msg><appmsg>{inside}</appmsg></msg>");
    for (kind, text, beside, words) in [
        (7, "你好[微笑]".to_owned(), Beside::Nothing, "你好🙂"),
        (7, "「Ada：hi」\n- - - - - - - - -\nho".to_owned(), Beside::Nothing, "> Ada：hi\nho"),
        (7, "「Ada：hi」 no quote".to_owned(), Beside::Nothing, "「Ada：hi」 no quote"),
        (3, String::new(), Beside::Card("Ada".to_owned()), "👤 Contact: Ada"),
        (14, String::new(), Beside::Link(link), "Birds (https://example.org/)\nAll of them."),
        (
            14,
            app("<title>Birds</title><url>https://example.org/</url>"),
            Beside::Nothing,
            "Birds (https://example.org/)",
        ),
        (9, String::new(), Beside::Program(program), "🧩 Mini program: Shop\nBuy\nOpen it on your phone."),
        (
            8,
            String::new(),
            Beside::Place(place),
            "📍 Tower, 1 Road\nhttps://www.openstreetmap.org/?mlat=23.5&mlon=113.25#map=16/23.5/113.25",
        ),
        (4, "Ada: hi".to_owned(), Beside::Nothing, "📜 Messages of another chat\n> Ada: hi"),
        (10, "Read this".to_owned(), Beside::Nothing, "📢 Read this"),
        (
            11,
            app("<title>Transfer</title><wcpayinfo><feedesc>￥1.00</feedesc></wcpayinfo>"),
            Beside::Nothing,
            "💸 Transfer “￥1.00”. Take or return it on your phone.",
        ),
        (11, String::new(), Beside::Nothing, "💸 Transfer. Take or return it on your phone."),
        (12, "Good luck".to_owned(), Beside::Nothing, "🧧 Red packet “Good luck”. Open it on your phone."),
    ] {
        assert_eq!(plain(kind, &text, beside), words, "{kind} {text}");
    }
    assert_eq!(shown(&said(12, ""), &Beside::Nothing).tone, Tone::Notice);
}

#[test]
fn a_text_that_is_too_long_says_so() {
    let shown = |length: usize| shown(&said(7, &"a".repeat(length)), &Beside::Nothing).text.to_plain();
    assert_eq!(shown(TEXT_BYTES_MAX), "a".repeat(TEXT_BYTES_MAX));
    assert_eq!(shown(TEXT_BYTES_MAX + 1), format!("{}\n{MORE}", "a".repeat(TEXT_BYTES_MAX)));
}

#[test]
fn files_are_named_by_their_message() {
    use AttachmentKind::{File, Image, Sticker, Video, Voice};
    for (kind, filename, name, sort, mime, file) in [
        (6, "", "image.jpg", Image, Some("image/jpeg"), file::image("me", "m1")),
        (6, "a.PNG", "a.PNG", Image, Some("image/png"), file::image("me", "m1")),
        (15, "", "video.mp4", Video, Some("video/mp4"), file::message("me", "m1")),
        (2, "1.sil", "1.sil", Voice, Some("audio/silk"), file::message("me", "m1")),
        (5, "", "emoticon.gif", Sticker, Some("image/gif"), file::message("me", "m1")),
        (1, "a\u{202e}.doc", "a.doc", File, None, file::message("me", "m1")),
    ] {
        let said = Said { filename: filename.to_owned(), ..said(kind, "") };
        let message = shown(&said, &Beside::Nothing);
        let [attachment] = message.attachments.as_slice() else { panic!("{kind}: one file") };
        assert_eq!((attachment.name.as_str(), attachment.kind), (name, sort), "{kind}");
        assert_eq!(attachment.mime.as_deref(), mime, "{kind}");
        assert_eq!(attachment.source, FileSource::Remote(file), "{kind}");
    }
}

#[test]
fn what_was_taken_back_and_what_is_not_known() {
    let meaning = |kind, text: &str| read(&said(kind, text), &Beside::Nothing, ("me", &[]));
    assert_eq!(meaning(13, "m0"), Meaning::Recalled("m0".to_owned()));
    for (kind, text, called) in [
        (13, "", "Recalled message"),
        (7, " ", "Text message"),
        (0, "x", "message of kind 0"),
        (99, "<msg><appmsg><title>Hologram</title></appmsg></msg>", "Hologram"),
        (8, "<msg/>", "Location message"),
    ] {
        let Meaning::Unknown { name, raw } = meaning(kind, text) else { panic!("{kind} {text}") };
        assert_eq!((name.as_str(), raw.as_str()), (called, text));
    }
}

#[test]
fn moments_are_told_in_seconds_or_milliseconds() {
    let at = |seconds, nanos, timestamp| {
        let receive_time = Some(Moment { seconds, nanos });
        sent_ms(&Said { receive_time, timestamp, ..Said::default() })
    };
    assert_eq!(at(1_700_000_000, 5_000_000, 0), Some(1_700_000_000_005));
    assert_eq!(at(1_700_000, 0, 0), Some(1_700_000_000_000), "seconds taken for milliseconds");
    assert_eq!(at(0, 0, 1_700_000_000), Some(1_700_000_000_000));
    assert_eq!(at(0, 0, 0), None);
    assert_eq!(sent_ms(&Said { timestamp: u64::MAX, ..Said::default() }), None);
}

#[test]
fn only_ids_name_people() {
    let target = MentionTarget::Person(Person::Remote(RemoteUserId::new("wechaty/me/a")));
    let named = [Named { target: target.clone(), names: vec!["Ada".to_owned()] }];
    let words = said(7, "@Ada\u{2005}look");
    let Meaning::Said(message) = read(&words, &Beside::Nothing, ("me", &named)) else { panic!("words") };
    assert_eq!(message.text.mentions()[0].target, target);
    assert!(shown(&words, &Beside::Nothing).text.mentions().is_empty());
}

proptest! {
    #[test]
    fn no_message_is_too_strange(kind in -1..20, text in any::<String>(), filename in any::<String>()) {
        let said = Said { filename, ..said(kind, &text) };
        let _ = read(&said, &Beside::Nothing, ("me", &[]));
        let _ = read(&Said { text: format!("<msg>{text}"), ..said }, &Beside::Nothing, ("me", &[]));
    }
}
