//! Texts that are too long for one message.

use super::*;
use crate::format::split;

fn cut(nodes: Vec<Node>, units_max: usize) -> Vec<String> {
    let parts = split::parts(&nodes, &Known, units_max);
    for part in &parts {
        assert!(split::units(&part.content) <= units_max, "{part:?}");
    }
    parts.into_iter().map(|part| part.content).collect()
}

#[test]
fn long_words_are_cut_between_words() {
    assert_eq!(cut(vec![t("one two three four five six")], 14), ["one two three", "four five six"]);
}

#[test]
fn a_cut_prefers_an_empty_line_then_a_line() {
    let paragraphs = vec![t("a a a a"), n(), n(), t("b b b b b b b")];
    assert_eq!(cut(paragraphs, 14), ["a a a a", "b b b b b b b"]);
    let lines = vec![t("a a a a"), n(), t("b b b b b b b")];
    assert_eq!(cut(lines, 14), ["a a a a", "b b b b b b b"]);
}

#[test]
fn code_blocks_are_closed_and_opened_anew() {
    let parts = cut(vec![block("rs", "line 1\nline 2\nline 3\nline 4")], 30);
    assert_eq!(parts, ["```rs\nline 1\nline 2\nline 3\n```", "```rs\nline 4\n```"]);
}

#[test]
fn marks_are_closed_and_opened_anew() {
    assert_eq!(
        cut(vec![strong(vec![t("one two three four")])], 13),
        ["**one two **", "**three **", "**four**"]
    );
}

#[test]
fn numbers_of_a_list_go_on() {
    let items = (1..=4).map(|nth| vec![t(&format!("item {nth}"))]).collect();
    assert_eq!(cut(vec![numbers(1, items)], 20), ["1. item 1\n2. item 2", "3. item 3\n4. item 4"]);
}

#[test]
fn mentions_and_links_are_never_cut() {
    let nodes = vec![t("aaaa "), user("1", "Ada"), t(" bbbb "), bare("https://e.org/a")];
    assert_eq!(cut(nodes, 18), ["aaaa <@1> bbbb", "https://e.org/a"]);
}

#[test]
fn each_part_allows_its_own_mentions() {
    let parts = split::parts(&[user("1", "Ada"), t(" bbbb bbbb "), role("2", "mods")], &Known, 11);
    let allowed: Vec<_> =
        parts.iter().map(|part| (part.allowed.users.len(), part.allowed.roles.len())).collect();
    assert_eq!(allowed.iter().map(|both| both.0).sum::<usize>(), 1, "{parts:?}");
    assert_eq!(allowed.iter().map(|both| both.1).sum::<usize>(), 1, "{parts:?}");
}

#[test]
fn one_endless_word_is_cut_anyway() {
    let word = "é".repeat(5000);
    let parts = cut(vec![t(&word)], CONTENT_UNITS_MAX);
    assert_eq!(parts.concat(), word);
    assert_eq!(parts.len(), 3);
}

#[test]
fn an_endless_link_loses_its_markup_and_keeps_its_letters() {
    let url = format!("https://e.org/{}", "a".repeat(5000));
    let parts = cut(vec![bare(&url)], CONTENT_UNITS_MAX);
    assert_eq!(parts.concat(), url);
}

#[test]
fn a_novel_is_cut_in_reasonable_time() {
    let lines: Vec<Node> =
        (0..1500).flat_map(|nth| [t(&format!("line {nth} of many *words*")), n()]).collect();
    let parts = cut(lines, CONTENT_UNITS_MAX);
    assert!(parts.len() < 40, "{}", parts.len());
}
