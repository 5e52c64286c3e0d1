//! The part of a message to which somebody replies.
//!
//! Reference: <https://core.telegram.org/bots/api#replyparameters>, <https://core.telegram.org/bots/api#textquote>.

use magpie_common::message::{Node, RichText};

use super::{Entity, Kind, Names, read, units::units};

/// The longest quotation, in UTF-16 units: never more than what Telegram counts as characters.
const QUOTATION_UNITS_MAX: usize = 1024;

/// A stretch of a message, as `reply_parameters` want it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quotation {
    /// `quote`: the words, exactly as they stand in the message.
    pub text: String,
    /// `quote_entities`: how they look there, without which Telegram does not find them.
    pub entities: Vec<Entity>,
    /// `quote_position`: where they begin, in UTF-16 units.
    pub position: usize,
}

/// Reads the `quote` of a message. `None` when there is nothing to see.
pub fn read_quote(text: &str, entities: &[Entity], names: &dyn Names) -> Option<Node> {
    let RichText(nodes) = read(text, entities, names);
    // A quotation within a quotation says nothing more.
    let nodes = match <[Node; 1]>::try_from(nodes) {
        Ok([Node::Quote(inside)]) => inside,
        Ok([node]) => vec![node],
        Err(nodes) => nodes,
    };
    (!RichText(nodes.clone()).is_blank()).then_some(Node::Quote(nodes))
}

/// Finds words in a message. `None` when they do not stand there in one piece, or are all of it, or too long.
pub fn quotation(text: &str, entities: &[Entity], words: &str) -> Option<Quotation> {
    let words = words.trim();
    let length = units(words);
    if words.is_empty() || words == text.trim() || length > QUOTATION_UNITS_MAX {
        return None;
    }
    let position = units(&text[..text.find(words)?]);
    let within = |entity: &Entity| {
        let start = entity.offset.max(position);
        let end = entity.offset.saturating_add(entity.length).min(position + length);
        let is_kept = entity.kind.is_style()
            || matches!(entity.kind, Kind::Spoiler | Kind::CustomEmoji { .. } | Kind::DateTime { .. });
        let (offset, kind) = (start.saturating_sub(position), entity.kind.clone());
        (is_kept && start < end).then(|| Entity { kind, offset, length: end - start })
    };
    let entities = entities.iter().filter_map(within).collect();
    Some(Quotation { text: words.to_owned(), entities, position })
}
