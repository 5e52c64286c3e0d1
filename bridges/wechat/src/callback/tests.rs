//! The envelope against what other software sealed, and against whoever forges.

use aes::cipher::BlockModeEncrypt;
use proptest::prelude::{any, proptest};

use super::*;

/// Nobody's: made up for these tests.
const KEY: &str = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR";
const TOKEN: &str = "QDG6eK";
const RECEIVER: &str = "wx5823bf96d3bd56c7";

fn envelope() -> Envelope {
    Envelope::new(Secret::new(TOKEN), &Secret::new(KEY), RECEIVER).expect("the key is one")
}

/// Seals as the platforms do it.
fn seal(message: &[u8], receiver: &str) -> String {
    let mut plain = vec![7; RANDOM_BYTES];
    plain.extend(u32::try_from(message.len()).expect("it is short").to_be_bytes());
    plain.extend(message);
    plain.extend(receiver.as_bytes());
    let filled = PADDED_BYTES - plain.len() % PADDED_BYTES;
    plain.extend(std::iter::repeat_n(u8::try_from(filled).expect("it is small"), filled));
    seal_raw(plain)
}

fn seal_raw(mut plain: Vec<u8>) -> String {
    let key = key_bytes(KEY).expect("the key is one");
    let iv = *key.first_chunk::<IV_BYTES>().expect("it is long enough");
    let length = plain.len();
    cbc::Encryptor::<aes::Aes256>::new(&key.into(), &iv.into())
        .encrypt_padded::<NoPadding>(&mut plain, length)
        .expect("it fills whole blocks");
    STANDARD.encode(plain)
}

#[test]
fn what_was_sealed_for_us_is_opened() {
    for message in ["", "a", "<xml><Content>鸟 🐦</Content></xml>", &"x".repeat(1000)] {
        assert_eq!(envelope().open(&seal(message.as_bytes(), RECEIVER)).as_deref(), Ok(message.as_bytes()));
    }
}

#[test]
fn what_is_for_others_or_was_changed_is_not() {
    let good = seal(b"<xml/>", RECEIVER);
    let mut changed = STANDARD.decode(&good).expect("it is base64");
    changed[0] ^= 1;
    let last = changed.len() - 1;
    let mut end = STANDARD.decode(&good).expect("it is base64");
    end[last] ^= 1;
    let lying_length = [vec![7; RANDOM_BYTES], vec![0xff; 4], vec![12; 12]].concat();
    let zero_padding = vec![0; PADDED_BYTES];
    let long_padding = vec![33; 2 * PADDED_BYTES];
    let uneven = [vec![1; PADDED_BYTES - 2], vec![9, 2]].concat();
    for bad in [
        seal(b"<xml/>", "wx0000000000000000"),
        seal(b"<xml/>", ""),
        STANDARD.encode(end),
        seal_raw(lying_length),
        seal_raw(zero_padding),
        seal_raw(long_padding),
        seal_raw(uneven),
        STANDARD.encode([0; 15]),
        good[1..].to_owned(),
        "not base64!".to_owned(),
        String::new(),
    ] {
        assert_eq!(envelope().open(&bad), Err(NotOurs), "{bad}");
    }
}

#[test]
fn signatures_are_over_sorted_words() {
    // SHA-1 of the words one after the other, as `sha1sum` has it.
    let envelope = Envelope::new(Secret::new("b"), &Secret::new(KEY), RECEIVER).expect("the key is one");
    assert_eq!(envelope.signature(&["c", "a"]), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert!(envelope.is_signed("A9993E364706816ABA3E25717850C26C9CD0D89D", &["a", "c"]));
    for bad in ["", "a9993e", "a9993e364706816aba3e25717850c26c9cd0d89e"] {
        assert!(!envelope.is_signed(bad, &["a", "c"]), "{bad}");
    }
}

#[test]
fn keys_have_43_letters() {
    assert!(key_bytes(KEY).is_some());
    // Both name the same bytes: the last two bits mean nothing.
    assert_eq!(key_bytes(&"A".repeat(43)), key_bytes(&format!("{}B", "A".repeat(42))));
    for bad in ["", &KEY[1..], &format!("{KEY}="), &"!".repeat(43)] {
        assert!(key_bytes(bad).is_none(), "{bad}");
    }
}

proptest! {
    #[test]
    fn nothing_that_comes_makes_it_panic(bytes in any::<Vec<u8>>(), words in any::<String>()) {
        let _ = envelope().open(&STANDARD.encode(bytes));
        let _ = envelope().open(&words);
        let _ = xml::read(&words);
    }
}
