//! Rules of wording: what must not stand in a file.
//!
//! The words that are looked for are put together from pieces here, so that this file does not find itself.

use super::{File, Problem, code, production};

const OPEN_WORK: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];
const UNBOUNDED: [&str; 2] = [concat!("unbounded", "_channel"), concat!("mpsc::", "unbounded")];
const ALLOWS: [&str; 4] =
    [concat!("#[", "allow("), concat!("#![", "allow("), concat!("#[", "expect("), concat!("#![", "expect(")];
const SQL: [&str; 7] =
    ["SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "CREATE INDEX ", "ALTER TABLE ", "PRAGMA "];
const PRIVATE_PATHS: [&str; 5] = [
    concat!("/wo", "rk/"),
    concat!("/tm", "p/magpie"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
];

pub(super) fn open_work_names_its_issue(file: &File) -> Vec<Problem> {
    let names_issue = |line: &str| {
        line.split('#').skip(1).any(|after| after.starts_with(|digit: char| digit.is_ascii_digit()))
    };
    let open = |line: &str| OPEN_WORK.iter().any(|word| has_word(line, word));
    let found = file.text.lines().enumerate().filter(|(_, line)| open(line) && !names_issue(line));
    found.map(|(nth, _)| file.problem(format!("line {}: name the issue: `#12`", nth + 1))).collect()
}

pub(super) fn channels_are_bounded(file: &File) -> Vec<Problem> {
    let unbounded = |line: &str| UNBOUNDED.iter().any(|word| line.contains(word));
    let found = code(&file.text).filter(|(_, line)| file.is_rust() && unbounded(line));
    found.map(|(nth, _)| file.problem(format!("line {nth}: give the channel a bound"))).collect()
}

pub(super) fn allow_has_a_reason(file: &File) -> Vec<Problem> {
    if !file.is_rust() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for allow in ALLOWS {
        for (at, _) in file.text.match_indices(allow) {
            let attribute = file.text[at..].split(")]").next().unwrap_or_default();
            if !attribute.contains("reason = ") {
                let line = file.text[..at].lines().count().max(1);
                found.push(file.problem(format!("line {line}: say why: `reason = \"…\"`")));
            }
        }
    }
    found
}

pub(super) fn sql_lives_in_store(file: &File) -> Vec<Problem> {
    let elsewhere = (file.path.starts_with("common/src/") || file.path.starts_with("bridges/"))
        && !file.path.starts_with("common/src/store")
        && !file.path.starts_with("common/src/testkit/store");
    if !file.is_rust() || !elsewhere {
        return Vec::new();
    }
    let text = production(&file.text);
    let found = code(&text).filter(|(_, line)| SQL.iter().any(|word| line.contains(word)));
    found.map(|(_, line)| file.problem(format!("SQL outside `store`: {}", line.trim()))).collect()
}

pub(super) fn no_private_paths(file: &File) -> Vec<Problem> {
    let private = |line: &str| PRIVATE_PATHS.iter().any(|path| has_path(line, path));
    let found = file.text.lines().enumerate().filter(|(_, line)| private(line));
    found.map(|(nth, _)| file.problem(format!("line {}: names a folder of one machine", nth + 1))).collect()
}

pub(super) fn license_problems(mit: &str, apache: &str) -> Vec<String> {
    let marks = [
        (mit, "MIT License"),
        (mit, "Copyright (c) 2026 The Magpie contributors"),
        (mit, "WITHOUT WARRANTY OF ANY KIND"),
        (apache, "Version 2.0, January 2004"),
        (apache, "END OF TERMS AND CONDITIONS"),
    ];
    marks.iter().filter(|(text, mark)| !text.contains(mark)).map(|(_, mark)| format!("no `{mark}`")).collect()
}

fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part))
}

/// An absolute path, not the inside of a longer one or of an address.
fn has_path(line: &str, path: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '~' | '}' | '/');
    line.match_indices(path).any(|(at, _)| !line[..at].ends_with(is_part))
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    const HERE: &str = "common/src/a.rs";

    #[test]
    fn open_work_without_an_issue_is_found() {
        for word in OPEN_WORK {
            check(
                open_work_names_its_issue,
                HERE,
                &format!("// {word}: later"),
                &format!("// {word} (#12): later"),
            );
            check(open_work_names_its_issue, "docs/a.md", &format!("{word} # later"), &format!("a{word}S"));
        }
    }

    #[test]
    fn channels_without_a_bound_are_found() {
        for word in UNBOUNDED {
            check(channels_are_bounded, HERE, &format!("let a = {word}();"), &format!("// not {word}"));
        }
    }

    #[test]
    fn allows_without_a_reason_are_found() {
        for allow in ALLOWS {
            check(
                allow_has_a_reason,
                HERE,
                &format!("{allow}dead_code)]"),
                &format!("{allow}\n  a,\n  reason = \"b\")]"),
            );
        }
    }

    #[test]
    fn sql_outside_the_store_is_found() {
        for word in SQL {
            check(sql_lives_in_store, HERE, &format!("let a = \"{word}b\";"), &format!("// {word}"));
            let text = format!("let a = \"{word}b\";");
            assert_eq!(sql_lives_in_store(&File { path: "common/src/store/a.rs".to_owned(), text }), []);
        }
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        for path in PRIVATE_PATHS {
            check(
                no_private_paths,
                "docs/a.md",
                &format!("see {path}a"),
                &format!("see https://example.org{path}a"),
            );
        }
    }
}
