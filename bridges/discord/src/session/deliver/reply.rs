//! The line above a webhook's message that says what it answers: webhooks cannot reply.

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::Node,
};

use super::Deliverer;
use crate::{format, place::Place, session::seen::Seen};

impl Deliverer {
    /// `↪ name: first words`, where the name leads to the message: links may have words of their own in what webhooks and bots write
    /// (<https://github.com/discord/discord-api-docs/issues/6088>). Nobody is pinged by it, and nothing hidden is shown.
    pub(super) async fn reply_line(&self, chat: &RemoteChatId, target: &RemoteMessageId) -> Vec<Node> {
        let (label, words) = match self.seen(chat, target).await {
            Some(Seen { name, words }) if words.is_empty() => (name, String::new()),
            Some(Seen { name, words }) => (name, format!(": {words}")),
            None => ("an earlier message".to_owned(), String::new()),
        };
        let url = format::message_url(&*self.world.read(), chat, target);
        let name = Node::Text(label);
        let name = match url {
            Some(url) => Node::Link { url, children: vec![name] },
            None => name,
        };
        vec![Node::Text("↪ ".to_owned()), name, Node::Text(words), Node::LineBreak]
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
