//! The CDN: pictures for every hash that something in the world bears.
//!
//! Each is a real PNG of one color that follows from its hash, so that a test can tell two pictures apart. Unknown hashes
//! are not found, as on Discord.

use std::io::Write;

use axum::{body::Body, response::Response};
use flate2::{Compression, Crc, write::ZlibEncoder};

use super::{
    model::{Author, Records},
    rest::webhook_messages::picture_hash,
    snowflake::Snowflake,
};

const SIDE: u32 = 16;

/// Serves a path below the CDN's base.
pub(crate) fn serve(records: &Records, path: &str) -> Response {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let Some((name, folders)) = segments.split_last() else { return not_found() };
    let stem = name.rsplit_once('.').map_or(*name, |(stem, _)| stem);
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
        ["stickers"] => id(stem).is_some_and(|id| has_sticker(records, id)),
        _ => false,
    };
    if !is_known {
        return not_found();
    }
    let response = Response::builder().header("Content-Type", "image/png");
    response.body(Body::from(picture(path))).expect("the header is well formed")
}

/// The PNG that belongs to a path below the base.
pub fn picture(path: &str) -> Vec<u8> {
    let hash = picture_hash(path.trim_matches('/'));
    let color = hash.as_bytes();
    let row: Vec<u8> =
        std::iter::once(0).chain([color[0], color[1], color[2]].repeat(SIDE as usize)).collect();
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

fn has_sticker(records: &Records, id: Snowflake) -> bool {
    let messages = records.channels.values().flat_map(|channel| channel.messages.values());
    messages.flat_map(|message| &message.stickers).any(|sticker| sticker.id == id)
}

fn id(text: &str) -> Option<Snowflake> {
    text.parse().ok()
}

fn not_found() -> Response {
    Response::builder().status(404).body(Body::empty()).expect("the status is well formed")
}
