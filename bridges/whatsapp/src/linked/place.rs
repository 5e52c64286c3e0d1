//! How chats and messages are called here.
//!
//! | what | id |
//! |---|---|
//! | group, channel | WhatsApp's own address; all accounts in it see the same one |
//! | chat of two, list of receivers, status | the account, a slash, the other side |
//! | message | whoever wrote it, a slash, the stanza's id: ids of stanzas are unique only for each writer |

use magpie_common::ids::{RemoteChatId, RemoteMessageId, RemoteUserId};
use wacore_binary::{Jid, JidExt, Server};

use super::identity::{self, Person};

/// What stands for us in the ids of messages of a chat of two, where nobody else sees them.
const WE: &str = "me";
/// And for the other side.
const THEY: &str = "them";

/// The chat of an account that a stanza belongs to.
pub(super) fn chat(me: &RemoteUserId, jid: &Jid, other: Option<&Person>) -> Option<RemoteChatId> {
    match jid.server {
        Server::Group | Server::Newsletter => Some(RemoteChatId::new(jid.to_non_ad_string())),
        Server::Broadcast => Some(RemoteChatId::new(format!("{me}/{}", jid.to_non_ad_string()))),
        _ => {
            let id = match other {
                Some(person) => person.id(),
                None => identity::id_of(jid),
            };
            id.map(|id| direct(me, &id))
        }
    }
}

/// The chat of two.
pub(super) fn direct(me: &RemoteUserId, other: &RemoteUserId) -> RemoteChatId {
    RemoteChatId::new(format!("{me}/{other}"))
}

/// Where a chat of this account is written to.
pub(super) fn address(me: &RemoteUserId, chat: &RemoteChatId) -> Option<Jid> {
    match chat.as_str().split_once('/') {
        None => {
            let jid: Jid = chat.as_str().parse().ok()?;
            (jid.is_group() || jid.is_newsletter()).then_some(jid)
        }
        Some((owner, other)) if owner == me.as_str() => {
            if let Ok(jid) = other.parse::<Jid>()
                && jid.server == Server::Broadcast
            {
                return Some(jid);
            }
            identity::address_of(&RemoteUserId::new(other))
        }
        Some(_) => None,
    }
}

/// The other side of a chat of two.
pub(super) fn with(me: &RemoteUserId, chat: &RemoteChatId) -> Option<RemoteUserId> {
    let (owner, other) = chat.as_str().split_once('/')?;
    let other = RemoteUserId::new(other);
    (owner == me.as_str() && identity::address_of(&other).is_some()).then_some(other)
}

/// Whether a chat is one of two.
fn is_direct(chat: &RemoteChatId) -> bool {
    chat.as_str()
        .split_once('/')
        .is_some_and(|(_, other)| identity::address_of(&RemoteUserId::new(other)).is_some())
}

/// Who wrote a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    /// This account.
    Me,
    /// Somebody else.
    Other(RemoteUserId),
}

/// The id of a message.
pub(super) fn message(
    me: &RemoteUserId,
    chat: &RemoteChatId,
    writer: &Writer,
    stanza: &str,
) -> RemoteMessageId {
    let writer = match (is_direct(chat), writer) {
        (true, Writer::Me) => WE,
        (true, Writer::Other(_)) => THEY,
        (false, Writer::Me) => me.as_str(),
        (false, Writer::Other(id)) => id.as_str(),
    };
    RemoteMessageId::new(format!("{writer}/{stanza}"))
}

/// Who wrote a message, and its stanza's id; `None` for what is no message of this chat.
pub(super) fn parts<'a>(
    me: &RemoteUserId,
    chat: &RemoteChatId,
    message: &'a RemoteMessageId,
) -> Option<(Writer, &'a str)> {
    let (writer, stanza) = message.as_str().split_once('/')?;
    let writer = match writer {
        WE => Writer::Me,
        THEY => Writer::Other(with(me, chat)?),
        id if id == me.as_str() => Writer::Me,
        id => Writer::Other(RemoteUserId::new(id)),
    };
    (!stanza.is_empty()).then_some((writer, stanza))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> RemoteUserId {
        RemoteUserId::new("lid-1")
    }

    #[test]
    fn chats_lead_back_to_addresses() {
        for (jid, id) in [
            ("120363-1@g.us", "120363-1@g.us"),
            ("120363@newsletter", "120363@newsletter"),
            ("status@broadcast", "lid-1/status@broadcast"),
            ("22@lid", "lid-1/lid-22"),
            ("4915@s.whatsapp.net", "lid-1/4915"),
        ] {
            let jid: Jid = jid.parse().expect("an address");
            let chat = chat(&me(), &jid, None).expect("a chat");
            assert_eq!((chat.as_str(), address(&me(), &chat)), (id, Some(jid)));
        }
        for foreign in ["lid-2/lid-22", "22@lid", "", "/", "lid-1/", "lid-1/a b"] {
            assert_eq!(address(&me(), &RemoteChatId::new(foreign)), None, "{foreign}");
        }
    }

    #[test]
    fn a_message_is_known_by_its_writer_and_its_stanza() {
        let they = Writer::Other(RemoteUserId::new("lid-22"));
        for chat in ["120363-1@g.us", "lid-1/lid-22"].map(RemoteChatId::new) {
            for writer in [Writer::Me, they.clone()] {
                let id = message(&me(), &chat, &writer, "3EB0/x");
                assert_eq!(parts(&me(), &chat, &id), Some((writer, "3EB0/x")));
            }
        }
        let group = RemoteChatId::new("120363-1@g.us");
        assert_eq!(
            message(&me(), &group, &Writer::Me, "A").as_str(),
            "lid-1/A",
            "others see it under the same id"
        );
        let direct = RemoteChatId::new("lid-1/lid-22");
        assert_eq!(
            message(&me(), &direct, &they, "A").as_str(),
            "them/A",
            "it stays when an address changes"
        );
        for bad in ["", "A", "me/"] {
            assert_eq!(parts(&me(), &direct, &RemoteMessageId::new(bad)), None, "{bad}");
        }
    }
}
