//! Where things stand: a message of a channel, or of a thread that is shown inside its channel's room.
//!
//! In such a room a message of the thread has an id of two parts, `<thread>/<message>`, and the thread's first message is `<thread>`: Discord
//! gives a thread the id of the message that it was begun from. Only this file makes and parses such ids.

use magpie_common::ids::{RemoteChatId, RemoteMessageId};

/// A message as Discord's routes name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The channel, or the thread.
    pub channel: String,
    /// The message.
    pub message: String,
}

/// A channel as rooms name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    /// The room's channel.
    pub chat: String,
    /// The thread inside it.
    pub thread: Option<String>,
}

impl Place {
    /// Where a message of a room stands.
    pub fn of(chat: &RemoteChatId, id: &RemoteMessageId) -> Self {
        match id.as_str().split_once('/') {
            Some((thread, message)) => Self { channel: thread.to_owned(), message: message.to_owned() },
            None => Self { channel: chat.to_string(), message: id.to_string() },
        }
    }
}

impl Spot {
    /// A channel that has a room of its own.
    pub fn plain(channel: &str) -> Self {
        Self { chat: channel.to_owned(), thread: None }
    }

    /// The room.
    pub fn chat(&self) -> RemoteChatId {
        RemoteChatId::new(self.chat.as_str())
    }

    /// A message at this spot, as the room names it.
    pub fn message(&self, id: &str) -> RemoteMessageId {
        match self.thread.as_deref().filter(|thread| *thread != id) {
            Some(thread) => RemoteMessageId::new(format!("{thread}/{id}")),
            None => RemoteMessageId::new(id),
        }
    }

    /// The first message of the thread.
    pub fn root(&self) -> Option<RemoteMessageId> {
        self.thread.as_deref().map(RemoteMessageId::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spot_names_what_a_place_finds() {
        let chat = RemoteChatId::new("1");
        for (spot, channel) in
            [(Spot::plain("1"), "1"), (Spot { chat: "1".to_owned(), thread: Some("5".to_owned()) }, "5")]
        {
            let place = Place::of(&chat, &spot.message("7"));
            assert_eq!(place, Place { channel: channel.to_owned(), message: "7".to_owned() });
        }
        let thread = Spot { chat: "1".to_owned(), thread: Some("5".to_owned()) };
        assert_eq!(Some(thread.message("5")), thread.root(), "it stands in the channel");
    }
}
