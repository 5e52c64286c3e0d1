//! What messages mean: a table.

use magpie_common::message::{AttachmentKind, Message, Tone};
use waproto::{buffa::MessageField, whatsapp::message as parts};

use super::*;

fn reading<T>(look: impl FnOnce(&Reading<'_>) -> T) -> T {
    let bearer = Bearer {
        chat: "5@lid".parse().expect("an address"),
        stanza: "3EB0AA".to_owned(),
        from_me: false,
        participant: None,
    };
    let names = |jid: &wacore_binary::Jid| (crate::linked::identity::id_of(jid), "Bob".to_owned());
    look(&Reading { bearer: &bearer, names: &names, view_once: false })
}

fn meaning(message: &wa::Message) -> Meaning {
    reading(|reading| read(message, reading))
}

fn said(message: &wa::Message) -> Message {
    match meaning(message) {
        Meaning::Said(said) => said.message,
        other => panic!("said nothing: {other:?}"),
    }
}

fn words(message: &wa::Message) -> String {
    said(message).text.to_plain()
}

fn text(text: &str) -> wa::Message {
    wa::Message { conversation: Some(text.to_owned()), ..wa::Message::default() }
}

fn key(id: &str, from_me: bool) -> MessageField<wa::MessageKey> {
    MessageField::some(wa::MessageKey {
        id: Some(id.to_owned()),
        from_me: Some(from_me),
        ..wa::MessageKey::default()
    })
}

fn wrapped(inner: wa::Message) -> MessageField<parts::FutureProofMessage> {
    MessageField::some(parts::FutureProofMessage { message: MessageField::some(inner) })
}

fn image() -> parts::ImageMessage {
    parts::ImageMessage {
        direct_path: Some("/v/1".to_owned()),
        media_key: Some(vec![1; 32]),
        file_sha256: Some(vec![2; 32]),
        file_enc_sha256: Some(vec![3; 32]),
        file_length: Some(9),
        mimetype: Some("image/jpeg".to_owned()),
        caption: Some("look".to_owned()),
        width: Some(4),
        height: Some(3),
        ..parts::ImageMessage::default()
    }
}

#[test]
fn words_are_said() {
    assert_eq!(words(&text("hello\nyou")), "hello\nyou");
    let context = wa::ContextInfo {
        stanza_id: Some("3EB0".to_owned()),
        participant: Some("7@lid".to_owned()),
        mentioned_jid: vec!["100001@lid".to_owned()],
        expiration: Some(86_400),
        ..wa::ContextInfo::default()
    };
    let extended = parts::ExtendedTextMessage {
        text: Some("hi @100001 and @200002".to_owned()),
        context_info: MessageField::some(context),
        ..parts::ExtendedTextMessage::default()
    };
    let message =
        wa::Message { extended_text_message: MessageField::some(extended), ..wa::Message::default() };
    let Meaning::Said(said) = meaning(&message) else { panic!("said nothing") };
    assert_eq!(said.message.text.to_plain(), "hi @Bob and @200002");
    assert_eq!(said.message.text.mentions().len(), 1);
    assert_eq!(said.timer.map(|timer| timer.secs), Some(86_400));
    assert_eq!(
        said.answers,
        Some(Quoted { stanza: "3EB0".to_owned(), participant: Some("7@lid".to_owned()) })
    );
}

#[test]
fn wrappers_are_taken_off() {
    let disappearing =
        wa::Message { ephemeral_message: wrapped(text("gone soon")), ..wa::Message::default() };
    assert_eq!(words(&disappearing), "gone soon");
    let mentioned = wa::Message { group_mentioned_message: wrapped(disappearing), ..wa::Message::default() };
    assert_eq!(words(&mentioned), "gone soon");
    let mut deep = text("deep");
    for _ in 0..40 {
        deep = wa::Message { associated_child_message: wrapped(deep), ..wa::Message::default() };
    }
    assert!(matches!(meaning(&deep), Meaning::Unknown { .. }), "it ends somewhere");
}

#[test]
fn what_may_be_seen_once_is_brought_only_where_that_is_wanted() {
    let inner = wa::Message { image_message: MessageField::some(image()), ..wa::Message::default() };
    let once = wa::Message { view_once_message_v2: wrapped(inner), ..wa::Message::default() };
    assert_eq!((said(&once).tone, said(&once).attachments.len()), (Tone::Notice, 0));
    let brought = reading(|reading| read(&once, &Reading { view_once: true, ..*reading }));
    let Meaning::Said(brought) = brought else { panic!("said nothing") };
    assert_eq!(brought.message.attachments.len(), 1);
}

#[test]
fn files_have_their_kind_and_their_words() {
    let message = said(&wa::Message { image_message: MessageField::some(image()), ..wa::Message::default() });
    let file = &message.attachments[0];
    assert_eq!(
        (file.kind, file.name.as_str(), file.info.width),
        (AttachmentKind::Image, "image.jpg", Some(4))
    );
    assert_eq!(message.text.to_plain(), "look");
    let voice = parts::AudioMessage {
        direct_path: Some("/v/1".to_owned()),
        media_key: Some(vec![1; 32]),
        file_sha256: Some(vec![2; 32]),
        file_enc_sha256: Some(vec![3; 32]),
        mimetype: Some("audio/ogg; codecs=opus".to_owned()),
        ptt: Some(true),
        seconds: Some(3),
        waveform: Some(vec![0, 50, 100, 200]),
        ..parts::AudioMessage::default()
    };
    let message = said(&wa::Message { audio_message: MessageField::some(voice), ..wa::Message::default() });
    let file = &message.attachments[0];
    assert_eq!((file.kind, file.mime.as_deref()), (AttachmentKind::Voice, Some("audio/ogg")));
    assert_eq!(
        (file.info.duration_ms, file.info.waveform.as_slice()),
        (Some(3_000), &[0, 500, 1_000, 1_000][..])
    );
    let broken = parts::ImageMessage { media_key: None, ..image() };
    let message = said(&wa::Message { image_message: MessageField::some(broken), ..wa::Message::default() });
    assert!(message.attachments.is_empty() && message.text.to_plain().starts_with("look"));
}

#[test]
fn messages_are_changed_taken_back_reacted_to_and_pinned() {
    let target = |own| Target { stanza: "A".to_owned(), own, participant: None };
    let edit = parts::ProtocolMessage {
        key: key("A", true),
        r#type: Some(ProtocolType::MESSAGE_EDIT),
        edited_message: MessageField::some(text("better")),
        timestamp_ms: Some(17),
        ..parts::ProtocolMessage::default()
    };
    let edit = wa::Message { protocol_message: MessageField::some(edit), ..wa::Message::default() };
    let Meaning::Edit { target: edited, new, edited_ms } = meaning(&edit) else { panic!("no edit") };
    assert_eq!((edited, new.message.text.to_plain().as_str(), edited_ms), (target(true), "better", Some(17)));
    let revoke = parts::ProtocolMessage {
        key: key("A", false),
        r#type: Some(ProtocolType::REVOKE),
        ..parts::ProtocolMessage::default()
    };
    let revoke = wa::Message { protocol_message: MessageField::some(revoke), ..wa::Message::default() };
    assert_eq!(meaning(&revoke), Meaning::Revoke { target: target(false) });
    for (emoji, put) in [("👍", Some("👍".to_owned())), ("", None)] {
        let reaction = wacore::proto_helpers::build_reaction_message(
            wa::MessageKey { id: Some("A".to_owned()), from_me: Some(true), ..wa::MessageKey::default() },
            emoji,
            5,
        );
        assert_eq!(meaning(&reaction), Meaning::React { target: target(true), emoji: put, sent_ms: Some(5) });
    }
    let pin = parts::PinInChatMessage {
        key: key("A", false),
        r#type: Some(parts::pin_in_chat_message::Type::PIN_FOR_ALL),
        ..parts::PinInChatMessage::default()
    };
    let pin = wa::Message { pin_in_chat_message: MessageField::some(pin), ..wa::Message::default() };
    assert_eq!(meaning(&pin), Meaning::Pin { target: target(false), pinned: true });
}

#[test]
fn polls_have_answers() {
    let option = |name: &str| parts::poll_creation_message::Option {
        option_name: Some(name.to_owned()),
        ..parts::poll_creation_message::Option::default()
    };
    for (count, wanted) in [(None, 2), (Some(0), 2), (Some(1), 1), (Some(9), 2)] {
        let poll = MessageField::some(parts::PollCreationMessage {
            name: Some("When?".to_owned()),
            options: vec![option("now"), option("then")],
            selectable_options_count: count,
            ..parts::PollCreationMessage::default()
        });
        let message = wa::Message { poll_creation_message_v3: poll, ..wa::Message::default() };
        let Meaning::Poll { said, answers, choices_max } = meaning(&message) else { panic!("no poll") };
        let words = "📊 When?\n1. now\n2. then\nVote in WhatsApp.";
        assert_eq!((said.message.text.to_plain().as_str(), choices_max), (words, wanted));
        assert_eq!(answers, ["now", "then"]);
    }
}

#[test]
fn what_has_no_form_of_its_own_is_told_in_words() {
    let place = parts::LocationMessage {
        degrees_latitude: Some(1.5),
        degrees_longitude: Some(-2.0),
        name: Some("Harbor".to_owned()),
        ..parts::LocationMessage::default()
    };
    let message = wa::Message { location_message: MessageField::some(place), ..wa::Message::default() };
    assert!(words(&message).contains("Harbor"));
    let card = "BEGIN:VCARD\nFN:Carol\nitem1.TEL;waid=49:+49 151\nEMAIL:c@example.org\nEND:VCARD";
    let contact = parts::ContactMessage { vcard: Some(card.to_owned()), ..parts::ContactMessage::default() };
    let message = wa::Message { contact_message: MessageField::some(contact), ..wa::Message::default() };
    assert_eq!(words(&message), "👤 Carol: +49 151, c@example.org");
    let endless = parts::LocationMessage {
        degrees_latitude: Some(f64::NAN),
        degrees_longitude: Some(0.0),
        ..parts::LocationMessage::default()
    };
    let message = wa::Message { location_message: MessageField::some(endless), ..wa::Message::default() };
    assert!(matches!(meaning(&message), Meaning::Unknown { .. }));
}

#[test]
fn keys_say_nothing_and_what_is_new_is_unknown() {
    let keys = wa::Message {
        sender_key_distribution_message: MessageField::some(parts::SenderKeyDistributionMessage::default()),
        message_context_info: MessageField::some(wa::MessageContextInfo::default()),
        ..wa::Message::default()
    };
    assert_eq!(meaning(&keys), Meaning::Nothing);
    assert_eq!(meaning(&wa::Message::default()), Meaning::Nothing);
    let new = wa::Message {
        keep_in_chat_message: MessageField::some(parts::KeepInChatMessage::default()),
        ..wa::Message::default()
    };
    let Meaning::Unknown { name } = meaning(&new) else { panic!("it is known") };
    assert!(name.to_lowercase().contains("keep"), "{name}");
}
