//! Files of messages: where they are, for how long, and the bytes behind the address.
//!
//! As on Discord an address is signed and expires; whoever wants the file later must read the message again. Large files are never held:
//! those of people are made as they are read, those of the bot are counted and summed as they come.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::stream;

use super::{
    DiscordSim, Snowflake,
    model::{File, FileBytes, Records},
    rest::webhook_messages::picture_hash,
};

/// A piece of a file that is made as it is read.
const PIECE_BYTES: u64 = 64 * 1024;

/// The largest file that a guild takes, by its boosts: <https://discord.com/developers/docs/reference#uploading-files>.
const TIER_BYTES_MAX: [u64; 4] = [10 * MEBIBYTE, 10 * MEBIBYTE, 50 * MEBIBYTE, 100 * MEBIBYTE];
const MEBIBYTE: u64 = 1024 * 1024;

/// The address of a file as it is now.
pub(crate) fn address(records: &Records, channel: Snowflake, file: &File) -> String {
    let path = format!("attachments/{channel}/{}/{}", file.id, url_name(&file.filename));
    let (base, age) = (&records.cdn, records.addresses_age);
    format!("{base}/{path}?ex={age:x}&is=0&hm={}", signature(&path, age))
}

/// Serves a path below the CDN's base; `None` when it is no file of a message.
pub(crate) fn serve(records: &Records, path: &str, query: &str) -> Option<Response> {
    let path = path.trim_matches('/');
    let segments: Vec<&str> = path.split('/').collect();
    let ["attachments", channel, id, _name] = segments.as_slice() else { return None };
    let signed = format!("ex={:x}&is=0&hm={}", records.addresses_age, signature(path, records.addresses_age));
    let (channel, id): (Snowflake, Snowflake) = (channel.parse().ok()?, id.parse().ok()?);
    let messages = records.channels.get(&channel).into_iter().flat_map(|channel| channel.messages.values());
    let found = messages.flat_map(|message| &message.files).find(|file| file.id == id);
    let Some(file) = found.filter(|_| query == signed) else { return Some(empty(404)) };
    let mime = file.content_type.as_deref().unwrap_or("application/octet-stream");
    let response =
        Response::builder().header("Content-Type", mime).header("Content-Length", file.bytes.size());
    let body = match &file.bytes {
        FileBytes::Kept(bytes) => Body::from(bytes.clone()),
        FileBytes::Made { size, byte } => made(*size, *byte),
        FileBytes::Counted { .. } => return Some(empty(410)),
    };
    Some(response.body(body).unwrap_or_else(|_| empty(500)))
}

/// The largest file that a guild takes now.
pub(crate) fn bytes_max(records: &Records, guild: Snowflake) -> u64 {
    let tier = records.guilds.get(&guild).map_or(0, |guild| usize::from(guild.premium_tier));
    records.file_bytes_max.unwrap_or(TIER_BYTES_MAX[tier.min(TIER_BYTES_MAX.len() - 1)])
}

/// Width and height of a PNG.
pub(crate) fn dimensions(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return None;
    }
    Some((number(16)?, number(20)?))
}

impl DiscordSim {
    /// Every address of a file that was given out until now is of no use any more.
    pub fn file_addresses_expire(&self) {
        self.inner.change(|state| state.records.addresses_age += 1);
    }

    /// Lets every guild take files of this size.
    pub fn takes_files_of(&self, bytes_max: u64) {
        self.inner.change(|state| state.records.file_bytes_max = Some(bytes_max));
    }
}

fn made(size: u64, byte: u8) -> Body {
    let piece = Bytes::from(vec![byte; usize::try_from(PIECE_BYTES).unwrap_or_default()]);
    let pieces = stream::unfold(size, move |left| {
        let now = left.min(PIECE_BYTES);
        let piece = piece.slice(..usize::try_from(now).unwrap_or_default());
        std::future::ready((now > 0).then(|| (Ok::<_, std::io::Error>(piece), left - now)))
    });
    Body::from_stream(pieces)
}

fn signature(path: &str, age: u32) -> String {
    picture_hash(&format!("{age} {path}"))
}

/// Discord keeps letters, digits, `_`, `-` and `.` of a name; the rest becomes `_`.
fn url_name(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' };
    let name: String = name.chars().map(kept).collect();
    if name.is_empty() { "unknown".to_owned() } else { name }
}

fn empty(status: u16) -> Response {
    Response::builder().status(status).body(Body::empty()).expect("the status is well formed")
}
