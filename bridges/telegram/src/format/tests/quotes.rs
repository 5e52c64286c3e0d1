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
