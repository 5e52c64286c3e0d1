//! The line above a webhook's message that says what it answers: webhooks cannot reply.

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::{Mention, MentionTarget, Node},
};

use super::Deliverer;
use crate::session::seen::Seen;

impl Deliverer {
    /// `↪ name: first words`, where the name leads to the message. Nobody is pinged by it, and nothing hidden is shown.
    pub(super) async fn reply_line(&self, chat: &RemoteChatId, target: &RemoteMessageId) -> Vec<Node> {
        let remembered = self.world.read().seen.get(target.as_str());
        let seen = match remembered {
            Some(seen) => Some(seen),
            None => self.look_up(chat, target).await,
        };
        let (label, words) = match seen {
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

    /// `GET /channels/{id}/messages/{message}`. What cannot be read is not quoted.
    async fn look_up(&self, chat: &RemoteChatId, target: &RemoteMessageId) -> Option<Seen> {
        let message = self.api.get(&format!("/channels/{chat}/messages/{target}")).await.ok()?;
        let known = self.world.read();
        let seen = Seen::of(&message, &known)?;
        known.seen.put(target.as_str(), seen.clone());
        Some(seen)
    }
}
