//! How people are spelled as remote ids: the same for every way to WhatsApp, so that a person has one ghost.
//!
//! | id | who |
//! |---|---|
//! | `16505551234` | whoever has that phone number, in international form without `+` |
//! | `US.13491208655302741918` | whoever a business knows by that business-scoped user id |
//!
//! A person may be known by several, which [`magpie_common::ids::AliasSet`] holds together. A message is spelled as WhatsApp spells it
//! (`wamid.…`). Chats are spelled by each way, because whose chat it is belongs to it.

use magpie_common::ids::RemoteUserId;

/// The fewest and the most digits of a phone number (E.164 has at most 15).
const DIGITS: std::ops::RangeInclusive<usize> = 5..=15;

/// The longest business-scoped user id behind its country.
const USER_ID_CHARS_MAX: usize = 128;

/// The person with a phone number; `None` when it is none. Takes it with `+`, blanks and dashes, too.
pub(crate) fn phone(number: &str) -> Option<RemoteUserId> {
    let is_fit = |c: char| c.is_ascii_digit() || "+-() .\u{a0}".contains(c);
    if !number.chars().all(is_fit) {
        return None;
    }
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    DIGITS.contains(&digits.len()).then(|| RemoteUserId::new(digits))
}

/// The digits of a person who is named by a phone number.
pub(crate) fn digits(user: &RemoteUserId) -> Option<&str> {
    let id = user.as_str();
    (DIGITS.contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())).then_some(id)
}

/// The person with a business-scoped user id; `None` when it is none: two letters of a country, a dot, and letters and digits.
pub(crate) fn business_scoped(id: &str) -> Option<RemoteUserId> {
    let (country, rest) = id.split_once('.')?;
    let is_country = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_rest = (1..=USER_ID_CHARS_MAX).contains(&rest.len())
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    (is_country && is_rest).then(|| RemoteUserId::new(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_however_they_are_written() {
        for written in ["16505551234", "+1 650 555 1234", "+1 (650) 555-1234"] {
            let person = phone(written).expect("it is a number");
            assert_eq!((person.as_str(), digits(&person)), ("16505551234", Some("16505551234")), "{written}");
        }
        for bad in ["", "1234", "+1 650 CALL ME", "1234567890123456", "US.1349"] {
            assert_eq!(phone(bad), None, "{bad}");
        }
    }

    #[test]
    fn user_ids_begin_with_a_country() {
        for good in ["US.13491208655302741918", "DE.aBc123", "GB.ENT.5"] {
            assert_eq!(business_scoped(good), Some(RemoteUserId::new(good)));
            assert_eq!(digits(&RemoteUserId::new(good)), None);
        }
        for bad in
            ["", "US.", "us.123", "USA.123", "16505551234", "US.a/b", &format!("US.{}", "1".repeat(129))]
        {
            assert_eq!(business_scoped(bad), None, "{bad}");
        }
    }
}
