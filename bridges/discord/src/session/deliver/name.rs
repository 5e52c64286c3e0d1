//! The names under which people from Matrix speak through a webhook.

use crate::session::head::MORE;

/// The longest name of a webhook's message.
const NAME_CHARS_MAX: usize = 80;

/// Names that Discord refuses, wherever they stand in a name.
const NAMES_REFUSED: [&str; 2] = ["clyde", "discord"];

/// A name as a webhook's message shows it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WebhookName {
    /// What Discord takes.
    pub shown: String,
    /// Whether it is too long to be shown whole.
    pub is_cut: bool,
}

/// A name that Discord takes: the refused words are broken up by a mark that nobody sees, and what is too long ends in `…`.
pub(super) fn webhook_name(name: &str) -> WebhookName {
    let mut out = String::new();
    let mut rest = name.trim();
    while let Some(c) = rest.chars().next() {
        out.push(c);
        let is_refused = NAMES_REFUSED.iter().any(|refused| {
            rest.get(..refused.len()).is_some_and(|start| start.eq_ignore_ascii_case(refused))
        });
        if is_refused {
            out.push('\u{200d}');
        }
        rest = &rest[c.len_utf8()..];
    }
    let is_cut = out.chars().count() > NAME_CHARS_MAX;
    if is_cut {
        out = out.chars().take(NAME_CHARS_MAX - 1).collect();
        out.push(MORE);
    }
    let shown = if out.is_empty() { "Somebody in Matrix".to_owned() } else { out };
    WebhookName { shown, is_cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_discord_refuses_are_broken_up() {
        let whole = |shown: &str| WebhookName { shown: shown.to_owned(), is_cut: false };
        assert_eq!(webhook_name("Ada"), whole("Ada"));
        assert_eq!(webhook_name("My Discord name"), whole("My D\u{200d}iscord name"));
        assert_eq!(webhook_name("clydeCLYDE"), whole("c\u{200d}lydeC\u{200d}LYDE"));
        assert_eq!(webhook_name(" "), whole("Somebody in Matrix"));
    }

    #[test]
    fn names_that_are_too_long_are_cut() {
        assert!(!webhook_name(&"é".repeat(80)).is_cut);
        let cut = WebhookName { shown: format!("{}…", "é".repeat(79)), is_cut: true };
        assert_eq!(webhook_name(&"é".repeat(81)), cut);
        // The marks count, too.
        assert!(webhook_name(&format!("discord {}", "é".repeat(72))).is_cut);
    }
}
