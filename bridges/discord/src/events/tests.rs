//! Payloads as the gateway sends them, and what becomes of them.

use magpie_common::{
    ids::RemoteFileId,
    message::{AttachmentKind, FileSource, LOTTIE_TYPE, Mention, MentionTarget, Node, RemoteMessage, Tone},
};
use serde_json::json;

use super::*;

pub(super) fn known() -> Known {
    let mut known = Known { me: "1".into(), application: "1".into(), ..Known::default() };
    known.learn_guild(&json!({
        "id": "9", "name": "Birds", "owner_id": "4",
        "roles": [{"id": "9", "name": "@everyone", "permissions": "68608"}, {"id": "5", "name": "mods", "permissions": "8"}],
        "members": [{"user": {"id": "1"}, "roles": []}],
        "channels": [
            {"id": "3", "type": 0, "name": "general", "topic": "all"},
            {"id": "8", "type": 0, "name": "secret", "permission_overwrites": [{"id": "9", "type": 0, "allow": "0", "deny": "1024"}]},
            {"id": "7", "type": 2, "name": "voice"},
        ],
        "threads": [{"id": "12", "type": 11, "name": "nests", "parent_id": "3"}],
    }));
    known
}

pub(super) fn payload(more: Value) -> Value {
    let mut data = json!({
        "id": "175928847299117063", "channel_id": "3", "guild_id": "9", "type": 0, "content": "hi",
        "author": {"id": "2", "username": "ada", "global_name": "Ada", "avatar": "a1"},
    });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    data
}

/// What becomes of an event that becomes one thing at most.
fn only(kind: &str, data: &Value, known: &Known) -> Option<Mapped> {
    let mut mapped = map(kind, data, known);
    assert!(mapped.len() <= 1, "{mapped:?}");
    mapped.pop()
}

fn message(more: Value) -> RemoteMessage {
    match only("MESSAGE_CREATE", &payload(more), &known()).map(|mapped| mapped.event) {
        Some(RemoteEvent::Message(message)) => message,
        other => panic!("no message but {other:?}"),
    }
}

#[test]
fn a_message_has_sender_time_words_and_cursor() {
    let mapped = only("MESSAGE_CREATE", &payload(json!({"member": {"nick": "Addie"}})), &known()).unwrap();
    assert_eq!(mapped.cursor, Some(Cursor { key: "3".into(), value: "175928847299117063".into() }));
    let RemoteEvent::Message(message) = mapped.event else { panic!() };
    assert_eq!(message.sender.name.as_deref(), Some("Addie"));
    assert_eq!(message.sender.avatar.as_ref().map(|file| file.as_str()), Some("avatars/2/a1.png"));
    assert_eq!(message.sent_ms, 1_462_015_105_796);
    assert_eq!(message.message.text.to_plain(), "hi");
}

#[test]
fn our_own_messages_are_nothing() {
    let ours = [
        json!({"author": {"id": "1"}}),
        json!({"webhook_id": "77", "application_id": "1"}),
        json!({"webhook_id": "55"}),
    ];
    let mut known = known();
    known.own_webhooks.insert("55".into());
    for more in ours {
        assert_eq!(only("MESSAGE_CREATE", &payload(more), &known), None);
    }
}

#[test]
fn names_of_one_webhook_are_people_of_their_own() {
    let of = |name: &str| {
        message(json!({"webhook_id": "77", "author": {"id": "77", "username": name}})).sender.ids.primary
    };
    assert!(of("Ann").as_str().starts_with("webhook:77:"));
    assert_eq!(of("Ann"), of("Ann"));
    assert_ne!(of("Ann"), of("Bob"));
}

#[test]
fn replies_name_their_message_and_forwards_quote_theirs() {
    let reply = message(json!({"type": 19, "message_reference": {"message_id": "12", "channel_id": "3"}}));
    assert_eq!(reply.message.reply_to, Some(RemoteMessageId::new("12")));
    let forward = json!({
        "content": "", "message_reference": {"type": 1, "message_id": "12"},
        "message_snapshots": [{"message": {"content": "old news"}}],
    });
    let forward = message(forward);
    assert_eq!(forward.message.reply_to, None);
    assert_eq!(forward.message.text.to_plain(), "Forwarded\n> old news");
}

#[test]
fn a_forward_out_of_a_thread_leads_to_the_message_in_the_channels_room() {
    let forward = json!({
        "content": "", "message_reference": {"type": 1, "channel_id": "12", "message_id": "13"},
        "message_snapshots": [{"message": {"content": "old news"}}],
    });
    let words = message(forward).message.text;
    let Some(Node::Emphasis(origin)) = words.0.first() else { panic!("{words:?}") };
    let target = MentionTarget::Message(RemoteChatId::new("3"), RemoteMessageId::new("12/13"));
    let label = "Forwarded from #nests".to_owned();
    assert_eq!(*origin, [Node::Mention(Mention { target, label })]);
}

#[test]
fn a_forward_brings_the_boxes_and_stickers_of_its_message() {
    let stickers = json!([
        {"id": "31", "name": "wave", "format_type": 1}, {"id": "33", "name": "dance", "format_type": 3},
    ]);
    let embeds = json!([{"type": "rich", "title": "Birds", "description": "seen by <@6>"}]);
    let mentions = json!([{"id": "6", "username": "bob"}]);
    let forward = json!({
        "content": "", "message_reference": {"type": 1, "message_id": "12"},
        "message_snapshots": [{"message": {
            "content": "", "sticker_items": stickers, "embeds": embeds, "mentions": mentions,
        }}],
    });
    let forward = message(forward).message;
    assert_eq!(forward.attachments.len(), 2);
    assert_eq!(forward.attachments[0].source, FileSource::Remote(RemoteFileId::new("stickers/31.png")));
    assert_eq!(forward.attachments[1].source, FileSource::Remote(RemoteFileId::new("stickers/33.json")));
    assert_eq!(forward.text.to_plain().trim_end(), "Forwarded");
    assert_eq!(forward.preview.to_plain(), "> Birds\n> seen by @bob");
}

#[test]
fn links_into_conversations_of_two_name_no_server() {
    let mut known = known();
    known.learn_direct("20", &json!({"username": "ada"}));
    let of = |channel: &str| crate::format::Names::guild_of(&known, channel);
    assert_eq!((of("20").as_deref(), of("3").as_deref(), of("21")), (Some("@me"), Some("9"), None));
}

#[test]
fn what_discord_tells_is_a_notice_and_what_it_hides_is_kept_raw() {
    assert_eq!(message(json!({"type": 7})).message.tone, Tone::Notice);
    assert_eq!(message(json!({"type": 9999})).message.tone, Tone::Notice);
    let hidden = only("MESSAGE_CREATE", &payload(json!({"content": ""})), &known()).unwrap();
    assert!(matches!(hidden.event, RemoteEvent::Unknown { chat: Some(_), .. }), "{hidden:?}");
    assert!(hidden.cursor.is_some());
}

#[test]
fn malformed_payloads_are_kept_raw() {
    for broken in
        [json!(7), json!({"id": 5}), json!({"id": "x", "channel_id": "3"}), payload(json!({"author": 7}))]
    {
        let mapped = only("MESSAGE_CREATE", &broken, &known()).unwrap();
        assert!(matches!(mapped.event, RemoteEvent::Unknown { .. }), "{mapped:?}");
    }
}

#[test]
fn edits_need_words_and_a_time() {
    let late_preview = payload(json!({"edited_timestamp": null, "embeds": [{}]}));
    let preview = only("MESSAGE_UPDATE", &late_preview, &known()).unwrap();
    assert!(matches!(preview.event, RemoteEvent::Preview(_)), "{preview:?}");
    assert_eq!(only("MESSAGE_UPDATE", &payload(json!({"content": null})), &known()), None);
    let part = json!({"id": "5", "channel_id": "3", "edited_timestamp": "2023-11-14T22:13:20.000000+00:00"});
    let part = only("MESSAGE_UPDATE", &part, &known()).unwrap().event;
    assert!(matches!(&part, RemoteEvent::Unknown { name, .. } if name == "MESSAGE_UPDATE"), "{part:?}");
    let both = json!({"edited_timestamp": "2023-11-14T22:13:20.000000+00:00", "embeds": [{"title": "x"}]});
    let both: Vec<_> =
        map("MESSAGE_UPDATE", &payload(both), &known()).into_iter().map(|it| it.event.name()).collect();
    assert_eq!(both, ["edit", "preview"]);
    let edit = payload(json!({"edited_timestamp": "2023-11-14T22:13:20.000000+00:00"}));
    let edit = only("MESSAGE_UPDATE", &edit, &known()).unwrap();
    assert!(matches!(edit.event, RemoteEvent::Edit { edited_ms: 1_700_000_000_000, .. }), "{edit:?}");
    assert_eq!(edit.cursor, None);
}

#[test]
fn deletions_reactions_and_typing_are_mapped() {
    let known = known();
    let event = |kind: &str, data: Value| only(kind, &data, &known).map(|mapped| mapped.event.name());
    assert_eq!(event("MESSAGE_DELETE", json!({"id": "5", "channel_id": "3"})), Some("redact"));
    assert_eq!(event("MESSAGE_DELETE_BULK", json!({"ids": ["5", "6"], "channel_id": "3"})), Some("redact"));
    let reaction = |user: &str| json!({"user_id": user, "channel_id": "3", "message_id": "5", "emoji": {"id": null, "name": "👍"}});
    assert_eq!(event("MESSAGE_REACTION_ADD", reaction("2")), Some("react"));
    assert_eq!(event("MESSAGE_REACTION_ADD", reaction("1")), None);
    assert_eq!(event("MESSAGE_REACTION_REMOVE", reaction("2")), Some("unreact"));
    assert_eq!(event("TYPING_START", json!({"user_id": "2", "channel_id": "3"})), Some("typing"));
    assert_eq!(event("TYPING_START", json!({"user_id": "1", "channel_id": "3"})), None);
}

#[test]
fn channels_are_rooms_in_a_space_and_hidden_ones_private() {
    let known = known();
    let general = known.chat_info("3").unwrap();
    assert_eq!((general.name.as_deref(), general.private), (Some("general"), false));
    assert_eq!(general.parent, Some(crate::session::world::guild_chat("9")));
    assert!(known.chat_info("8").unwrap().private);
    assert!(known.chat_info("7").is_some(), "people write beside a voice channel, too");
    assert!(known.chat_info("g9").is_some());
}

#[test]
fn pieces_of_a_message_are_names_in_it() {
    let said = message(
        json!({"content": "<@6> <@&5> <#3>", "mentions": [{"id": "6", "username": "bob", "member": {"nick": "Bobby"}}]}),
    );
    assert_eq!(said.message.text.to_plain(), "@Bobby @mods #general");
}

#[test]
fn files_are_named_by_their_message_and_tell_what_they_are() {
    let files = json!([
        {"id": "21", "filename": "SPOILER_a.png", "content_type": "image/png", "size": 5, "width": 3, "height": 4, "url": "https://x/1"},
        {"id": "22", "filename": "b.bin", "url": "https://x/2", "flags": 8},
        {"id": "../x", "filename": "c", "url": "https://x/3"},
    ]);
    let data = payload(json!({"content": "look", "attachments": files}));
    let said = message(json!({"content": "look", "attachments": files})).message;
    assert_eq!(said.attachments.len(), 2, "an id that is none is no file of ours");
    let first = &said.attachments[0];
    assert_eq!((first.kind, &*first.name, first.spoiler), (AttachmentKind::Image, "a.png", true));
    assert_eq!((first.info.width, first.info.height, first.size_bytes), (Some(3), Some(4), Some(5)));
    let source = FileSource::Remote(RemoteFileId::new("attachment/3/175928847299117063/21"));
    assert_eq!(first.source, source);
    assert!(said.attachments[1].spoiler && said.attachments[1].kind == AttachmentKind::File);
    assert_eq!(attachment_addresses(&data)[1].1, "https://x/2");
    let voice = json!({
        "content": "", "flags": 8192,
        "attachments": [{"id": "21", "filename": "v.ogg", "content_type": "audio/ogg", "duration_secs": 1.5, "waveform": "AP+A", "url": "u"}],
    });
    let voice = message(voice).message.attachments.remove(0);
    assert_eq!((voice.kind, voice.info.duration_ms), (AttachmentKind::Voice, Some(1_500)));
    assert_eq!(voice.info.waveform, [0, 1024, 514]);
}

#[test]
fn stickers_are_pictures_or_drawings() {
    let stickers = json!([
        {"id": "31", "name": "wave", "format_type": 1}, {"id": "32", "name": "spin", "format_type": 4},
        {"id": "33", "name": "dance", "format_type": 3},
    ]);
    let said = message(json!({"content": "", "sticker_items": stickers})).message;
    let sources: Vec<_> = said.attachments.iter().map(|it| it.source.clone()).collect();
    let remote = |file: &str| FileSource::Remote(RemoteFileId::new(file));
    let gif = "https://media.discordapp.net/stickers/32.gif";
    assert_eq!(sources, [remote("stickers/31.png"), remote(gif), remote("stickers/33.json")]);
    let types: Vec<_> = said.attachments.iter().map(|it| it.mime.as_deref()).collect();
    assert_eq!(types, [None, None, Some(LOTTIE_TYPE)]);
    assert_eq!((said.attachments[2].name.as_str(), said.text.is_blank()), ("dance", true));
}

#[test]
fn a_reply_pings_unless_it_is_said_not_to() {
    let reply = |answered: Value, mentions: Value| {
        let more = json!({
            "type": 19, "message_reference": {"message_id": "12"}, "referenced_message": answered,
            "mentions": mentions,
        });
        message(more).message.silent_reply
    };
    let theirs = json!({"author": {"id": "6"}});
    assert!(!reply(theirs.clone(), json!([{"id": "6"}])));
    assert!(reply(theirs, json!([])));
    assert!(!reply(json!({"author": {"id": "77"}, "webhook_id": "77"}), json!([])));
    assert!(!reply(Value::Null, json!([])), "nobody knows who wrote what is deleted");
}

#[test]
fn boxes_become_quotes() {
    let embed = json!({
        "type": "rich", "title": "Title", "url": "https://example.org", "description": "some **words**",
        "fields": [{"name": "Name", "value": "value"}], "footer": {"text": "foot"},
        "author": {"name": "Author"}, "image": {"url": "https://example.org/i.png"},
    });
    let said =
        message(json!({"content": "", "embeds": [embed, {"type": "image", "url": "https://x.org/i.png"}]}));
    let lines = said.message.preview.to_plain();
    assert!(said.message.text.is_blank());
    for words in ["Author", "Title", "some words", "Name", "value", "foot"] {
        assert!(lines.contains(words), "{words} is missing in {lines}");
    }
    assert_eq!(said.message.preview.0.len(), 1, "a picture of a link is shown by the link");
}

#[test]
fn components_have_words_too() {
    let list =
        json!([{"type": 17, "components": [{"type": 10, "content": "deep"}, {"type": 1, "components": []}]}]);
    assert_eq!(message(json!({"content": "", "components": list})).message.text.to_plain(), "deep");
}
