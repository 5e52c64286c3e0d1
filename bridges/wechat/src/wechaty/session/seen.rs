//! The last messages as an answer shows them: WeChat's own quotes are not to be had through a gateway, so an answer repeats in words what it is
//! about. Never more than a screenful of them.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use lru::LruCache;
use magpie_common::message::{Message, clean_line};

/// So many messages are remembered.
const MESSAGES_MAX: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();

/// So much of a message is shown.
const WORDS_CHARS_MAX: usize = 60;

/// What stands between what is answered and the answer, as phones write it.
const RULE: &str = "- - - - - - - - - - - - - - -";

/// The last messages, by their ids.
pub(super) struct Seen(Mutex<LruCache<String, String>>);

impl Default for Seen {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MESSAGES_MAX)))
    }
}

impl Seen {
    /// Remembers who said what.
    pub fn put(&self, id: &str, name: Option<&str>, message: &Message) {
        let words = match message.attachments.first() {
            Some(file) if message.text.is_blank() => file.name.clone(),
            _ => message.text.to_plain(),
        };
        // The corners end a quote.
        let words = clean_line(&words).replace(['「', '」'], "");
        let mut shown: String = words.chars().take(WORDS_CHARS_MAX).collect();
        if shown.len() < words.len() {
            shown.push('…');
        }
        let quote = match name {
            Some(name) => format!("「{}：{shown}」", name.replace(['「', '」'], "")),
            None => format!("「{shown}」"),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(id.to_owned(), quote);
    }

    /// What stands before an answer to a message; `None` where it is not remembered.
    pub fn quote(&self, id: &str) -> Option<String> {
        let quote = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()?;
        Some(format!("{quote}\n{RULE}\n"))
    }
}

#[cfg(test)]
mod tests {
    use magpie_common::message::RichText;

    use super::*;

    #[test]
    fn answers_repeat_a_few_words() {
        let seen = Seen::default();
        seen.put("m1", Some("Ada"), &Message::text(RichText::plain("one\ntwo「x」")));
        assert_eq!(seen.quote("m1").as_deref(), Some("「Ada：one twox」\n- - - - - - - - - - - - - - -\n"));
        seen.put("m2", None, &Message::text(RichText::plain(&"鸟".repeat(100))));
        let long = seen.quote("m2").expect("it is remembered");
        assert!(long.starts_with("「鸟") && long.contains("…」") && long.chars().count() < 120, "{long}");
        assert_eq!(seen.quote("m3"), None);
    }
}
