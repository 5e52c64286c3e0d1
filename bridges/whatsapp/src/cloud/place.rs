//! How chats are spelled as remote ids: `106540352242922/16505551234` is what a business with that number's id and a person say to each other.
//!
//! Each number of a business has chats of its own. Only this file makes and parses such ids.

use magpie_common::ids::{RemoteChatId, RemoteUserId};

use crate::{config::is_number_id, ids};

/// The chat of a number with a person.
pub(super) fn chat(number: &str, person: &RemoteUserId) -> RemoteChatId {
    RemoteChatId::new(format!("{}{person}", prefix(number)))
}

/// What the chats of a number begin with.
pub(super) fn prefix(number: &str) -> String {
    format!("{number}/")
}

/// The person of a chat; `None` where it is none of this number's.
pub(super) fn person(number: &str, chat: &RemoteChatId) -> Option<RemoteUserId> {
    let (own, person) = chat.as_str().split_once('/')?;
    (own == number && is_number_id(own)).then_some(())?;
    let id = RemoteUserId::new(person);
    match ids::digits(&id) {
        Some(_) => Some(id),
        None => ids::business_scoped(person),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_belongs_to_one_number() {
        for id in ["16505551234", "US.13491208655302741918"] {
            let person = RemoteUserId::new(id);
            let there = chat("1065", &person);
            assert_eq!(super::person("1065", &there), Some(person));
            assert_eq!(super::person("1066", &there), None);
        }
        for bad in ["", "1065", "1065/", "1065/x", "/16505551234", "1065/1650/5551234"] {
            assert_eq!(super::person("1065", &RemoteChatId::new(bad)), None, "{bad}");
        }
    }
}
