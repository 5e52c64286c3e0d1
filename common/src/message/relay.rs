//! What a relay says in the words where a network has no place beside them for their author: one template for each kind of message.
//!
//! Pure. What a person says and what they are called only ever fill holes of a template; nothing in it becomes formatting, and no line of
//! it can be taken for somebody else's. Next: `relay/template.rs`, the small language of templates, `relay/room.rs`, what a room
//! has of its own, and `portal/from_matrix/introduce.rs`, which fills them.

use std::collections::BTreeMap;

use ruma::UserId;

pub use self::{
    room::RoomTemplates,
    template::{TEMPLATE_CHARS_MAX, Template, TemplateError},
};
use super::{Node, RichText};

mod room;
mod template;

/// What a template is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TemplateKind {
    /// Somebody says something, also beside a file.
    Text,
    /// A machine says something.
    Notice,
    /// Somebody does something (`/me waves`).
    Emote,
    /// Words that were changed. Without a template of their own they look as they did before.
    Edit,
    /// A file without words.
    File,
    /// A sticker.
    Sticker,
    /// A place.
    Location,
    /// A reaction, where it becomes a message.
    Reaction,
}

impl TemplateKind {
    /// Every kind, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::Text,
        Self::Notice,
        Self::Emote,
        Self::Edit,
        Self::File,
        Self::Sticker,
        Self::Location,
        Self::Reaction,
    ];

    /// Its key in the configuration, and its name in commands.
    pub fn key(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Notice => "notice",
            Self::Emote => "emote",
            Self::Edit => "edit",
            Self::File => "file",
            Self::Sticker => "sticker",
            Self::Location => "location",
            Self::Reaction => "reaction",
        }
    }

    /// The kind with that key.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }

    /// The template that is used when the configuration has none.
    pub fn usual(self) -> Option<&'static str> {
        match self {
            Self::Text | Self::Notice => Some("**{name}**: {message}"),
            Self::Emote => Some("* **{name}** {message}"),
            Self::Edit => None,
            Self::File => Some("**{name}** sent {file}"),
            Self::Sticker => Some("**{name}** sent a sticker"),
            Self::Location => Some("**{name}** is here: {message}"),
            Self::Reaction => Some("**{name}** reacted with {message}"),
        }
    }

    /// Whether it is for what people say and do.
    fn is_speech(self) -> bool {
        matches!(self, Self::Text | Self::Notice | Self::Emote | Self::Edit)
    }

    /// Whether somebody's words are in it, and not only a file.
    fn has_words(self) -> bool {
        !matches!(self, Self::File | Self::Sticker)
    }
}

/// What fills the holes of a template.
#[derive(Clone, Debug)]
pub struct Filling<'a> {
    /// The name of the author, fit to be shown.
    pub name: &'a str,
    /// Who they are.
    pub user_id: &'a UserId,
    /// What they say; nothing for files and stickers.
    pub message: RichText,
    /// The name of the file, fit to be shown.
    pub file: &'a str,
}

/// The templates of one bridge: every kind has one, but edits need none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayTemplates(BTreeMap<TemplateKind, Template>);

impl Default for RelayTemplates {
    fn default() -> Self {
        let usual = |kind: TemplateKind| {
            let template = Template::read(kind, kind.usual()?).expect("a test reads every usual template");
            Some((kind, template))
        };
        Self(TemplateKind::ALL.into_iter().filter_map(usual).collect())
    }
}

impl RelayTemplates {
    /// Puts another template in the place of the usual one.
    pub fn set(&mut self, kind: TemplateKind, template: Template) {
        self.0.insert(kind, template);
    }

    /// What is used for one kind; for edits there may be nothing.
    pub fn get(&self, kind: TemplateKind) -> Option<&Template> {
        self.0.get(&kind)
    }

    /// The kind whose template is used when something of the kind `kind` is changed.
    pub fn for_edit(&self, kind: TemplateKind) -> TemplateKind {
        match kind {
            TemplateKind::Text | TemplateKind::Notice | TemplateKind::Emote
                if self.0.contains_key(&TemplateKind::Edit) =>
            {
                TemplateKind::Edit
            }
            kind => kind,
        }
    }

    /// What a relay says for somebody. Words of which a later line could be taken for the beginning of a message of its own become a quotation
    /// below the name; so do words of more than `text_max` bytes, as their second half may stand in a message of its own.
    pub fn write(&self, kind: TemplateKind, mut filling: Filling<'_>, text_max: usize) -> RichText {
        let Some(template) = self.0.get(&kind) else { return filling.message };
        if kind.has_words() && self.may_mislead(&filling.message, text_max) {
            filling.message = RichText(vec![Node::Quote(filling.message.0)]);
        }
        template.fill(&filling).bounded()
    }

    fn may_mislead(&self, words: &RichText, text_max: usize) -> bool {
        if words.to_plain().len() > text_max {
            return true;
        }
        let lines = later_lines(words);
        let begin_speech = self.0.iter().filter(|(kind, _)| kind.is_speech()).map(|(_, it)| it);
        lines.iter().any(|line| begin_speech.clone().any(|template| template.could_begin(line)))
    }
}

/// The lines behind the first that stand for themselves; what is marked as code, as a quotation or as a list cannot be mistaken.
fn later_lines(words: &RichText) -> Vec<String> {
    let is_marked = |node: &Node| matches!(node, Node::CodeBlock { .. } | Node::Quote(_) | Node::List { .. });
    let unmarked = words.0.iter().map(|node| if is_marked(node) { Node::LineBreak } else { node.clone() });
    let plain = RichText(unmarked.collect()).to_plain();
    plain.lines().skip(1).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
