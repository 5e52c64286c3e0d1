//! Texts that are too long for one message, or that have too many entities.

use super::*;

fn cut(nodes: Vec<Node>, units_max: usize) -> Vec<Part> {
    let parts = write(&RichText(nodes), &Known, units_max);
    for part in &parts {
        assert!(units::units(&part.text) <= units_max, "{part:?}");
    }
    parts
}

fn texts(nodes: Vec<Node>, units_max: usize) -> Vec<String> {
    cut(nodes, units_max).into_iter().map(|part| part.text).collect()
}

fn a(count: usize) -> String {
    "a".repeat(count)
}

#[test]
fn a_text_that_just_fits_is_one_part() {
    assert_eq!(texts(vec![t(&a(64))], 64), [a(64)]);
    assert_eq!(texts(vec![t(&a(65))], 64), [a(64), a(1)]);
    assert_eq!(texts(vec![t(&"🐦".repeat(32))], 64), ["🐦".repeat(32)]);
    assert_eq!(texts(vec![t(&format!("{}   ", a(64)))], 64), [a(64)]);
}

#[test]
fn a_cut_prefers_an_empty_line_then_a_line_then_a_word() {
    let lines = |nodes: &[Node]| [&[t(&a(40))], nodes, &[t("b b b b b b b b b b b b b b b b")]].concat();
    let rest = "b b b b b b b b b b b b b b b b";
    assert_eq!(texts(lines(&[n(), n()]), 64), [a(40), rest.to_owned()]);
    assert_eq!(texts(lines(&[n()]), 64), [a(40), rest.to_owned()]);
    assert_eq!(
        texts(lines(&[t(" ")]), 64),
        [format!("{} b b b b b b b b b b b b", a(40)), "b b b b".to_owned()]
    );
}

#[test]
fn a_cut_far_from_the_end_is_not_taken() {
    assert_eq!(texts(vec![t("a"), n(), n(), t(&a(80))], 64)[0].len(), 64);
}

#[test]
fn no_character_is_cut() {
    let family = "👨‍👩‍👧";
    let parts = texts(vec![t(&family.repeat(20))], 66);
    assert_eq!(parts, [family.repeat(8), family.repeat(8), family.repeat(4)]);
    let marked = format!("e{}", "\u{301}".repeat(9));
    assert_eq!(texts(vec![t(&marked.repeat(10))], 64)[0], marked.repeat(6));
}

#[test]
fn an_endless_character_is_cut_anyway() {
    let endless = format!("e{}", "\u{301}".repeat(500));
    assert_eq!(texts(vec![t(&endless)], 64).concat(), endless);
}

#[test]
fn spans_are_cut_with_the_words() {
    let parts = cut(vec![strong(vec![t(&a(60)), t(" bbbbb "), em(vec![t("c")])])], 64);
    assert_eq!(parts[0], Part { text: a(60), entities: vec![bold(0, 60)] });
    assert_eq!(parts[1], Part { text: "bbbbb c".into(), entities: vec![bold(0, 7), italic(6, 1)] });
}

#[test]
fn code_keeps_its_language_in_every_part() {
    let line = "x".repeat(30);
    let parts = cut(vec![t("see"), block("rust", &[line.as_str(); 4].join("\n"))], 64);
    let language = |part: &Part| matches!(&part.entities[..], [Entity { kind: Kind::Pre { language: Some(language) }, .. }] if language == "rust");
    assert_eq!(parts.len(), 3);
    assert!(parts.iter().all(language), "{parts:?}");
}

#[test]
fn a_block_of_code_that_nearly_fits_goes_to_the_next_part() {
    let parts = texts(vec![t(&a(50)), block("", "1\n2\n3\n4\n5\n6\n7\n8")], 64);
    assert_eq!(parts, [a(50), "1\n2\n3\n4\n5\n6\n7\n8".to_owned()]);
}

#[test]
fn nobody_is_cut_in_two() {
    let parts = cut(vec![t(&a(55)), t(" "), user("2", "Bob the Builder of Bridges")], 64);
    assert_eq!(parts[0].text, a(55));
    assert_eq!(parts[1].entities, [who(2, "Bob the Builder of Bridges", 0, 26)]);
    assert_eq!(
        texts(vec![t(&format!("{}.", a(61))), user("1", "Ada")], 64),
        [format!("{}.", a(61)), "@ada_l".to_owned()]
    );
}

#[test]
fn a_cut_makes_no_mention_of_a_mail_address() {
    let address = format!("{}@example.org", a(64));
    for part in texts(vec![t(&address)], 64) {
        assert!(!part.starts_with('@'), "{part}");
    }
}

#[test]
fn styles_beyond_the_limit_are_left_out_and_words_stay() {
    let nodes: Vec<Node> = (0..150).flat_map(|_| [strong(vec![t("a")]), t(" ")]).collect();
    let parts = cut(nodes, 4096);
    assert_eq!(parts.len(), 1);
    assert_eq!(parts[0].entities.len(), ENTITIES_MAX);
    assert_eq!(parts[0].entities[99], bold(198, 1));
    assert_eq!(parts[0].text.matches('a').count(), 150);
}

#[test]
fn inner_styles_are_left_out_first() {
    let nodes: Vec<Node> = (0..80).flat_map(|_| [strong(vec![em(vec![t("a")])]), t(" ")]).collect();
    let kinds = cut(nodes, 4096).remove(0).entities;
    assert_eq!(kinds.iter().filter(|entity| entity.kind == Kind::Bold).count(), 80);
    assert_eq!(kinds.iter().filter(|entity| entity.kind == Kind::Italic).count(), 20);
}

#[test]
fn what_is_hidden_stays_hidden_however_much_it_is() {
    let nodes: Vec<Node> = (0..250).flat_map(|_| [spoiler(vec![t("a")]), t(" ")]).collect();
    let parts = cut(nodes, 4096);
    assert_eq!(parts.len(), 3);
    let hidden: usize = parts.iter().map(|part| part.entities.len()).sum();
    assert_eq!(hidden, 250);
}

#[test]
fn a_tiny_limit_is_not_kept() {
    assert_eq!(write(&RichText(vec![t(&a(64))]), &Known, 0).len(), 1);
}

#[test]
fn a_novel_is_cut_in_reasonable_time() {
    let lines: Vec<Node> =
        (0..1900).flat_map(|nth| [t(&format!("line {nth} of {}", "many words ".repeat(5))), n()]).collect();
    let start = std::time::Instant::now();
    let parts = cut(lines, TEXT_UNITS_MAX);
    assert!(parts.len() > 20);
    assert!(parts.iter().all(|part| part.text.starts_with("line ") && part.text.ends_with("words")));
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "took {:?}", start.elapsed());
}
