//! Discord's markup: from a message's content to the rich-text tree, and back.
//!
//! Discord has no specification of its markup; the rules here follow what its clients show. Reading never fails: what is no
//! markup is text. Writing escapes everything that somebody could mistake for markup, makes mentions from ids only, and puts a
//! zero-width space into any text that would ping somebody or turn into a mention.
//!
//! Pure: this room must never look anything up by itself ([`Names`] is passed in). Next: `blocks` and `inline` read, `render`
//! writes, `split` cuts what is too long for one message.

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::RichText,
};

pub(crate) use self::angle::{is_id, message_url};
pub use self::render::AllowedMentions;

mod angle;
mod blocks;
mod emphasis;
mod escape;
mod inline;
#[cfg(test)]
mod properties;
mod render;
mod shape;
mod split;
#[cfg(test)]
mod tests;

/// The longest content of one message, in UTF-16 units: never more than what Discord counts as characters.
pub const CONTENT_UNITS_MAX: usize = 2000;

/// Content longer than Discord itself allows is not ours to parse; it is shown as it is.
const PARSED_BYTES_MAX: usize = 32 * 1024;

/// Put where Discord would otherwise read something into the text.
const ZERO_WIDTH: char = '\u{200b}';

/// What the numbers in mentions are called. Answers from memory.
pub trait Names {
    /// A person's name.
    fn user(&self, id: &str) -> Option<String>;
    /// A role's name.
    fn role(&self, id: &str) -> Option<String>;
    /// A channel's name, without `#`.
    fn channel(&self, id: &str) -> Option<String>;
    /// The guild that a channel belongs to, as links spell it.
    fn guild_of(&self, channel: &str) -> Option<String>;
    /// How rooms name a message of a channel or thread.
    fn message(&self, channel: &str, message: &str) -> (RemoteChatId, RemoteMessageId);
}

/// What is known of the message whose content is read.
pub struct Reading<'a> {
    /// Names for mentions.
    pub names: &'a dyn Names,
    /// Whether Discord says that the sender was allowed to mention everybody, and did.
    pub everyone: bool,
}

/// One message's worth of written text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The `content` field.
    pub content: String,
    /// Who may be pinged by it.
    pub allowed: AllowedMentions,
}

/// Reads a message's content.
pub fn read(content: &str, reading: &Reading<'_>) -> RichText {
    let content: String = content.chars().filter_map(escape::printable).collect();
    if content.len() > PARSED_BYTES_MAX {
        return RichText::plain(&content);
    }
    RichText(blocks::read(content.trim_end(), reading, blocks::Place::Top)).bounded()
}

/// Writes a text as one or more messages, each within [`CONTENT_UNITS_MAX`]. Nothing when there is nothing to see.
pub fn write(text: &RichText, names: &dyn Names) -> Vec<Part> {
    let text = text.clone().bounded();
    split::parts(&text.0, names, CONTENT_UNITS_MAX)
}

/// A name as ordinary words within markup.
pub fn escaped(words: &str) -> String {
    escape::text(words, escape::At::LineStart)
}
