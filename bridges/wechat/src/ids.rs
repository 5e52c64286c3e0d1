//! How people and chats are spelled as remote ids: by adapter, account and the id that WeChat uses there.
//!
//! | id | who or what |
//! |---|---|
//! | `official/wx5823bf96d3bd56c7/oVAZ-5x` | whoever follows that Official Account under that openid, and the chat with them |
//! | `wechaty/wxid_me/wxid_ada` | somebody whom that person's account knows, and the chat with them |
//! | `wechaty/wxid_me/7@chatroom` | a group, as that account sees it |
//! | `ilink/b0f5c2@im.bot/o9cq80x@im.wechat` | the person who has bound that bot of iLink's, and the chat with them |
//! | `wecom/ww1234/ZhangSan` | a member of that company in WeCom |
//! | `wecom/ww1234/customer:wmJZ-5x` | somebody from outside who writes to its customer service |
//! | `wecom/ww1234/…` with `agent:`, `group:` or `kf:` | an app and the chats with it (the adapter's `place` says more) |
//! | `union/o6_bmjrPTlm6_2sgVt7hMZOPfL2M` | the same person for all accounts of one owner; never the id of a ghost, only another name of one |
//!
//! The same person has another openid at each account; only a unionid tells that it is the same. Only this file makes and parses such ids.

use magpie_common::ids::{RemoteChatId, RemoteUserId};

/// The longest id of WeChat's own that stands in one of ours.
const NATIVE_CHARS_MAX: usize = 128;

/// Somebody whom an account knows under an id of WeChat's; `None` for what cannot be one.
pub(crate) fn user(adapter: &str, account: &str, native: &str) -> Option<RemoteUserId> {
    (is_native(account) && is_native(native))
        .then(|| RemoteUserId::new(format!("{adapter}/{account}/{native}")))
}

/// The chat with them.
pub(crate) fn direct(user: &RemoteUserId) -> RemoteChatId {
    RemoteChatId::new(user.as_str())
}

/// Whom an owner's accounts all know under that id.
pub(crate) fn union(native: &str) -> Option<RemoteUserId> {
    is_native(native).then(|| RemoteUserId::new(format!("union/{native}")))
}

/// WeChat's own id in one of ours; `None` where it is none of this account's.
pub(crate) fn native<'a>(id: &'a str, adapter: &str, account: &str) -> Option<&'a str> {
    let rest = id.strip_prefix(adapter)?.strip_prefix('/')?;
    rest.strip_prefix(account)?.strip_prefix('/').filter(|native| is_native(native))
}

/// Whether an id of WeChat's own is that of a group: of a phone, of WeChat for the web, of WeCom.
pub(crate) fn is_room(native: &str) -> bool {
    native.ends_with("chatroom") || native.starts_with("@@") || native.starts_with("R:")
}

/// It stands in addresses and in JSON.
fn is_native(id: &str) -> bool {
    (1..=NATIVE_CHARS_MAX).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_@.:".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_known_by_their_ids() {
        for (native, is_group) in [
            ("7@chatroom", true),
            ("12@im.chatroom", true),
            ("@@1f", true),
            ("R:106", true),
            ("wxid_ada", false),
            ("25@openim", false),
            ("@1f", false),
            ("gh_1", false),
        ] {
            assert_eq!(is_room(native), is_group, "{native}");
        }
    }

    #[test]
    fn ids_are_read_as_they_were_made() {
        let person = user("official", "wx58", "oVAZ-5x_y").expect("it is one");
        assert_eq!(person.as_str(), "official/wx58/oVAZ-5x_y");
        assert_eq!(native(direct(&person).as_str(), "official", "wx58"), Some("oVAZ-5x_y"));
        assert_eq!(native(person.as_str(), "official", "wx5"), None);
        assert_eq!(native(person.as_str(), "wecom", "wx58"), None);
        assert_eq!(union("o6_b").as_ref().map(RemoteUserId::as_str), Some("union/o6_b"));
        for bad in ["", "a/b", "a b", "鸟", &"a".repeat(129)] {
            assert_eq!(user("official", "wx58", bad), None, "{bad}");
            assert_eq!(user("official", bad, "oVAZ"), None, "{bad}");
        }
    }
}
