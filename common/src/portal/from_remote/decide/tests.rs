//! One table: an event of the network with its surroundings, and what is done about it.

use ruma::owned_room_id;

use super::*;
use crate::{
    ids::{AliasSet, RemoteMessageId, RemoteUserId},
    message::{ChatKind, Emoji, Message, RichText, Sender, SessionState},
    store::JournalId,
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
    let room_id = has_room.then(|| owned_room_id!("!r:example.org"));
    PortalRow { room_id, ..PortalRow::new(chat(), ChatKind::Group) }
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
        Decision::Personal(room_id, personal) => format!("keep {personal:?} of {room_id}"),
        Decision::Forget(portal) => format!("forget {}", portal.chat),
        Decision::Close(portal) => format!("close {}", portal.chat),
        Decision::Tell(room_id, words) => format!("tell {room_id}: {words}"),
        Decision::Failed { event_id, words, .. } => format!("failed {event_id}: {words}"),
        Decision::Change(message, extent) => format!("change {} {extent:?}", message.id),
        Decision::Redact(rows) => format!("redact {}", rows.len()),
        Decision::React(reaction) => {
            format!("react to {} as {}", reaction.on.event_id.as_ref().unwrap(), reaction.sender)
        }
        Decision::Unreact(reactions) => {
            let events: Vec<_> = reactions.iter().map(|row| row.event_id.as_str()).collect();
            format!("unreact {}", events.join(" "))
        }
        Decision::Reconcile { chat, messages, .. } => format!("reconcile {chat} {}", messages.len()),
        Decision::Move { from, to } => format!("move {from} to {to}"),
        Decision::Unite { canonical, alias } => format!("{alias} is {canonical}"),
        Decision::Profile(user) => format!("profile {}", user.ids.primary),
        Decision::Pin { event_id, pinned: true, .. } => format!("pin {event_id}"),
        Decision::Pin { event_id, pinned: false, .. } => format!("unpin {event_id}"),
        Decision::Vote(vote) => format!("vote of {} in {}", vote.sender, vote.on.event_id.as_ref().unwrap()),
        Decision::Members(room_id, changes) => format!("members of {room_id}: {}", changes.len()),
    }
}

fn check(table: Vec<(&str, Scene, RemoteEvent, &str)>) {
    let table = table
        .into_iter()
        .map(|(name, scene, event, expected)| (name, scene, Related::default(), event, expected));
    check_related(table.collect());
}

fn check_related(table: Vec<(&str, Scene, Related, RemoteEvent, &str)>) {
    for (name, scene, related, event, expected) in table {
        let portal = scene.portal.map(portal);
        let decision = decide(&Facts {
            event: &event,
            is_late: false,
            portal: portal.as_ref(),
            related: &related,
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
        ("to be forgotten", ROOM, changed(ChatChange::Forgotten), "forget chat"),
        (
            "forgotten already",
            UNKNOWN,
            changed(ChatChange::Forgotten),
            "ignore: the chat is forgotten already",
        ),
        ("gone without a room", UNKNOWN, changed(ChatChange::Gone), "ignore: the chat has no room"),
        (
            "muted without a room",
            UNKNOWN,
            changed(ChatChange::Personal(Personal { muted: Some(true), ..Personal::default() })),
            "ignore: the chat has no room",
        ),
    ]);
}

#[test]
fn two_ids_are_one_person_whatever_is_known() {
    let one =
        || RemoteEvent::SameUser { canonical: RemoteUserId::new("new"), alias: RemoteUserId::new("old") };
    check(vec![("with a room", ROOM, one(), "old is new"), ("without one", UNKNOWN, one(), "old is new")]);
}

#[test]
fn a_chat_goes_on_under_another_id_whatever_was_before() {
    let moved = || RemoteEvent::Migrated { from: chat(), to: RemoteChatId::new("other") };
    check(vec![
        ("with a room", ROOM, moved(), "move chat to other"),
        ("without one", UNKNOWN, moved(), "move chat to other"),
    ]);
    let unbridged = PortalRow { state: PortalState::Unbridged, ..portal(true) };
    let late = "ignore: the chat goes on under another id, which says how it is now";
    // What is told of a former id says nothing of how the chat is today.
    for (event, portal, is_late, expected) in [
        (moved(), &unbridged, false, "move chat to other"),
        (changed(ChatChange::Gone), &portal(true), true, late),
        (changed(ChatChange::Gone), &portal(true), false, "close chat"),
        (changed(ChatChange::Forgotten), &portal(true), true, "forget chat"),
    ] {
        let related = Related::default();
        let facts = Facts {
            event: &event,
            is_late,
            portal: Some(portal),
            related: &related,
            connected: true,
            create_at_start: false,
            name: "Discord",
        };
        assert_eq!(words(&decide(&facts)), expected, "{event:?}");
    }
}

#[test]
fn what_is_not_carried_yet_is_named() {
    let (target, sender) = (RemoteMessageId::new("1"), RemoteUserId::new("u"));
    let events = vec![
        RemoteEvent::Typing { chat: chat(), sender: sender.clone(), timeout_ms: 1 },
        RemoteEvent::Receipt { chat: chat(), reader: sender, up_to: target },
        RemoteEvent::StateChanged(SessionState::Connected),
    ];
    for event in events {
        let expected = format!("ignore: events of the kind {} are not stored", event.name());
        check(vec![(event.name(), ROOM, event.clone(), &expected)]);
    }
}

/// Rows of a message: its side, and the state of each event that it became.
fn rows(origin: Direction, states: &[MessageState]) -> Vec<MessageRow> {
    let row = |(nth, state): (u32, &MessageState)| MessageRow {
        id: JournalId::new(i64::from(nth)),
        origin,
        room_id: Some(owned_room_id!("!r:example.org")),
        event_id: Some(ruma::OwnedEventId::try_from(format!("${nth}")).unwrap()),
        chat: Some(chat()),
        remote_id: Some(RemoteMessageId::new("1")),
        part: nth,
        sender: Some("u".to_owned()),
        state: *state,
        reason: None,
        sent_ms: 1,
    };
    (0..).zip(states).map(row).collect()
}

fn known(origin: Direction, states: &[MessageState]) -> Related {
    Related { rows: rows(origin, states), ..Related::default() }
}

fn reacted(origin: Direction, sender: &str, emoji: &str, event_id: &str) -> ReactionRow {
    ReactionRow {
        chat: chat(),
        target: RemoteMessageId::new("1"),
        origin,
        sender: sender.to_owned(),
        emoji: Emoji::unicode(emoji),
        room_id: owned_room_id!("!r:example.org"),
        event_id: ruma::OwnedEventId::try_from(event_id).unwrap(),
    }
}

#[test]
fn edits_and_deletions() {
    use Direction::{FromMatrix, FromRemote};
    use MessageState::{Delivered, Gone};
    let edit = || RemoteEvent::Edit { new: message(), edited_ms: 2 };
    let preview = || RemoteEvent::Preview(message());
    let redact = || RemoteEvent::Redact { chat: chat(), ids: vec![RemoteMessageId::new("1")], by: None };
    let coming = || Related { may_come: true, ..Related::default() };
    let unknown = "ignore: it is about a message that was never brought here";
    check_related(vec![
        ("an edit", ROOM, known(FromRemote, &[Delivered]), edit(), "change 1 Whole"),
        (
            "an edit of what is partly gone",
            ROOM,
            known(FromRemote, &[Gone, Delivered]),
            edit(),
            "change 1 Whole",
        ),
        ("a late preview", ROOM, known(FromRemote, &[Delivered]), preview(), "change 1 Preview"),
        (
            "an edit of what is gone",
            ROOM,
            known(FromRemote, &[Gone]),
            edit(),
            "ignore: the message is deleted",
        ),
        (
            "an edit of our own",
            ROOM,
            known(FromMatrix, &[Delivered]),
            edit(),
            "ignore: it was said in Matrix, and is shown there as it was said",
        ),
        ("an edit of what nobody knows", ROOM, Related::default(), edit(), unknown),
        (
            "an edit of what may be on its way",
            ROOM,
            coming(),
            edit(),
            "wait: it is about a message that may be on its way there",
        ),
        ("a deletion", ROOM, known(FromRemote, &[Delivered, Delivered]), redact(), "redact 2"),
        ("a deletion of our own", ROOM, known(FromMatrix, &[Delivered]), redact(), "redact 1"),
        ("a deletion again", ROOM, known(FromRemote, &[Gone]), redact(), "ignore: it is deleted here, too"),
        ("a deletion of what nobody knows", ROOM, Related::default(), redact(), unknown),
    ]);
}

#[test]
fn reactions() {
    use Direction::{FromMatrix, FromRemote};
    use MessageState::{Delivered, Gone};
    let react = |emoji: &str| RemoteEvent::React {
        chat: chat(),
        target: RemoteMessageId::new("1"),
        sender: RemoteUserId::new("u"),
        emoji: Emoji::unicode(emoji),
        sent_ms: None,
    };
    let unreact = |sender: Option<&str>, emoji: Option<&str>| RemoteEvent::Unreact {
        chat: chat(),
        target: RemoteMessageId::new("1"),
        sender: sender.map(RemoteUserId::new),
        emoji: emoji.map(Emoji::unicode),
    };
    let with = || Related {
        rows: rows(FromRemote, &[Delivered]),
        reactions: vec![
            reacted(FromRemote, "u", "👍", "$a"),
            reacted(FromRemote, "v", "👍", "$b"),
            reacted(FromRemote, "v", "🎉", "$c"),
            reacted(FromMatrix, "@a:example.org", "👍", "$d"),
        ],
        ..Related::default()
    };
    let none = "ignore: there is no such reaction here";
    check_related(vec![
        (
            "on the last event",
            ROOM,
            known(FromRemote, &[Delivered, Delivered]),
            react("👍"),
            "react to $1 as u",
        ),
        ("on what is left", ROOM, known(FromRemote, &[Delivered, Gone]), react("👍"), "react to $0 as u"),
        (
            "on what is gone",
            ROOM,
            known(FromMatrix, &[Gone]),
            react("👍"),
            "ignore: the message that it is on is not in a room",
        ),
        ("the same again", ROOM, with(), react("👍"), "ignore: the reaction is there already"),
        ("another", ROOM, with(), react("🎉"), "react to $0 as u"),
        ("one taken back", ROOM, with(), unreact(Some("v"), Some("👍")), "unreact $b"),
        ("all of one emoji", ROOM, with(), unreact(None, Some("👍")), "unreact $a $b $d"),
        ("all of somebody", ROOM, with(), unreact(Some("v"), None), "unreact $b $c"),
        ("all", ROOM, with(), unreact(None, None), "unreact $a $b $c $d"),
        ("one that is not there", ROOM, with(), unreact(Some("u"), Some("🎉")), none),
    ]);
}

#[test]
fn votes() {
    use Direction::{FromMatrix, FromRemote};
    use MessageState::{Delivered, Gone};
    let vote = || RemoteEvent::Vote {
        chat: chat(),
        target: RemoteMessageId::new("1"),
        sender: RemoteUserId::new("u"),
        answers: vec![0],
    };
    let unknown = "ignore: it is about a message that was never brought here";
    let words = "ignore: polls of the network are shown in words";
    check_related(vec![
        ("in a poll of Matrix", ROOM, known(FromMatrix, &[Delivered]), vote(), "vote of u in $0"),
        ("in a poll of theirs", ROOM, known(FromRemote, &[Delivered]), vote(), words),
        (
            "in a poll that is gone",
            ROOM,
            known(FromMatrix, &[Gone]),
            vote(),
            "ignore: the poll is not there any more",
        ),
        ("in what nobody knows", ROOM, Related::default(), vote(), unknown),
    ]);
}

#[test]
fn pins_and_members() {
    use Direction::FromRemote;
    use MessageState::{Delivered, Gone};
    let pin = |pinned| RemoteEvent::Pin { chat: chat(), target: RemoteMessageId::new("1"), pinned };
    let came = || RemoteEvent::MembersChanged {
        chat: chat(),
        changes: vec![(RemoteUserId::new("u"), MemberChange::Joined)],
    };
    let unknown = "ignore: it is about a message that was never brought here";
    check_related(vec![
        ("a pin on the first of two", ROOM, known(FromRemote, &[Delivered, Delivered]), pin(true), "pin $0"),
        ("a pin removed", ROOM, known(FromRemote, &[Delivered]), pin(false), "unpin $0"),
        ("a pin on what is left", ROOM, known(FromRemote, &[Gone, Delivered]), pin(true), "pin $1"),
        (
            "a pin on what is gone",
            ROOM,
            known(FromRemote, &[Gone]),
            pin(true),
            "ignore: the message is not in a room",
        ),
        ("a pin on what nobody knows", ROOM, Related::default(), pin(true), unknown),
        ("somebody comes", ROOM, Related::default(), came(), "members of !r:example.org: 1"),
        (
            "somebody comes without a room",
            NO_ROOM,
            Related::default(),
            came(),
            "ignore: the chat has no room",
        ),
    ]);
}

#[test]
fn what_has_a_plainer_form_takes_it() {
    let user = crate::message::UserInfo {
        ids: AliasSet::single(RemoteUserId::new("u")),
        name: None,
        avatar: None,
        bot: false,
    };
    let standing = || RemoteEvent::Standing {
        chat: chat(),
        stretch: (RemoteMessageId::new("1"), RemoteMessageId::new("9")),
        messages: Vec::new(),
    };
    let poll = RemoteEvent::Poll { message: message(), answers: Vec::new(), choices_max: 1 };
    check(vec![
        ("what stands, in a room", ROOM, standing(), "reconcile chat 0"),
        ("what stands, without a room", UNKNOWN, standing(), "ignore: the chat has no room"),
        ("a poll is said in words", ROOM, poll, "send 1"),
        ("somebody looks different", ROOM, RemoteEvent::UserChanged(user), "profile u"),
    ]);
}

#[test]
fn what_stands_waits_for_what_is_on_its_way() {
    let chat = chat();
    let stretch = (RemoteMessageId::new("1"), RemoteMessageId::new("2"));
    let standing = RemoteEvent::Standing { chat, stretch, messages: Vec::new() };
    let may_come = Related { may_come: true, ..Related::default() };
    let wait = "wait: it is about a message that may be on its way there";
    check_related(vec![("what stands", ROOM, may_come, standing, wait)]);
}

#[test]
fn what_did_not_arrive_is_told_to_whoever_wrote_it() {
    let failed =
        || RemoteEvent::Failed { chat: chat(), id: RemoteMessageId::new("1"), words: "gone".to_owned() };
    let related = |origin| Related { rows: rows(origin, &[MessageState::Delivered]), ..Related::default() };
    let may_come = Related { may_come: true, ..Related::default() };
    check_related(vec![
        ("ours", ROOM, related(Direction::FromMatrix), failed(), "failed $0: gone"),
        (
            "theirs",
            ROOM,
            related(Direction::FromRemote),
            failed(),
            "ignore: nobody in Matrix wrote the message",
        ),
        ("on its way", ROOM, may_come, failed(), "wait: it is about a message that may be on its way there"),
        (
            "unknown",
            ROOM,
            Related::default(),
            failed(),
            "ignore: it is about a message that was never brought here",
        ),
    ]);
}
