//! The envelope against what other software sealed, and against whoever forges.

use proptest::prelude::{any, proptest};

use super::*;

/// Nobody's: made up for these tests.
const KEY: &str = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR";
const TOKEN: &str = "QDG6eK";
const RECEIVER: &str = "wx5823bf96d3bd56c7";

fn envelope() -> Envelope {
    Envelope::new(Secret::new(TOKEN), &Secret::new(KEY), RECEIVER).expect("the key is one")
}

fn seal(message: &[u8], receiver: &str) -> String {
    sealing::seal(KEY, message, receiver)
}

fn seal_raw(plain: Vec<u8>) -> String {
    sealing::seal_raw(KEY, plain)
}

/// The moment that stands beside the vectors.
const MOMENT: (&str, &str) = ("1409659589", "263014780");

/// Who sealed, for whom, what; what came out, and its signature.
const VECTORS: [(&str, &str, &str, &str, &str); 5] = [
    (
        "wechatpy 1.8.18",
        "wx5823bf96d3bd56c7",
        "<xml><Content>鸟 🐦</Content></xml>",
        "jvGAqBXo3I7dURZmmTHdJ/qQewPQdWfijPg/mv5NR7yOHTDtdht4CD0YZoxKkCL4OMl+RHIRSr4JGNAnVZTt9hd5DykEtx1ussyUgbsD+lJOlqBiqur2M12J+33sGH1d",
        "339bf041100999f2cf7ab3d878847deca684de67",
    ),
    (
        "wechatpy 1.8.18 (WeCom)",
        "ww1234567890abcdef",
        "",
        "HuzR6EZ3HhOhP8yCSiIg711XdMume4dXdjjnqBvwlxUomv6IDDRCf1DaWf56q/H1Oh+gpjXrQvGORnKXoUX8lw==",
        "fc02b857b86badf00c54f5c2b967ab5004275150",
    ),
    (
        "@wecom/crypto 1.0.1",
        "ww1234567890abcdef",
        "1616140317555161061",
        "9WiqeSLJcuCAHXkMr1wAhiEoi+WCjeCN1R/2URytUDTnmS0w3ABWN2ufDTmdtI4npeSO+Tv/x+n0/NNUn3Yfmg==",
        "9a71e19482e85becf6c702280995780c73ac811b",
    ),
    (
        "@wecom/crypto 1.0.1",
        "wx5823bf96d3bd56c7",
        "xxxxxxxxxxxx",
        "jaYnkLqoOughEN0+nDIRv7YEQ3LdDwmPYSc2rclcBjvunae9HA9KWGNQ3M4O3RuWmjBsqVO9tzhT+pSi5dS2ZQ==",
        "c1673c931fb7dbd82d28418675e367619d4e5f3f",
    ),
    (
        "wechat-crypto 0.0.2",
        "wx5823bf96d3bd56c7",
        "<xml/>",
        "KUqo2Z5lSJtS7sHnAbl2c86EsFQ7TLfwOvyzRRASCQ1JXBrRbpTzWB7D+6Z7uS4xCp07qIlJyXY6+DB2PviAAg==",
        "8037a731ec50c23a8148812115abac6ed519978d",
    ),
];

/// As both ways in do it.
fn open_signed(
    envelope: &Envelope,
    (signature, (timestamp, nonce)): (&str, (&str, &str)),
    sealed: &str,
) -> Result<Vec<u8>, NotOurs> {
    envelope.is_signed(signature, &[timestamp, nonce, sealed]).then_some(()).ok_or(NotOurs)?;
    envelope.open(sealed)
}

#[test]
fn what_other_software_sealed_is_opened() {
    for (who, receiver, message, sealed, signature) in VECTORS {
        let envelope =
            Envelope::new(Secret::new(TOKEN), &Secret::new(KEY), receiver).expect("the key is one");
        let opened = open_signed(&envelope, (signature, MOMENT), sealed);
        assert_eq!(opened.as_deref(), Ok(message.as_bytes()), "{who}");
        for (signature, moment) in [
            ("339bf041100999f2cf7ab3d878847deca684de68", MOMENT),
            ("", MOMENT),
            (signature, ("1409659590", MOMENT.1)),
            (signature, (MOMENT.0, "263014781")),
        ] {
            assert_eq!(open_signed(&envelope, (signature, moment), sealed), Err(NotOurs), "{who}");
        }
        let other = Envelope::new(Secret::new(TOKEN), &Secret::new(KEY), "wx0").expect("the key is one");
        assert_eq!(open_signed(&other, (signature, MOMENT), sealed), Err(NotOurs), "{who}");
    }
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
