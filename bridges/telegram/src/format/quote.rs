//! The part of a message to which somebody replies.
//!
//! Reference: <https://core.telegram.org/bots/api#textquote>.

use magpie_common::message::{Node, RichText};

use super::{Entity, Names, read};

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
