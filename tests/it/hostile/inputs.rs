//! What somebody who means harm would send.

use magpie_tests::discord::{DiscordSim, FileBytes, SmallWorld, Snowflake};
use rand::{Rng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Value, json};

/// Pieces that mean something to one side, to a header, to a file system or to nobody.
const PIECES: [&str; 28] = [
    "@everyone",
    "@here",
    "<@1>",
    "<@&1>",
    "<#1>",
    "@room",
    "**",
    "__",
    "||",
    "```",
    "> ",
    ">>> ",
    "\n",
    "\r\n",
    "\u{202e}",
    "\u{200b}",
    "\u{0}",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "&lt;",
    "[a](javascript:x)",
    "https://matrix.to/#/@alice:example.org",
    "../../etc/passwd",
    "喜鹊",
    "👩‍🚀",
    "\u{feff}",
    "$(reboot)",
    "'; DROP TABLE message; --",
];

/// A text of such pieces; now and then a very long one.
pub fn text(random: &mut StdRng) -> String {
    let count = if random.random_bool(0.02) { 100_000 / 4 } else { random.random_range(0..40) };
    (0..count).map(|_| *PIECES.choose(random).unwrap_or(&"x")).collect()
}

/// A name that wants to be somebody else's.
pub fn name(random: &mut StdRng) -> String {
    format!("\u{202e}ecila {}", text(random).chars().take(60).collect::<String>())
}

/// An event of Matrix.
pub fn event(random: &mut StdRng, known: &str) -> (&'static str, Value) {
    let target = *["$nowhere", known, "", "not an id"].choose(random).unwrap_or(&"");
    match random.random_range(0..10) {
        0 => ("m.room.message", json!({"msgtype": "m.text", "body": text(random)})),
        1 => (
            "m.room.message",
            json!({
                "msgtype": "m.text", "body": "x", "format": "org.matrix.custom.html", "formatted_body": html(random),
            }),
        ),
        2 => (
            "m.room.message",
            json!({
                "msgtype": "m.text", "body": "* x", "m.new_content": odd(random),
                "m.relates_to": {"rel_type": "m.replace", "event_id": target},
            }),
        ),
        3 => (
            "m.reaction",
            json!({
                "m.relates_to": {"rel_type": "m.annotation", "event_id": target, "key": format!("{}{}", text(random), random.random::<u32>())},
            }),
        ),
        4 => (
            "m.room.message",
            json!({
                "msgtype": *["m.image", "m.file", "m.audio", "m.video"].choose(random).unwrap_or(&"m.file"),
                "body": text(random), "filename": text(random), "url": "mxc://example.org/nothing",
                "info": {"size": -1, "w": "wide", "mimetype": text(random)}, "file": odd(random),
            }),
        ),
        5 => ("m.sticker", json!({"body": odd(random), "url": odd(random), "info": odd(random)})),
        6 => (
            "m.room.message",
            json!({"msgtype": "m.location", "body": text(random), "geo_uri": text(random)}),
        ),
        7 => (
            "m.room.message",
            json!({
                "msgtype": "m.text", "body": text(random), "m.mentions": odd(random),
                "m.relates_to": {"m.in_reply_to": {"event_id": target}, "rel_type": "m.thread", "event_id": target},
            }),
        ),
        8 => (
            "m.room.message",
            json!({"msgtype": odd(random), "body": odd(random), "m.relates_to": odd(random)}),
        ),
        _ => ("m.room.redaction", json!({"redacts": "$nowhere", "reason": text(random)})),
    }
}

/// Something that somebody on Discord does.
pub fn deed(random: &mut StdRng, sim: &DiscordSim, small: &SmallWorld, known: Snowflake) {
    let (general, bob) = (small.general, small.bob);
    let unknown = Snowflake(random.random());
    let words: String = text(random).replace('\0', "").chars().take(4_000).collect();
    match random.random_range(0..10) {
        0..3 => drop(sim.person_sends(general, bob, &words)),
        3 => drop(sim.person_replies((general, unknown), bob, &words)),
        4 => drop(sim.person_edits(general, known, "known, too")),
        5 => sim.person_reacts((general, known), bob, &words.chars().take(20).collect::<String>()),
        6 => {
            let lie = sim.file(&words, "image/png", FileBytes::Made { size: 64, byte: b'<' });
            sim.person_sends_files(general, bob, "", vec![lie]);
        }
        7 => sim.preview_arrives(
            (general, known),
            vec![odd(random), json!({"type": "rich", "title": words, "fields": 5})],
        ),
        8 => {
            let hook = sim.person_makes_webhook(general, bob, "Feed");
            sim.webhook_posts(hook, &name(random), &words);
        }
        _ => {
            let kind = *["MESSAGE_DELETE", "MESSAGE_REACTION_REMOVE_ALL", "TYPING_START", "SOMETHING_NEW"]
                .choose(random)
                .unwrap_or(&"SOMETHING_NEW");
            sim.gateway_event(kind, &json!({"id": unknown, "channel_id": general, "message_id": unknown, "user_id": bob, "timestamp": 1, "guild_id": small.guild}));
        }
    }
}

/// HTML that nests, lies and never ends.
fn html(random: &mut StdRng) -> String {
    let depth = random.random_range(1..300);
    let tag = *["b", "blockquote", "ul><li", "font", "span data-mx-spoiler", "a href=\"https://x\"", "x-y"]
        .choose(random)
        .unwrap_or(&"b");
    format!("{}{}", format!("<{tag}>").repeat(depth), text(random))
}

/// A value of any type, in the place of any other.
fn odd(random: &mut StdRng) -> Value {
    match random.random_range(0..8) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(random.random::<i64>()),
        3 => json!(text(random).replace('\0', "")),
        4 => json!([text(random)]),
        5 => json!({"url": 7, "body": {}, "msgtype": "m.text"}),
        6 => json!({"user_ids": [1, "@discord_1:example.org", {}], "room": "yes"}),
        _ => json!([[[[[[]]]]]]),
    }
}
