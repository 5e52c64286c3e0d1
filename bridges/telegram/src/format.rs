//! Telegram's formatting: from a text with its entities to the rich-text tree, and back.
//!
//! Telegram has no markup: a text is words, and entities say which stretches of it are bold, links or people. All their numbers count
//! UTF-16 code units. Reading never fails: an entity that makes no sense is left out, its words stay. Writing makes only entities that
//! may stand together, and puts a zero-width space into any words that Telegram would take for a mention.
//!
//! Reference: <https://core.telegram.org/bots/api#formatting-options>. Pure: this room must never look anything up by itself ([`Names`]
//! is passed in). Next: `entity` is the JSON; `segment` and `build` read, `render` and `cut` write, `quote` reads partial replies.

use magpie_common::{
    ids::{RemoteFileId, RemoteUserId},
    message::{MentionTarget, RichText},
};

pub use self::{
    entity::{Entity, Kind, User},
    quote::read_quote,
};

mod build;
mod cut;
mod entity;
#[cfg(test)]
mod properties;
mod quote;
mod render;
mod segment;
#[cfg(test)]
mod tests;
mod units;

/// The longest text of one message, in UTF-16 units.
pub const TEXT_UNITS_MAX: usize = 4096;

/// The longest words beside a file, in UTF-16 units.
pub const CAPTION_UNITS_MAX: usize = 1024;

/// More entities than this in one message are not shown by Telegram.
pub const ENTITIES_MAX: usize = 100;

/// A longer text is not ours to parse; it is shown as it is.
const PARSED_BYTES_MAX: usize = 128 * 1024;

/// Put where Telegram would otherwise read a mention into the text.
const ZERO_WIDTH: char = '\u{200b}';

/// Who is who. Answers from memory.
pub trait Names {
    /// The person with a username, which comes without `@` and in any case.
    fn person(&self, username: &str) -> Option<RemoteUserId>;
    /// The person with a number.
    fn user(&self, number: i64) -> RemoteUserId;
    /// A person's username, without `@`.
    fn username(&self, user: &RemoteUserId) -> Option<String>;
    /// A person's number.
    fn number(&self, user: &RemoteUserId) -> Option<i64>;
    /// The picture of a custom emoji.
    fn emoji(&self, custom_emoji_id: &str) -> RemoteFileId;
    /// The address under which Telegram opens a chat or a message, where there is one.
    fn address(&self, target: &MentionTarget) -> Option<String>;
}

/// One message's worth of written text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The words.
    pub text: String,
    /// How they look, in reading order.
    pub entities: Vec<Entity>,
}

/// Reads a text or a caption.
pub fn read(text: &str, entities: &[Entity], names: &dyn Names) -> RichText {
    let text = text.trim_end();
    if text.len() > PARSED_BYTES_MAX {
        return RichText::plain(&text.chars().filter_map(build::visible).collect::<String>());
    }
    RichText(build::nodes(text, &segment::marks(text, entities), names)).bounded()
}

/// Writes a text as one or more messages of at most `units_max` UTF-16 units each: [`TEXT_UNITS_MAX`] or [`CAPTION_UNITS_MAX`]. Nothing
/// when there is nothing to see.
pub fn write(text: &RichText, names: &dyn Names, units_max: usize) -> Vec<Part> {
    let draft = render::write(&text.clone().bounded().0, names);
    cut::parts(&draft, units_max)
}
