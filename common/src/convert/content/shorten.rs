//! What to do with a content that is too large for an event.
//!
//! First the formatting goes, then the end of the words, last the pings; what went is told. Must never cut inside a character.
//! Next: `write.rs`.

use serde_json::{Map, Value, json};

use crate::convert::words::cut;

/// What was left out so that a content fits into an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shortened {
    /// Nothing.
    #[default]
    No,
    /// The formatting; all words are there.
    FormattingDropped,
    /// The formatting and the end of the words.
    TextCut {
        /// How many characters are missing.
        chars_lost: usize,
        /// Whether nobody is pinged any more, because there were too many to leave room for words.
        pings_lost: bool,
    },
}

const MARK: &str = " […]";

/// Makes `content` fit into `bytes_max`.
pub(super) fn shorten(content: &mut Map<String, Value>, bytes_max: usize) -> Shortened {
    if size(content) <= bytes_max {
        return Shortened::No;
    }
    content.remove("format");
    content.remove("formatted_body");
    if size(content) <= bytes_max {
        return Shortened::FormattingDropped;
    }
    let Some(Value::String(body)) = content.insert("body".to_owned(), json!("")) else {
        return Shortened::FormattingDropped;
    };
    let pings_lost = size(content) > bytes_max / 2;
    if pings_lost {
        content.insert("m.mentions".to_owned(), json!({}));
    }
    let room = bytes_max.saturating_sub(size(content) + MARK.len());
    let kept = fitting(&body, room);
    let chars_lost = body[kept.len()..].chars().count();
    content.insert("body".to_owned(), json!(format!("{kept}{MARK}")));
    Shortened::TextCut { chars_lost, pings_lost }
}

pub(super) fn size(content: &Map<String, Value>) -> usize {
    serde_json::to_string(content).map_or(usize::MAX, |json| json.len())
}

/// The longest beginning that takes at most `bytes_max` bytes as JSON, where some characters take more than by themselves.
fn fitting(words: &str, bytes_max: usize) -> &str {
    let mut taken = 0;
    let end = words.char_indices().find(|(_, c)| {
        taken += match c {
            '"' | '\\' | '\n' | '\t' => 2,
            c if c.is_control() => 6,
            c => c.len_utf8(),
        };
        taken > bytes_max
    });
    cut(words, end.map_or(words.len(), |(at, _)| at))
}
