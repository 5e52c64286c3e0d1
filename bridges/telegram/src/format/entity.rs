//! Entities as the Bot API spells them.
//!
//! Lenient: a kind that is not known, or that lacks what it needs, is [`Kind::Unknown`]. Reference:
//! <https://core.telegram.org/bots/api#messageentity>.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// More entities than this in one text are not read.
pub(super) const READ_MAX: usize = 1_000;

/// A stretch of a text, and what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
pub struct Entity {
    /// What it is.
    pub kind: Kind,
    /// Where it begins, in UTF-16 units.
    pub offset: usize,
    /// Its length in UTF-16 units.
    pub length: usize,
}

/// What a stretch of a text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `@username`.
    Mention,
    /// `#hashtag`.
    Hashtag,
    /// `$USD`.
    Cashtag,
    /// `/start`.
    BotCommand,
    /// An address that Telegram found in the words.
    Url,
    /// A mail address.
    Email,
    /// A phone number.
    PhoneNumber,
    /// Bold.
    Bold,
    /// Italic.
    Italic,
    /// Underlined.
    Underline,
    /// Struck out.
    Strikethrough,
    /// Hidden until somebody looks.
    Spoiler,
    /// Somebody else's words.
    Blockquote,
    /// Somebody else's words, folded at first.
    ExpandableBlockquote,
    /// Code within a line.
    Code,
    /// Code on lines of its own.
    Pre {
        /// The language, for coloring.
        language: Option<String>,
    },
    /// Words that lead somewhere.
    TextLink {
        /// Where to.
        url: String,
    },
    /// A person without a username.
    TextMention {
        /// Who.
        user: User,
    },
    /// A picture in place of an emoji.
    CustomEmoji {
        /// Its id.
        id: String,
    },
    /// A point in time, in words.
    DateTime {
        /// In seconds.
        unix_time: i64,
        /// How clients spell it.
        format: Option<String>,
    },
    /// Something newer than this bridge, by its name.
    Unknown(String),
}

/// As much of a Telegram user as an entity needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Their number.
    pub id: i64,
    /// Whether it is a bot.
    #[serde(default)]
    pub is_bot: bool,
    /// Their first name.
    #[serde(default)]
    pub first_name: String,
}

impl Entity {
    /// Reads the `entities` of a message; what cannot be read is left out.
    pub fn list(json: &Value) -> Vec<Self> {
        let entities = json.as_array().map(Vec::as_slice).unwrap_or_default();
        entities.iter().take(READ_MAX).filter_map(|entity| Self::deserialize(entity).ok()).collect()
    }
}

/// The JSON object.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Wire {
    #[serde(rename = "type")]
    name: String,
    offset: i64,
    length: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<User>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    custom_emoji_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unix_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date_time_format: Option<String>,
}

impl From<Wire> for Entity {
    fn from(wire: Wire) -> Self {
        // What begins before the text is nowhere.
        let length = if wire.offset < 0 { 0 } else { wire.length };
        let offset = usize::try_from(wire.offset).unwrap_or_default();
        let length = usize::try_from(length).unwrap_or_default();
        Self { kind: wire.into(), offset, length }
    }
}

impl From<Wire> for Kind {
    fn from(wire: Wire) -> Self {
        let known = match wire.name.as_str() {
            "mention" => Some(Self::Mention),
            "hashtag" => Some(Self::Hashtag),
            "cashtag" => Some(Self::Cashtag),
            "bot_command" => Some(Self::BotCommand),
            "url" => Some(Self::Url),
            "email" => Some(Self::Email),
            "phone_number" => Some(Self::PhoneNumber),
            "bold" => Some(Self::Bold),
            "italic" => Some(Self::Italic),
            "underline" => Some(Self::Underline),
            "strikethrough" => Some(Self::Strikethrough),
            "spoiler" => Some(Self::Spoiler),
            "blockquote" => Some(Self::Blockquote),
            "expandable_blockquote" => Some(Self::ExpandableBlockquote),
            "code" => Some(Self::Code),
            "pre" => Some(Self::Pre { language: wire.language.filter(|language| !language.is_empty()) }),
            "text_link" => wire.url.map(|url| Self::TextLink { url }),
            "text_mention" => wire.user.map(|user| Self::TextMention { user }),
            "custom_emoji" => wire.custom_emoji_id.map(|id| Self::CustomEmoji { id }),
            "date_time" => {
                let format = wire.date_time_format;
                wire.unix_time.map(|unix_time| Self::DateTime { unix_time, format })
            }
            _ => None,
        };
        known.unwrap_or(Self::Unknown(wire.name))
    }
}

impl From<Entity> for Wire {
    fn from(entity: Entity) -> Self {
        let place = |units: usize| i64::try_from(units).unwrap_or(i64::MAX);
        let (offset, length) = (place(entity.offset), place(entity.length));
        let wire = Self { name: entity.kind.name().to_owned(), offset, length, ..Self::default() };
        match entity.kind {
            Kind::Pre { language } => Self { language, ..wire },
            Kind::TextLink { url } => Self { url: Some(url), ..wire },
            Kind::TextMention { user } => Self { user: Some(user), ..wire },
            Kind::CustomEmoji { id } => Self { custom_emoji_id: Some(id), ..wire },
            Kind::DateTime { unix_time, format } => {
                Self { unix_time: Some(unix_time), date_time_format: format, ..wire }
            }
            _ => wire,
        }
    }
}

impl Kind {
    fn name(&self) -> &str {
        match self {
            Self::Mention => "mention",
            Self::Hashtag => "hashtag",
            Self::Cashtag => "cashtag",
            Self::BotCommand => "bot_command",
            Self::Url => "url",
            Self::Email => "email",
            Self::PhoneNumber => "phone_number",
            Self::Bold => "bold",
            Self::Italic => "italic",
            Self::Underline => "underline",
            Self::Strikethrough => "strikethrough",
            Self::Spoiler => "spoiler",
            Self::Blockquote => "blockquote",
            Self::ExpandableBlockquote => "expandable_blockquote",
            Self::Code => "code",
            Self::Pre { .. } => "pre",
            Self::TextLink { .. } => "text_link",
            Self::TextMention { .. } => "text_mention",
            Self::CustomEmoji { .. } => "custom_emoji",
            Self::DateTime { .. } => "date_time",
            Self::Unknown(name) => name,
        }
    }

    /// Whether it only changes how words look, so that nothing is lost without it.
    pub(super) fn is_style(&self) -> bool {
        matches!(self, Self::Bold | Self::Italic | Self::Underline | Self::Strikethrough)
    }
}
