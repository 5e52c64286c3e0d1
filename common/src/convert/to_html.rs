//! [`RichText`] to the plain body and the HTML of a Matrix message.
//!
//! Every word is escaped, every address checked, and only a mention node pings anybody. Must never write a tag or attribute that is
//! not in the list of the client-server API ("m.room.message msgtypes"). Next: [`super::write_content`].

use super::{
    Pings, ToMatrix,
    from_html::web_url,
    words::{clean_words, one_line},
};
use crate::message::{FileSource, Mention, MentionTarget, Node, RichText};

#[cfg(test)]
mod tests;

/// More people than this are not pinged by one message; they are still named.
const PINGS_MAX: usize = 200;

/// A text in the form in which Matrix carries it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Formatted {
    /// The words alone.
    pub body: String,
    /// The words with their formatting; `None` when the body says it all.
    pub html: Option<String>,
    /// Who is pinged.
    pub pings: Pings,
}

/// Writes a text as body and HTML.
pub fn write_html(text: &RichText, context: &ToMatrix<'_>) -> Formatted {
    let text = text.clone().bounded();
    let mut writer =
        Writer { context, html: String::new(), formatted: false, in_link: false, pings: Pings::default() };
    writer.nodes(&text.0);
    let Writer { html, formatted, pings, .. } = writer;
    Formatted { body: clean_words(&text.to_plain()).into_owned(), html: formatted.then_some(html), pings }
}

struct Writer<'a> {
    context: &'a ToMatrix<'a>,
    html: String,
    formatted: bool,
    in_link: bool,
    pings: Pings,
}

impl Writer<'_> {
    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.node(node);
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Text(words) => self.words(words),
            Node::LineBreak => self.html.push_str("<br>"),
            Node::Strong(children) => self.wrap("strong", children),
            Node::Emphasis(children) => self.wrap("em", children),
            Node::Strike(children) => self.wrap("del", children),
            Node::Underline(children) => self.wrap("u", children),
            Node::Quote(children) => self.wrap("blockquote", children),
            Node::Heading { level, children } => {
                self.wrap(
                    ["h1", "h2", "h3", "h4", "h5", "h6"][usize::from(level.clamp(&1, &6) - 1)],
                    children,
                );
            }
            Node::Spoiler { reason, children } => self.spoiler(reason.as_deref(), children),
            Node::Code(code) => {
                self.tag("<code>");
                self.escape(&code.replace('\n', " "));
                self.tag("</code>");
            }
            Node::CodeBlock { language, code } => self.code_block(language.as_deref(), code),
            Node::Link { url, children } => self.link(url, children),
            Node::Mention(mention) => self.mention(mention),
            Node::CustomEmoji { name, source } => self.custom_emoji(name, source),
            Node::List { start, items } => self.list(*start, items),
        }
    }

    fn wrap(&mut self, name: &str, children: &[Node]) {
        if children.is_empty() {
            return;
        }
        self.tag(&format!("<{name}>"));
        self.nodes(children);
        self.tag(&format!("</{name}>"));
    }

    fn spoiler(&mut self, reason: Option<&str>, children: &[Node]) {
        self.tag("<span data-mx-spoiler");
        if let Some(reason) = reason {
            self.attribute_value(&one_line(reason));
        }
        self.tag(">");
        self.nodes(children);
        self.tag("</span>");
    }

    fn code_block(&mut self, language: Option<&str>, code: &str) {
        self.tag("<pre><code");
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '+' | '#' | '.');
        if let Some(language) = language.filter(|name| !name.is_empty() && name.chars().all(is_name)) {
            self.tag(" class");
            self.attribute_value(&format!("language-{language}"));
        }
        self.tag(">");
        self.escape(code);
        self.tag("</code></pre>");
    }

    fn link(&mut self, url: &str, children: &[Node]) {
        let shown = RichText(children.to_vec());
        let url = web_url(url).filter(|_| !self.in_link);
        let Some(url) = url else { return self.nodes(children) };
        let is_bare =
            matches!(children, [] | [Node::Text(_)]) && [url.as_str(), ""].contains(&&*shown.to_plain());
        if is_bare && url.starts_with("http") {
            // Every client makes a link of an address that stands alone.
            self.html.push_str(&anchor(&url, &url));
            return;
        }
        self.tag("<a href");
        self.attribute_value(&url);
        self.tag(">");
        self.in_link = true;
        if children.is_empty() {
            self.escape(&url)
        } else {
            self.nodes(children)
        }
        self.in_link = false;
        self.tag("</a>");
    }

    fn mention(&mut self, mention: &Mention) {
        let words = one_line(&mention.plain());
        let address = match &mention.target {
            MentionTarget::Person(person) => self.context.user_id(person).map(|user_id| {
                let address = user_id.matrix_to_uri().to_string();
                if self.pings.user_ids.len() < PINGS_MAX {
                    self.pings.user_ids.insert(user_id);
                }
                address
            }),
            MentionTarget::Everyone => {
                self.pings.room = true;
                None
            }
            MentionTarget::Chat(chat) => self.context.known.room_link(chat).map(|uri| uri.to_string()),
            MentionTarget::Message(chat, message) => {
                let known = self.context.known;
                let uri = known.event_link(chat, message).or_else(|| known.room_link(chat));
                uri.map(|uri| uri.to_string())
            }
            MentionTarget::Room(address) => room_link(address),
            MentionTarget::Group(_) => None,
        };
        match address {
            Some(address) if !self.in_link => self.tag(&anchor(&address, &words)),
            _ => self.escape(&words),
        }
    }

    fn custom_emoji(&mut self, name: &str, source: &FileSource) {
        let name = format!(":{}:", one_line(name));
        let FileSource::Matrix(source) = source else { return self.escape(&name) };
        if !source.is_valid() {
            return self.escape(&name);
        }
        self.tag("<img data-mx-emoticon src");
        self.attribute_value(source.as_str());
        self.tag(" alt");
        self.attribute_value(&name);
        self.tag(" title");
        self.attribute_value(&name);
        self.tag(" height=\"32\">");
    }

    fn list(&mut self, start: Option<u64>, items: &[Vec<Node>]) {
        self.tag(&match start {
            None => "<ul>".to_owned(),
            Some(1) => "<ol>".to_owned(),
            Some(first) => format!("<ol start=\"{first}\">"),
        });
        for item in items {
            self.tag("<li>");
            self.nodes(item);
            self.tag("</li>");
        }
        self.tag(if start.is_some() { "</ol>" } else { "</ul>" });
    }

    /// Words outside of code. A tree has no line break inside of words, but a bridge may have overlooked one.
    fn words(&mut self, words: &str) {
        for (nth, line) in words.split('\n').enumerate() {
            if nth > 0 {
                self.html.push_str("<br>");
            }
            self.escape(line);
        }
    }

    fn tag(&mut self, markup: &str) {
        self.formatted = true;
        self.html.push_str(markup);
    }

    fn attribute_value(&mut self, value: &str) {
        self.html.push_str("=\"");
        self.escape(value);
        self.html.push('"');
    }

    fn escape(&mut self, words: &str) {
        escape_into(&mut self.html, words);
    }
}

fn anchor(address: &str, words: &str) -> String {
    let mut out = "<a href=\"".to_owned();
    escape_into(&mut out, address);
    out.push_str("\">");
    escape_into(&mut out, words);
    out.push_str("</a>");
    out
}

fn escape_into(out: &mut String, words: &str) {
    for c in clean_words(words).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            visible => out.push(visible),
        }
    }
}

fn room_link(address: &str) -> Option<String> {
    if let Ok(room_id) = ruma::RoomId::parse(address) {
        return Some(room_id.matrix_to_uri().to_string());
    }
    ruma::RoomAliasId::parse(address).ok().map(|alias| alias.matrix_to_uri().to_string())
}
