//! The small language of templates: words, `{placeholders}`, `**bold**`, `_italic_`, and `\` before a character that is meant as itself.

use std::fmt;

use super::{Filling, TemplateKind};
use crate::message::{Node, RichText, clean_line, is_visible};

/// The longest template, in characters.
pub const TEMPLATE_CHARS_MAX: usize = 200;

/// What can follow a `\`.
const ESCAPABLE: &str = "*_{}\\";

/// One template, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// As it was written.
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    LineBreak,
    Hole(Hole),
    Marked(Mark, Vec<Piece>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hole {
    Name,
    UserId,
    Message,
    File,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Bold,
    Italic,
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It has more than [`TEMPLATE_CHARS_MAX`] characters.
    #[error("this has more than {TEMPLATE_CHARS_MAX} characters")]
    TooLong,
    /// It has a character that nobody can see.
    #[error("this has a control character in it")]
    Control,
    /// A placeholder that there is not, or not here.
    #[error("`{{{0}}}` is not a placeholder here")]
    Unknown(String, TemplateKind),
    /// What begins does not end, or ends without a beginning, or ends inside something else.
    #[error("`{0}` has no counterpart")]
    Unpaired(&'static str),
    /// Nobody is named.
    #[error("nobody is named: there is neither `{{name}}` nor `{{user_id}}`")]
    NoName(TemplateKind),
    /// What is said is missing.
    #[error("`{{message}}` is missing")]
    NoMessage(TemplateKind),
    /// Whoever speaks could name somebody else first.
    #[error("`{{message}}` stands before the name")]
    NameTooLate,
}

impl TemplateError {
    /// What is allowed, or what to do.
    pub fn help(&self) -> String {
        match self {
            Self::TooLong => "Make it shorter.".to_owned(),
            Self::Control => {
                "Write it anew; in the configuration, a new line is `\\n` in double quotes.".to_owned()
            }
            Self::Unknown(_, kind) => {
                let allowed = kind.holes().iter().map(ToString::to_string).collect::<Vec<_>>();
                format!("Allowed here: {}.", allowed.join(", "))
            }
            Self::Unpaired(mark) => {
                format!(
                    "Where `{mark}` is meant as itself, put a `\\` before it. In the configuration, the template then stands in single quotes."
                )
            }
            Self::NoName(kind) | Self::NoMessage(kind) => match kind.usual() {
                Some(usual) => format!("As it usually is: `{usual}`."),
                None => "For example: `**{name}** (edited): {message}`.".to_owned(),
            },
            Self::NameTooLate => {
                "Put the name first, so that nobody's words can seem to be somebody else's.".to_owned()
            }
        }
    }
}

impl TemplateKind {
    fn holes(self) -> &'static [Hole] {
        match self.has_words() {
            true => &[Hole::Name, Hole::UserId, Hole::Message],
            false => &[Hole::Name, Hole::UserId, Hole::File],
        }
    }
}

impl Hole {
    fn key(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::UserId => "user_id",
            Self::Message => "message",
            Self::File => "file",
        }
    }

    fn names_somebody(self) -> bool {
        matches!(self, Self::Name | Self::UserId)
    }
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.key())
    }
}

impl Mark {
    fn sign(self) -> &'static str {
        match self {
            Self::Bold => "**",
            Self::Italic => "_",
        }
    }

    fn around(self, nodes: Vec<Node>) -> Node {
        match self {
            Self::Bold => Node::Strong(nodes),
            Self::Italic => Node::Emphasis(nodes),
        }
    }
}

impl Template {
    /// Reads a template of one kind.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(kind: TemplateKind, text: &str) -> Result<Self, TemplateError> {
        if text.chars().count() > TEMPLATE_CHARS_MAX {
            return Err(TemplateError::TooLong);
        }
        let template = Self { text: text.to_owned(), pieces: Reader::new(kind).read(text)? };
        let holes: Vec<Hole> = template.spelled().iter().filter_map(Spelled::hole).collect();
        let Some(name_at) = holes.iter().position(|hole| hole.names_somebody()) else {
            return Err(TemplateError::NoName(kind));
        };
        match holes.iter().position(|hole| *hole == Hole::Message) {
            None if kind.has_words() => Err(TemplateError::NoMessage(kind)),
            Some(message_at) if message_at < name_at => Err(TemplateError::NameTooLate),
            _ => Ok(template),
        }
    }

    /// The template as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The template with its holes filled.
    pub(super) fn fill(&self, filling: &Filling<'_>) -> RichText {
        let name = without_end_mark(filling.name, &self.behind_name());
        let user_id = clean_line(filling.user_id.as_str());
        let values = Values { name: &name, user_id: &user_id, message: &filling.message, file: filling.file };
        RichText(fill(&self.pieces, &values))
    }

    /// Whether a line could be the first of a message made by this template.
    pub(super) fn could_begin(&self, line: &str) -> bool {
        let (before, behind) = (self.before_name(), self.behind_name());
        let Some(rest) = line.trim_start().strip_prefix(before.trim()) else { return false };
        if behind.is_empty() {
            // A word at the beginning is all that tells such a message from any line.
            return !rest.trim().is_empty();
        }
        let is_end =
            |at: usize| at > 0 && rest[at + behind.len()..].chars().next().is_none_or(char::is_whitespace);
        rest.match_indices(&behind).any(|(at, _)| is_end(at))
    }

    /// The words before the name.
    fn before_name(&self) -> String {
        let is_words = |piece: &&Spelled<'_>| piece.hole().is_none();
        self.spelled().iter().take_while(is_words).map(Spelled::words).collect()
    }

    /// What ends the name: the words behind it, without the space around them.
    fn behind_name(&self) -> String {
        let spelled = self.spelled();
        let names = |piece: &Spelled<'_>| piece.hole().is_some_and(Hole::names_somebody);
        let behind = spelled.iter().skip_while(|piece| !names(piece)).skip(1);
        let words: String = behind.take_while(|piece| piece.hole().is_none()).map(Spelled::words).collect();
        words.trim().to_owned()
    }

    /// The pieces in reading order, without their marks.
    fn spelled(&self) -> Vec<Spelled<'_>> {
        let mut spelled = Vec::new();
        spell(&self.pieces, &mut spelled);
        spelled
    }
}

/// A piece without its marks.
enum Spelled<'a> {
    Words(&'a str),
    Hole(Hole),
}

impl Spelled<'_> {
    fn hole(&self) -> Option<Hole> {
        match self {
            Self::Hole(hole) => Some(*hole),
            Self::Words(_) => None,
        }
    }

    fn words(&self) -> &str {
        match self {
            Self::Hole(_) => "",
            Self::Words(words) => words,
        }
    }
}

fn spell<'a>(pieces: &'a [Piece], spelled: &mut Vec<Spelled<'a>>) {
    for piece in pieces {
        match piece {
            Piece::Words(words) => spelled.push(Spelled::Words(words)),
            Piece::LineBreak => spelled.push(Spelled::Words("\n")),
            Piece::Hole(hole) => spelled.push(Spelled::Hole(*hole)),
            Piece::Marked(_, inside) => spell(inside, spelled),
        }
    }
}

struct Values<'a> {
    name: &'a str,
    user_id: &'a str,
    message: &'a RichText,
    file: &'a str,
}

fn fill(pieces: &[Piece], values: &Values<'_>) -> Vec<Node> {
    let words = |words: &str| Node::Text(words.to_owned());
    let mut nodes = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Piece::Words(fixed) => nodes.push(words(fixed)),
            Piece::LineBreak => nodes.push(Node::LineBreak),
            Piece::Hole(Hole::Name) => nodes.push(words(values.name)),
            Piece::Hole(Hole::UserId) => nodes.push(words(values.user_id)),
            Piece::Hole(Hole::File) => nodes.push(words(values.file)),
            Piece::Hole(Hole::Message) => nodes.extend(values.message.0.iter().cloned()),
            Piece::Marked(mark, inside) => nodes.push(mark.around(fill(inside, values))),
        }
    }
    nodes
}

/// The name without what would end it too early: nobody can be called `Alice: yes, says Bob`.
fn without_end_mark(name: &str, end: &str) -> String {
    if end.is_empty() {
        return name.to_owned();
    }
    let mut kept = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find(end) {
        let (before, behind) = (&rest[..at], &rest[at + end.len()..]);
        kept.push_str(before);
        if !behind.chars().next().is_none_or(char::is_whitespace) {
            kept.push_str(end);
        }
        rest = behind;
    }
    kept.push_str(rest);
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reads the pieces. What is open is on the stack, the outermost first.
struct Reader {
    kind: TemplateKind,
    done: Vec<Piece>,
    open: Vec<(Mark, Vec<Piece>)>,
}

impl Reader {
    fn new(kind: TemplateKind) -> Self {
        Self { kind, done: Vec::new(), open: Vec::new() }
    }

    fn read(mut self, text: &str) -> Result<Vec<Piece>, TemplateError> {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                '\\' if rest.starts_with(|next| ESCAPABLE.contains(next)) => {
                    // Every one of them is a single byte.
                    self.say(&rest[..1]);
                    rest = &rest[1..];
                }
                '*' if rest.starts_with('*') => {
                    rest = &rest[1..];
                    self.mark(Mark::Bold)?;
                }
                '_' => self.mark(Mark::Italic)?,
                '{' => {
                    let (name, behind) = rest.split_once('}').ok_or(TemplateError::Unpaired("{"))?;
                    let hole = self.kind.holes().iter().find(|hole| hole.key() == name);
                    let unknown = || TemplateError::Unknown(clean_line(name), self.kind);
                    let hole = *hole.ok_or_else(unknown)?;
                    self.top().push(Piece::Hole(hole));
                    rest = behind;
                }
                '}' => return Err(TemplateError::Unpaired("}")),
                '\n' => self.top().push(Piece::LineBreak),
                c if !is_visible(c) => return Err(TemplateError::Control),
                c => self.say(c.encode_utf8(&mut [0; 4])),
            }
        }
        match self.open.last() {
            Some((mark, _)) => Err(TemplateError::Unpaired(mark.sign())),
            None => Ok(self.done),
        }
    }

    fn top(&mut self) -> &mut Vec<Piece> {
        match self.open.last_mut() {
            Some((_, pieces)) => pieces,
            None => &mut self.done,
        }
    }

    fn say(&mut self, words: &str) {
        match self.top().last_mut() {
            Some(Piece::Words(before)) => before.push_str(words),
            _ => self.top().push(Piece::Words(words.to_owned())),
        }
    }

    /// Begins or ends what a mark is around.
    fn mark(&mut self, mark: Mark) -> Result<(), TemplateError> {
        if !self.open.iter().any(|(open, _)| *open == mark) {
            self.open.push((mark, Vec::new()));
            return Ok(());
        }
        match self.open.pop() {
            Some((open, pieces)) if open == mark => {
                self.top().push(Piece::Marked(mark, pieces));
                Ok(())
            }
            Some((open, _)) => Err(TemplateError::Unpaired(open.sign())),
            None => Ok(()),
        }
    }
}
