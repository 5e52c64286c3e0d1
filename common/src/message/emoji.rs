//! Emoji of reactions: one spelling for each, whichever side it comes from.
//!
//! Many emoji are old symbols that become pictures only with the variation selector U+FE0F behind them; some programs write it, others
//! leave it out. Here every emoji has it exactly where Unicode's fully-qualified form has it
//! (<https://www.unicode.org/reports/tr51/#def_fully_qualified_emoji_zwj_sequence>).

use serde::{Deserialize, Serialize};

use super::{FileSource, Node, RichText};

/// The mark that asks for the picture instead of the symbol.
const SELECTOR: char = '\u{fe0f}';

/// The frame that makes a key of a digit.
const KEYCAP: char = '\u{20e3}';

/// Longer than any emoji; what is longer is cut, since it can only be somebody's own words.
const EMOJI_CHARS_MAX: usize = 64;

/// What a reaction shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Emoji {
    /// One that everybody has, or words where a side allows them. Make it with [`Emoji::unicode`].
    Unicode(String),
    /// One that only the network, or only Matrix, has.
    Custom {
        /// Its name, without colons.
        name: String,
        /// Its picture.
        source: FileSource,
    },
}

impl Emoji {
    /// An emoji in its full spelling, whatever selectors it came with.
    pub fn unicode(spelled: &str) -> Self {
        let bare = spelled.chars().filter(|c| *c != SELECTOR && !c.is_control());
        let mut rest = bare.take(EMOJI_CHARS_MAX).peekable();
        let mut full = String::with_capacity(spelled.len() + SELECTOR.len_utf8());
        while let Some(c) = rest.next() {
            full.push(c);
            let next = rest.peek().copied();
            let is_key = matches!(c, '0'..='9' | '#' | '*') && next == Some(KEYCAP);
            let is_toned = matches!(next, Some('\u{1f3fb}'..='\u{1f3ff}'));
            if is_key || is_symbol(c) && !is_toned {
                full.push(SELECTOR);
            }
        }
        Self::Unicode(full)
    }

    /// What tells it from others: the same text for the same emoji, whichever copy of its picture is meant.
    pub fn key(&self) -> String {
        match self {
            Self::Unicode(emoji) => emoji.clone(),
            Self::Custom { source: FileSource::Remote(file), .. } => file.to_string(),
            Self::Custom { source: FileSource::Matrix(mxc), .. } => mxc.to_string(),
        }
    }
}

impl RichText {
    /// Where the pictures of its custom emoji are.
    pub fn emoji_sources_mut(&mut self) -> Vec<&mut FileSource> {
        let mut found = Vec::new();
        collect_sources(&mut self.0, &mut found);
        found
    }
}

fn collect_sources<'a>(nodes: &'a mut [Node], found: &mut Vec<&'a mut FileSource>) {
    for node in nodes {
        match node {
            Node::CustomEmoji { source, .. } => found.push(source),
            Node::List { items, .. } => items.iter_mut().for_each(|item| collect_sources(item, found)),
            Node::Strong(children)
            | Node::Emphasis(children)
            | Node::Strike(children)
            | Node::Underline(children)
            | Node::Quote(children)
            | Node::Spoiler { children, .. }
            | Node::Link { children, .. }
            | Node::Heading { children, .. } => collect_sources(children, found),
            Node::Text(_) | Node::Code(_) | Node::CodeBlock { .. } | Node::Mention(_) | Node::LineBreak => {}
        }
    }
}

/// Whether a character is a symbol unless a selector follows.
fn is_symbol(c: char) -> bool {
    let after = SYMBOLS.partition_point(|(first, _)| *first <= c);
    after > 0 && c <= SYMBOLS[after - 1].1
}

/// First and last of each run of such symbols, from Unicode's emoji-variation-sequences.
const SYMBOLS: [(char, char); 116] = [
    ('\u{a9}', '\u{a9}'),
    ('\u{ae}', '\u{ae}'),
    ('\u{203c}', '\u{203c}'),
    ('\u{2049}', '\u{2049}'),
    ('\u{2122}', '\u{2122}'),
    ('\u{2139}', '\u{2139}'),
    ('\u{2194}', '\u{2199}'),
    ('\u{21a9}', '\u{21aa}'),
    ('\u{2328}', '\u{2328}'),
    ('\u{23cf}', '\u{23cf}'),
    ('\u{23ed}', '\u{23ef}'),
    ('\u{23f1}', '\u{23f2}'),
    ('\u{23f8}', '\u{23fa}'),
    ('\u{24c2}', '\u{24c2}'),
    ('\u{25aa}', '\u{25ab}'),
    ('\u{25b6}', '\u{25b6}'),
    ('\u{25c0}', '\u{25c0}'),
    ('\u{25fb}', '\u{25fc}'),
    ('\u{2600}', '\u{2604}'),
    ('\u{260e}', '\u{260e}'),
    ('\u{2611}', '\u{2611}'),
    ('\u{2618}', '\u{2618}'),
    ('\u{261d}', '\u{261d}'),
    ('\u{2620}', '\u{2620}'),
    ('\u{2622}', '\u{2623}'),
    ('\u{2626}', '\u{2626}'),
    ('\u{262a}', '\u{262a}'),
    ('\u{262e}', '\u{262f}'),
    ('\u{2638}', '\u{263a}'),
    ('\u{2640}', '\u{2640}'),
    ('\u{2642}', '\u{2642}'),
    ('\u{265f}', '\u{2660}'),
    ('\u{2663}', '\u{2663}'),
    ('\u{2665}', '\u{2666}'),
    ('\u{2668}', '\u{2668}'),
    ('\u{267b}', '\u{267b}'),
    ('\u{267e}', '\u{267e}'),
    ('\u{2692}', '\u{2692}'),
    ('\u{2694}', '\u{2697}'),
    ('\u{2699}', '\u{2699}'),
    ('\u{269b}', '\u{269c}'),
    ('\u{26a0}', '\u{26a0}'),
    ('\u{26a7}', '\u{26a7}'),
    ('\u{26b0}', '\u{26b1}'),
    ('\u{26c8}', '\u{26c8}'),
    ('\u{26cf}', '\u{26cf}'),
    ('\u{26d1}', '\u{26d1}'),
    ('\u{26d3}', '\u{26d3}'),
    ('\u{26e9}', '\u{26e9}'),
    ('\u{26f0}', '\u{26f1}'),
    ('\u{26f4}', '\u{26f4}'),
    ('\u{26f7}', '\u{26f9}'),
    ('\u{2702}', '\u{2702}'),
    ('\u{2708}', '\u{2709}'),
    ('\u{270c}', '\u{270d}'),
    ('\u{270f}', '\u{270f}'),
    ('\u{2712}', '\u{2712}'),
    ('\u{2714}', '\u{2714}'),
    ('\u{2716}', '\u{2716}'),
    ('\u{271d}', '\u{271d}'),
    ('\u{2721}', '\u{2721}'),
    ('\u{2733}', '\u{2734}'),
    ('\u{2744}', '\u{2744}'),
    ('\u{2747}', '\u{2747}'),
    ('\u{2763}', '\u{2764}'),
    ('\u{27a1}', '\u{27a1}'),
    ('\u{2934}', '\u{2935}'),
    ('\u{2b05}', '\u{2b07}'),
    ('\u{3030}', '\u{3030}'),
    ('\u{303d}', '\u{303d}'),
    ('\u{3297}', '\u{3297}'),
    ('\u{3299}', '\u{3299}'),
    ('\u{1f170}', '\u{1f171}'),
    ('\u{1f17e}', '\u{1f17f}'),
    ('\u{1f202}', '\u{1f202}'),
    ('\u{1f237}', '\u{1f237}'),
    ('\u{1f321}', '\u{1f321}'),
    ('\u{1f324}', '\u{1f32c}'),
    ('\u{1f336}', '\u{1f336}'),
    ('\u{1f37d}', '\u{1f37d}'),
    ('\u{1f396}', '\u{1f397}'),
    ('\u{1f399}', '\u{1f39b}'),
    ('\u{1f39e}', '\u{1f39f}'),
    ('\u{1f3cb}', '\u{1f3ce}'),
    ('\u{1f3d4}', '\u{1f3df}'),
    ('\u{1f3f3}', '\u{1f3f3}'),
    ('\u{1f3f5}', '\u{1f3f5}'),
    ('\u{1f3f7}', '\u{1f3f7}'),
    ('\u{1f43f}', '\u{1f43f}'),
    ('\u{1f441}', '\u{1f441}'),
    ('\u{1f4fd}', '\u{1f4fd}'),
    ('\u{1f549}', '\u{1f54a}'),
    ('\u{1f56f}', '\u{1f570}'),
    ('\u{1f573}', '\u{1f579}'),
    ('\u{1f587}', '\u{1f587}'),
    ('\u{1f58a}', '\u{1f58d}'),
    ('\u{1f590}', '\u{1f590}'),
    ('\u{1f5a5}', '\u{1f5a5}'),
    ('\u{1f5a8}', '\u{1f5a8}'),
    ('\u{1f5b1}', '\u{1f5b2}'),
    ('\u{1f5bc}', '\u{1f5bc}'),
    ('\u{1f5c2}', '\u{1f5c4}'),
    ('\u{1f5d1}', '\u{1f5d3}'),
    ('\u{1f5dc}', '\u{1f5de}'),
    ('\u{1f5e1}', '\u{1f5e1}'),
    ('\u{1f5e3}', '\u{1f5e3}'),
    ('\u{1f5e8}', '\u{1f5e8}'),
    ('\u{1f5ef}', '\u{1f5ef}'),
    ('\u{1f5f3}', '\u{1f5f3}'),
    ('\u{1f5fa}', '\u{1f5fa}'),
    ('\u{1f6cb}', '\u{1f6cb}'),
    ('\u{1f6cd}', '\u{1f6cf}'),
    ('\u{1f6e0}', '\u{1f6e5}'),
    ('\u{1f6e9}', '\u{1f6e9}'),
    ('\u{1f6f0}', '\u{1f6f0}'),
    ('\u{1f6f3}', '\u{1f6f3}'),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn full(spelled: &str) -> String {
        Emoji::unicode(spelled).key()
    }

    #[test]
    fn every_spelling_becomes_the_full_one() {
        let table = [
            ("👍", "👍"),
            ("👍\u{fe0f}", "👍"),
            ("❤", "❤\u{fe0f}"),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
            ("☝🏽", "☝🏽"),
            ("☝", "☝\u{fe0f}"),
            ("1\u{20e3}", "1\u{fe0f}\u{20e3}"),
            ("1", "1"),
            ("👁\u{200d}🗨", "👁\u{fe0f}\u{200d}🗨\u{fe0f}"),
            ("🏳\u{200d}🌈", "🏳\u{fe0f}\u{200d}🌈"),
            ("❤\u{200d}🔥", "❤\u{fe0f}\u{200d}🔥"),
            ("🧑🏿\u{200d}⚕", "🧑🏿\u{200d}⚕\u{fe0f}"),
            ("🇩🇪", "🇩🇪"),
            ("yes\n", "yes"),
        ];
        for (spelled, expected) in table {
            assert_eq!(full(spelled), expected, "{spelled:?}");
            assert_eq!(full(expected), expected, "twice: {spelled:?}");
        }
        assert!(SYMBOLS.windows(2).all(|pair| pair[0].1 < pair[1].0), "the table is in order");
    }

    #[test]
    fn a_stored_emoji_is_plain_text_or_names_its_picture() {
        let old: Emoji = serde_json::from_str("\"👍\"").unwrap();
        assert_eq!(old, Emoji::unicode("👍"));
        let custom =
            Emoji::Custom { name: "wave".into(), source: FileSource::Matrix("mxc://e.org/a".into()) };
        let stored = serde_json::to_string(&custom).unwrap();
        assert_eq!(serde_json::from_str::<Emoji>(&stored).unwrap(), custom);
    }
}
