//! The names under which people from Matrix speak through a webhook.

/// The longest name of a webhook's message.
const NAME_CHARS_MAX: usize = 80;

/// Names that Discord refuses, wherever they stand in a name.
const NAMES_REFUSED: [&str; 2] = ["clyde", "discord"];

/// A name that Discord takes: the refused words are broken up by a mark that nobody sees.
pub(super) fn webhook_name(name: &str) -> String {
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
    let name: String = out.chars().take(NAME_CHARS_MAX).collect();
    if name.trim().is_empty() { "Somebody in Matrix".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_discord_refuses_are_broken_up() {
        assert_eq!(webhook_name("Ada"), "Ada");
        assert_eq!(webhook_name("My Discord name"), "My D\u{200d}iscord name");
        assert_eq!(webhook_name("clydeCLYDE"), "c\u{200d}lydeC\u{200d}LYDE");
        assert_eq!(webhook_name(&"é".repeat(100)).chars().count(), 80);
        assert_eq!(webhook_name(" "), "Somebody in Matrix");
    }
}
