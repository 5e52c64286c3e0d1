//! One table: an event with its surroundings, and what is done about it.

use async_trait::async_trait;
use ruma::{owned_room_id, owned_user_id, server_name};
use serde_json::{Value, json};

use super::*;
use crate::{
    config::{Permissions, RelayReactions},
    convert::Known,
    ids::RemoteMessageId,
    ids::{GhostNames, LoginId, RemoteChatId},
    message::{
        AttachmentKind, ChatKind, Emoji, FileSource, MemberChange, Message, OutgoingMessage, RichText,
        Support,
    },
    portal::{Call, Reply},
    store::{Direction, MessageState},
};

/// `help` and `status` are commands.
struct TwoCommands;

#[async_trait]
impl CommandPort for TwoCommands {
    async fn run(&self, _call: Call) -> Reply {
        Reply { words: String::new(), effect: None }
    }

    fn knows(&self, word: &str) -> bool {
        matches!(word, "help" | "status")
    }

    fn awaits(&self, _room_id: &ruma::RoomId, user_id: &UserId) -> bool {
        user_id == "@asked:example.org"
    }
}

/// What surrounds an event.
struct Scene {
    portal: Option<PortalRow>,
    level: Level,
    is_chat_busy: bool,
    speaker: Speaker,
    limits: Option<Limits>,
    related: Related,
    linked: bool,
    is_management: bool,
    in_the_making: bool,
    relay_reactions: RelayReactions,
}

/// A portal of a connected login.
fn portal() -> Scene {
    let portal = PortalRow {
        room_id: Some(owned_room_id!("!r:example.org")),
        login: Some(LoginId::new("login")),
        ..PortalRow::new(RemoteChatId::new("chat"), ChatKind::Group)
    };
    let limits = Limits { actions: [(Action::Message, Support::Full)].into(), ..Limits::default() };
    Scene {
        portal: Some(portal),
        level: Level::Relay,
        is_chat_busy: false,
        speaker: Speaker::Relay(LoginId::new("login")),
        limits: Some(limits),
        related: Related::default(),
        linked: false,
        is_management: false,
        in_the_making: false,
        relay_reactions: RelayReactions::Off,
    }
}

/// A room in which the bot is, without a portal.
fn bare() -> Scene {
    Scene { portal: None, limits: None, ..portal() }
}

fn by(level: Level, scene: Scene) -> Scene {
    Scene { level, ..scene }
}

fn without_login() -> Scene {
    Scene { speaker: Speaker::Nobody, ..portal() }
}

fn event(event_type: &str, state_key: Option<&str>, content: Value) -> Value {
    let mut event = json!({
        "event_id": "$e", "room_id": "!r:example.org", "sender": "@a:example.org", "type": event_type,
        "origin_server_ts": 7, "content": content,
    });
    if let Some(key) = state_key {
        event["state_key"] = key.into();
    }
    event
}

fn text(body: &str) -> Value {
    event("m.room.message", None, json!({ "msgtype": "m.text", "body": body }))
}

fn member(who: &str, membership: &str) -> Value {
    event("m.room.member", Some(who), json!({ "membership": membership }))
}

fn decided(scene: &Scene, event: &Value) -> Decision {
    let event = Event::read(&event.to_string()).unwrap();
    let names = GhostNames::new("discord_", "discordbot", server_name!("example.org")).unwrap();
    let (known, bot) = (Known::default(), owned_user_id!("@discordbot:example.org"));
    let settings = PortalSettings {
        about: crate::config::about::DISCORD,
        permissions: Permissions::default(),
        invite: Vec::new(),
        create_at_start: false,
        backfill_messages_max: 0,
        personal_spaces: false,
        delivery_receipts: false,
        message_status_events: false,
        command_prefix: "!discord".to_owned(),
        relay_templates: std::sync::Arc::default(),
        relay_reactions: scene.relay_reactions,
    };
    decide(&Facts {
        event: &event,
        portal: scene.portal.as_ref(),
        in_the_making: scene.in_the_making,
        goes_on_in: None,
        is_management: scene.is_management,
        level: scene.level,
        is_chat_busy: scene.is_chat_busy,
        speaker: &scene.speaker,
        limits: scene.limits.clone(),
        reading: FromMatrix::new(&names, &known),
        settings: &settings,
        commands: &TwoCommands,
        bot: &bot,
        related: &scene.related,
        link: &|_| scene.linked.then(|| "https://example.org/f".to_owned()),
    })
}

fn deliver(words: &str) -> Decision {
    Decision::Deliver(
        Box::new(Outgoing::Message(OutgoingMessage {
            message: Message::text(RichText::plain(words)),
            author: None,
            sent_ms: 7,
        })),
        Then::Link,
    )
}

fn check(table: Vec<(&str, Scene, Value, Decision)>) {
    for (name, scene, event, expected) in table {
        assert_eq!(decided(&scene, &event), expected, "{name}");
    }
}

#[test]
fn messages() {
    let image = json!({ "msgtype": "m.image", "body": "a.png", "url": "mxc://example.org/a" });
    let place = json!({ "msgtype": "m.location", "body": "here", "geo_uri": "geo:1.5,2.5" });
    let no_limits = || Scene { limits: Some(Limits::default()), ..portal() };
    let refuse = |words: &str| Decision::Refuse(words.to_owned());
    check(vec![
        ("words go", portal(), text("hello"), deliver("hello")),
        ("a word that looks like a command goes in a portal", portal(), text("status"), deliver("status")),
        ("the prefix inside a word is no prefix", portal(), text("!discordant"), deliver("!discordant")),
        ("no words", portal(), text("  "), ignore("the message has no words")),
        (
            "a deleted message",
            portal(),
            event("m.room.message", None, json!({})),
            ignore("the message is empty, as deleted messages are"),
        ),
        ("no portal", bare(), text("hello"), ignore("the room is no portal")),
        (
            "a stranger",
            by(Level::None, portal()),
            text("hello"),
            ignore("the sender has no right to use this bridge"),
        ),
        (
            "nobody speaks for the sender",
            without_login(),
            text("hello"),
            refuse(
                "you have no account on Discord that is in this chat, and nobody speaks here for people without one. Sign in \
                 with `login` in a direct chat with the bridge, or let an account of yours speak for all with `!discord set-relay`.",
            ),
        ),
        (
            "nobody speaks for the sender yet",
            Scene { is_chat_busy: true, ..without_login() },
            text("hello"),
            Decision::Wait("it is not known yet which accounts see the chat".to_owned()),
        ),
        (
            "no session yet",
            Scene { limits: None, ..portal() },
            text("hello"),
            Decision::Wait("the account on Discord is not connected".to_owned()),
        ),
        (
            "a chat that takes no messages",
            no_limits(),
            text("hello"),
            refuse("messages are not carried over to Discord yet."),
        ),
        (
            "a file",
            portal(),
            event("m.room.message", None, image),
            refuse("files cannot be sent to Discord here. Send a link to it instead."),
        ),
        (
            "a place",
            portal(),
            event("m.room.message", None, place),
            refuse("locations are not carried over to Discord yet."),
        ),
    ]);
}

#[test]
fn other_events() {
    let encrypted = "this room is encrypted, and the bridge cannot read it. Use a room without encryption.";
    check(vec![
        (
            "an encrypted message",
            portal(),
            event("m.room.encrypted", None, json!({})),
            Decision::Refuse(encrypted.to_owned()),
        ),
        (
            "an encrypted message outside of portals",
            bare(),
            event("m.room.encrypted", None, json!({})),
            ignore("the room is no portal"),
        ),
        (
            "anything else",
            portal(),
            event("org.example.odd", None, json!({})),
            ignore("events of the type org.example.odd are not carried over"),
        ),
    ]);
}

#[test]
fn commands() {
    let notice = event("m.room.message", None, json!({ "msgtype": "m.notice", "body": "!discord status" }));
    let answer = event("m.room.message", None, json!({ "msgtype": "m.notice", "body": "status" }));
    let odd = event("m.room.message", None, json!({ "msgtype": 5, "body": ["status"] }));
    let command = |words: &str| Decision::Command(words.to_owned());
    let able = |scene| by(Level::Commands, scene);
    let managed = || Scene { is_management: true, ..bare() };
    let asked = |mut event: Value| {
        event["sender"] = "@asked:example.org".into();
        event
    };
    let making = || Scene { in_the_making: true, ..able(bare()) };
    let waits = || Decision::Wait("the room is still being made".to_owned());
    check(vec![
        ("the prefix in a room that is being made", making(), text("!discord unbridge"), waits()),
        ("words in a room that is being made", making(), text("status"), waits()),
        ("the prefix in a portal", able(portal()), text("!discord status"), command("status")),
        ("the prefix alone", able(portal()), text("!discord"), command("")),
        ("arguments keep their spaces", able(portal()), text(" !discord  trace  $a "), command("trace  $a")),
        ("without the prefix in the bot's own room", able(bare()), text("status"), command("status")),
        ("no command in the bot's own room", able(bare()), text("hello"), ignore("the room is no portal")),
        (
            "by somebody who may only be relayed",
            portal(),
            text("!discord status"),
            ignore("the sender may not give commands"),
        ),
        (
            "an answer to what the bot asked",
            able(bare()),
            asked(text("status")),
            Decision::Hear("status".to_owned()),
        ),
        (
            "an answer never goes over a portal",
            able(portal()),
            asked(text("!discord status")),
            command("status"),
        ),
        (
            "any words in a management room",
            able(managed()),
            text("hello"),
            Decision::Hear("hello".to_owned()),
        ),
        ("a command in a management room", able(managed()), text("status"), command("status")),
        ("a notice in a management room", able(managed()), notice.clone(), ignore("the room is no portal")),
        ("a notice is no command", able(bare()), notice, ignore("the room is no portal")),
        ("a notice is no answer", able(bare()), asked(answer), ignore("the room is no portal")),
        ("odd types are no command", able(bare()), odd, ignore("the room is no portal")),
    ]);
}

#[test]
fn closings() {
    let closes =
        |named: Value| event("m.room.tombstone", Some(""), json!({ "body": "x", "replacement_room": named }));
    let follow = || Decision::Follow(OwnedRoomId::try_from("!new:example.org").unwrap());
    let room = event("m", None, json!({}))["room_id"].clone();
    let none = || ignore("the room was closed, and no other takes its place");
    let unbridged = || {
        let scene = portal();
        Scene {
            portal: scene.portal.clone().map(|row| PortalRow { state: PortalState::Unbridged, ..row }),
            ..scene
        }
    };
    check(vec![
        ("a room that is replaced", portal(), closes(json!("!new:example.org")), follow()),
        // Whether they could is for the room's powers to say.
        (
            "by somebody without a right to the bridge",
            by(Level::None, portal()),
            closes(json!("!new:example.org")),
            follow(),
        ),
        (
            "one that is unbridged can be joined again there",
            unbridged(),
            closes(json!("!new:example.org")),
            follow(),
        ),
        ("nothing in its place", portal(), closes(json!(null)), none()),
        ("something that is no room", portal(), closes(json!(["!new:example.org"])), none()),
        ("itself", portal(), closes(room), ignore("a room cannot take its own place")),
        ("no portal", bare(), closes(json!("!new:example.org")), ignore("the room is no portal")),
    ]);
}

#[test]
fn memberships() {
    let bot = "@discordbot:example.org";
    let nothing = || ignore("a change of membership that asks for nothing");
    let able = || by(Level::Commands, bare());
    check(vec![
        ("an invitation of the bot", able(), member(bot, "invite"), Decision::Join),
        (
            "by somebody without the right",
            bare(),
            member(bot, "invite"),
            Decision::Leave("somebody without the right to use this bridge invited it".to_owned()),
        ),
        ("the bot's own arrival", able(), member(bot, "join"), nothing()),
        ("an invitation of a ghost", able(), member("@discord_5:example.org", "invite"), nothing()),
    ]);
}

#[test]
fn people_of_the_network_are_asked_in_and_sent_out() {
    let ghost = "@discord_5:example.org";
    let nothing = || ignore("a change of membership that asks for nothing");
    let own = |related| Scene { speaker: Speaker::Own(LoginId::new("login")), ..able(related) };
    let whole = || own(Related::default());
    let was = |before: &str, membership: &str| {
        let mut event = member(ghost, membership);
        event["unsigned"] = json!({ "prev_content": { "membership": before } });
        event
    };
    let moved = |change| {
        let user = crate::ids::RemoteUserId::new("5");
        Decision::Deliver(Box::new(Outgoing::Member { user, change }), Then::Link)
    };
    let plumbed = || {
        let mut scene = whole();
        scene.portal.as_mut().unwrap().plumbed = true;
        scene
    };
    let wait = Decision::Wait("the account on Discord is not connected".to_owned());
    check(vec![
        ("an invitation", whole(), member(ghost, "invite"), moved(MemberChange::Joined)),
        ("a removal", whole(), was("join", "leave"), moved(MemberChange::Left)),
        ("a ban", whole(), was("join", "ban"), moved(MemberChange::Banned)),
        ("an invitation taken back", whole(), was("invite", "leave"), nothing()),
        ("a ban taken back", whole(), was("ban", "leave"), nothing()),
        ("nobody knows what stood before", whole(), member(ghost, "leave"), nothing()),
        ("somebody of Matrix", whole(), member("@b:example.org", "invite"), nothing()),
        ("by the relay", able(Related::default()), was("join", "leave"), nothing()),
        ("a room with people of its own", plumbed(), was("join", "leave"), nothing()),
        ("not connected", Scene { limits: None, ..whole() }, was("join", "leave"), wait),
        (
            "a network without",
            Scene { limits: Some(Limits::default()), ..whole() },
            was("join", "leave"),
            nothing(),
        ),
    ]);
}

/// A chat that takes everything, edits for an hour only, files of up to 3 MiB.
fn able(related: Related) -> Scene {
    let full = Action::ALL.map(|action| (action, Support::Full));
    let mut limits = Limits { actions: full.into(), ..Limits::default() };
    limits.actions.insert(Action::Edit, Support::Until(3_600_000));
    limits.files_bytes_max.insert(AttachmentKind::File, 3 * 1024 * 1024);
    Scene { limits: Some(limits), related, ..portal() }
}

fn target(origin: Direction, sender: &str, state: MessageState) -> Target {
    Target {
        aliases: Vec::new(),
        event_id: ruma::owned_event_id!("$old"),
        row: Some(JournalId::new(3)),
        origin,
        sender: Some(sender.to_owned()),
        state,
        parts: vec![RemoteMessageId::new("1"), RemoteMessageId::new("2")],
        sent_ms: 7,
    }
}

fn mine(state: MessageState) -> Target {
    target(Direction::FromMatrix, "@a:example.org", state)
}

fn changing(target: Target) -> Related {
    Related { changed: Some(target), ..Related::default() }
}

#[test]
fn edits() {
    use MessageState::{Delivered, Failed, Gone};
    let edit = json!({
        "msgtype": "m.text", "body": "* new", "m.new_content": { "msgtype": "m.text", "body": "new" },
        "m.relates_to": { "rel_type": "m.replace", "event_id": "$old" },
    });
    let edit = || event("m.room.message", None, edit.clone());
    let late = || {
        let mut event = edit();
        event["origin_server_ts"] = 3_700_000.into();
        event
    };
    let new = OutgoingMessage { message: Message::text(RichText::plain("new")), author: None, sent_ms: 7 };
    let parts = mine(Delivered).parts;
    let refuse = |words: &str| Decision::Refuse(words.to_owned());
    check(vec![
        (
            "an edit",
            able(changing(mine(Delivered))),
            edit(),
            Decision::Deliver(Box::new(Outgoing::Edit { parts, new }), Then::Relink(mine(Delivered))),
        ),
        (
            "too late",
            able(changing(mine(Delivered))),
            late(),
            refuse("Discord takes edits only for 60 minutes after a message was sent."),
        ),
        (
            "of what failed",
            able(changing(mine(Failed))),
            edit(),
            refuse("the message that you changed did not reach Discord. Send it anew instead."),
        ),
        (
            "of what nobody knows",
            able(Related::default()),
            edit(),
            refuse("the message that you changed is not on Discord."),
        ),
        (
            "of what is gone",
            able(changing(mine(Gone))),
            edit(),
            ignore("the message that was changed is deleted"),
        ),
        (
            "by somebody else",
            able(changing(target(Direction::FromMatrix, "@b:example.org", Delivered))),
            edit(),
            ignore("only who wrote a message can change it"),
        ),
        (
            "where there are none",
            Scene { related: changing(mine(Delivered)), ..portal() },
            edit(),
            refuse("edits are not carried over to Discord yet."),
        ),
    ]);
}

/// A reaction on `$old`'s last part.
fn reacted(sender: &str, key: &str, event_id: &str) -> ReactionRow {
    ReactionRow {
        chat: RemoteChatId::new("chat"),
        target: RemoteMessageId::new("2"),
        origin: Direction::FromMatrix,
        sender: sender.to_owned(),
        emoji: Emoji::unicode(key),
        room_id: owned_room_id!("!r:example.org"),
        event_id: ruma::OwnedEventId::try_from(event_id).unwrap(),
    }
}

fn ours() -> ReactionRow {
    reacted("@a:example.org", "👍", "$e")
}

fn others() -> [ReactionRow; 2] {
    [reacted("@b:example.org", "👍", "$b"), reacted("@b:example.org", "🎉", "$c")]
}

#[test]
fn reactions() {
    use MessageState::{Delivered, Uncertain};
    let react = |key: &str| {
        let relation = json!({ "rel_type": "m.annotation", "event_id": "$old", "key": key });
        event("m.reaction", None, json!({ "m.relates_to": relation }))
    };
    let then = || Then::React(Box::new(ours()));
    let (target_id, emoji) = (RemoteMessageId::new("2"), Emoji::unicode("👍"));
    let outgoing = Outgoing::React { target: target_id, emoji, author: None };
    let shared = Related { reactions: others().to_vec(), ..changing(mine(Delivered)) };
    let failed = || able(changing(mine(Uncertain)));
    let by_other = || able(changing(target(Direction::FromMatrix, "@b:example.org", Uncertain)));
    let not_through = || ignore("the message that it is on did not get through");
    let nothing = event("m.reaction", None, json!({ "m.relates_to": 5 }));
    check(vec![
        (
            "on the last part",
            able(changing(mine(Delivered))),
            react("👍"),
            Decision::Deliver(Box::new(outgoing), then()),
        ),
        ("one that somebody else gave", able(shared), react("👍"), Decision::Record(then())),
        ("on what did not get through", failed(), react("🔁"), Decision::Retry(JournalId::new(3))),
        ("another one on that", failed(), react("👍"), not_through()),
        ("on what somebody else's message became", by_other(), react("🔁"), not_through()),
        ("by an admin", by(Level::Admin, by_other()), react("🔁"), Decision::Retry(JournalId::new(3))),
        (
            "on a notice",
            able(Related::default()),
            react("👍"),
            ignore("the message that it is on is on this side only"),
        ),
        (
            "nothing that can be read",
            able(Related::default()),
            nothing,
            ignore("the reaction does not say to what, or with what"),
        ),
    ]);
}

#[test]
fn reactions_where_the_network_has_none() {
    use MessageState::{Delivered, Uncertain};
    let relation = json!({ "rel_type": "m.annotation", "event_id": "$old", "key": "👍" });
    let react = || event("m.reaction", None, json!({ "m.relates_to": relation }));
    let scene = |relay_reactions, target, carried: Option<Action>| {
        let actions = carried.map(|action| (action, Support::Full)).into_iter().collect();
        let limits = Some(Limits { actions, ..Limits::default() });
        Scene { limits, relay_reactions, ..able(changing(target)) }
    };
    let (off, words) = (RelayReactions::Off, RelayReactions::Words);
    let message = Message {
        reply_to: Some(RemoteMessageId::new("2")),
        silent_reply: true,
        ..Message::text(RichText::plain("👍"))
    };
    let said = Outgoing::Message(OutgoingMessage { message, author: None, sent_ms: 7 });
    let nothing_left = Target { parts: Vec::new(), ..mine(Delivered) };
    check(vec![
        (
            "nobody wants them in words",
            scene(off, mine(Delivered), Some(Action::Message)),
            react(),
            ignore("Discord has no reactions, and `bridge.relay_reactions` is off"),
        ),
        (
            "they are wanted in words",
            scene(words, mine(Delivered), Some(Action::Message)),
            react(),
            Decision::Deliver(Box::new(said), Then::Link),
        ),
        (
            "on what left nothing",
            scene(words, nothing_left, Some(Action::Message)),
            react(),
            ignore("the message that it is on left nothing to answer"),
        ),
        (
            "on what did not get through",
            scene(words, mine(Uncertain), Some(Action::Message)),
            react(),
            ignore("the message that it is on did not get through"),
        ),
        (
            "by somebody with an account of their own",
            Scene {
                speaker: Speaker::Own(LoginId::new("own")),
                ..scene(words, mine(Delivered), Some(Action::Message))
            },
            react(),
            Decision::Refuse("reactions are not carried over to Discord yet.".to_owned()),
        ),
        (
            "where there are no messages either",
            scene(words, mine(Delivered), None),
            react(),
            Decision::Refuse("reactions are not carried over to Discord yet.".to_owned()),
        ),
        (
            "where there are reactions, words are not needed",
            Scene { relay_reactions: words, ..able(changing(mine(Delivered))) },
            react(),
            decided(&able(changing(mine(Delivered))), &react()),
        ),
    ]);
}

#[test]
fn reactions_taken_back() {
    let redaction = || event("m.room.redaction", None, json!({ "redacts": "$e" }));
    let with = |reactions| Related {
        taken_back: Some(ours()),
        reactions,
        may_redact_others: true,
        ..Related::default()
    };
    let [same, another] = others();
    let (target, emoji) = (RemoteMessageId::new("2"), Emoji::unicode("👍"));
    let unreact = Outgoing::Unreact { target, emoji, author: None };
    check(vec![
        (
            "the last of its kind goes",
            able(with(vec![ours(), another])),
            redaction(),
            Decision::Deliver(Box::new(unreact), Then::Unreact(ours())),
        ),
        (
            "one of two stays",
            able(with(vec![ours(), same])),
            redaction(),
            Decision::Record(Then::Unreact(ours())),
        ),
    ]);
}

#[test]
fn redactions() {
    use MessageState::{Delivered, Failed, Gone};
    let redaction = || event("m.room.redaction", None, json!({ "redacts": "$old", "reason": "rude" }));
    let theirs = || target(Direction::FromRemote, "u", Delivered);
    let redact = |target: Target| {
        let reason = Some("rude".to_owned());
        let outgoing = Outgoing::Redact { parts: target.parts.clone(), reason };
        Decision::Deliver(Box::new(outgoing), Then::Gone(target))
    };
    let powerful = Related { may_redact_others: true, ..changing(theirs()) };
    check(vec![
        ("one's own", able(changing(mine(Delivered))), redaction(), redact(mine(Delivered))),
        ("with the power", able(powerful), redaction(), redact(theirs())),
        (
            "without the power",
            able(changing(theirs())),
            redaction(),
            ignore("the sender has no power to delete what others said"),
        ),
        (
            "of what did not get through",
            able(changing(mine(Failed))),
            redaction(),
            Decision::GiveUp(JournalId::new(3)),
        ),
        ("again", able(changing(mine(Gone))), redaction(), ignore("what was deleted is on this side only")),
    ]);
}

#[test]
fn files() {
    let file = |size: u64| {
        let content = json!({
            "msgtype": "m.file", "body": "words", "filename": "a.bin", "url": "mxc://example.org/a",
            "info": { "size": size },
        });
        event("m.room.message", None, content)
    };
    let sent = |scene: &Scene, size: u64| match decided(scene, &file(size)) {
        Decision::Deliver(outgoing, Then::Link) => match *outgoing {
            Outgoing::Message(OutgoingMessage { message, .. }) => message,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let linked = Scene { linked: true, ..able(Related::default()) };
    let small = sent(&linked, 5);
    assert_eq!(small.attachments.len(), 1);
    assert_eq!(small.attachments[0].source, FileSource::Matrix("mxc://example.org/a".into()));
    assert_eq!(small.attachments[0].link.as_deref(), Some("https://example.org/f"));
    let large = sent(&linked, 5 * 1024 * 1024);
    assert_eq!(large.attachments, []);
    assert!(large.text.to_plain().contains("a.bin"), "{large:?}");
    let words =
        "the file has 5 MiB, and Discord takes at most 3 MiB here. Send a smaller one or a link to it.";
    check(vec![(
        "too large, and no link can be given",
        able(Related::default()),
        file(5 * 1024 * 1024),
        Decision::Refuse(words.to_owned()),
    )]);
}

#[test]
fn pins() {
    use MessageState::{Delivered, Failed};
    let pins = |before: &[&str], now: &[&str]| {
        let mut event = event("m.room.pinned_events", Some(""), json!({ "pinned": now }));
        event["unsigned"] = json!({ "prev_content": { "pinned": before } });
        event
    };
    let deliver = |outgoing| Decision::Deliver(Box::new(outgoing), Then::Link);
    let target = RemoteMessageId::new("1");
    let (pin, unpin) = (Outgoing::Pin { target: target.clone() }, Outgoing::Unpin { target });
    let several = "several pins were changed at once. Pin or unpin one after the other.";
    check(vec![
        ("one more", able(changing(mine(Delivered))), pins(&["$a"], &["$a", "$b"]), deliver(pin)),
        ("one less", able(changing(mine(Delivered))), pins(&["$a", "$b"], &["$b"]), deliver(unpin)),
        (
            "the same",
            able(Related::default()),
            pins(&["$a", "$b"], &["$b", "$a"]),
            ignore("no pin was set or removed"),
        ),
        (
            "two more",
            able(Related::default()),
            pins(&[], &["$b", "$a"]),
            Decision::Refuse(several.to_owned()),
        ),
        (
            "one for another",
            able(Related::default()),
            pins(&["$a"], &["$b"]),
            Decision::Refuse(several.to_owned()),
        ),
        (
            "no ids",
            able(Related::default()),
            event("m.room.pinned_events", Some(""), json!({ "pinned": [7, "x"] })),
            ignore("no pin was set or removed"),
        ),
        (
            "where there are none",
            Scene { related: changing(mine(Delivered)), ..portal() },
            pins(&[], &["$a"]),
            ignore("pins of this room go nowhere"),
        ),
        (
            "on what did not get through",
            able(changing(mine(Failed))),
            pins(&[], &["$a"]),
            ignore("the message is on this side only"),
        ),
        (
            "on a notice",
            able(Related::default()),
            pins(&[], &["$a"]),
            ignore("the message is on this side only"),
        ),
    ]);
}

#[test]
fn polls() {
    use MessageState::{Delivered, Failed};
    let start = || {
        let answer = |id: &str, text: &str| json!({ "id": id, "org.matrix.msc1767.text": text });
        let start = json!({
            "question": { "org.matrix.msc1767.text": "Lunch?" }, "max_selections": 2,
            "answers": [answer("a", "Soup"), answer("b", "Bread")],
        });
        event("org.matrix.msc3381.poll.start", None, json!({ "org.matrix.msc3381.poll.start": start }))
    };
    let relation = || json!({ "rel_type": "m.reference", "event_id": "$p" });
    let vote =
        || event("m.poll.response", None, json!({ "m.relates_to": relation(), "m.selections": ["b"] }));
    let end = || event("m.poll.end", None, json!({ "m.relates_to": relation() }));
    let opened = || crate::convert::Poll {
        question: "Lunch?".to_owned(),
        answers: vec![("a".to_owned(), "Soup".to_owned()), ("b".to_owned(), "Bread".to_owned())],
        choices_max: 2,
    };
    let voting = |target| Related { poll: Some(opened()), ..changing(target) };
    let deliver = |outgoing| Decision::Deliver(Box::new(outgoing), Then::Link);
    let poll = Outgoing::Poll {
        question: "Lunch?".to_owned(),
        answers: vec!["Soup".to_owned(), "Bread".to_owned()],
        choices_max: 2,
        author: None,
    };
    let message = Message::text(RichText::plain("📊 Lunch?\n1. Soup\n2. Bread"));
    let in_words = Outgoing::Message(OutgoingMessage { message, author: None, sent_ms: 7 });
    let part = RemoteMessageId::new("1");
    check(vec![
        ("a poll", able(Related::default()), start(), deliver(poll)),
        ("a poll where there are none", portal(), start(), deliver(in_words)),
        (
            "a vote",
            able(voting(mine(Delivered))),
            vote(),
            deliver(Outgoing::Vote { target: part.clone(), answers: vec![1] }),
        ),
        ("a vote where there are none", portal(), vote(), ignore("votes are not carried over to Discord")),
        (
            "a vote in what did not get through",
            able(voting(mine(Failed))),
            vote(),
            ignore("the poll is on this side only"),
        ),
        ("an end", able(changing(mine(Delivered))), end(), deliver(Outgoing::ClosePoll { target: part })),
        (
            "an end by somebody else",
            able(changing(target(Direction::FromMatrix, "@b:example.org", Delivered))),
            end(),
            ignore("only who opened a poll can close it"),
        ),
        (
            "what cannot be read",
            able(Related::default()),
            event("m.poll.start", None, json!({})),
            ignore("events of the type m.poll.start are not carried over"),
        ),
    ]);
}

#[test]
fn names_and_topics() {
    let name = |name: &str| event("m.room.name", Some(""), json!({ "name": name }));
    let topic = |topic: &str| event("m.room.topic", Some(""), json!({ "topic": topic }));
    let deliver = |name: Option<&str>, topic: Option<&str>| {
        let (name, topic) = (name.map(str::to_owned), topic.map(str::to_owned));
        Decision::Deliver(Box::new(Outgoing::ChatInfo { name, topic }), Then::Link)
    };
    let plumbed = || {
        let mut scene = able(Related::default());
        scene.portal.as_mut().expect("a portal").plumbed = true;
        scene
    };
    let nowhere = || ignore("changes of name and topic of this room go nowhere");
    check(vec![
        ("a name", able(Related::default()), name(" Birds "), deliver(Some("Birds"), None)),
        ("a topic", able(Related::default()), topic("about"), deliver(None, Some("about"))),
        ("no topic", able(Related::default()), topic(""), deliver(None, Some(""))),
        ("no name", able(Related::default()), name(""), ignore("a chat cannot be without a name")),
        ("where there are none", portal(), name("Birds"), nowhere()),
        ("of a room of people's own", plumbed(), name("Birds"), nowhere()),
        (
            "without an account",
            Scene { speaker: Speaker::Nobody, ..able(Related::default()) },
            name("Birds"),
            nowhere(),
        ),
    ]);
}

#[test]
fn a_command_of_the_network_goes_the_way_of_a_message() {
    let with = |level| {
        let mut scene = by(level, portal());
        let commands = [("ring".to_owned(), "rings".to_owned()), ("help".to_owned(), "helps".to_owned())];
        scene.limits.as_mut().unwrap().commands = commands.into();
        scene
    };
    let command = |scene: &Scene, words: &str| match decided(scene, &text(words)) {
        Decision::Deliver(outgoing, Then::Link) => match *outgoing {
            Outgoing::Message(said) => said.message.command.map(|command| (command.name, command.words)),
            other => panic!("{other:?}"),
        },
        _ => None,
    };
    let ring = |words: &str| Some(("ring".to_owned(), words.to_owned()));
    assert_eq!(command(&with(Level::User), "!discord Ring 3 times"), ring("3 times"));
    assert_eq!(command(&with(Level::User), "!discord ring"), ring(""));
    assert_eq!(command(&with(Level::User), "ring 3 times"), None, "without the prefix it is a message");
    assert_eq!(command(&with(Level::User), "!discord help"), None, "the bridge's own come first");
    assert_eq!(command(&by(Level::User, portal()), "!discord ring"), None, "another network's");
    let mut away = by(Level::User, portal());
    away.limits = None;
    assert!(matches!(decided(&away, &text("!discord ring")), Decision::Wait(_)), "only the account knows it");
    assert_eq!(decided(&away, &text("!discord status")), Decision::Command("status".to_owned()));
    let refused = decided(&with(Level::Relay), &text("!discord ring"));
    assert!(matches!(refused, Decision::Refuse(_)), "{refused:?}");
}
