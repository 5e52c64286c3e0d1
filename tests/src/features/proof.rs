//! Looks for the tests that a table names: in the sources, and among those that a run left out.

use std::{fs, path::PathBuf};

use super::{Feature, State};
use crate::openapi::project_root;

/// Where the tests of each root are.
const ROOTS: [(&str, &str); 7] = [
    ("it", "tests/it"),
    ("simulated", "tests/simulated"),
    ("common", "common/src"),
    ("discord", "bridges/discord/src"),
    ("telegram", "bridges/telegram/src"),
    ("wechat", "bridges/wechat/src"),
    ("whatsapp", "bridges/whatsapp/src"),
];

/// The rows whose test does not exist, each in words.
pub fn missing(features: &[Feature]) -> Vec<String> {
    let named = |feature: &Feature| match feature.state {
        State::Yes(test) if !exists(test) => Some(format!("{}: there is no test `{test}`", feature.name)),
        State::Yes(_) | State::No(_) | State::Cannot(_) => None,
    };
    features.iter().filter_map(named).collect()
}

/// The rows whose test is among those that a run skipped, one name in each line.
pub fn skipped(features: &[Feature], skips: &str) -> Vec<String> {
    let is_skipped = |test: &str| {
        let name = test.rsplit("::").next().unwrap_or(test);
        skips
            .lines()
            .any(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name))
    };
    let named = |feature: &Feature| match feature.state {
        State::Yes(test) if is_skipped(test) => Some(format!("{}: `{test}` did not run", feature.name)),
        State::Yes(_) | State::No(_) | State::Cannot(_) => None,
    };
    features.iter().filter_map(named).collect()
}

/// Whether there is a test function of that name in its module's file, or in the file of the module around it.
fn exists(test: &str) -> bool {
    let mut path: Vec<&str> = test.split("::").collect();
    let (Some(name), Some((_, root))) =
        (path.pop(), path.first().and_then(|root| ROOTS.iter().find(|(known, _)| known == root)))
    else {
        return false;
    };
    let base = project_root().join(root);
    let modules = &path[1..];
    (0..2)
        .filter_map(|up| file(&base, modules.get(..modules.len().checked_sub(up)?)?))
        .any(|file| fs::read_to_string(file).is_ok_and(|source| has_test(&source, name)))
}

fn file(base: &std::path::Path, modules: &[&str]) -> Option<PathBuf> {
    let (last, folders) = modules.split_last()?;
    let folder = folders.iter().fold(base.to_owned(), |path, folder| path.join(folder));
    Some(folder.join(format!("{last}.rs")))
}

/// A function of that name with the mark of a test above it.
fn has_test(source: &str, name: &str) -> bool {
    const MARKS: [&str; 2] = ["#[test]", "#[tokio::test"];
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let is_function = |line: &str| line.contains(&format!("fn {name}("));
    lines.iter().enumerate().filter(|(_, line)| is_function(line)).any(|(at, _)| {
        lines[at.saturating_sub(3)..at].iter().any(|line| MARKS.iter().any(|mark| line.starts_with(mark)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Direction, Level, all};
    use super::*;

    #[test]
    fn tests_are_found_and_those_that_are_none_are_not() {
        assert!(exists("common::ids::tests::merging_keeps_the_primary_id_and_adds_each_alias_once"));
        assert!(exists("discord::place::tests::a_spot_names_what_a_place_finds"));
        assert!(exists("telegram::place::tests::every_spelling_is_read_again"));
        for wrong in
            ["common::ids::tests::no_such_test", "common::ids::tests::user", "nowhere::a::b", "common", ""]
        {
            assert!(!exists(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_planted_lie_is_found() {
        let lie = Feature {
            platform: "Discord",
            name: "a lie",
            level: Level::Must,
            direction: Direction::In,
            state: State::Yes("it::conversation::no_such_test"),
        };
        assert_eq!(missing(&[lie]).len(), 1);
        let proved = all().into_iter().find(|feature| matches!(feature.state, State::Yes(_)));
        let proved = proved.expect("something is carried");
        let State::Yes(test) = proved.state else { panic!("it was just found") };
        assert_eq!(skipped(&[proved], &format!("{test}: Synapse is missing")).len(), 1);
        assert_eq!(skipped(&[proved], "something_else: Synapse is missing").len(), 0);
    }
}
