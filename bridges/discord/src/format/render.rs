//! Writing a shaped tree in Discord's markup.
//!
//! Two things depend on what follows: which letter marks emphasis, and whether a link may stand bare. They are written as
//! placeholders first (control characters, which no text contains here) and settled in `settle` at the end.

use magpie_common::message::{FileSource, Mention, MentionTarget, Node, Person};

use super::{
    Names, Part, ZERO_WIDTH, angle,
    escape::{self, At},
    inline, shape,
};

mod settle;

/// More ids than this in one `allowed_mentions` list are refused by Discord.
const ALLOWED_IDS_MAX: usize = 100;

/// Who may be pinged: exactly the mentions that the text has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedMentions {
    /// `@everyone` and `@here`.
    pub everyone: bool,
    /// People, by id.
    pub users: Vec<String>,
    /// Roles, by id.
    pub roles: Vec<String>,
}

/// Writes nodes that [`shape::shaped`] has prepared.
pub(super) fn write(nodes: &[Node], names: &dyn Names) -> Part {
    let mut writer = Writer {
        names,
        out: String::new(),
        prefix: String::new(),
        line_start: true,
        block_ended: false,
        inside: Inside::default(),
        allowed: AllowedMentions::default(),
    };
    writer.nodes(nodes);
    let content = settle::settle(&writer.out).trim().to_owned();
    Part { content, allowed: writer.allowed }
}

struct Writer<'a> {
    names: &'a dyn Names,
    out: String,
    /// What every line begins with: quote marks, indentation.
    prefix: String,
    line_start: bool,
    /// A block has ended and its line has not.
    block_ended: bool,
    inside: Inside,
    allowed: AllowedMentions,
}

/// What the words stand in.
#[derive(Clone, Copy, Default)]
struct Inside {
    emphasis: bool,
    label: bool,
    quote: bool,
    list: bool,
}

impl Writer<'_> {
    fn nodes(&mut self, nodes: &[Node]) {
        let mut before: Option<&Node> = None;
        for node in nodes {
            if before.is_some_and(|before| runs_together(before, node)) {
                self.raw("");
                self.newline();
            }
            self.node(node);
            before = Some(node);
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Text(words) => self.words(words),
            Node::LineBreak => self.line_break(),
            Node::Strong(children) => self.marked("**", children),
            Node::Strike(children) => self.marked("~~", children),
            Node::Underline(children) => self.marked("__", children),
            Node::Spoiler { children, .. } => self.marked("||", children),
            Node::Emphasis(children) => self.emphasis(children),
            Node::Code(code) => self.code(code),
            Node::CodeBlock { language, code } => self.code_block(language.as_deref(), code),
            Node::Quote(children) => self.quote(children),
            Node::Heading { level, children } => self.heading(*level, children),
            Node::List { start, items } => self.list(*start, items),
            Node::Link { url, children } => self.link(url, children),
            Node::Mention(mention) => self.mention(mention),
            Node::CustomEmoji { name, source } => self.emoji(name, source),
        }
    }

    /// Writes markup as it is.
    fn raw(&mut self, markup: &str) {
        if self.block_ended {
            self.block_ended = false;
            self.newline();
        }
        if !markup.is_empty() {
            self.out.push_str(markup);
            self.line_start = false;
        }
    }

    fn newline(&mut self) {
        self.out.push('\n');
        self.out.push_str(&self.prefix);
        self.line_start = true;
    }

    fn line_break(&mut self) {
        self.raw("");
        // An empty line would end the list.
        if !(self.inside.list && self.line_start) {
            self.newline();
        }
    }

    fn words(&mut self, words: &str) {
        self.raw("");
        let place = if self.line_start { At::LineStart } else { At::Within };
        // Indented words after a list would belong to its last item.
        let words = if self.line_start { words.trim_start_matches(' ') } else { words };
        self.raw(&escape::text(words, place));
    }

    fn marked(&mut self, mark: &str, children: &[Node]) {
        if shape::blank(children) {
            return self.nodes(children);
        }
        self.raw(mark);
        self.nodes(children);
        self.block_ended = false;
        self.raw(mark);
    }

    fn emphasis(&mut self, children: &[Node]) {
        if self.inside.emphasis || shape::blank(children) {
            return self.nodes(children);
        }
        self.within(
            |inside| inside.emphasis = true,
            |writer| {
                writer.raw(settle::EMPHASIS_OPEN);
                writer.nodes(children);
                writer.raw(settle::EMPHASIS_CLOSE);
            },
        );
    }

    fn within(&mut self, change: impl FnOnce(&mut Inside), write: impl FnOnce(&mut Self)) {
        let outside = self.inside;
        change(&mut self.inside);
        write(self);
        self.inside = outside;
    }

    fn code(&mut self, code: &str) {
        if self.inside.label {
            return self.words(code);
        }
        let code = escape::code(&code.replace('\n', " "));
        if !code.contains('`') {
            return self.raw(&format!("`{code}`"));
        }
        let first = if code.starts_with('`') { " " } else { "" };
        let last = if code.ends_with('`') { " " } else { "" };
        self.raw(&format!("``{first}{code}{last}``"));
    }

    fn code_block(&mut self, language: Option<&str>, code: &str) {
        let hidden = self.out.ends_with("||");
        if !hidden {
            self.begin_block();
        }
        let language: String = language
            .unwrap_or_default()
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "+#.-_".contains(*c))
            .collect();
        // In a list the code is not indented, or the indentation would be shown.
        let prefix = if self.inside.list { String::new() } else { self.prefix.clone() };
        let code = escape::code(code.trim_matches('\n'));
        let guard = if code.starts_with('`') || language.is_empty() && code.trim().is_empty() {
            "\u{200b}"
        } else {
            ""
        };
        self.raw(&format!("```{language}\n{prefix}{guard}"));
        self.raw(&code.replace('\n', &format!("\n{prefix}")));
        self.raw(&format!("\n{prefix}```"));
        self.block_ended = !hidden;
    }

    fn begin_block(&mut self) {
        self.raw("");
        if !self.line_start {
            self.newline();
        }
    }

    fn quote(&mut self, children: &[Node]) {
        if self.inside.list {
            self.begin_block();
            self.nodes(children);
            self.block_ended = true;
            return;
        }
        self.begin_block();
        // Quotes do not nest in Discord: an inner mark is shown as a letter.
        let mark = if self.inside.quote { "\\> " } else { "> " };
        let outside = self.prefix.len();
        self.prefix.push_str(mark);
        self.out.push_str(mark);
        self.within(|inside| inside.quote = true, |writer| writer.nodes(children));
        self.prefix.truncate(outside);
        self.block_ended = true;
    }

    fn heading(&mut self, level: u8, children: &[Node]) {
        self.begin_block();
        if self.inside.list || level > 3 {
            self.marked("**", children);
        } else {
            self.raw(&format!("{} ", "#".repeat(usize::from(level))));
            self.nodes(children);
        }
        self.block_ended = true;
    }

    fn list(&mut self, start: Option<u64>, items: &[Vec<Node>]) {
        for (nth, item) in items.iter().enumerate() {
            self.begin_block();
            let mark = match start {
                Some(first) => format!("{}. ", first.saturating_add(nth as u64).min(999_999_999)),
                None => "- ".to_owned(),
            };
            self.out.push_str(&mark);
            let outside = self.prefix.len();
            self.prefix.push_str(&" ".repeat(mark.len()));
            // The mark needs words on its line.
            if item.first().is_none_or(Node::is_block) {
                self.raw(ZERO_WIDTH.encode_utf8(&mut [0; 4]));
            }
            self.within(|inside| inside.list = true, |writer| writer.nodes(item));
            self.prefix.truncate(outside);
            self.block_ended = true;
        }
    }

    fn link(&mut self, url: &str, children: &[Node]) {
        let shown = magpie_common::message::RichText(children.to_vec()).to_plain();
        let is_bare = shown.trim().is_empty() || shown == url;
        let url = escape::link(url);
        if !inline::starts_link(&url) || self.inside.label {
            let words = if is_bare { url } else { format!("{shown} ({url})") };
            return self.words(&words);
        }
        if is_bare {
            return self.raw(&format!("{}{url}{}", settle::LINK_OPEN, settle::LINK_CLOSE));
        }
        // Discord shows no link whose words look like another one.
        if shown.contains("://") {
            self.nodes(children);
            return self.raw(&format!(" ({}{url}{})", settle::LINK_OPEN, settle::LINK_CLOSE));
        }
        let url = url.replace('(', "%28").replace(')', "%29");
        self.raw("[");
        self.within(|inside| inside.label = true, |writer| writer.nodes(children));
        self.raw(&format!("]({url})"));
    }

    fn mention(&mut self, mention: &Mention) {
        match self.ping(mention) {
            Some(markup) => self.raw(&markup),
            None => self.words(&mention.plain()),
        }
    }

    /// The markup of a mention that Discord knows; its target is allowed to be pinged.
    fn ping(&mut self, mention: &Mention) -> Option<String> {
        if self.inside.label {
            return None;
        }
        match &mention.target {
            MentionTarget::Person(Person::Remote(user)) if angle::is_id(user.as_str()) => {
                allow(&mut self.allowed.users, user.as_str()).then(|| format!("<@{user}>"))
            }
            MentionTarget::Group(role) if angle::is_id(role.as_str()) => {
                allow(&mut self.allowed.roles, role.as_str()).then(|| format!("<@&{role}>"))
            }
            MentionTarget::Chat(chat) if angle::is_id(chat.as_str()) => Some(format!("<#{chat}>")),
            MentionTarget::Message(chat, message) => {
                let url = angle::message_url(self.names, chat, message)?;
                Some(format!("{}{url}{}", settle::LINK_OPEN, settle::LINK_CLOSE))
            }
            MentionTarget::Everyone => {
                self.allowed.everyone = true;
                Some("@everyone".to_owned())
            }
            MentionTarget::Person(_)
            | MentionTarget::Group(_)
            | MentionTarget::Chat(_)
            | MentionTarget::Room(_) => None,
        }
    }

    fn emoji(&mut self, name: &str, source: &FileSource) {
        let named = name.len() >= 2
            && name.len() <= 32
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if let FileSource::Remote(file) = source
            && let Some((id, animated)) = angle::emoji_of_file(file)
            && named
            && !self.inside.label
        {
            let kind = if animated { "a" } else { "" };
            return self.raw(&format!("<{kind}:{name}:{id}>"));
        }
        self.words(&format!(":{name}:"));
    }
}

fn allow(ids: &mut Vec<String>, id: &str) -> bool {
    if ids.iter().any(|known| known == id) {
        return true;
    }
    if ids.len() >= ALLOWED_IDS_MAX {
        return false;
    }
    ids.push(id.to_owned());
    true
}

/// Two blocks that Discord would show as one need an empty line between them.
fn runs_together(before: &Node, node: &Node) -> bool {
    match (before, node) {
        (Node::Quote(_), Node::Quote(_)) => true,
        (Node::List { start: before, .. }, Node::List { start, .. }) => before.is_some() == start.is_some(),
        _ => false,
    }
}
