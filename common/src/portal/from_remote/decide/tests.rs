//! One table: an event of the network with its surroundings, and what is done about it.

use ruma::owned_room_id;

use super::*;
use crate::{
    ids::{AliasSet, RemoteMessageId, RemoteUserId},
    message::{ChatKind, Emoji, Message, RichText, Sender, SessionState},
    store::PortalState,
};

/// What surrounds an event.
#[derive(Clone, Copy)]
struct Scene {
    portal: Option<bool>,
    connected: bool,
    create_at_start: bool,
}

/// A chat with a room.
const ROOM: Scene = Scene { portal: Some(true), connected: true, create_at_start: false };
/// A chat that is known, without a room.
const NO_ROOM: Scene = Scene { portal: Some(false), ..ROOM };
/// A chat that nobody knows.
const UNKNOWN: Scene = Scene { portal: None, ..ROOM };

fn portal(has_room: bool) -> PortalRow {
    PortalRow {
        chat: chat(),
        room_id: has_room.then(|| owned_room_id!("!r:example.org")),
        parent: None,
        login: None,
        kind: ChatKind::Group,
        name: None,
        topic: None,
        avatar_mxc: None,
        info_fingerprint: None,
        state: PortalState::Active,
        private: false,
    }
}

fn chat() -> RemoteChatId {
    RemoteChatId::new("chat")
}

fn info() -> Box<ChatInfo> {
    Box::new(ChatInfo::new(ChatKind::Group, Some("general".to_owned())))
}

fn changed(change: ChatChange) -> RemoteEvent {
    RemoteEvent::ChatChanged { chat: chat(), change }
}

fn message() -> RemoteMessage {
    RemoteMessage {
        chat: chat(),
        id: RemoteMessageId::new("1"),
        sender: Sender { ids: AliasSet::single(RemoteUserId::new("u")), name: None, avatar: None },
        sent_ms: 1,
        message: Message::text(RichText::plain("hello")),
    }
}

/// A decision without its borrowed parts, for the table.
fn words(decision: &Decision<'_>) -> String {
    match decision {
        Decision::Ignore(why) => format!("ignore: {why}"),
        Decision::Wait(why) => format!("wait: {why}"),
        Decision::Send(message) => format!("send {}", message.id),
        Decision::Create(chat, info) => {
            format!("create {chat} {}", info.name.as_deref().unwrap_or_default())
        }
        Decision::Update(portal, info) => {
            format!("update {} {}", portal.chat, info.name.as_deref().unwrap_or_default())
        }
        Decision::Close(portal) => format!("close {}", portal.chat),
        Decision::Tell(room_id, words) => format!("tell {room_id}: {words}"),
    }
}

fn check(table: Vec<(&str, Scene, RemoteEvent, &str)>) {
    for (name, scene, event, expected) in table {
        let portal = scene.portal.map(portal);
        let decision = decide(&Facts {
            event: &event,
            portal: portal.as_ref(),
            connected: scene.connected,
            create_at_start: scene.create_at_start,
            name: "Discord",
        });
        assert_eq!(words(&decision), expected, "{name}");
    }
}

#[test]
fn messages_and_what_is_not_understood() {
    let odd = |chat| RemoteEvent::Unknown { chat, name: "STAGE".to_owned(), raw: "{}".to_owned() };
    let notice = "Something came from Discord that this bridge cannot show yet (STAGE). It is kept and can be shown after an upgrade.";
    let told = format!("tell !r:example.org: {notice}");
    check(vec![
        ("a message in a portal", ROOM, RemoteEvent::Message(message()), "send 1"),
        ("a message that makes the room", UNKNOWN, RemoteEvent::Message(message()), "send 1"),
        ("not understood, in a room", ROOM, odd(Some(chat())), &told),
        (
            "not understood, without a room",
            NO_ROOM,
            odd(Some(chat())),
            "ignore: `STAGE` is not understood, and belongs to no room",
        ),
        (
            "not understood, without a chat",
            UNKNOWN,
            odd(None),
            "ignore: `STAGE` is not understood, and belongs to no room",
        ),
    ]);
}

#[test]
fn what_is_missing_is_told_in_true_words() {
    let gap = |fetched_max| RemoteEvent::Gap { chat: chat(), after: RemoteMessageId::new("1"), fetched_max };
    check(vec![
        (
            "more than is fetched",
            ROOM,
            gap(Some(1000)),
            "tell !r:example.org: More was said on Discord while the bridge was away than it fetches at once (1000 messages); \
             some messages are missing here.",
        ),
        (
            "not to be read",
            ROOM,
            gap(None),
            "tell !r:example.org: Something was said on Discord while the bridge was away that it may not read there; some \
             messages are missing here.",
        ),
        ("without a room", NO_ROOM, gap(None), "ignore: what is missing belongs to no room"),
    ]);
}

#[test]
fn chats() {
    let at_start = |scene| Scene { create_at_start: true, ..scene };
    let away = |scene| Scene { connected: false, ..scene };
    let present = || changed(ChatChange::Present(info()));
    check(vec![
        ("present with a room", ROOM, present(), "update chat general"),
        ("present, made later", UNKNOWN, present(), "ignore: the room is made at the first message"),
        ("present, made now", at_start(UNKNOWN), present(), "create chat general"),
        ("present without a room, made now", at_start(NO_ROOM), present(), "create chat general"),
        ("present, not connected", away(at_start(UNKNOWN)), present(), "wait: the account is not connected"),
        ("changed with a room", away(ROOM), changed(ChatChange::Info(info())), "update chat general"),
        (
            "changed without a room",
            NO_ROOM,
            changed(ChatChange::Info(info())),
            "ignore: the chat has no room",
        ),
        ("gone with a room", ROOM, changed(ChatChange::Gone), "close chat"),
        ("gone without a room", UNKNOWN, changed(ChatChange::Gone), "ignore: the chat has no room"),
    ]);
}

#[test]
fn what_is_not_carried_yet_is_named() {
    let (target, sender) = (RemoteMessageId::new("1"), RemoteUserId::new("u"));
    let events = vec![
        RemoteEvent::Edit { new: message(), edited_ms: 2 },
        RemoteEvent::Preview(message()),
        RemoteEvent::Redact { chat: chat(), ids: vec![target.clone()], by: None },
        RemoteEvent::React {
            chat: chat(),
            target: target.clone(),
            sender: sender.clone(),
            emoji: Emoji::unicode("👍"),
            sent_ms: None,
        },
        RemoteEvent::Unreact { chat: chat(), target: target.clone(), sender: None, emoji: None },
        RemoteEvent::Typing { chat: chat(), sender: sender.clone(), timeout_ms: 1 },
        RemoteEvent::Receipt { chat: chat(), reader: sender.clone(), up_to: target.clone() },
        RemoteEvent::Poll { message: message(), answers: Vec::new(), choices_max: 1 },
        RemoteEvent::Vote { chat: chat(), target: target.clone(), sender, answers: vec![0] },
        RemoteEvent::Pin { chat: chat(), target, pinned: true },
        RemoteEvent::MembersChanged { chat: chat(), changes: Vec::new() },
        RemoteEvent::StateChanged(SessionState::Connected),
        RemoteEvent::Migrated { from: chat(), to: RemoteChatId::new("other") },
    ];
    for event in events {
        let expected = format!("ignore: events of the kind {} are not carried over yet", event.name());
        check(vec![(event.name(), ROOM, event.clone(), &expected)]);
    }
}
