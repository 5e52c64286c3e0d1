//! Matrix ids by their form: `@telegram_*:example.org`. Pure.

use std::fmt;

use ruma::UserId;

/// Longer patterns fit no Matrix id.
const BYTES_MAX: usize = 255;

/// The Matrix ids of a form; `*` stands for any characters, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPattern(String);

impl UserPattern {
    /// Reads a pattern; `None` for what no Matrix id can fit.
    pub fn read(text: &str) -> Option<Self> {
        let (name, server) = text.strip_prefix('@')?.split_once(':')?;
        let is_plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
        (is_plain && !name.is_empty() && !server.is_empty() && text.len() <= BYTES_MAX)
            .then(|| Self(text.to_owned()))
    }

    /// Whether an id is of that form.
    pub fn matches(&self, user_id: &UserId) -> bool {
        let mut pieces = self.0.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = user_id.as_str().strip_prefix(first) else { return false };
        let Some(last) = pieces.next_back() else { return rest.is_empty() };
        // As early as possible leaves the most for what follows.
        for piece in pieces {
            let Some((_, after)) = rest.split_once(piece) else { return false };
            rest = after;
        }
        rest.ends_with(last)
    }
}

impl fmt::Display for UserPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, user_id: &str) -> bool {
        let user_id = UserId::parse(user_id).expect("an id");
        UserPattern::read(pattern).expect("a pattern").matches(&user_id)
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, user_id, expected) in [
            ("@telegram_*:example.org", "@telegram_7:example.org", true),
            ("@telegram_*:example.org", "@telegram_:example.org", true),
            ("@telegram_*:example.org", "@telegram:example.org", false),
            ("@telegram_*:example.org", "@telegram_7:example.org.evil", false),
            ("@telegram_*:example.org", "@x@telegram_7:example.org", false),
            ("@bot:example.org", "@bot:example.org", true),
            ("@bot:example.org", "@bots:example.org", false),
            ("@*bot:example.org", "@telegrambot:example.org", true),
            ("@*bot:*", "@bot:other.org", true),
            ("@*_*_b:*", "@a_b_b:e.org", true),
            ("@*_*_b:*", "@a_b:e.org", false),
            ("@a*a:*", "@a:e.org", false),
            ("@**:example.org", "@a:example.org", true),
        ] {
            assert_eq!(matches(pattern, user_id), expected, "{pattern} and {user_id}");
        }
    }

    #[test]
    fn what_no_id_can_fit_is_no_pattern() {
        let long = format!("@{}:example.org", "x".repeat(255));
        for text in ["", "*", "telegram_*", "@telegram_*", "@:example.org", "@a:", "@a b:example.org", &long]
        {
            assert_eq!(UserPattern::read(text), None, "{text}");
        }
    }
}
