//! Contents of events, read and written.

use ruma::{event_id, user_id};
use serde_json::json;

use super::*;
use crate::{
    convert::{
        FromMatrix, Pings, ToMatrix,
        from_html::tests::{ghosts, known, show},
    },
    ids::{RemoteFileId, RemoteUserId},
    message::{
        Attachment, AttachmentKind, FileSource, Mention, MentionTarget, Message, Node, Person, RichText, Tone,
    },
};

fn read(event_type: &str, content: &Value) -> Result<Read, ReadError> {
    let (ghosts, known) = (ghosts(), known());
    read_content(event_type, content, &FromMatrix::new(&ghosts, &known))
}

fn message(content: &Value) -> Message {
    let event_type = if content.get("msgtype").is_some() { "m.room.message" } else { "m.sticker" };
    match read(event_type, content).unwrap().said {
        Said::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

fn origin() -> Origin {
    Origin { chat: RemoteChatId::new("c1"), id: RemoteMessageId::new("m1"), part: 0, piece: None }
}

fn write(message: &Message, answers: &Answers) -> Vec<Part> {
    let (ghosts, known) = (ghosts(), known());
    write_content(message, answers, &origin(), Layout::Caption, &ToMatrix::new(&ghosts, &known)).unwrap()
}

fn attachment(kind: AttachmentKind, name: &str) -> Attachment {
    let source = FileSource::Matrix("mxc://example.org/abc".into());
    let mime = Some("image/png".to_owned());
    Attachment { mime, size_bytes: Some(7), ..Attachment::new(kind, source, name) }
}

fn mention(id: &str) -> Node {
    let target = MentionTarget::Person(Person::Remote(RemoteUserId::new(id)));
    Node::Mention(Mention { target, label: id.to_owned() })
}

#[test]
fn the_tone_is_the_message_type() {
    for (msgtype, tone) in
        [("m.text", Tone::Said), ("m.notice", Tone::Notice), ("m.emote", Tone::Emote), ("x.new", Tone::Said)]
    {
        let read = message(&json!({ "msgtype": msgtype, "body": "a" }));
        assert_eq!((read.tone, read.text), (tone, RichText::plain("a")), "{msgtype}");
        if msgtype.starts_with("m.") {
            let sent = Message { tone, ..Message::text(RichText::plain("a")) };
            assert_eq!(write(&sent, &Answers::default())[0].content["msgtype"], msgtype);
        }
    }
}

#[test]
fn formatting_is_read_only_in_the_format_that_we_know() {
    let content = |format: &str| json!({ "msgtype": "m.text", "body": "b\u{7}", "format": format, "formatted_body": "<b>h</b>" });
    assert_eq!(show(&message(&content(HTML_FORMAT)).text.0), "strong[\"h\"]");
    assert_eq!(show(&message(&content("text/evil")).text.0), "\"b\"");
    let blank =
        json!({ "msgtype": "m.text", "body": "b", "format": HTML_FORMAT, "formatted_body": "<mx-reply>x" });
    assert_eq!(show(&message(&blank).text.0), "\"b\"");
}

#[test]
fn a_body_is_a_caption_when_the_file_has_another_name() {
    let image = |body: &str, filename: Option<&str>| {
        let mut content = json!({ "msgtype": "m.image", "body": body, "url": "mxc://example.org/abc",
            "info": { "mimetype": "image/png", "size": 7 } });
        if let Some(filename) = filename {
            content["filename"] = json!(filename);
        }
        message(&content)
    };
    for (body, filename, name, caption) in [
        ("a.png", None, "a.png", ""),
        ("a.png", Some("a.png"), "a.png", ""),
        ("look", Some("a.png"), "a.png", "look"),
        ("../\u{0}a\n.png", None, "../a .png", ""),
        ("", None, "file", ""),
    ] {
        let read = image(body, filename);
        assert_eq!(read.attachments, [attachment(AttachmentKind::Image, name)]);
        assert_eq!(read.text, RichText::plain(caption));
    }
}

#[test]
fn each_kind_of_file_comes_back_as_itself() {
    use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
    for kind in [Image, Video, Audio, Voice, Sticker, File] {
        let sent = Message {
            attachments: vec![Attachment { spoiler: true, ..attachment(kind, "a.png") }],
            ..Message::default()
        };
        let parts = write(&sent, &Answers::default());
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].event_type == "m.sticker", kind == Sticker);
        assert_eq!(message(&parts[0].content), sent, "{kind:?}");
    }
}

#[test]
fn a_single_file_takes_the_words_and_several_stand_apart() {
    let text = RichText(vec![Node::Strong(vec![Node::Text("look".into())])]);
    let image = attachment(AttachmentKind::Image, "a.png");
    let one = Message { attachments: vec![image.clone()], ..Message::text(text.clone()) };
    let parts = write(&one, &Answers::default());
    assert_eq!(parts.len(), 1);
    assert_eq!(message(&parts[0].content), one);

    let two = Message { attachments: vec![image.clone(), image], ..Message::text(text) };
    let parts = write(&two, &Answers { reply_to: Some(event_id!("$old").to_owned()), ..Answers::default() });
    let numbers: Vec<u32> = parts.iter().map(|part| Origin::read(&part.content).unwrap().part).collect();
    assert_eq!(numbers, [0, 1, 2]);
    let replies = parts.iter().filter(|part| part.content.get("m.relates_to").is_some()).count();
    assert_eq!(replies, 1, "only the first part answers");
}

#[test]
fn an_encrypted_file_gives_its_keys() {
    let file = json!({ "url": "mxc://example.org/abc", "key": { "k": "x" } });
    let found = read("m.room.message", &json!({ "msgtype": "m.file", "body": "a", "file": file })).unwrap();
    assert_eq!(found.encrypted_file, Some(file));
}

#[test]
fn replies_and_threads_come_as_event_ids() {
    let find = |relation: Value| {
        let content = json!({ "msgtype": "m.text", "body": "> <@a:b.org> old\n> more\n\nnew", "m.relates_to": relation });
        let found = read("m.room.message", &content).unwrap();
        let Said::Message(message) = found.said else { panic!() };
        (found.reply_to, found.thread_root, message.text.to_plain())
    };
    let (event, root) = (event_id!("$e").to_owned(), event_id!("$r").to_owned());
    let reply = json!({ "m.in_reply_to": { "event_id": "$e" } });
    assert_eq!(find(reply), (Some(event.clone()), None, "new".to_owned()));
    let mut thread = json!({ "rel_type": "m.thread", "event_id": "$r", "is_falling_back": true,
        "m.in_reply_to": { "event_id": "$e" } });
    assert_eq!(find(thread.clone()), (None, Some(root.clone()), "new".to_owned()));
    thread["is_falling_back"] = json!(false);
    assert_eq!(find(thread), (Some(event), Some(root), "new".to_owned()));
    assert_eq!(find(json!({})).2, "> <@a:b.org> old\n> more\n\nnew");
    assert_eq!(find(json!("nonsense")).0, None);
}

#[test]
fn answers_are_written_as_relations() {
    let (reply, root, latest) = (event_id!("$e"), event_id!("$r"), event_id!("$l"));
    let sent = Message::text(RichText::plain("a"));
    let relation = |answers: &Answers| write(&sent, answers)[0].content["m.relates_to"].clone();
    let mut answers = Answers { reply_to: Some(reply.to_owned()), ..Answers::default() };
    assert_eq!(relation(&answers), json!({ "m.in_reply_to": { "event_id": "$e" } }));
    answers.thread_root = Some(root.to_owned());
    answers.thread_latest = Some(latest.to_owned());
    assert_eq!(relation(&answers)["m.in_reply_to"]["event_id"], "$e");
    assert_eq!(relation(&answers)["is_falling_back"], false);
    answers.reply_to = None;
    let expected = json!({ "rel_type": "m.thread", "event_id": "$r", "is_falling_back": true,
        "m.in_reply_to": { "event_id": "$l" } });
    assert_eq!(relation(&answers), expected);
}

#[test]
fn an_edit_is_read_by_its_new_content_and_pings_only_new_people() {
    let sent = Message::text(RichText(vec![mention("1"), mention("2")]));
    let (ghosts, known) = (ghosts(), known());
    let pinged = Pings { user_ids: [user_id!("@remote_1:example.org").to_owned()].into(), room: false };
    let edited = Edited { event_id: event_id!("$old"), pinged: &pinged };
    let part = write_edit(&write(&sent, &Answers::default())[0], &edited, &ToMatrix::new(&ghosts, &known));
    assert_eq!(part.content["body"], "* @1@2");
    assert_eq!(part.content["m.mentions"], json!({ "user_ids": ["@remote_2:example.org"] }));
    let both = json!({ "user_ids": ["@remote_1:example.org", "@remote_2:example.org"] });
    assert_eq!(part.content["m.new_content"]["m.mentions"], both);
    let found = read("m.room.message", &part.content).unwrap();
    assert_eq!(found.edits.as_deref(), Some(event_id!("$old")));
    assert_eq!(found.said, Said::Message(sent));
    assert_eq!(found.origin, Some(Origin { piece: Some(Piece::Words), ..origin() }));
}

#[test]
fn broken_contents_are_refused_by_name() {
    for (event_type, content, expected) in [
        ("m.reaction", json!({}), ReadError::NotAMessage("m.reaction".into())),
        ("m.room.message", json!({}), ReadError::NoBody),
        ("m.room.message", json!(7), ReadError::NoBody),
        (
            "m.room.message",
            json!({ "msgtype": "m.image", "body": "a", "url": "https://evil.org/x" }),
            ReadError::BadFile,
        ),
        ("m.sticker", json!({ "body": "a" }), ReadError::BadFile),
        ("m.room.message", json!({ "msgtype": "m.location", "geo_uri": "geo:91,0" }), ReadError::BadLocation),
        (
            "m.room.message",
            json!({ "body": "a", "m.relates_to": { "rel_type": "m.replace" } }),
            ReadError::BadEdit,
        ),
        (
            "m.room.message",
            json!({ "body": "a", "m.relates_to": { "rel_type": "m.replace", "event_id": "$e" } }),
            ReadError::BadEdit,
        ),
    ] {
        assert_eq!(read(event_type, &content).unwrap_err(), expected);
    }
}

#[test]
fn a_location_has_coordinates_and_words() {
    let content = json!({ "msgtype": "m.location", "body": "here", "geo_uri": "geo:51.5,-0.1;u=35" });
    let expected = Said::Location { latitude: 51.5, longitude: -0.1, description: "here".into() };
    assert_eq!(read("m.room.message", &content).unwrap().said, expected);
}

#[test]
fn mentions_are_always_stated_and_only_from_ids() {
    let part =
        write(&Message::text(RichText::plain("@room @remote_1:example.org")), &Answers::default()).remove(0);
    assert_eq!(part.content["m.mentions"], json!({}));
    let html = "<a href='https://matrix.to/#/@remote_1:example.org'>a</a>";
    let mut content =
        json!({ "msgtype": "m.text", "body": "a", "format": HTML_FORMAT, "formatted_body": html });
    assert!(message(&content).text.mentions().is_empty());
    content["m.mentions"] = json!({ "user_ids": ["@remote_1:example.org", 7, "nonsense"] });
    assert_eq!(message(&content).text.mentions().len(), 1);
}

#[test]
fn what_is_missing_cannot_be_written() {
    let (ghosts, known) = (ghosts(), known());
    let context = ToMatrix::new(&ghosts, &known);
    let attempt = |message: &Message| {
        write_content(message, &Answers::default(), &origin(), Layout::Caption, &context).unwrap_err()
    };
    assert_eq!(attempt(&Message::default()), WriteError::Empty);
    let mut file = attachment(AttachmentKind::File, "a.png");
    file.source = FileSource::Remote(RemoteFileId::new("9"));
    let message = Message { attachments: vec![file], ..Message::default() };
    assert_eq!(attempt(&message), WriteError::NotUploaded("a.png".into()));
}

#[test]
fn a_content_never_outgrows_an_event_and_says_what_went() {
    let (ghosts, known) = (ghosts(), known());
    let context = ToMatrix::new(&ghosts, &known);
    let bold = |words: String| Message::text(RichText(vec![Node::Strong(vec![Node::Text(words)])]));
    let crowd = (0..200).map(|nth| mention(&format!("{nth:0>190}"))).collect();
    for (message, is_expected) in [
        (bold("x".repeat(1_000)), (|it| it == Shortened::No) as fn(Shortened) -> bool),
        (bold("x".repeat(40_000)), |it| it == Shortened::FormattingDropped),
        (
            bold("喜\"\n".repeat(40_000)),
            |it| matches!(it, Shortened::TextCut { chars_lost, pings_lost: false } if chars_lost > 80_000),
        ),
        (Message::text(RichText(crowd)), |it| it != Shortened::No),
    ] {
        let parts = write_content(&message, &Answers::default(), &origin(), Layout::Caption, &context);
        let part = parts.unwrap().remove(0);
        assert!(part.content.to_string().len() <= CONTENT_BYTES_MAX);
        assert!(is_expected(part.shortened), "{:?}", part.shortened);
        let edited = Edited { event_id: event_id!("$old"), pinged: &Pings::default() };
        let part = write_edit(&part, &edited, &context);
        assert!(part.content.to_string().len() <= CONTENT_BYTES_MAX, "{}", part.content.to_string().len());
    }
}
