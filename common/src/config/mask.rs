//! Hides secrets in a line of a configuration file before it is shown.
//!
//! A report is pasted into chats and issue trackers, and the mistake may sit in the very line of a token, so this errs towards hiding:
//! the value after a key that sounds secret, a password in an address, and every long run of letters and digits. Each
//! hidden character becomes one `*`, so that columns stay where they were.

/// Runs of token letters from this length on are hidden, wherever they stand, if letters and digits are mixed.
const TOKEN_CHARS_MIN: usize = 20;

/// Words in a key that make its value a secret.
const SECRET_WORDS: [&str; 7] =
    ["token", "secret", "password", "passphrase", "private", "credential", "_key"];

/// `line` with everything hidden that could be a secret. Control characters become spaces.
pub(super) fn mask(line: &str) -> String {
    let mut shown: Vec<char> = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    hide_secret_values(&mut shown);
    hide_passwords(&mut shown);
    hide_tokens(&mut shown);
    shown.into_iter().collect()
}

/// `line` with everything hidden after the key that ends before `column` (counted from 0): for keys nobody knows, whose values
/// could be anything.
pub(super) fn mask_after(line: &str, column: usize) -> String {
    let masked = mask(line);
    let mut shown: Vec<char> = masked.chars().collect();
    let end = shown.len();
    if column < end {
        hide_value(&mut shown, column, end);
    }
    shown.into_iter().collect()
}

fn hide_secret_values(shown: &mut [char]) {
    let mut at = 0;
    while let Some(colon) = (at..shown.len()).find(|&i| is_key_colon(shown, i)) {
        let key: String = shown[at..colon].iter().collect::<String>().to_lowercase();
        let key = key.rsplit(['{', ',', '[']).next().unwrap_or_default();
        if SECRET_WORDS.iter().any(|word| key.contains(word)) {
            hide_value(shown, colon, shown.len());
            return;
        }
        at = colon + 1;
    }
}

/// `key: value` has a space after its colon, or ends there; `http://…` has not.
fn is_key_colon(shown: &[char], at: usize) -> bool {
    shown[at] == ':' && shown.get(at + 1).is_none_or(|next| matches!(next, ' ' | '"' | '\''))
}

/// `scheme://user:password@host`
fn hide_passwords(shown: &mut [char]) {
    let Some(start) = shown.windows(3).position(|three| three == [':', '/', '/']) else { return };
    let host_end =
        (start + 3..shown.len()).find(|&i| matches!(shown[i], ' ' | '"' | '\'')).unwrap_or(shown.len());
    let Some(at_sign) = (start + 3..host_end).rev().find(|&i| shown[i] == '@') else { return };
    hide(shown, start + 3, at_sign);
}

fn hide_tokens(shown: &mut [char]) {
    let mut start = 0;
    while start < shown.len() {
        let end = (start..shown.len()).find(|&i| !is_token_char(shown[i])).unwrap_or(shown.len());
        let run = &shown[start..end];
        let mixed = run.iter().any(char::is_ascii_digit) && run.iter().any(char::is_ascii_alphabetic);
        if run.len() >= TOKEN_CHARS_MIN && mixed {
            hide(shown, start, end);
        }
        start = end + 1;
    }
}

fn is_token_char(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '+' | '=')
}

/// Hides what stands after `: ` in `start..end`.
fn hide_value(shown: &mut [char], start: usize, end: usize) {
    let first = (start..end).find(|&i| !matches!(shown[i], ':' | ' ' | '"' | '\'')).unwrap_or(end);
    hide(shown, first, end);
}

fn hide(shown: &mut [char], start: usize, end: usize) {
    for letter in &mut shown[start..end] {
        if *letter != ' ' {
            *letter = '*';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_the_rest_stays() {
        for (line, shown) in [
            ("  token: hunter2", "  token: *******"),
            ("  tokens: [a, b]", "  tokens: *** **"),
            ("  token: hunter two", "  token: ****** ***"),
            ("{ bot_token: abc, name: x }", "{ bot_token: **** ***** * *"),
            ("{name: x, \"secret\": \"abc\"}", "{name: x, \"secret\": \"*****"),
            ("  url: http://127.0.0.1:8008", "  url: http://127.0.0.1:8008"),
            ("  url: postgres://me:pw@db/magpie", "  url: postgres://*****@db/magpie"),
            ("  url: https://a:b@c@example.org/x", "  url: https://*****@example.org/x"),
            ("  - MTk4NjIyNDgzNDcxOTI1MjQ4", "  - ************************"),
            ("  create_portals: on_message_please_thanks", "  create_portals: on_message_please_thanks"),
            ("\ttoken:\tabc", " token: ***"),
        ] {
            assert_eq!(mask(line), shown, "{line}");
        }
    }

    #[test]
    fn the_value_of_an_unknown_key_is_hidden() {
        assert_eq!(mask_after("  tokn: abc", 6), "  tokn: ***");
        assert_eq!(mask_after("  tokn:", 7), "  tokn:");
        assert_eq!(mask_after("a", 9), "a");
    }
}
