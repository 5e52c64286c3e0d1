//! One table: an event with its surroundings, and what is done about it.

use async_trait::async_trait;
use ruma::{owned_room_id, owned_user_id, server_name};
use serde_json::{Value, json};

use super::*;
use crate::{
    config::Permissions,
    convert::Known,
    ids::{GhostNames, LoginId, RemoteChatId},
    message::{ChatKind, RichText, Support},
    portal::Call,
    store::PortalState,
};

/// `help` and `status` are commands.
struct TwoCommands;

#[async_trait]
impl CommandPort for TwoCommands {
    async fn run(&self, _call: Call) -> String {
        String::new()
    }

    fn knows(&self, word: &str) -> bool {
        matches!(word, "help" | "status")
    }
}

/// What surrounds an event.
struct Scene {
    portal: Option<PortalRow>,
    level: Level,
    limits: Option<Limits>,
}

/// A portal of a connected login.
fn portal() -> Scene {
    let portal = PortalRow {
        chat: RemoteChatId::new("chat"),
        room_id: Some(owned_room_id!("!r:example.org")),
        parent: None,
        login: Some(LoginId::new("login")),
        kind: ChatKind::Group,
        name: None,
        topic: None,
        avatar_mxc: None,
        info_fingerprint: None,
        state: PortalState::Active,
        private: false,
    };
    let limits = Limits { actions: [(Action::Message, Support::Full)].into(), ..Limits::default() };
    Scene { portal: Some(portal), level: Level::Relay, limits: Some(limits) }
}

/// A room in which the bot is, without a portal.
fn bare() -> Scene {
    Scene { portal: None, limits: None, ..portal() }
}

fn by(level: Level, scene: Scene) -> Scene {
    Scene { level, ..scene }
}

fn without_login() -> Scene {
    let Scene { portal: row, level, limits } = portal();
    Scene { portal: row.map(|row| PortalRow { login: None, ..row }), level, limits }
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
        command_prefix: "!discord".to_owned(),
    };
    decide(&Facts {
        event: &event,
        portal: scene.portal.as_ref(),
        in_the_making: false,
        level: scene.level,
        limits: scene.limits.clone(),
        reading: FromMatrix::new(&names, &known),
        settings: &settings,
        commands: &TwoCommands,
        bot: &bot,
    })
}

fn deliver(words: &str) -> Decision {
    Decision::Deliver(Box::new(Outgoing::Message(OutgoingMessage {
        message: Message::text(RichText::plain(words)),
        author: None,
        sent_ms: 7,
    })))
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
    let edit = json!({
        "msgtype": "m.text", "body": "* new", "m.new_content": { "msgtype": "m.text", "body": "new" },
        "m.relates_to": { "rel_type": "m.replace", "event_id": "$old" },
    });
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
            "a portal without a login",
            without_login(),
            text("hello"),
            refuse("no account is connected to this room. Ask whoever runs the bridge."),
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
            refuse("files cannot be sent to Discord yet. Send a link to it instead."),
        ),
        (
            "a place",
            portal(),
            event("m.room.message", None, place),
            refuse("locations are not carried over to Discord yet."),
        ),
        (
            "an edit",
            portal(),
            event("m.room.message", None, edit),
            refuse("edits are not carried over to Discord yet."),
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
            "a reaction",
            portal(),
            event("m.reaction", None, json!({})),
            ignore("reactions are not carried over yet"),
        ),
        (
            "a deletion",
            portal(),
            event("m.room.redaction", None, json!({})),
            ignore("deletions are not carried over yet"),
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
    let odd = event("m.room.message", None, json!({ "msgtype": 5, "body": ["status"] }));
    let command = |words: &str| Decision::Command(words.to_owned());
    let able = |scene| by(Level::Commands, scene);
    check(vec![
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
        ("a notice is no command", able(bare()), notice, ignore("the room is no portal")),
        ("odd types are no command", able(bare()), odd, ignore("the room is no portal")),
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
