//! The lines that stand above what somebody says through a webhook: the whole of a name that was cut, and what is answered.
//!
//! They are filled from what is known at the moment, so the next attempt may write them differently, or not at all. Pure: nothing is looked
//! up here. Next: `deliver/reply` writes them, `history` looks past them.

use serde_json::Value;

/// Begins the line that says what is answered.
pub(super) const ANSWERS: &str = "↪ ";

/// Stands for the rest of a name that is too long.
pub(super) const MORE: char = '…';

/// What stands above the words of a message's first part.
#[derive(Default)]
pub(super) struct Head {
    /// Whether its first line is the whole name.
    pub is_named: bool,
    /// Whether a line says what is answered.
    pub is_answer: bool,
    /// Where that line leads, if anywhere.
    pub url: Option<String>,
}

impl Head {
    /// What is said in a first part that was written with this head.
    pub fn below<'a>(&self, content: &'a str) -> &'a str {
        let lines = usize::from(self.is_named) + usize::from(self.is_answer);
        (0..lines).fold(content, |content, _| first_line(content).1)
    }

    /// Whether a message answers another one than this head does. The words of the line change, where it leads does not.
    pub fn contradicts(&self, message: &Value) -> bool {
        let (Some(url), Some(line)) = (&self.url, answer_line(message)) else { return false };
        line.starts_with(&format!("{ANSWERS}[")) && !line.contains(&format!("]({url})"))
    }
}

/// What may have been said in a message: all of it, and what is below each line that may be a head's. Never empty.
pub(super) fn readings(message: &Value) -> Vec<&str> {
    let whole = content(message);
    let unnamed = below_name(message);
    let mut readings = vec![whole];
    readings.extend(unnamed);
    let unnamed = unnamed.unwrap_or(whole);
    if unnamed.starts_with(ANSWERS) {
        readings.push(first_line(unnamed).1);
    }
    readings
}

/// The line that says what a message answers.
pub(super) fn answer_line(message: &Value) -> Option<&str> {
    let unnamed = below_name(message).unwrap_or(content(message));
    unnamed.starts_with(ANSWERS).then(|| first_line(unnamed).0)
}

/// What is below the whole name, where one stands above.
fn below_name(message: &Value) -> Option<&str> {
    let is_cut = message["author"]["username"].as_str().is_some_and(|name| name.ends_with(MORE));
    let (line, below) = first_line(content(message));
    let is_name = line.len() > 4 && line.starts_with("**") && line.ends_with("**");
    (is_cut && is_name).then_some(below)
}

fn content(message: &Value) -> &str {
    message["content"].as_str().unwrap_or_default()
}

fn first_line(content: &str) -> (&str, &str) {
    content.split_once('\n').unwrap_or((content, ""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_may_be_read_with_and_without_its_head() {
        let check = |username: &str, content: &str, expected: &[&str]| {
            let message = json!({"author": {"username": username}, "content": content});
            assert_eq!(readings(&message), expected, "{content}");
        };
        check("Ada", "", &[""]);
        check("Ada", "hi\nthere", &["hi\nthere"]);
        check("Ada", "↪ Bob: x\nhi\nthere", &["↪ Bob: x\nhi\nthere", "hi\nthere"]);
        check("Ada", "↪ Bob: x", &["↪ Bob: x", ""]);
        check("Ada", "**bold**\nhi", &["**bold**\nhi"]);
        check("Ad…", "**Ada**\nhi", &["**Ada**\nhi", "hi"]);
        check("Ad…", "**Ada**\n↪ Bob\nhi", &["**Ada**\n↪ Bob\nhi", "↪ Bob\nhi", "hi"]);
        check("Ad…", "↪ Bob\nhi", &["↪ Bob\nhi", "hi"]);
    }

    #[test]
    fn only_a_line_that_leads_elsewhere_contradicts() {
        let head = |url: Option<&str>| Head { url: url.map(str::to_owned), ..Head::default() };
        let here = head(Some("https://discord.com/channels/1/2/3"));
        let contradicts = |head: &Head, content: &str| head.contradicts(&json!({"content": content}));
        assert!(!contradicts(&here, "↪ [Bob](https://discord.com/channels/1/2/3): x\nhi"));
        assert!(contradicts(&here, "↪ [Bob](https://discord.com/channels/1/2/34): x\nhi"));
        assert!(!contradicts(&here, "↪ Bob: x\nhi"));
        assert!(!contradicts(&here, "hi"));
        assert!(!contradicts(&head(None), "↪ [Bob](https://discord.com/channels/1/2/34)\nhi"));
    }

    #[test]
    fn what_we_wrote_ourselves_is_below_as_many_lines_as_we_wrote() {
        let below = |is_named, is_answer, content: &'static str| {
            Head { is_named, is_answer, url: None }.below(content)
        };
        assert_eq!(below(false, false, "↪ typed\nhi"), "↪ typed\nhi");
        assert_eq!(below(true, true, "**Ada**\n↪ Bob\nhi\nthere"), "hi\nthere");
        assert_eq!(below(false, true, "↪ Bob"), "");
    }
}
