//! Matrix HTML (`org.matrix.custom.html`) to [`RichText`].
//!
//! Only the tokenizer of html5ever is used, the very crate inside `ruma-html`: its tree builder repeats unclosed formatting in every
//! paragraph, which a hostile message of 64 kB can turn into gigabytes, and its nodes are dropped recursively. `Tree` keeps what is
//! open on the heap and stays linear in the input. Must never recurse over what it reads. Allowed tags: client-server API,
//! "m.room.message msgtypes". Next: `from_html/tree.rs`.

use std::{cell::RefCell, collections::BTreeSet};

use html5ever::{
    Attribute,
    tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts},
};
use ruma::{OwnedMxcUri, matrix_uri::MatrixId};

use self::{
    links::{Destination, destination, matrix_id},
    tree::{Kind, Tree},
};
use super::{
    FromMatrix, Pings,
    words::{clean_words, one_line, split_everyone},
};
use crate::message::{FileSource, Mention, MentionTarget, Node, RichText};

pub(super) use self::links::web_url;

mod links;
#[cfg(test)]
pub(super) mod tests;
mod tree;

/// An event has at most this many bytes, so longer HTML did not come from a homeserver and is not read.
pub const HTML_BYTES_MAX: usize = 65_536;

/// A longer tag is not read: the tokenizer compares every attribute of a tag with every other.
const TAG_BYTES_MAX: usize = 16_384;

/// Reads Matrix HTML; `None` when it is too large or hostile to be read, and the plain body has to do.
///
/// A pill of somebody who is not in `pings` becomes words: only `m.mentions` pings.
pub fn read_html(html: &str, pings: &Pings, context: &FromMatrix<'_>) -> Option<RichText> {
    if html.len() > HTML_BYTES_MAX || longest_tag(html) > TAG_BYTES_MAX {
        return None;
    }
    let everyone = pings.room && context.may_mention_everyone;
    let reader = Reader { pings, context, tree: RefCell::new(Tree::new(everyone)) };
    let Reader { tree, .. } = tokenize(html, reader);
    Some(tree.into_inner().finish())
}

/// Reads a plain body: words, line breaks, and `@room` where it was meant and allowed.
pub fn read_plain(body: &str, pings: &Pings, context: &FromMatrix<'_>) -> RichText {
    let body = clean_words(body);
    if !(pings.room && context.may_mention_everyone) {
        return RichText::plain(&body).bounded();
    }
    let mut nodes = Vec::new();
    for (nth, piece) in split_everyone(&body).into_iter().enumerate() {
        if nth > 0 {
            nodes.push(Node::Mention(everyone()));
        }
        nodes.extend(RichText::plain(piece).0);
    }
    RichText(nodes).bounded()
}

/// Every user, room and event that HTML links to, each once, so that the caller can look them up and fill in
/// [`Known`](super::Known) before it reads the message.
pub fn html_references(html: &str) -> Vec<MatrixId> {
    if html.len() > HTML_BYTES_MAX || longest_tag(html) > TAG_BYTES_MAX {
        return Vec::new();
    }
    let links = tokenize(html, Links::default()).0.into_inner();
    links.iter().filter_map(|link| matrix_id(link)).collect()
}

fn everyone() -> Mention {
    Mention { target: MentionTarget::Everyone, label: "room".to_owned() }
}

fn longest_tag(html: &str) -> usize {
    let mut longest = 0;
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let end = rest[start..].find('>').map_or(rest.len(), |length| start + length);
        longest = longest.max(end - start);
        rest = &rest[end..];
    }
    longest
}

fn tokenize<S: TokenSink>(html: &str, sink: S) -> S {
    let input = BufferQueue::default();
    input.push_back(html.into());
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    // Ends at the end of the input: no sink of ours answers with a script or an encoding.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink
}

/// Collects the targets of links.
#[derive(Default)]
struct Links(RefCell<BTreeSet<String>>);

impl TokenSink for Links {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        if let Token::TagToken(tag) = token
            && tag.kind == TagKind::StartTag
            && &*tag.name == "a"
            && let Some(href) = attribute(&tag.attrs, "href")
        {
            self.0.borrow_mut().insert(href.trim().to_owned());
        }
        TokenSinkResult::Continue
    }
}

/// Turns tags into what the tree understands.
struct Reader<'a> {
    pings: &'a Pings,
    context: &'a FromMatrix<'a>,
    tree: RefCell<Tree>,
}

impl TokenSink for Reader<'_> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut tree = self.tree.borrow_mut();
        match token {
            Token::CharacterTokens(words) => tree.hear(&clean_words(&words)),
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => self.start(&tag, &mut tree),
            Token::TagToken(tag) if &*tag.name == "br" => tree.line_break(),
            Token::TagToken(tag) => tree.close(&tag.name),
            Token::DoctypeToken(_)
            | Token::CommentToken(_)
            | Token::NullCharacterToken
            | Token::EOFToken
            | Token::ParseError(_) => {}
        }
        TokenSinkResult::Continue
    }
}

impl Reader<'_> {
    fn start(&self, tag: &Tag, tree: &mut Tree) {
        let name = &tag.name;
        match &**name {
            "br" => tree.line_break(),
            "hr" => tree.rule(),
            "img" => self.image(&tag.attrs, tree),
            "area" | "base" | "col" | "embed" | "input" | "link" | "meta" | "param" | "source" | "track"
            | "wbr" => {}
            "b" | "strong" => tree.open(name, Kind::Strong),
            "i" | "em" => tree.open(name, Kind::Emphasis),
            "s" | "del" | "strike" => tree.open(name, Kind::Strike),
            "u" | "ins" => tree.open(name, Kind::Underline),
            "code" => tree.open_code(name, language(&tag.attrs)),
            "a" => tree.open(name, self.link(&tag.attrs)),
            "span" => tree.open(name, spoiler(&tag.attrs)),
            "li" => tree.open_item(name),
            "td" | "th" => tree.open_cell(name),
            "mx-reply" | "script" | "style" | "head" | "title" | "template" => tree.open(name, Kind::Skipped),
            other => match block(other, &tag.attrs) {
                Some(kind) => tree.open_block(name, kind),
                None => tree.open(name, Kind::Plain),
            },
        }
    }

    fn link(&self, attrs: &[Attribute]) -> Kind {
        let href = attribute(attrs, "href").unwrap_or_default();
        match destination(href, self.context) {
            Destination::User(user_id) if self.pings.user_ids.contains(&user_id) => {
                let person = self.context.person(&user_id);
                Kind::Pill { target: MentionTarget::Person(person), name: user_id.localpart().to_owned() }
            }
            Destination::User(_) | Destination::Nowhere => Kind::Plain,
            Destination::Place(target, name) => Kind::Pill { target, name },
            Destination::Web(url) => Kind::Link(url),
        }
    }

    fn image(&self, attrs: &[Attribute], tree: &mut Tree) {
        let shown =
            ["alt", "title"].iter().find_map(|name| attribute(attrs, name).filter(|words| !words.is_empty()));
        let words = one_line(shown.unwrap_or_default());
        let source = attribute(attrs, "src").map(OwnedMxcUri::from).filter(|uri| uri.is_valid());
        match source {
            Some(source) if attribute(attrs, "data-mx-emoticon").is_some() => {
                let name = words.trim_matches(':');
                let name = if name.is_empty() { "emoji" } else { name };
                tree.leaf(Node::CustomEmoji { name: name.to_owned(), source: FileSource::Matrix(source) });
            }
            _ => tree.hear(&words),
        }
    }
}

fn block(name: &str, attrs: &[Attribute]) -> Option<Kind> {
    Some(match name {
        "p" => Kind::Line(2),
        "div" | "details" | "summary" | "table" | "caption" | "thead" | "tbody" | "tfoot" | "tr" | "dl"
        | "dt" | "dd" | "section" | "article" | "header" | "footer" | "figure" | "figcaption" | "center" => {
            Kind::Line(1)
        }
        "blockquote" => Kind::Quote,
        "pre" => Kind::CodeBlock(None),
        "ul" => Kind::List(None),
        "ol" => Kind::List(Some(
            attribute(attrs, "start").and_then(|start| start.trim().parse().ok()).unwrap_or(1),
        )),
        "h1" => Kind::Heading(1),
        "h2" => Kind::Heading(2),
        "h3" => Kind::Heading(3),
        "h4" => Kind::Heading(4),
        "h5" => Kind::Heading(5),
        "h6" => Kind::Heading(6),
        _ => return None,
    })
}

fn spoiler(attrs: &[Attribute]) -> Kind {
    match attribute(attrs, "data-mx-spoiler") {
        Some(reason) => Kind::Spoiler(Some(one_line(reason)).filter(|reason| !reason.is_empty())),
        None => Kind::Plain,
    }
}

fn language(attrs: &[Attribute]) -> Option<String> {
    let classes = attribute(attrs, "class")?;
    let language = classes.split_whitespace().find_map(|class| class.strip_prefix("language-"))?;
    Some(one_line(language)).filter(|language| !language.is_empty())
}

fn attribute<'a>(attrs: &'a [Attribute], name: &str) -> Option<&'a str> {
    attrs.iter().find(|attr| &*attr.name.local == name).map(|attr| &*attr.value)
}
