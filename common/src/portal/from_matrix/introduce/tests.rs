//! A table: what is sent for somebody, and the words in which it names them.

use ruma::owned_user_id;
use serde_json::json;

use super::*;
use crate::{
    ids::RemoteMessageId,
    message::{Attachment, Emoji, FileSource, Node, RoomTemplates, Template},
};

fn said(message: Message) -> Outgoing {
    Outgoing::Message(OutgoingMessage { message, author: None, sent_ms: 7 })
}

fn edited(message: Message) -> Outgoing {
    let new = OutgoingMessage { message, author: None, sent_ms: 7 };
    Outgoing::Edit { parts: vec![RemoteMessageId::new("1")], new }
}

fn toned(tone: Tone, words: &str) -> Message {
    Message { tone, text: RichText::plain(words), ..Message::default() }
}

fn file(kind: AttachmentKind, name: &str, words: &str) -> Message {
    let source = FileSource::Matrix("mxc://example.org/f".into());
    Message { attachments: vec![Attachment::new(kind, source, name)], ..toned(Tone::Said, words) }
}

/// The words of what was made of it; what is no message shows all it has.
fn words(outgoing: &Outgoing) -> String {
    match outgoing {
        Outgoing::Message(said) | Outgoing::Edit { new: said, .. } => {
            assert_eq!(said.author, None);
            assert_ne!(said.message.tone, Tone::Emote, "the words say it already");
            said.message.text.to_plain()
        }
        Outgoing::Poll { question, .. } => question.clone(),
        Outgoing::Location { description, .. } => description.clone(),
        other => format!("{other:?}"),
    }
}

fn event(event_type: &str, content: &Value) -> Event {
    let event = json!({
        "event_id": "$e", "room_id": "!r:example.org", "sender": "@ada:example.org", "type": event_type, "content": content,
    });
    Event::read(&event.to_string()).unwrap()
}

#[test]
fn everything_that_is_sent_for_somebody_names_them_in_words() {
    use AttachmentKind::{Image, Sticker};
    let author =
        Author { user_id: owned_user_id!("@ada:example.org"), name: "Ada".to_owned(), avatar_url: None };
    let poll = |question: &str| Outgoing::Poll {
        question: question.to_owned(),
        answers: vec!["yes".to_owned()],
        choices_max: 1,
        author: None,
    };
    let place = |description: &str| Outgoing::Location {
        latitude: 53.5,
        longitude: 10.0,
        description: description.to_owned(),
        author: None,
    };
    let new_file = json!({ "m.new_content": { "body": "old words", "filename": "plan\u{202e}.pdf" } });
    let (message, reaction) = ("m.room.message", "m.reaction");
    let emoji = Message::text(RichText(vec![Node::Text("👍".to_owned())]));
    for (name, event_type, content, outgoing, expected) in [
        ("words", message, json!({}), said(toned(Tone::Said, "hello")), "Ada: hello"),
        ("a notice", message, json!({}), said(toned(Tone::Notice, "hello")), "Ada: hello"),
        ("a deed", message, json!({}), said(toned(Tone::Emote, "waves")), "* Ada waves"),
        ("a file", message, json!({}), said(file(Image, "cat\u{202e}.png", "")), "Ada sent cat.png"),
        ("a file with words", message, json!({}), said(file(Image, "cat.png", "my cat")), "Ada: my cat"),
        ("a sticker", message, json!({}), said(file(Sticker, "wave", "")), "Ada sent a sticker"),
        ("an edit", message, json!({}), edited(toned(Tone::Said, "new")), "Ada: new"),
        ("an edited deed", message, json!({}), edited(toned(Tone::Emote, "nods")), "* Ada nods"),
        ("a caption taken away", message, new_file, edited(toned(Tone::Said, "")), "Ada sent plan.pdf"),
        ("a nameless file", message, json!({}), edited(toned(Tone::Said, "")), "Ada sent a file"),
        ("a place", message, json!({}), place("the harbor"), "Ada is here: the harbor"),
        ("a place without words", message, json!({}), place(" "), "Ada is here: 53.5, 10"),
        ("a place in two lines", message, json!({}), place("a\nBob: b"), "Ada is here: \n> a\n> Bob: b"),
        ("a poll", message, json!({}), poll("tea?"), "Ada: tea?"),
        ("a reaction in words", reaction, json!({}), said(emoji), "Ada reacted with 👍"),
    ] {
        let mut outgoing = outgoing;
        let (templates, event) = (RelayTemplates::default(), event(event_type, &content));
        Writer { templates: &templates, author: &author, event: &event, text_max: 1_000 }
            .write_in(&mut outgoing);
        assert_eq!(words(&outgoing), expected, "{name}");
    }
}

#[test]
fn a_room_with_templates_of_its_own_uses_them_for_their_kinds_alone() {
    let author =
        Author { user_id: owned_user_id!("@ada:example.org"), name: "Ada".to_owned(), avatar_url: None };
    let mut room = RoomTemplates::default();
    for (kind, text) in
        [(TemplateKind::Text, "<{name}> {message}"), (TemplateKind::Edit, "<{name}, edited> {message}")]
    {
        room.set(kind, Template::read(kind, text).unwrap());
    }
    let (bridge, event) = (RelayTemplates::default(), event("m.room.message", &json!({})));
    let templates = room.over(&bridge);
    for (outgoing, expected) in [
        (said(toned(Tone::Said, "hello")), "<Ada> hello"),
        (said(toned(Tone::Emote, "waves")), "* Ada waves"),
        (said(file(AttachmentKind::Image, "cat.png", "my cat")), "<Ada> my cat"),
        (said(file(AttachmentKind::Image, "cat.png", "")), "Ada sent cat.png"),
        (edited(toned(Tone::Emote, "waves")), "<Ada, edited> waves"),
    ] {
        let mut outgoing = outgoing;
        Writer { templates: &templates, author: &author, event: &event, text_max: 1_000 }
            .write_in(&mut outgoing);
        assert_eq!(words(&outgoing), expected);
    }
}

#[test]
fn beside_the_words_the_author_stands_with_everything_that_has_a_place_for_one() {
    let author =
        Author { user_id: owned_user_id!("@ada:example.org"), name: "Ada".to_owned(), avatar_url: None };
    let (target, emoji) = (RemoteMessageId::new("1"), Emoji::unicode("👍"));
    let mut react = Outgoing::React { target, emoji, author: None };
    show(&mut react, author.clone());
    assert!(matches!(react, Outgoing::React { author: Some(it), .. } if it == author));
    let mut hello = said(toned(Tone::Emote, "waves"));
    show(&mut hello, author.clone());
    let Outgoing::Message(hello) = hello else { panic!("it was a message") };
    assert_eq!((hello.author, hello.message), (Some(author), toned(Tone::Emote, "waves")));
}
