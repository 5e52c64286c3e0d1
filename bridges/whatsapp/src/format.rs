//! WhatsApp's formatting: from its markup to the rich-text tree, and back.
//!
//! `*bold*`, `_italic_`, `~struck~`, `` `code` ``, ```` ```monospace``` ````, and lines that begin with `> `, `* `, `- ` or `1. `. A sign formats
//! only beside words: outside of it stands no letter or digit, inside of it no blank; and nothing inside a line reaches beyond it. WhatsApp
//! knows no way to write a sign that is only a sign, so a space without width is put behind one that would format and is not meant to.
//!
//! Reference: <https://faq.whatsapp.com/539178204879377>. Pure: who is who is asked of [`Names`]. Next: `read`, `write`, `cut`.

use magpie_common::{ids::RemoteUserId, message::RichText};

mod cut;
#[cfg(test)]
mod properties;
mod read;
#[cfg(test)]
mod tests;
mod write;

/// The longest text of one message, in characters.
pub const TEXT_CHARS_MAX: usize = 4096;

/// The longest words beside a file, in characters.
pub const CAPTION_CHARS_MAX: usize = 1024;

/// A longer text is not ours to parse; it is shown as it is.
const PARSED_BYTES_MAX: usize = 128 * 1024;

/// Put behind a sign that is only a sign.
const ZERO_WIDTH: char = '\u{200b}';

/// Who is who. Answers from memory.
pub trait Names {
    /// Whom `@` and these digits mean, and what they are called. Only those whom the message itself names beside its text.
    fn mentioned(&self, digits: &str) -> Option<(RemoteUserId, String)>;
    /// The digits by which a person is mentioned; `None` where they cannot be.
    fn digits(&self, user: &RemoteUserId) -> Option<String>;
}

/// Where nobody can be mentioned.
pub struct Nobody;

impl Names for Nobody {
    fn mentioned(&self, _: &str) -> Option<(RemoteUserId, String)> {
        None
    }

    fn digits(&self, _: &RemoteUserId) -> Option<String> {
        None
    }
}

/// One message's worth of written text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The words with their signs.
    pub text: String,
    /// Who is mentioned in it.
    pub mentions: Vec<RemoteUserId>,
}

/// Reads a text or a caption. Never fails: signs that make no sense are words.
pub fn read(text: &str, names: &dyn Names) -> RichText {
    let clean: String = text.trim_end().chars().filter_map(visible).collect();
    if clean.len() > PARSED_BYTES_MAX {
        return RichText::plain(&clean);
    }
    RichText(read::blocks(&clean, names)).bounded()
}

/// Writes a text as one or more messages of at most `chars_max` characters each: [`TEXT_CHARS_MAX`] or [`CAPTION_CHARS_MAX`]. Nothing when
/// there is nothing to see.
pub fn write(text: &RichText, names: &dyn Names, chars_max: usize) -> Vec<Part> {
    let mentions: Vec<_> =
        text.mentions().into_iter().filter_map(|mention| write::mentioned(mention, names)).collect();
    cut::parts(&write::markup(&text.clone().bounded().0, names), &mentions, chars_max)
}

/// Whether a character is a blank, beside which signs mean nothing.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == ZERO_WIDTH
}

/// Whether a character is one of the signs that format within a line.
fn is_sign(c: char) -> bool {
    matches!(c, '*' | '_' | '~' | '`')
}

/// Whether a sign at a place of a line opens something: no letter is before it, and no blank behind it.
fn opens(sign: char, before: Option<char>, after: Option<char>) -> bool {
    !before.is_some_and(|c| c.is_alphanumeric() || c == sign)
        && after.is_some_and(|c| c != sign && (sign == '`' && c != ZERO_WIDTH || !is_blank(c)))
}

/// Whether a sign at a place of a line closes something: no blank is before it, and no letter behind it.
fn closes(sign: char, before: char, after: Option<char>) -> bool {
    before != sign
        && (sign == '`' || !is_blank(before))
        && !after.is_some_and(|c| c.is_alphanumeric() || c == sign)
}

/// A character as people see it: white space is a space, and what nobody sees is nothing.
fn visible(c: char) -> Option<char> {
    match c {
        '\n' => Some(c),
        '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => None,
        c => Some(c),
    }
}
