//! A value that must not be printed.
//!
//! It never shows itself in logs, errors or debug output; only [`Secret::expose`] gives it away, so every use can be found.

use std::fmt;

use serde::Deserialize;
use subtle::ConstantTimeEq;

/// A token, password or address with a password in it.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value that must not be printed.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that sends or compares it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in a time that depends only on the lengths.
    pub fn matches(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }

    /// Whether this is the kind of text that examples and templates carry in the place of a real secret.
    pub fn is_placeholder(&self) -> bool {
        const PLACEHOLDERS: [&str; 9] = [
            "changeme",
            "change_me",
            "change-me",
            "change me",
            "placeholder",
            "replaceme",
            "replace_me",
            "your_token",
            "your-token",
        ];
        let lower = self.0.to_lowercase();
        let mut letters = lower.chars();
        let first = letters.next();
        PLACEHOLDERS.iter().any(|word| lower.contains(word))
            || lower.starts_with("example")
            || (lower.starts_with('<') && lower.ends_with('>'))
            || first.is_some_and(|first| lower.len() > 1 && letters.all(|letter| letter == first))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?} {secret:#?}"), "<secret> <secret> <secret>");
        assert!(secret.matches(b"hunter2"));
        assert!(!secret.matches(b"hunter3"));
        assert!(!secret.matches(b""));
    }

    #[test]
    fn what_examples_carry_is_a_placeholder() {
        for text in
            ["CHANGE_ME", "please-change-me", "<token>", "xxxxxxxx", "EXAMPLE-AS-TOKEN", "your-token-here"]
        {
            assert!(Secret::new(text).is_placeholder(), "{text}");
        }
        for text in ["MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs", "0123abcd", ""] {
            assert!(!Secret::new(text).is_placeholder(), "{text}");
        }
    }
}
