//! Words of WhatsApp as the rich-text tree and back, with their mentions: the seam to the bridge's one reader and writer of this markup.

use magpie_common::{
    ids::RemoteUserId,
    message::{Mention, MentionTarget, Node, Person, RichText},
};
use wacore_binary::Jid;

use super::identity;

/// Whom the digits behind an `@` name, and how they are called.
pub(super) type Mentioned<'a> = dyn Fn(&str) -> Option<(RemoteUserId, String)> + 'a;

/// Reads words.
pub(super) fn read(text: &str, mentioned: &Mentioned<'_>) -> RichText {
    let mut nodes = Vec::new();
    for (line, words) in text.split('\n').enumerate() {
        if line > 0 {
            nodes.push(Node::LineBreak);
        }
        read_line(words.trim_end_matches('\r'), mentioned, &mut nodes);
    }
    RichText(nodes)
}

fn read_line(words: &str, mentioned: &Mentioned<'_>, nodes: &mut Vec<Node>) {
    let mut rest = words;
    let mut plain = String::new();
    while let Some((before, after)) = rest.split_once('@') {
        plain.push_str(before);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (user, behind) = after.split_at(digits);
        match mentioned(user).filter(|_| digits > 0) {
            Some((id, label)) => {
                if !plain.is_empty() {
                    nodes.push(Node::Text(std::mem::take(&mut plain)));
                }
                nodes.push(Node::Mention(Mention {
                    target: MentionTarget::Person(Person::Remote(id)),
                    label,
                }));
            }
            None => {
                plain.push('@');
                plain.push_str(user);
            }
        }
        rest = behind;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        nodes.push(Node::Text(plain));
    }
}

/// Words to send, and whom they mention.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) mentions: Vec<Jid>,
}

/// Writes words. A mention of somebody on WhatsApp becomes one there.
pub(super) fn write(text: &RichText) -> Written {
    let mut mentions = Vec::new();
    let nodes = with_numbers(&text.0, &mut mentions);
    Written { text: RichText(nodes).to_plain(), mentions }
}

fn with_numbers(nodes: &[Node], mentions: &mut Vec<Jid>) -> Vec<Node> {
    let change = |node: &Node, mentions: &mut Vec<Jid>| match node {
        Node::Mention(Mention { target: MentionTarget::Person(Person::Remote(id)), .. }) => {
            let Some(jid) = identity::address_of(id) else { return node.clone() };
            let words = format!("@{}", jid.user_base());
            mentions.push(jid);
            Node::Text(words)
        }
        Node::Strong(inside) => surrounded("*", inside, mentions),
        Node::Emphasis(inside) => surrounded("_", inside, mentions),
        Node::Strike(inside) => surrounded("~", inside, mentions),
        Node::Underline(inside) => surrounded("", inside, mentions),
        Node::Code(code) => Node::Text(format!("`{code}`")),
        Node::CodeBlock { code, .. } => Node::CodeBlock { language: None, code: format!("```{code}```") },
        Node::Quote(inside) => Node::Quote(with_numbers(inside, mentions)),
        Node::Heading { children, .. } => surrounded("*", children, mentions),
        other => other.clone(),
    };
    nodes.iter().map(|node| change(node, mentions)).collect()
}

/// Words between two marks, as one plain piece.
fn surrounded(mark: &str, inside: &[Node], mentions: &mut Vec<Jid>) -> Node {
    let inside = with_numbers(inside, mentions);
    Node::Text(format!("{mark}{}{mark}", RichText(inside).to_plain()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_that_the_message_names_are_mentions() {
        let mentioned =
            |digits: &str| (digits == "100").then(|| (RemoteUserId::new("lid-100"), "Bob".to_owned()));
        let cases = [
            ("hi @100!", "hi @Bob!", 1),
            ("a@100", "a@Bob", 1),
            ("@1001 and @200", "@1001 and @200", 0),
            ("mail@example.org @", "mail@example.org @", 0),
            ("two\nlines @100", "two\nlines @Bob", 1),
        ];
        for (text, words, mentions) in cases {
            let read = read(text, &mentioned);
            assert_eq!((read.to_plain().as_str(), read.mentions().len()), (words, mentions), "{text}");
        }
    }

    #[test]
    fn people_are_mentioned_by_their_digits() {
        let person = |id: &str| {
            let target = MentionTarget::Person(Person::Remote(RemoteUserId::new(id)));
            Node::Mention(Mention { target, label: "Bob".to_owned() })
        };
        let text = RichText(vec![
            Node::Strong(vec![Node::Text("hi ".to_owned()), person("lid-100")]),
            Node::Text(", ".to_owned()),
            person("not an id"),
        ]);
        let written = write(&text);
        assert_eq!(written.text, "*hi @100*, @Bob");
        assert_eq!(written.mentions, [Jid::lid("100")]);
    }
}
