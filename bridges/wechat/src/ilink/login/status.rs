//! What a poll for a code tells.

use serde_json::Value;

use crate::json::text;

/// How far a code has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Nothing new; also what is not known (yet).
    Wait,
    /// Scanned, and the number that was told is right.
    Scanned,
    /// The phone shows a number, which must be told; or the one that was told is wrong.
    NumberWanted,
    /// Too many numbers were wrong.
    Blocked,
    /// It was not scanned in time.
    Expired,
    /// Scanned by somebody who is served at another host.
    Redirected(String),
    /// A bot of ours is bound to that person still: which, where WeChat says so.
    BoundAlready(String),
    /// The person has agreed.
    Confirmed,
}

impl Status {
    /// Reads an answer.
    pub fn read(told: &Value) -> Self {
        let of = |name: &str| text(&told[name]).trim().to_owned();
        match text(&told["status"]) {
            // WeChat spells it so.
            "scaned" => Self::Scanned,
            "need_verifycode" => Self::NumberWanted,
            "verify_code_blocked" => Self::Blocked,
            "expired" => Self::Expired,
            // Without a host it is asked where it was asked before.
            "scaned_but_redirect" if of("redirect_host").is_empty() => Self::Wait,
            "scaned_but_redirect" => Self::Redirected(of("redirect_host")),
            "binded_redirect" => Self::BoundAlready(of("ilink_bot_id")),
            "confirmed" => Self::Confirmed,
            _ => Self::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_word_is_known() {
        for (word, status) in [
            ("wait", Status::Wait),
            ("scaned", Status::Scanned),
            ("need_verifycode", Status::NumberWanted),
            ("verify_code_blocked", Status::Blocked),
            ("expired", Status::Expired),
            ("scaned_but_redirect", Status::Redirected("sh.weixin.qq.com".to_owned())),
            ("binded_redirect", Status::BoundAlready(String::new())),
            ("confirmed", Status::Confirmed),
        ] {
            let told = json!({"ret": 0, "status": word, "redirect_host": "sh.weixin.qq.com"});
            assert_eq!(Status::read(&told), status, "{word}");
        }
        assert_eq!(Status::read(&json!({"status": "scaned_but_redirect"})), Status::Wait);
        assert_eq!(Status::read(&Value::Null), Status::Wait);
    }

    proptest! {
        #[test]
        fn what_is_not_known_is_waited_for(word in "[a-z_]{0,12}") {
            const KNOWN: [&str; 7] = [
                "scaned", "need_verifycode", "verify_code_blocked", "expired", "scaned_but_redirect", "binded_redirect", "confirmed",
            ];
            prop_assume!(!KNOWN.contains(&word.as_str()));
            prop_assert_eq!(Status::read(&json!({"status": word})), Status::Wait);
        }
    }
}
