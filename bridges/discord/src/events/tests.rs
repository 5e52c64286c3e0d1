//! Payloads as the gateway sends them, and what becomes of them.

use magpie_common::message::{RemoteMessage, Tone};
use serde_json::json;

use super::*;

fn known() -> Known {
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
    }));
    known
}

fn payload(more: Value) -> Value {
    let mut data = json!({
        "id": "175928847299117063", "channel_id": "3", "guild_id": "9", "type": 0, "content": "hi",
        "author": {"id": "2", "username": "ada", "global_name": "Ada", "avatar": "a1"},
    });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    data
}

fn message(more: Value) -> RemoteMessage {
    match map("MESSAGE_CREATE", &payload(more), &known()).map(|mapped| mapped.event) {
        Some(RemoteEvent::Message(message)) => message,
        other => panic!("no message but {other:?}"),
    }
}

#[test]
fn a_message_has_sender_time_words_and_cursor() {
    let mapped = map("MESSAGE_CREATE", &payload(json!({"member": {"nick": "Addie"}})), &known()).unwrap();
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
        assert_eq!(map("MESSAGE_CREATE", &payload(more), &known), None);
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
fn what_discord_tells_is_a_notice_and_what_it_hides_is_kept_raw() {
    assert_eq!(message(json!({"type": 7})).message.tone, Tone::Notice);
    assert_eq!(message(json!({"type": 9999})).message.tone, Tone::Notice);
    let hidden = map("MESSAGE_CREATE", &payload(json!({"content": ""})), &known()).unwrap();
    assert!(matches!(hidden.event, RemoteEvent::Unknown { chat: Some(_), .. }), "{hidden:?}");
    assert!(hidden.cursor.is_some());
}

#[test]
fn malformed_payloads_are_kept_raw() {
    for broken in
        [json!(7), json!({"id": 5}), json!({"id": "x", "channel_id": "3"}), payload(json!({"author": 7}))]
    {
        let mapped = map("MESSAGE_CREATE", &broken, &known()).unwrap();
        assert!(matches!(mapped.event, RemoteEvent::Unknown { .. }), "{mapped:?}");
    }
}

#[test]
fn edits_need_words_and_a_time() {
    let late_preview = payload(json!({"edited_timestamp": null, "embeds": [{}]}));
    assert_eq!(map("MESSAGE_UPDATE", &late_preview, &known()), None);
    let edit = payload(json!({"edited_timestamp": "2023-11-14T22:13:20.000000+00:00"}));
    let edit = map("MESSAGE_UPDATE", &edit, &known()).unwrap();
    assert!(matches!(edit.event, RemoteEvent::Edit { edited_ms: 1_700_000_000_000, .. }), "{edit:?}");
    assert_eq!(edit.cursor, None);
}

#[test]
fn deletions_reactions_and_typing_are_mapped() {
    let known = known();
    let event = |kind: &str, data: Value| map(kind, &data, &known).map(|mapped| mapped.event.name());
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
    assert!(known.chat_info("7").is_none(), "a voice channel is no room");
    assert!(known.chat_info("g9").is_some());
}

#[test]
fn pieces_of_a_message_are_names_in_it() {
    let said = message(
        json!({"content": "<@6> <@&5> <#3>", "mentions": [{"id": "6", "username": "bob", "member": {"nick": "Bobby"}}]}),
    );
    assert_eq!(said.message.text.to_plain(), "@Bobby @mods #general");
}
