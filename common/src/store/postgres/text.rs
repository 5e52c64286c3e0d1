//! Text for a database that cannot hold the character U+0000.

use std::borrow::Cow;

/// The same text with every U+0000 shown as U+FFFD. A crafted event must not be refused, or the homeserver would send it for ever.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if text.as_bytes().contains(&0) {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}
