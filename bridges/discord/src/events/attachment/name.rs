//! How the sender called a file. Discord keeps little more than letters and digits of a file's name (`b c.txt` becomes `b_c.txt`, `鳥.png` becomes
//! `unknown.png`); what was lost stands in the file's title, which has no ending: <https://github.com/discord/discord-api-docs/pull/6945>.

use magpie_common::message::clean_name;
use serde_json::Value;

/// A file that is hidden until somebody looks, as older clients write it.
const SPOILER_PREFIX: &str = "SPOILER_";

/// The name of a file, and whether it says that the file is hidden.
pub(super) fn read(file: &Value) -> (String, bool) {
    let kept = file["filename"].as_str().unwrap_or("file");
    let is_hidden = bare(kept) != kept;
    let title = clean_name(bare(file["title"].as_str().unwrap_or_default()));
    let kept = bare(kept);
    let name = match kept.rsplit_once('.') {
        _ if title.is_empty() => kept.to_owned(),
        Some((_, ending)) if !has_ending(&title, ending) => format!("{title}.{ending}"),
        _ => title,
    };
    (name, is_hidden)
}

fn bare(name: &str) -> &str {
    name.strip_prefix(SPOILER_PREFIX).filter(|bare| !bare.is_empty()).unwrap_or(name)
}

fn has_ending(title: &str, ending: &str) -> bool {
    title.rsplit_once('.').is_some_and(|(_, own)| own.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_title_says_what_discord_has_taken_out_of_a_name() {
        let cases = [
            (json!({"filename": "a.png"}), "a.png", false),
            (json!({"filename": "b_c.txt", "title": "b c"}), "b c.txt", false),
            (json!({"filename": "unknown.png", "title": "鳥"}), "鳥.png", false),
            (json!({"filename": "c953b519.PDF", "title": "8월 추천.pdf"}), "8월 추천.pdf", false),
            (json!({"filename": "v1.2_x.txt", "title": "v1.2 x"}), "v1.2 x.txt", false),
            (json!({"filename": "unknown", "title": "鳥"}), "鳥", false),
            (json!({"filename": "SPOILER_b_c.txt", "title": "SPOILER_b c"}), "b c.txt", true),
            (json!({"filename": "SPOILER_b_c.txt", "title": "b c"}), "b c.txt", true),
            (json!({"filename": "SPOILER_"}), "SPOILER_", false),
            (json!({"filename": "a.png", "title": null}), "a.png", false),
            (json!({"filename": "gnp.exe", "title": "a\u{202e}\n"}), "a.exe", false),
            (json!({}), "file", false),
        ];
        for (file, name, is_hidden) in cases {
            assert_eq!(read(&file), (name.to_owned(), is_hidden), "{file}");
        }
    }
}
