//! The tutorial and the example are the same code.
//!
//! Every block of `docs/write-a-bridge.md` fenced as `rust,example` is an excerpt of `tests/src/example.rs`, word by word; in
//! order and put together they are the whole file.

const TUTORIAL: &str = include_str!("../../docs/write-a-bridge.md");
const EXAMPLE: &str = include_str!("../src/example.rs");
const FENCE: &str = "```rust,example";

/// What differs between a tutorial and its example.
fn difference(tutorial: &str, example: &str) -> Option<String> {
    let mut rest = example;
    for (nth, block) in blocks(tutorial).iter().enumerate() {
        let nth = nth + 1;
        let Some(at) = rest.find(block.as_str()) else {
            let first = block.lines().next().unwrap_or_default();
            let elsewhere = example.contains(block.as_str());
            let why = if elsewhere { "stands elsewhere in the example" } else { "is not in the example" };
            return Some(format!("block {nth}, `{first}`, {why}"));
        };
        let (skipped, found) = rest.split_at(at);
        if !skipped.trim().is_empty() {
            return Some(format!("before block {nth} the tutorial leaves out:\n{}", skipped.trim()));
        }
        rest = &found[block.len()..];
    }
    (!rest.trim().is_empty()).then(|| format!("at its end the tutorial leaves out:\n{}", rest.trim()))
}

fn blocks(tutorial: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = tutorial.lines();
    while let Some(line) = lines.next() {
        if line == FENCE {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(block.join("\n") + "\n");
        }
    }
    blocks
}

#[test]
fn the_tutorial_is_the_example() {
    assert!(blocks(TUTORIAL).len() >= 8, "the tutorial has hardly any code");
    if let Some(difference) = difference(TUTORIAL, EXAMPLE) {
        panic!("{difference}");
    }
}

#[test]
fn a_tutorial_that_differs_is_found() {
    let block = |code: &str| format!("{FENCE}\n{code}\n```\n");
    assert_eq!(difference(&(block("a") + &block("b")), "a\n\nb\n"), None);
    assert!(difference(&block("a"), "a\n\nb\n").is_some(), "the end is missing");
    assert!(difference(&block("b"), "a\n\nb\n").is_some(), "the beginning is missing");
    assert!(difference(&(block("b") + &block("a")), "a\n\nb\n").is_some(), "another order");
    assert!(difference(&(block("a") + &block("c")), "a\n\nb\n").is_some(), "another code");
}
