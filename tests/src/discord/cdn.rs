//! The CDN: pictures for every hash that something in the world bears.
//!
//! Each is a real PNG of one color that follows from its hash, so that a test can tell two pictures apart. A Lottie sticker is a drawing
//! of a square in its color. Unknown hashes are not found, as on Discord.

use std::io::Write;

use axum::{body::Body, response::Response};
use flate2::{Compression, Crc, write::ZlibEncoder};
use serde_json::json;

use super::{
    model::{Author, Records},
    rest::webhook_messages::picture_hash,
    snowflake::Snowflake,
};

const SIDE: u32 = 16;

/// The side of a drawing.
pub const DRAWING_SIDE: u32 = 64;

/// Discord's number for stickers that are drawings.
const LOTTIE: u8 = 3;

/// Serves a path below the CDN's base.
pub(crate) fn serve(records: &Records, path: &str) -> Response {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let Some((name, folders)) = segments.split_last() else { return not_found() };
    let (stem, ending) = name.rsplit_once('.').unwrap_or((*name, ""));
    let is_known = match folders {
        ["embed", "avatars"] => stem.parse::<u8>().is_ok_and(|number| number < 6),
        ["avatars", id] => owns_avatar(records, id, stem),
        ["icons", guild] => id(guild).and_then(|id| records.guilds.get(&id)?.icon.as_deref()) == Some(stem),
        ["guilds", guild, "users", user, "avatars"] => {
            let member = id(guild)
                .zip(id(user))
                .and_then(|(guild, user)| records.guilds.get(&guild)?.members.get(&user));
            member.and_then(|member| member.avatar.as_deref()) == Some(stem)
        }
        ["emojis"] => {
            id(stem).is_some_and(|id| records.guilds.values().any(|it| it.emojis.contains_key(&id)))
        }
        ["stickers"] if ending == "json" => {
            let is_drawn = id(stem).is_some_and(|id| sticker_format(records, id) == Some(LOTTIE));
            return if is_drawn { found("application/json", drawing(path)) } else { not_found() };
        }
        ["stickers"] => {
            id(stem).is_some_and(|id| sticker_format(records, id).is_some_and(|format| format != LOTTIE))
        }
        _ => false,
    };
    if !is_known {
        return not_found();
    }
    found("image/png", picture(path))
}

fn found(mime: &str, bytes: Vec<u8>) -> Response {
    let response = Response::builder().header("Content-Type", mime);
    response.body(Body::from(bytes)).expect("the header is well formed")
}

/// The color that belongs to a path below the base.
pub fn color(path: &str) -> [u8; 3] {
    let hash = picture_hash(path.trim_matches('/'));
    let color = hash.as_bytes();
    [color[0], color[1], color[2]]
}

/// The Lottie drawing that belongs to a path below the base: a square that fills the middle of the canvas and moves a little to the right.
pub fn drawing(path: &str) -> Vec<u8> {
    let color = color(path).map(|part| f64::from(part) / 255.0);
    let middle = json!([DRAWING_SIDE / 2, DRAWING_SIDE / 2]);
    let right = json!([DRAWING_SIDE / 2 + 4, DRAWING_SIDE / 2]);
    let place = json!([{"t": 0, "s": middle}, {"t": 30, "s": right}]);
    let square = json!([
        {"ty": "rc", "p": {"a": 0, "k": [0, 0]}, "s": {"a": 0, "k": [DRAWING_SIDE / 2, DRAWING_SIDE / 2]}},
        {"ty": "fl", "c": {"a": 0, "k": color}, "o": {"a": 0, "k": 100}},
    ]);
    let layer = json!({"ty": 4, "ip": 0, "op": 30, "ks": {"p": {"a": 1, "k": place}}, "shapes": square});
    let (width, height) = (DRAWING_SIDE, DRAWING_SIDE);
    let whole =
        json!({"v": "5.5.7", "w": width, "h": height, "ip": 0, "op": 30, "fr": 30, "layers": [layer]});
    whole.to_string().into_bytes()
}

/// The PNG that belongs to a path below the base.
pub fn picture(path: &str) -> Vec<u8> {
    let row: Vec<u8> = std::iter::once(0).chain(color(path).repeat(SIDE as usize)).collect();
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&row.repeat(SIDE as usize)).expect("writing to memory does not fail");
    let packed = packed.finish().expect("writing to memory does not fail");
    let (width, height) = (SIDE.to_be_bytes(), SIDE.to_be_bytes());
    // Eight bits per channel, red-green-blue, no interlacing.
    let header = [&width[..], &height[..], &[8, 2, 0, 0, 0]].concat();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in [(b"IHDR", header), (b"IDAT", packed), (b"IEND", Vec::new())] {
        png.extend(u32::try_from(data.len()).expect("the picture is small").to_be_bytes());
        let mut sum = Crc::new();
        sum.update(name);
        sum.update(&data);
        png.extend(name);
        png.extend(data);
        png.extend(sum.sum().to_be_bytes());
    }
    png
}

fn owns_avatar(records: &Records, owner: &str, hash: &str) -> bool {
    let Some(owner) = id(owner) else { return false };
    let of_user = records.users.get(&owner).and_then(|user| user.avatar.as_deref());
    let of_webhook = records.webhooks.get(&owner).and_then(|hook| hook.avatar.as_deref());
    let of_message = || {
        let messages = records.channels.values().flat_map(|channel| channel.messages.values());
        let mut authors = messages.map(|message| &message.author);
        authors.any(|author| matches!(author, Author::Webhook { id, avatar: Some(it), .. } if *id == owner && it == hash))
    };
    of_user == Some(hash) || of_webhook == Some(hash) || of_message()
}

fn sticker_format(records: &Records, id: Snowflake) -> Option<u8> {
    let messages = records.channels.values().flat_map(|channel| channel.messages.values());
    messages
        .flat_map(|message| &message.stickers)
        .find(|sticker| sticker.id == id)
        .map(|sticker| sticker.format)
}

fn id(text: &str) -> Option<Snowflake> {
    text.parse().ok()
}

fn not_found() -> Response {
    Response::builder().status(404).body(Body::empty()).expect("the status is well formed")
}
