//! Every person on the network whom an event or an action names, so that one with several ids can be called by the right one.
//!
//! Without a wildcard: a new variant says here whom it names.

use super::{
    ChatChange, ChatInfo, MentionTarget, Message, Node, Outgoing, Person, RemoteEvent, RemoteMessage,
    RichText,
};
use crate::ids::{AliasSet, RemoteUserId};

/// Is shown each id, and may put another in its place.
type Visit<'a> = dyn FnMut(&mut RemoteUserId) + 'a;

impl RemoteEvent {
    /// Shows every id of a person to `visit`. [`RemoteEvent::SameUser`] names ids, not people.
    pub(crate) fn each_person(&mut self, visit: &mut Visit<'_>) {
        match self {
            Self::Message(message)
            | Self::Edit { new: message, .. }
            | Self::Preview(message)
            | Self::Poll { message, .. } => in_remote_message(message, visit),
            Self::Redact { by, .. } => by.iter_mut().for_each(visit),
            Self::Unreact { sender, .. } => sender.iter_mut().for_each(visit),
            Self::React { sender, .. }
            | Self::Typing { sender, .. }
            | Self::Receipt { reader: sender, .. }
            | Self::Arrived { at: sender, .. }
            | Self::Vote { sender, .. } => visit(sender),
            Self::ChatChanged { change, .. } => in_chat_change(change, visit),
            Self::MembersChanged { changes, .. } => changes.iter_mut().for_each(|(user, _)| visit(user)),
            Self::UserChanged(user) => in_alias_set(&mut user.ids, visit),
            Self::Standing { messages, .. } => {
                let reactions = messages.iter_mut().filter_map(|message| message.reactions.as_mut());
                reactions.flatten().for_each(|(sender, _)| visit(sender));
            }
            Self::Pin { .. }
            | Self::StateChanged(_)
            | Self::Migrated { .. }
            | Self::SameUser { .. }
            | Self::Failed { .. }
            | Self::Gap { .. }
            | Self::Unknown { .. } => {}
        }
    }
}

impl Outgoing {
    /// Shows every id of a person on the network to `visit`.
    pub(crate) fn each_person(&mut self, visit: &mut Visit<'_>) {
        match self {
            Self::Message(said) | Self::Edit { new: said, .. } => in_message(&mut said.message, visit),
            Self::Member { user, .. } => visit(user),
            Self::Redact { .. }
            | Self::React { .. }
            | Self::Unreact { .. }
            | Self::Typing { .. }
            | Self::Read { .. }
            | Self::Poll { .. }
            | Self::Vote { .. }
            | Self::ClosePoll { .. }
            | Self::Pin { .. }
            | Self::Unpin { .. }
            | Self::ChatInfo { .. }
            | Self::Location { .. } => {}
        }
    }
}

fn in_remote_message(message: &mut RemoteMessage, visit: &mut Visit<'_>) {
    in_alias_set(&mut message.sender.ids, visit);
    in_message(&mut message.message, visit);
}

/// An id that is another's by now is named once.
fn in_alias_set(ids: &mut AliasSet, visit: &mut Visit<'_>) {
    visit(&mut ids.primary);
    ids.others.iter_mut().for_each(visit);
    ids.others.sort();
    ids.others.dedup();
    ids.others.retain(|other| *other != ids.primary);
}

fn in_message(message: &mut Message, visit: &mut Visit<'_>) {
    in_text(&mut message.text, visit);
    in_text(&mut message.preview, visit);
}

fn in_text(text: &mut RichText, visit: &mut Visit<'_>) {
    in_nodes(&mut text.0, visit);
}

fn in_nodes(nodes: &mut [Node], visit: &mut Visit<'_>) {
    for node in nodes {
        match node {
            Node::Mention(mention) => {
                if let MentionTarget::Person(Person::Remote(user)) = &mut mention.target {
                    visit(user);
                }
            }
            Node::List { items, .. } => items.iter_mut().for_each(|item| in_nodes(item, visit)),
            Node::Strong(children)
            | Node::Emphasis(children)
            | Node::Strike(children)
            | Node::Underline(children)
            | Node::Spoiler { children, .. }
            | Node::Quote(children)
            | Node::Link { children, .. }
            | Node::Heading { children, .. } => in_nodes(children, visit),
            Node::Text(_)
            | Node::Code(_)
            | Node::CodeBlock { .. }
            | Node::CustomEmoji { .. }
            | Node::LineBreak => {}
        }
    }
}

fn in_chat_change(change: &mut ChatChange, visit: &mut Visit<'_>) {
    match change {
        ChatChange::Present(info) | ChatChange::Info(info) => {
            let ChatInfo { with, members, .. } = &mut **info;
            with.iter_mut().chain(members).for_each(visit);
        }
        ChatChange::Gone | ChatChange::Personal(_) | ChatChange::Forgotten => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{RemoteChatId, RemoteMessageId},
        message::{ChatKind, Emoji, MemberChange, Mention, OutgoingMessage, Sender, Stands, UserInfo},
    };

    fn user(id: &str) -> RemoteUserId {
        RemoteUserId::new(id)
    }

    fn mention(id: &str) -> Node {
        let target = MentionTarget::Person(Person::Remote(user(id)));
        Node::Mention(Mention { target, label: id.to_owned() })
    }

    /// A message with a mention at every depth.
    fn words() -> Message {
        let nodes = vec![
            mention("1"),
            Node::Strong(vec![Node::Spoiler { reason: None, children: vec![mention("2")] }]),
            Node::List {
                start: None,
                items: vec![vec![mention("3")], vec![Node::Quote(vec![mention("4")])]],
            },
            Node::Text("5".to_owned()),
        ];
        Message { preview: RichText(vec![mention("6")]), ..Message::text(RichText(nodes)) }
    }

    fn said(others: &[&str]) -> RemoteMessage {
        let ids = AliasSet { primary: user("p"), others: others.iter().map(|id| user(id)).collect() };
        RemoteMessage {
            chat: chat(),
            id: RemoteMessageId::new("m"),
            sender: Sender { ids, name: None, avatar: None },
            sent_ms: 0,
            message: words(),
        }
    }

    fn chat() -> RemoteChatId {
        RemoteChatId::new("c")
    }

    fn seen(each: impl FnOnce(&mut Visit<'_>)) -> String {
        let mut seen = String::new();
        each(&mut |id| seen.push_str(id.as_str()));
        seen
    }

    #[test]
    fn everybody_whom_an_event_names_is_seen() {
        let emoji = || Emoji::Unicode("👍".to_owned());
        let target = || RemoteMessageId::new("m");
        let mut info = ChatInfo::new(ChatKind::Direct, None);
        (info.with, info.members) = (Some(user("w")), vec![user("x"), user("y")]);
        let ids = AliasSet { primary: user("p"), others: vec![user("q")] };
        let stands =
            Stands { id: target(), reactions: Some(vec![(user("a"), emoji()), (user("b"), emoji())]) };
        for (event, expected) in [
            (RemoteEvent::Message(said(&["q"])), "pq12346"),
            (RemoteEvent::Edit { new: said(&[]), edited_ms: 1 }, "p12346"),
            (RemoteEvent::Redact { chat: chat(), ids: vec![], by: Some(user("a")) }, "a"),
            (
                RemoteEvent::React {
                    chat: chat(),
                    target: target(),
                    sender: user("a"),
                    emoji: emoji(),
                    sent_ms: None,
                },
                "a",
            ),
            (RemoteEvent::Unreact { chat: chat(), target: target(), sender: None, emoji: None }, ""),
            (RemoteEvent::Receipt { chat: chat(), reader: user("a"), up_to: target() }, "a"),
            (
                RemoteEvent::MembersChanged {
                    chat: chat(),
                    changes: vec![(user("a"), MemberChange::Left), (user("b"), MemberChange::Joined)],
                },
                "ab",
            ),
            (RemoteEvent::ChatChanged { chat: chat(), change: ChatChange::Info(Box::new(info)) }, "wxy"),
            (RemoteEvent::UserChanged(UserInfo { ids, name: None, avatar: None, bot: false }), "pq"),
            (
                RemoteEvent::Standing { chat: chat(), stretch: (target(), target()), messages: vec![stands] },
                "ab",
            ),
            (RemoteEvent::SameUser { canonical: user("a"), alias: user("b") }, ""),
        ] {
            let name = event.name();
            let mut event = event;
            assert_eq!(seen(|visit| event.each_person(visit)), expected, "{name}");
        }
        let new = OutgoingMessage { message: words(), author: None, sent_ms: 0 };
        let mut outgoing = Outgoing::Edit { parts: vec![], new };
        assert_eq!(seen(|visit| outgoing.each_person(visit)), "12346");
        let mut member = Outgoing::Member { user: user("a"), change: MemberChange::Left };
        assert_eq!(seen(|visit| member.each_person(visit)), "a");
    }

    #[test]
    fn ids_that_become_the_same_are_named_once() {
        let mut message = said(&["q", "r", "s"]);
        let mut rename = |id: &mut RemoteUserId| {
            if id.as_str() != "s" {
                *id = user("z");
            }
        };
        in_remote_message(&mut message, &mut rename);
        assert_eq!(message.sender.ids, AliasSet { primary: user("z"), others: vec![user("s")] });
    }
}
