//! What stands on lines of its own: code, quotes, headings, lists.

use magpie_common::message::{Node, RichText};

use super::{Kind, Line, Tail, Writer, printable};

impl Writer<'_> {
    pub(super) fn code_block(&mut self, language: Option<&str>, code: &str) {
        let code: Vec<String> = code.trim_matches('\n').split('\n').map(code_line).collect();
        if code.iter().all(|line| line.trim().is_empty()) {
            return;
        }
        self.begin_block();
        if self.is_bound() {
            for (nth, line) in code.iter().enumerate() {
                if nth > 0 {
                    self.newline();
                }
                self.words(line);
            }
        } else {
            let is_letter = |c: &char| c.is_ascii_alphanumeric() || "+#.-_".contains(*c);
            let language: String = language.unwrap_or_default().chars().filter(is_letter).collect();
            let language = (!language.is_empty()).then_some(language);
            self.apart(|writer| writer.shielded(Kind::Pre { language }, &code.join("\n")));
        }
        self.block_ended = true;
    }

    /// Quotes do not nest in Telegram, nor are they part of a link: those are marked as in plain text.
    pub(super) fn quote(&mut self, children: &[Node]) {
        let children = trimmed(children);
        if children.is_empty() {
            return;
        }
        self.begin_block();
        if self.is_linked() || self.is_in(&Kind::Blockquote) {
            if self.line == Line::Empty {
                self.text.push_str("> ");
            }
            self.prefixed("> ", |writer| writer.nodes(children));
        } else {
            self.settle();
            let styles: Vec<Kind> = self.open.iter().map(|(kind, _)| kind.clone()).collect();
            self.apart(|writer| {
                writer.begin(Kind::Blockquote);
                styles.iter().for_each(|kind| writer.begin(kind.clone()));
                writer.nodes(children);
                styles.iter().for_each(|_| writer.end());
                writer.end();
            });
        }
        self.block_ended = true;
    }

    pub(super) fn heading(&mut self, children: &[Node]) {
        self.begin_block();
        let children = trimmed(children);
        if children.is_empty() {
            return;
        }
        self.within(Kind::Bold, |writer| writer.nodes(children));
        self.block_ended = true;
    }

    pub(super) fn list(&mut self, start: Option<u64>, items: &[Vec<Node>]) {
        for (nth, item) in items.iter().enumerate() {
            let item = trimmed(item);
            if item.is_empty() {
                continue;
            }
            let mark = match start {
                Some(first) => format!("{}. ", first.saturating_add(nth as u64)),
                None => "• ".to_owned(),
            };
            self.begin_block();
            self.settle();
            self.text.push_str(&mark);
            self.line = Line::Begun;
            self.tail = Tail::Free;
            self.prefixed(&" ".repeat(mark.chars().count()), |writer| writer.nodes(item));
            self.block_ended = true;
        }
    }

    fn prefixed(&mut self, prefix: &str, write: impl FnOnce(&mut Self)) {
        let outside = self.prefix.len();
        self.prefix.push_str(prefix);
        write(self);
        self.prefix.truncate(outside);
    }

    /// A block may follow.
    fn begin_block(&mut self) {
        self.end_block();
        if self.line == Line::Begun {
            self.newline();
        }
    }
}

fn code_line(line: &str) -> String {
    line.replace('\t', "    ").chars().filter_map(printable).collect()
}

/// The nodes between the first and the last one that show anything.
fn trimmed(nodes: &[Node]) -> &[Node] {
    let is_seen = |node: &Node| !RichText(vec![node.clone()]).is_blank();
    let from = nodes.iter().position(is_seen).unwrap_or(nodes.len());
    let to = nodes.iter().rposition(is_seen).map_or(from, |last| last + 1);
    &nodes[from..to]
}
