//! Partial replies.

use super::*;

#[test]
fn a_quote_is_read_as_one() {
    let read = |text, entities: &[Entity]| read_quote(text, entities, &Known);
    assert_eq!(read("a b", &[bold(2, 1)]), Some(quote(vec![t("a "), strong(vec![t("b")])])));
    assert_eq!(read("a", &[cite(0, 1)]), Some(quote(vec![t("a")])));
    assert_eq!(read("a\nb", &[cite(0, 1)]), Some(quote(vec![quote(vec![t("a")]), t("b")])));
    assert_eq!(read(" \n", &[]), None);
}

#[test]
fn words_are_found_with_their_place_and_looks() {
    let text = "🐦 one two three";
    let entities = [bold(3, 7), to("https://e.org", 3, 3), italic(8, 8), hidden(0, 2)];
    let found = quotation(text, &entities, " two ").unwrap();
    let expected = Quotation { text: "two".into(), entities: vec![bold(0, 3), italic(1, 2)], position: 7 };
    assert_eq!(found, expected);
}

#[test]
fn words_that_are_no_part_are_not_quoted() {
    assert_eq!(quotation("one two", &[], "three"), None);
    assert_eq!(quotation("one two", &[], "one two"), None);
    assert_eq!(quotation("one two", &[], " "), None);
    let long = "a".repeat(1025);
    assert_eq!(quotation(&format!("b{long}"), &[], &long), None);
}
