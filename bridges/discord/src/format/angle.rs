//! What stands between `<` and `>`: mentions, custom emoji, commands, dates, links without a preview.
//!
//! Next: `inline`, which asks here.

use magpie_common::{
    ids::{RemoteChatId, RemoteFileId, RemoteGroupId, RemoteMessageId, RemoteUserId},
    message::{FileSource, Mention, MentionTarget, Node, Person},
};

use super::{Names, Reading, inline::link_to};
use crate::place::Place;

/// Longer than any link that Discord keeps.
const INSIDE_BYTES_MAX: usize = 2100;

/// The node at the start of `rest`, which begins with `<`, and how many bytes it takes.
pub(super) fn read(rest: &str, reading: &Reading<'_>) -> Option<(Node, usize)> {
    let window = rest.as_bytes().get(1..rest.len().min(INSIDE_BYTES_MAX))?;
    let end = window.iter().position(|byte| matches!(byte, b'>' | b'<' | b'\n'))?;
    if window[end] != b'>' {
        return None;
    }
    let inside = rest.get(1..=end)?;
    Some((node(inside, reading)?, end + 2))
}

/// Whether `id` is spelled like a Discord id: a number of 64 bits, without a sign.
pub(crate) fn is_id(id: &str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_digit()) && id.parse::<u64>().is_ok()
}

/// The file id of a custom emoji's picture: its path on the CDN.
pub(super) fn emoji_file(id: &str, animated: bool) -> RemoteFileId {
    RemoteFileId::new(format!("emojis/{id}.{}", if animated { "gif" } else { "webp" }))
}

/// The emoji's id and whether it moves, from the file id that [`emoji_file`] made.
pub(super) fn emoji_of_file(file: &RemoteFileId) -> Option<(&str, bool)> {
    let (id, kind) = file.as_str().strip_prefix("emojis/")?.split_once('.')?;
    (is_id(id) && matches!(kind, "gif" | "webp")).then_some((id, kind == "gif"))
}

/// A link to a message: `https://discord.com/channels/{guild}/{channel}/{message}`, where a thread is a channel.
pub(super) fn message_link(url: &str, reading: &Reading<'_>) -> Option<Node> {
    let path = ["https://discord.com/", "https://ptb.discord.com/", "https://canary.discord.com/"]
        .iter()
        .chain(&["https://discordapp.com/"])
        .find_map(|host| url.strip_prefix(host))?
        .strip_prefix("channels/")?;
    let mut ids = path.split('/');
    let (guild, channel, message) = (ids.next()?, ids.next()?, ids.next()?);
    if ids.next().is_some() || !(is_id(guild) || guild == "@me") || !is_id(channel) || !is_id(message) {
        return None;
    }
    let label = reading.names.channel(channel).map_or_else(|| url.to_owned(), |name| format!("#{name}"));
    let (chat, message) = reading.names.message(channel, message);
    let target = MentionTarget::Message(chat, message);
    Some(Node::Mention(Mention { target, label }))
}

/// The same the other way, from how rooms name the message.
pub(crate) fn message_url(
    names: &dyn Names,
    chat: &RemoteChatId,
    message: &RemoteMessageId,
) -> Option<String> {
    let guild = names.guild_of(chat.as_str())?;
    let Place { channel, message } = Place::of(chat, message);
    Some(format!("https://discord.com/channels/{guild}/{channel}/{message}"))
}

fn node(inside: &str, reading: &Reading<'_>) -> Option<Node> {
    let (first, rest) = inside.split_at_checked(1)?;
    match first {
        "@" => user_or_role(rest, reading),
        "#" if is_id(rest) => {
            let label = reading.names.channel(rest).unwrap_or_else(|| rest.to_owned());
            Some(mention(MentionTarget::Chat(RemoteChatId::new(rest)), label))
        }
        ":" => emoji(rest, false),
        "/" => command(rest),
        "a" if rest.starts_with(':') => emoji(&rest[1..], true),
        "t" if rest.starts_with(':') => date(&rest[1..]),
        "i" => place(rest.strip_prefix("d:")?),
        _ => web_link(inside, reading),
    }
}

fn mention(target: MentionTarget, label: String) -> Node {
    Node::Mention(Mention { target, label })
}

fn user_or_role(rest: &str, reading: &Reading<'_>) -> Option<Node> {
    if let Some(id) = rest.strip_prefix('&') {
        let label = reading.names.role(id).unwrap_or_else(|| id.to_owned());
        return is_id(id).then(|| mention(MentionTarget::Group(RemoteGroupId::new(id)), label));
    }
    let id = rest.strip_prefix('!').unwrap_or(rest);
    let label = reading.names.user(id).unwrap_or_else(|| id.to_owned());
    is_id(id).then(|| mention(MentionTarget::Person(Person::Remote(RemoteUserId::new(id))), label))
}

fn emoji(rest: &str, animated: bool) -> Option<Node> {
    let (name, id) = rest.split_once(':')?;
    let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (named && is_id(id)).then(|| Node::CustomEmoji {
        name: name.to_owned(),
        source: FileSource::Remote(emoji_file(id, animated)),
    })
}

fn command(rest: &str) -> Option<Node> {
    let (name, id) = rest.rsplit_once(':')?;
    (!name.is_empty() && is_id(id)).then(|| Node::Text(format!("/{name}")))
}

fn place(name: &str) -> Option<Node> {
    let words = match name {
        "customize" => "Channels & Roles",
        "browse" => "Browse Channels",
        "guide" => "Server Guide",
        "linked-roles" => "Linked Roles",
        _ => return None,
    };
    Some(Node::Text(words.to_owned()))
}

fn web_link(inside: &str, reading: &Reading<'_>) -> Option<Node> {
    let is_web = inside.starts_with("https://") || inside.starts_with("http://");
    if !is_web || inside.contains(char::is_whitespace) {
        return None;
    }
    Some(message_link(inside, reading).unwrap_or_else(|| link_to(inside)))
}

/// Discord shows dates in the reader's zone; everybody in a room reads the same text, so it is UTC here.
fn date(rest: &str) -> Option<Node> {
    let (seconds, style) = rest.split_once(':').unwrap_or((rest, "f"));
    let seconds: i64 = seconds.parse().ok()?;
    // The range that Discord's own clients show: what a JavaScript date can hold.
    if seconds.unsigned_abs() > 8_640_000_000_000 {
        return None;
    }
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let (year, month, day) = civil(days);
    let words = match style {
        "t" => format!("{hour:02}:{minute:02} UTC"),
        "T" => format!("{hour:02}:{minute:02}:{second:02} UTC"),
        "d" | "D" => format!("{year:04}-{month:02}-{day:02}"),
        "f" | "F" | "R" | "s" | "S" => {
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
        }
        _ => return None,
    };
    Some(Node::Text(words))
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Days are counted from 1 March of year 0, so that a leap day is the last of its year.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
