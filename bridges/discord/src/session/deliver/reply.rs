//! The line above a webhook's message that says what it answers: webhooks cannot reply.

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::{Mention, MentionTarget, Node},
};

use super::Deliverer;
use crate::{place::Place, session::seen::Seen};

impl Deliverer {
    /// `↪ name: first words`, where the name leads to the message. Nobody is pinged by it, and nothing hidden is shown.
    pub(super) async fn reply_line(&self, chat: &RemoteChatId, target: &RemoteMessageId) -> Vec<Node> {
        let (label, words) = match self.seen(chat, target).await {
            Some(Seen { name, words }) if words.is_empty() => (name, String::new()),
            Some(Seen { name, words }) => (name, format!(": {words}")),
            None => ("an earlier message".to_owned(), String::new()),
        };
        let mention = MentionTarget::Message(chat.clone(), target.clone());
        vec![
            Node::Text(format!("↪ {label} ")),
            Node::Mention(Mention { target: mention, label }),
            Node::Text(words),
            Node::LineBreak,
        ]
    }

    /// Who said a message, and its first words. What cannot be read is not quoted.
    pub(super) async fn seen(&self, chat: &RemoteChatId, target: &RemoteMessageId) -> Option<Seen> {
        let Place { channel, message } = Place::of(chat, target);
        let remembered = self.world.read().seen.get(&message);
        if remembered.is_some() {
            return remembered;
        }
        let found = self.api.get(&format!("/channels/{channel}/messages/{message}")).await.ok()?;
        let known = self.world.read();
        let seen = Seen::of(&found, &known)?;
        known.seen.put(&message, seen.clone());
        Some(seen)
    }
}
