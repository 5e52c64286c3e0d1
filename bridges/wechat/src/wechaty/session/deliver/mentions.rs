//! Who is meant on the way out: a name with WeChat's narrow blank behind it in the words, and the ids beside them. Only in groups.

use std::collections::HashMap;

use magpie_common::{
    ids::RemoteUserId,
    message::{MentionTarget, Node, Person, RichText},
};

use crate::{
    ids,
    wechaty::{events::mentions::BLANK, session::world::World},
};

/// How everybody in a group is called there. Only its owner can reach all of them, so no id goes with it.
const EVERYBODY: &str = "@所有人";

/// Words as they go, and who is named in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub words: String,
    pub ids: Vec<String>,
}

/// Somebody who is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Called {
    /// As it is written, with `@` and without the blank.
    shown: String,
    /// WeChat's own id.
    native: String,
}

/// The text with the names in the place of ids, and whom they name.
pub(super) async fn resolved(world: &World, peer: &str, text: &RichText) -> (RichText, Vec<Called>) {
    if !ids::is_room(peer) {
        return (text.clone(), Vec::new());
    }
    let (mut names, mut called) = (HashMap::new(), Vec::new());
    for mention in text.mentions() {
        let MentionTarget::Person(Person::Remote(user)) = &mention.target else { continue };
        let Some(native) = world.own.native(user.as_str()).filter(|_| !names.contains_key(user)) else {
            continue;
        };
        let name = world.called_in(peer, native).await;
        let shown = format!("@{}", name.unwrap_or_else(|| mention.label.replace(BLANK, " ")));
        names.insert(user.clone(), shown.clone());
        called.push(Called { shown, native: native.to_owned() });
    }
    (RichText(replaced(&text.0, &names)), called)
}

/// One part of the words, with those of the named who stand in it.
pub(super) fn written(mut words: String, named: &[Called]) -> Written {
    // The blank at the end of a part was taken for nothing.
    if named.iter().any(|person| words.ends_with(&person.shown)) {
        words.push(BLANK);
    }
    let is_here = |person: &&Called| words.contains(&format!("{}{BLANK}", person.shown));
    let ids = named.iter().filter(is_here).map(|person| person.native.clone()).collect();
    Written { words, ids }
}

fn replaced(nodes: &[Node], names: &HashMap<RemoteUserId, String>) -> Vec<Node> {
    let inside = |children: &[Node]| replaced(children, names);
    let one = |node: &Node| match node {
        Node::Mention(mention) => match &mention.target {
            MentionTarget::Person(Person::Remote(user)) => match names.get(user) {
                Some(shown) => Node::Text(format!("{shown}{BLANK}")),
                None => node.clone(),
            },
            MentionTarget::Everyone => Node::Text(format!("{EVERYBODY} ")),
            MentionTarget::Person(Person::Matrix(_))
            | MentionTarget::Chat(_)
            | MentionTarget::Message(..)
            | MentionTarget::Room(_)
            | MentionTarget::Group(_) => node.clone(),
        },
        Node::Strong(children) => Node::Strong(inside(children)),
        Node::Emphasis(children) => Node::Emphasis(inside(children)),
        Node::Strike(children) => Node::Strike(inside(children)),
        Node::Underline(children) => Node::Underline(inside(children)),
        Node::Quote(children) => Node::Quote(inside(children)),
        Node::Spoiler { reason, children } => {
            Node::Spoiler { reason: reason.clone(), children: inside(children) }
        }
        Node::Link { url, children } => Node::Link { url: url.clone(), children: inside(children) },
        Node::Heading { level, children } => Node::Heading { level: *level, children: inside(children) },
        Node::List { start, items } => {
            Node::List { start: *start, items: items.iter().map(|item| inside(item)).collect() }
        }
        Node::Text(_)
        | Node::Code(_)
        | Node::CodeBlock { .. }
        | Node::CustomEmoji { .. }
        | Node::LineBreak => node.clone(),
    };
    nodes.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use magpie_common::message::Mention;

    use super::*;
    use crate::faces;

    fn called(name: &str, native: &str) -> Called {
        Called { shown: format!("@{name}"), native: native.to_owned() }
    }

    #[test]
    fn each_part_names_those_who_stand_in_it() {
        let named = [called("Ada", "a"), called("鸟", "b")];
        for (words, written_as, ids) in [
            ("hi @Ada\u{2005}there", "hi @Ada\u{2005}there", vec!["a"]),
            ("ask @鸟", "ask @鸟\u{2005}", vec!["b"]),
            ("@Ada\u{2005}@鸟\u{2005}!", "@Ada\u{2005}@鸟\u{2005}!", vec!["a", "b"]),
            ("nobody", "nobody", vec![]),
            ("@Adam\u{2005}x", "@Adam\u{2005}x", vec![]),
        ] {
            let written = written(words.to_owned(), &named);
            assert_eq!(
                (written.words.as_str(), written.ids),
                (written_as, ids.into_iter().map(String::from).collect::<Vec<_>>())
            );
        }
    }

    #[test]
    fn mentions_become_names_wherever_they_stand() {
        let user = RemoteUserId::new("wechaty/me/a");
        let mention = |target| Node::Mention(Mention { target, label: "Label".to_owned() });
        let person = MentionTarget::Person(Person::Remote(user.clone()));
        let names = HashMap::from([(user, "@Ada".to_owned())]);
        let nodes = vec![
            Node::Strong(vec![mention(person)]),
            Node::Text("and ".to_owned()),
            mention(MentionTarget::Everyone),
        ];
        let parts = faces::write(&RichText(replaced(&nodes, &names)), 1_000);
        assert_eq!(parts, ["@Ada\u{2005}and @所有人"]);
    }
}
