//! Text as Telegram counts it: in UTF-16 code units.

use serde_json::{Value, json};

/// The length of a text.
pub fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A part of a text; none when it is not inside or splits a character.
pub fn part(text: &str, offset: usize, length: usize) -> Option<String> {
    let units: Vec<u16> = text.encode_utf16().skip(offset).take(length).collect();
    let is_inside = units.len() == length && offset + length <= self::length(text);
    let is_split =
        |at: usize| text.encode_utf16().nth(at).is_some_and(|unit| (0xDC00..0xE000).contains(&unit));
    if !is_inside || is_split(offset) || is_split(offset + length) {
        return None;
    }
    String::from_utf16(&units).ok()
}

/// What is wrong with entities of a text, in Telegram's words.
pub(crate) fn entities_problem(text: &str, entities: &[Value]) -> Option<String> {
    let end = length(text);
    for entity in entities {
        let number = |name: &str| entity[name].as_i64().and_then(|it| usize::try_from(it).ok());
        let (Some(offset), Some(length)) = (number("offset"), number("length")) else {
            return Some("can't parse entities: an entity needs an offset and a length".to_owned());
        };
        if length == 0 || offset >= end {
            return Some(format!("entity begins after the end of the text at UTF-16 offset {offset}"));
        }
        if offset + length > end {
            return Some(format!(
                "entity beginning at UTF-16 offset {offset} ends after the end of the text at UTF-16 offset {end}"
            ));
        }
        if part(text, offset, length).is_none() {
            return Some(format!("entity beginning at UTF-16 offset {offset} splits a UTF-16 symbol"));
        }
    }
    None
}

/// A text as it is stored: control characters are spaces, white space at both ends is gone, entities have moved along.
pub(crate) fn cleaned(text: &str, entities: &[Value]) -> (String, Vec<Value>) {
    let plain = |c: char| if c.is_ascii_control() && c != '\n' && c != '\t' { ' ' } else { c };
    let text: String = text.chars().map(plain).collect();
    let start = length(&text) - length(text.trim_start());
    let trimmed = text.trim().to_owned();
    let end = length(&trimmed);
    let moved = entities.iter().filter_map(|entity| {
        let from = usize::try_from(entity["offset"].as_u64()?).ok()?;
        let to = (from + usize::try_from(entity["length"].as_u64()?).ok()?).saturating_sub(start).min(end);
        let from = from.saturating_sub(start);
        let mut entity = entity.clone();
        (entity["offset"], entity["length"]) = (json!(from), json!(to.saturating_sub(from)));
        (to > from).then_some(entity)
    });
    let moved = moved.collect();
    (trimmed, moved)
}

/// The entities that Telegram finds by itself: commands, mentions, hashtags, addresses. Those overlapping with `given` are left out.
pub(crate) fn with_found(text: &str, given: Vec<Value>) -> Vec<Value> {
    let mut all = given;
    let mut at = 0;
    for word in text.split_inclusive(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | ';')) {
        let whole = word.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | ';'));
        if let Some((kind, found)) = recognize(whole) {
            let (from, to) = (at, at + length(found));
            let overlaps = |entity: &Value| {
                let start = entity["offset"].as_u64().unwrap_or_default() as usize;
                start < to && from < start + entity["length"].as_u64().unwrap_or_default() as usize
            };
            if !all.iter().any(overlaps) {
                all.push(json!({"type": kind, "offset": from, "length": to - from}));
            }
        }
        at += length(word);
    }
    all.sort_by_key(|entity| entity["offset"].as_u64());
    all
}

fn recognize(word: &str) -> Option<(&'static str, &str)> {
    let name_of = |word: &str, extra: &[char]| -> usize {
        word.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_' || extra.contains(c)).count()
    };
    if word.starts_with("http://") || word.starts_with("https://") {
        return Some(("url", word.trim_end_matches(['.', '!', '?', ':'])));
    }
    if let Some(rest) = word.strip_prefix('/') {
        let length = name_of(rest, &['@']);
        return (length > 0 && !rest[length..].starts_with('/')).then(|| ("bot_command", &word[..=length]));
    }
    if let Some(rest) = word.strip_prefix('@') {
        let length = name_of(rest, &[]);
        return (length >= 3).then(|| ("mention", &word[..=length]));
    }
    let tag = word.strip_prefix('#')?;
    let bytes: usize = tag.chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum();
    (bytes > 0).then(|| ("hashtag", &word[..=bytes]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_split_characters() {
        assert_eq!(part("a😀b", 1, 2).as_deref(), Some("😀"));
        assert_eq!(part("a😀b", 2, 1), None);
        assert_eq!(part("a😀b", 1, 1), None);
        assert_eq!(part("a😀b", 3, 2), None);
    }

    #[test]
    fn commands_mentions_tags_and_addresses_are_found() {
        let found = |text: &str| {
            let all = with_found(text, Vec::new());
            all.iter()
                .map(|it| format!("{} {} {}", it["type"], it["offset"], it["length"]))
                .collect::<Vec<_>>()
        };
        assert_eq!(found("/id@magpie_bot now"), ["\"bot_command\" 0 14"]);
        assert_eq!(found("😀 @alice, #birds"), ["\"mention\" 3 6", "\"hashtag\" 11 6"]);
        assert_eq!(found("see https://example.org/a."), ["\"url\" 4 21"]);
        assert_eq!(found("a/b /a/b 50% me@x"), Vec::<String>::new());
    }

    #[test]
    fn white_space_goes_and_entities_move_along() {
        let (text, entities) = cleaned(" \n ab\u{7}c ", &[json!({"type": "bold", "offset": 2, "length": 3})]);
        assert_eq!(text, "ab c");
        assert_eq!(entities, [json!({"type": "bold", "offset": 0, "length": 2})]);
    }
}
