//! The ids of the Cloud API: of accounts, numbers, people, messages and media.
//!
//! Numbers and accounts are digits; a message id is `wamid.` and base64 that nobody may look into; a person has a phone number, since 2026
//! also a business-scoped user id, and both may change. [`PersonId`] is the simulator's own and never on the wire.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use magpie_common::clock::Clock;

/// A business account (WABA).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u64);

/// A business phone number, as the API names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumberId(pub u64);

/// A person, whatever they are called on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(pub u32);

/// The talk of one person with one number of the business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chat {
    /// The business's side.
    pub number: NumberId,
    /// The other side.
    pub person: PersonId,
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for NumberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Makes fresh ids.
#[derive(Debug)]
pub(crate) struct Ids {
    next: u64,
}

impl Default for Ids {
    fn default() -> Self {
        Self { next: 1_000_000_000_000_001 }
    }
}

impl Ids {
    /// Digits that no other thing has.
    pub fn digits(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// A message id in the shape of real ones: the other side's number and something unique, packed.
    pub fn message(&mut self, clock: &Clock, digits: &str) -> String {
        let unique: String = clock.random_bytes::<8>().iter().map(|byte| format!("{byte:02X}")).collect();
        let unique = format!("3A{unique}{:04X}", self.digits() & 0xFFFF);
        let length = |text: &str| u8::try_from(text.len()).unwrap_or(u8::MAX);
        let mut packed = vec![0x1C, 0x18, length(digits)];
        packed.extend(digits.bytes());
        packed.extend([0x15, 0x02, 0x00, 0x12, 0x18, length(&unique)]);
        packed.extend(unique.bytes());
        packed.push(0);
        format!("wamid.{}", STANDARD.encode(packed))
    }

    /// A business-scoped user id: two letters of a country, a dot, digits.
    pub fn user(&mut self) -> String {
        format!("US.1349{}", self.digits())
    }
}

/// Whether a text has the form of a business-scoped user id.
pub(crate) fn is_user_id(text: &str) -> bool {
    const LENGTH_MAX: usize = 128;
    let Some((country, rest)) = text.split_once('.') else { return false };
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && (1..=LENGTH_MAX).contains(&rest.len())
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_ids_are_never_the_same() {
        let (mut ids, clock) = (Ids::default(), Clock::fixed(0, 1));
        let (a, b) = (ids.message(&clock, "16505551234"), ids.message(&clock, "16505551234"));
        assert!(a.starts_with("wamid.HBgLMTY1MDU1NTEyMzQVAgASGB"), "{a}");
        assert_ne!(a, b);
    }

    #[test]
    fn user_ids_have_a_form() {
        let fresh = Ids::default().user();
        for (text, is_one) in [
            ("US.13491208655302741918", true),
            (&fresh, true),
            ("US.", false),
            ("us.1", false),
            ("16505551234", false),
        ] {
            assert_eq!(is_user_id(text), is_one, "{text}");
        }
    }
}
