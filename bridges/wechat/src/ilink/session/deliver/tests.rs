//! How messages are written and cut.

use magpie_common::message::{AttachmentKind, FileSource};
use proptest::prelude::*;

use super::*;

fn key() -> DeliveryKey {
    DeliveryKey { key: "a1b2".to_owned(), in_doubt: None }
}

#[test]
fn a_message_bears_its_key_and_one_item() {
    let (key, before) = (key(), [RemoteMessageId::new("1")]);
    let quoted = RemoteMessageId::new("18446744073709551615");
    let spot = Spot { user: "o9@im.wechat", key: &key, ids: &before, quoted: Some(&quoted) };
    let item = json!({"type": 1, "text_item": {"text": "hello"}});
    let expected = json!({
        "from_user_id": "", "to_user_id": "o9@im.wechat", "client_id": "magpie-a1b2-1", "message_type": 2, "message_state": 2,
        "item_list": [{"type": 1, "text_item": {"text": "hello"}, "ref_msg": {"svr_id": "18446744073709551615"}}],
        "context_token": "ctx",
    });
    assert_eq!(written(&spot, item.clone(), Some("ctx")), expected);
    let ours = part_id(&key, 0);
    let spot = Spot { quoted: Some(&ours), ..spot };
    let bare = written(&spot, item.clone(), None);
    assert_eq!((&bare["item_list"], bare.get("context_token")), (&json!([item]), None));
}

#[test]
fn only_files_that_fit_are_brought() {
    let mut file =
        Attachment::new(AttachmentKind::File, FileSource::Matrix("mxc://example.org/x".into()), "x");
    for (size_bytes, expected) in
        [(None, true), (Some(FILE_BYTES_MAX), true), (Some(FILE_BYTES_MAX + 1), false)]
    {
        file.size_bytes = size_bytes;
        assert_eq!(is_fit(&file), expected, "{size_bytes:?}");
    }
}

#[test]
fn words_are_cut_by_characters() {
    let chinese = "鸟".repeat(TEXT_CHARS_MAX);
    assert_eq!(cut(&RichText::plain(&chinese)), std::slice::from_ref(&chinese));
    let parts = cut(&RichText::plain(&format!("{chinese}鹊")));
    assert_eq!(parts, [chinese, "鹊".to_owned()]);
    assert!(cut(&RichText::plain(" \n ")).is_empty());
}

proptest! {
    #[test]
    fn no_part_is_too_long_and_no_letter_is_lost(words in "([a-z鸟]{1,9}[ \n]{1,3}){300,900}") {
        let parts = cut(&RichText::plain(&words));
        let letters = |words: &str| words.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
        prop_assert!(parts.iter().all(|part| (1..=TEXT_CHARS_MAX).contains(&part.chars().count())));
        prop_assert_eq!(letters(&parts.concat()), letters(&words));
    }
}
