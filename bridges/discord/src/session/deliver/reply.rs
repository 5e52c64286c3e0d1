//! What stands above a webhook's message: the whole of a name that is too long for one, and what is answered, as webhooks cannot reply.
//!
//! Never more than a line each: `session/head` reads them again.

use magpie_common::{
    ids::{RemoteChatId, RemoteMessageId},
    message::{Author, Node},
};

use super::{Deliverer, Voice};
use crate::{
    format,
    place::Place,
    session::{
        head::{ANSWERS, Head},
        seen::Seen,
    },
};

impl Deliverer {
    /// The lines above what a person says, and which ones they are.
    pub(super) async fn head(
        &self,
        chat: &RemoteChatId,
        (author, voice): (&Author, &Voice),
        target: Option<&RemoteMessageId>,
    ) -> (Vec<Node>, Head) {
        let mut head = Head::default();
        let mut lines = Vec::new();
        let Voice::Person { name, .. } = voice else { return (lines, head) };
        if name.is_cut {
            // Whole: where the name alone could be somebody else's, an id stands at its end.
            head.is_named = true;
            lines.extend([Node::Strong(vec![Node::Text(author.name.clone())]), Node::LineBreak]);
        }
        if let Some(target) = target {
            head.is_answer = true;
            head.url = format::message_url(&*self.world.read(), chat, target);
            lines.extend(self.reply_line(chat, target, head.url.clone()).await);
        }
        (lines, head)
    }

    /// `↪ name: first words`, where the name leads to the message: links may have words of their own in what webhooks and bots write
    /// (<https://github.com/discord/discord-api-docs/issues/6088>). Nobody is pinged by it, and nothing hidden is shown.
    async fn reply_line(
        &self,
        chat: &RemoteChatId,
        target: &RemoteMessageId,
        url: Option<String>,
    ) -> Vec<Node> {
        let (label, words) = match self.seen(chat, target).await {
            Some(Seen { name, words }) if words.is_empty() => (name, String::new()),
            Some(Seen { name, words }) => (name, format!(": {words}")),
            None => ("an earlier message".to_owned(), String::new()),
        };
        let name = Node::Text(label);
        let name = match url {
            Some(url) => Node::Link { url, children: vec![name] },
            None => name,
        };
        vec![Node::Text(ANSWERS.to_owned()), name, Node::Text(words), Node::LineBreak]
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
