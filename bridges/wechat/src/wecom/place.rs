//! How members, customers and chats of one app are spelled as remote ids, and read back.
//!
//! | id, after `wecom/<corp id>/` | who or what |
//! |---|---|
//! | `ZhangSan` | a member of the company, by their userid |
//! | `customer:wmJZ-5x` | somebody from outside, by their external_userid |
//! | `agent:1000002` | the app itself; `agent:1000002:ZhangSan` is the chat with a member |
//! | `group:1000002:abc` | a group that the app has made |
//! | `kf:wkJZ-5x:wmJZ-5x` | a customer's talk with one of the company's service accounts |
//!
//! A userid has no colon, so none of them looks like another. Only this file makes and parses such ids.

use magpie_common::ids::{RemoteChatId, RemoteUserId};

use super::NAME;
use crate::ids;

/// The longest userid, external_userid, service account or group id.
const ID_BYTES_MAX: usize = 64;

/// Whose app, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// The company's id.
    pub corp_id: String,
    /// The app's id there.
    pub agent_id: u64,
}

/// What a chat is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The app's talk with a member.
    Member {
        /// Who.
        userid: String,
    },
    /// A group that the app has made.
    Group {
        /// Its id.
        chatid: String,
    },
    /// A customer's talk with a service account.
    Customer(Service),
}

/// A customer and the service account that they write to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    /// The service account's open_kfid.
    pub kf: String,
    /// The customer's external_userid.
    pub external: String,
}

/// Who somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Person {
    /// A member of the company.
    Member(String),
    /// Somebody from outside.
    Customer(String),
    /// The app.
    Us,
}

impl Names {
    /// The app itself.
    pub fn me(&self) -> Option<RemoteUserId> {
        ids::user(NAME, &self.corp_id, &format!("agent:{}", self.agent_id))
    }

    /// A member of the company; `None` for what cannot be one.
    pub fn member(&self, userid: &str) -> Option<RemoteUserId> {
        is_id(userid).then(|| ids::user(NAME, &self.corp_id, userid))?
    }

    /// Somebody from outside.
    pub fn customer(&self, external: &str) -> Option<RemoteUserId> {
        is_id(external).then(|| ids::user(NAME, &self.corp_id, &format!("customer:{external}")))?
    }

    /// Who somebody is; `None` for whom this app does not know.
    pub fn person(&self, id: &RemoteUserId) -> Option<Person> {
        let native = ids::native(id.as_str(), NAME, &self.corp_id)?;
        if self.me().is_some_and(|me| me == *id) {
            return Some(Person::Us);
        }
        match native.strip_prefix("customer:") {
            Some(external) => is_id(external).then(|| Person::Customer(external.to_owned())),
            None => is_id(native).then(|| Person::Member(native.to_owned())),
        }
    }

    /// A chat; `None` where an id in it is none.
    pub fn chat(&self, place: &Place) -> Option<RemoteChatId> {
        let agent = self.agent_id;
        let (native, is_known) = match place {
            Place::Member { userid } => (format!("agent:{agent}:{userid}"), is_id(userid)),
            Place::Group { chatid } => (format!("group:{agent}:{chatid}"), is_id(chatid)),
            Place::Customer(Service { kf, external }) => {
                (format!("kf:{kf}:{external}"), is_id(kf) && is_id(external))
            }
        };
        let id = ids::user(NAME, &self.corp_id, &native)?;
        is_known.then(|| ids::direct(&id))
    }

    /// What a chat is; `None` where it is none of this app's.
    pub fn place(&self, chat: &RemoteChatId) -> Option<Place> {
        let native = ids::native(chat.as_str(), NAME, &self.corp_id)?;
        let (kind, rest) = native.split_once(':')?;
        let (first, second) = rest.split_once(':').filter(|(first, second)| is_id(first) && is_id(second))?;
        let is_ours = first.parse() == Ok(self.agent_id);
        let second = second.to_owned();
        match kind {
            "agent" if is_ours => Some(Place::Member { userid: second }),
            "group" if is_ours => Some(Place::Group { chatid: second }),
            "kf" => Some(Place::Customer(Service { kf: first.to_owned(), external: second })),
            _ => None,
        }
    }
}

/// Whether that can be an id of WeCom's.
pub(super) fn is_id(id: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_@.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    fn names() -> Names {
        Names { corp_id: "ww1234".to_owned(), agent_id: 1_000_002 }
    }

    fn places() -> [Place; 3] {
        [
            Place::Member { userid: "zhang.san@x".to_owned() },
            Place::Group { chatid: "abc".to_owned() },
            Place::Customer(Service { kf: "wkJZ-5x".to_owned(), external: "wm_JZ".to_owned() }),
        ]
    }

    #[test]
    fn chats_are_read_as_they_were_made() {
        let other = Names { agent_id: 7, ..names() };
        for place in places() {
            let chat = names().chat(&place).expect("it is one");
            assert_eq!(names().place(&chat).as_ref(), Some(&place));
            // Customer service is the company's, not the app's.
            assert_eq!(other.place(&chat).is_some(), matches!(place, Place::Customer(_)));
            let foreign = Names { corp_id: "ww12".to_owned(), ..names() };
            assert_eq!(foreign.place(&chat), None);
        }
        assert_eq!(
            names().chat(&places()[0]).expect("it is one").as_str(),
            "wecom/ww1234/agent:1000002:zhang.san@x"
        );
        for bad in ["", "a:b", "a/b", "鸟", &"a".repeat(65)] {
            assert_eq!(names().chat(&Place::Member { userid: bad.to_owned() }), None, "{bad}");
            assert_eq!(names().member(bad), None, "{bad}");
        }
    }

    #[test]
    fn people_are_told_apart() {
        let read = |id: Option<RemoteUserId>| names().person(&id.expect("it is one"));
        assert_eq!(read(names().member("customer")), Some(Person::Member("customer".to_owned())));
        assert_eq!(read(names().customer("wm1")), Some(Person::Customer("wm1".to_owned())));
        assert_eq!(read(names().me()), Some(Person::Us));
        for stranger in ["official/ww1234/a", "wecom/ww9/a", "wecom/ww1234/a:b", "wecom/ww1234/"] {
            assert_eq!(names().person(&RemoteUserId::new(stranger)), None, "{stranger}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_comes_makes_it_panic(id in any::<String>()) {
            let _ = names().place(&RemoteChatId::new(format!("wecom/ww1234/{id}")));
            let _ = names().person(&RemoteUserId::new(id.clone()));
        }
    }
}
