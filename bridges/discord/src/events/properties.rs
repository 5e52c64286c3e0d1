//! What holds for every payload, however broken: nothing panics, no message is dropped without a word, cursors are ids, and every event survives being
//! stored and read.

use magpie_common::{
    ids::RemoteMessageId,
    message::{RemoteMessage, Wire},
};
use proptest::prelude::*;
use serde_json::json;

use super::{
    tests::{known, payload},
    *,
};
use crate::session::seen::Seen;

/// Discord's number for the first message of a thread, which repeats another one.
const THREAD_STARTER: u64 = 21;

/// A message with everything in it that is read.
fn full() -> Value {
    let box_of = |words: &str| {
        json!({
            "type": "rich", "title": "T", "url": "https://e.org", "description": words, "color": 5,
            "provider": {"name": "P"}, "author": {"name": "A"}, "image": {"url": "https://e.org/i.png"},
            "fields": [{"name": "N", "value": words, "inline": true}], "footer": {"text": "F"},
        })
    };
    let files = json!([{
        "id": "21", "filename": "SPOILER_b_c.png", "title": "b c", "content_type": "image/png", "size": 5,
        "width": 3, "height": 4, "flags": 8, "duration_secs": 1.5, "waveform": "AP+A", "url": "https://e.org/f",
    }]);
    let stickers =
        json!([{"id": "31", "name": "wave", "format_type": 1}, {"id": "33", "name": "x", "format_type": 3}]);
    let words = "**a __b ~~c ||d *e* <@6> <@&5> <#12> <:w:4> <t:0:R>||~~__**\n> q\n- l\nhttps://discord.com/channels/9/12/13";
    let mentions = json!([{"id": "6", "username": "bob", "member": {"nick": "Bobby"}}]);
    payload(json!({
        "content": words, "edited_timestamp": "2023-11-14T22:13:20.000000+00:00", "flags": 8192,
        "member": {"nick": "Addie", "roles": ["5"]}, "mentions": mentions, "mention_everyone": true,
        "attachments": files, "sticker_items": stickers, "embeds": [box_of("*b* <@6>")],
        "components": [{"type": 17, "components": [{"type": 10, "content": "deep"}]}],
        "message_reference": {"type": 1, "message_id": "13", "channel_id": "12", "guild_id": "9"},
        "referenced_message": {"id": "13", "author": {"id": "6"}, "webhook_id": null},
        "message_snapshots": [{"message": {
            "content": "**old** <@6>", "attachments": files, "sticker_items": stickers, "embeds": [box_of("*b* <@6>")],
            "mentions": mentions, "flags": 8192, "components": [],
        }}],
    }))
}

/// A payload of every kind that is mapped, whole.
fn whole() -> Vec<(&'static str, Value)> {
    let reply = json!({"type": 19, "message_reference": {"message_id": "13", "channel_id": "3"}});
    let begun = json!({"type": 18, "content": "nests", "message_reference": {"channel_id": "12"}});
    let hook = json!({"webhook_id": "77", "application_id": "78", "author": {"id": "77", "username": "Ann"}});
    let place = |more: Value| {
        let mut data = json!({"channel_id": "12", "guild_id": "9"});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    let emoji = json!({"id": "4", "name": "wave", "animated": true});
    let reaction = place(json!({"user_id": "2", "message_id": "13", "emoji": emoji, "burst": false}));
    vec![
        ("MESSAGE_CREATE", full()),
        ("MESSAGE_CREATE", payload(reply)),
        ("MESSAGE_CREATE", payload(begun)),
        ("MESSAGE_CREATE", payload(hook)),
        ("MESSAGE_CREATE", payload(json!({"type": 7}))),
        ("MESSAGE_UPDATE", full()),
        ("MESSAGE_DELETE", place(json!({"id": "13"}))),
        ("MESSAGE_DELETE_BULK", place(json!({"ids": ["13", "14"]}))),
        ("MESSAGE_REACTION_ADD", reaction.clone()),
        ("MESSAGE_REACTION_REMOVE", reaction.clone()),
        ("MESSAGE_REACTION_REMOVE_ALL", reaction.clone()),
        ("MESSAGE_REACTION_REMOVE_EMOJI", reaction),
        ("TYPING_START", place(json!({"user_id": "2", "timestamp": 5}))),
    ]
}

/// What can stand in a field's place.
fn wrong() -> Vec<Value> {
    let deep = (0..20)
        .fold(json!({"type": 10, "content": "x"}), |inner, _| json!({"type": 17, "components": [inner]}));
    vec![
        Value::Null,
        json!(true),
        json!(-7),
        json!(u64::MAX),
        json!(1e308),
        json!(""),
        json!("../../x"),
        json!("99999999999999999999"),
        json!("\u{0}\u{202e}\u{7}\r\n"),
        json!("**> ".repeat(9_000)),
        json!([]),
        json!([null, 7, "7", {}, []]),
        json!({}),
        json!([deep]),
    ]
}

/// The way to every value inside, this one left out.
fn ways(data: &Value) -> Vec<String> {
    let children: Vec<(String, &Value)> = match data {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(nth, value)| (nth.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    let below = |(name, value): (String, &Value)| {
        let inner = ways(value).into_iter().map(|way| format!("/{name}{way}")).collect::<Vec<_>>();
        [vec![format!("/{name}")], inner].concat()
    };
    children.into_iter().flat_map(below).collect()
}

/// Puts something else there, or takes it out; what an earlier break has taken along is left.
fn break_at(data: &mut Value, way: &str, with: Option<&Value>) {
    if let (Some(with), Some(place)) = (with, data.pointer_mut(way)) {
        *place = with.clone();
        return;
    }
    let (above, name) = way.rsplit_once('/').expect("a way begins with a slash");
    match data.pointer_mut(above) {
        Some(Value::Object(fields)) if with.is_none() => drop(fields.remove(name)),
        Some(Value::Array(items)) if with.is_none() => {
            drop(name.parse().ok().filter(|nth| *nth < items.len()).map(|nth: usize| items.remove(nth)))
        }
        _ => {}
    }
}

/// Takes a payload in as the pump does, and looks at what comes of it.
fn check(kind: &str, data: &Value, known: &Known) {
    let mapped = match channel_of(kind, data) {
        Some(_) => map(kind, data, known),
        None => vec![Mapped { event: unknown(kind, data), cursor: None }],
    };
    attachment_addresses(data);
    Seen::of(data, known);
    let may_be_nothing = is_ours(data, known) || data["type"].as_u64() == Some(THREAD_STARTER);
    if kind.starts_with("MESSAGE_REACTION_") || kind.starts_with("MESSAGE_DELETE") {
        assert_eq!(mapped.len(), 1, "{mapped:?} of {data}");
    }
    if kind == "MESSAGE_CREATE" && !may_be_nothing {
        let is_told = matches!(
            mapped.as_slice(),
            [Mapped { event: RemoteEvent::Message(_) | RemoteEvent::Unknown { .. }, .. }]
        );
        assert!(is_told, "{mapped:?} of {data}");
    }
    for Mapped { event, cursor } in mapped {
        let cursor = cursor.map_or(Vec::new(), |cursor| vec![cursor.key, cursor.value]);
        assert!(cursor.iter().all(|id| is_id(id)), "{cursor:?} of {data}");
        assert!(ids(&event).iter().all(|id| id.as_str().split('/').all(is_id)), "{event:?} of {data}");
        let stored = Wire::write(&event).expect("an event has a stored form");
        assert_eq!(Wire::read::<RemoteEvent>(&stored).expect("it can be read"), event, "{data}");
    }
}

/// The messages that an event names.
fn ids(event: &RemoteEvent) -> Vec<RemoteMessageId> {
    match event {
        RemoteEvent::Message(new) | RemoteEvent::Edit { new, .. } | RemoteEvent::Preview(new) => {
            let RemoteMessage { id, message, .. } = new;
            [Some(id), message.reply_to.as_ref(), message.thread.as_ref()]
                .into_iter()
                .flatten()
                .cloned()
                .collect()
        }
        RemoteEvent::React { target, .. } | RemoteEvent::Unreact { target, .. } => vec![target.clone()],
        RemoteEvent::Redact { ids, .. } => ids.clone(),
        _ => Vec::new(),
    }
}

#[test]
fn every_single_break_of_every_kind_is_borne() {
    let (known, wrong) = (known(), wrong());
    let mut count = 0;
    for (kind, whole) in whole() {
        check(kind, &whole, &known);
        wrong.iter().for_each(|data| check(kind, data, &known));
        for way in ways(&whole) {
            for with in wrong.iter().map(Some).chain([None]) {
                let mut broken = whole.clone();
                break_at(&mut broken, &way, with);
                check(kind, &broken, &known);
                count += 1;
            }
        }
    }
    assert!(count > 3_000, "only {count} breaks were tried");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn many_breaks_at_once_are_borne(
        nth in any::<prop::sample::Index>(),
        breaks in prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(any::<prop::sample::Index>())), 1..12),
    ) {
        let (kinds, wrong) = (whole(), wrong());
        let (kind, whole) = &kinds[nth.index(kinds.len())];
        let (ways, mut data) = (ways(whole), whole.clone());
        for (way, with) in breaks {
            break_at(&mut data, &ways[way.index(ways.len())], with.map(|with| &wrong[with.index(wrong.len())]));
        }
        check(kind, &data, &known());
    }

    #[test]
    fn servers_are_learned_however_broken(
        breaks in prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(any::<prop::sample::Index>())), 1..8),
    ) {
        let wrong = wrong();
        let overwrites = json!([{"id": "9", "type": 0, "allow": "0", "deny": "1024"}]);
        let mut data = json!({
            "id": "9", "name": "Birds", "icon": "a", "owner_id": "4", "premium_tier": 3,
            "roles": [{"id": "9", "name": "@everyone", "permissions": "68608"}],
            "members": [{"user": {"id": "1"}, "roles": ["5"]}],
            "channels": [{"id": "3", "type": 0, "name": "general", "topic": "all", "permission_overwrites": overwrites}],
            "threads": [{"id": "12", "type": 11, "name": "nests", "parent_id": "3", "last_message_id": "13"}],
        });
        let ways = ways(&data);
        for (way, with) in breaks {
            break_at(&mut data, &ways[way.index(ways.len())], with.map(|with| &wrong[with.index(wrong.len())]));
        }
        let mut known = Known { me: "1".into(), ..Known::default() };
        known.learn_guild(&data);
        for channel in known.channels.keys().chain(known.guilds.keys()) {
            known.chat_info(channel);
            known.spot(channel);
            known.limits(channel, None);
        }
        check("MESSAGE_CREATE", &full(), &known);
    }
}
