//! The records of the simulated WhatsApp: accounts, numbers, people, messages, media, templates.
//!
//! Plain data. Contents of messages stay in the form of the wire, because tests compare exactly that.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;

use super::ids::{AccountId, Chat, NumberId, PersonId};

/// A business account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Locked for breaking the rules: it can send nothing.
    pub is_locked: bool,
    /// Whether webhooks of this account are wanted.
    pub is_subscribed: bool,
    /// Where its webhooks go instead of where the app's go.
    pub callback: Option<String>,
    /// Its message templates.
    pub templates: Vec<Template>,
}

/// A phone number of a business.
#[derive(Clone, Debug)]
pub struct Number {
    /// Its id.
    pub id: NumberId,
    /// The account that it belongs to.
    pub account: AccountId,
    /// As webhooks write it: digits.
    pub display: String,
    /// The name that people see.
    pub verified_name: String,
    /// Whether it may be used.
    pub is_registered: bool,
    /// Whether somebody proved that it is theirs.
    pub is_verified: bool,
    /// What the owner told about the business.
    pub profile: Value,
    /// Where its webhooks go instead of where the account's go.
    pub callback: Option<String>,
}

/// A person on WhatsApp.
#[derive(Clone, Debug)]
pub struct Person {
    /// The simulator's id.
    pub id: PersonId,
    /// The name in the profile.
    pub name: String,
    /// The phone number as digits.
    pub wa_id: String,
    /// The business-scoped user id of 2026.
    pub user_id: String,
    /// Who has a username shows no phone number to businesses.
    pub username: Option<String>,
    /// Whether the phone is reachable.
    pub is_online: bool,
    /// Whether this person blocked the business.
    pub has_blocked: bool,
}

/// Whose message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The business sent it through the API.
    Business,
    /// The owner of the business sent it from the phone.
    Owner,
    /// The person sent it.
    Person,
}

/// How far a message of the business came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// WhatsApp has it.
    Sent,
    /// The phone has it.
    Delivered,
    /// The person saw it.
    Read,
    /// It will never arrive.
    Failed,
}

impl Status {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }
}

/// A message of either side.
#[derive(Clone, Debug)]
pub struct Message {
    /// The `wamid`.
    pub id: String,
    /// Where it is.
    pub chat: Chat,
    /// Whose it is.
    pub side: Side,
    /// `text`, `image` and so on.
    pub kind: String,
    /// What stands under the kind's name on the wire.
    pub content: Value,
    /// The id of the message that it answers.
    pub replies_to: Option<String>,
    /// When it was sent.
    pub sent_ms: i64,
    /// How far it came, in order. Empty for messages of people.
    pub statuses: Vec<Status>,
    /// The error it failed with.
    pub error_code: Option<u32>,
    /// `biz_opaque_callback_data` of the request.
    pub opaque: Option<String>,
    /// Whether the business was given the phone number or the user id of the person.
    pub by_user_id: bool,
    /// Whether the business marked it as read.
    pub is_marked_read: bool,
    /// The reaction of the business.
    pub business_reaction: Option<String>,
    /// The reaction of the person.
    pub person_reaction: Option<String>,
    /// Whether its author took it back.
    pub is_deleted: bool,
}

/// A stored file.
#[derive(Clone, Debug)]
pub struct Media {
    /// Its id.
    pub id: String,
    /// The number that may fetch it.
    pub number: NumberId,
    /// Its type, with parameters as the sender wrote them.
    pub mime: String,
    /// The name that came with it.
    pub filename: Option<String>,
    /// The bytes.
    pub bytes: Bytes,
    /// When WhatsApp forgets it.
    pub expires_ms: i64,
}

/// A message template.
#[derive(Clone, Debug)]
pub struct Template {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// `en_US` and the like.
    pub language: String,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`.
    pub category: String,
    /// `APPROVED`, `PENDING`, `PAUSED`, `DISABLED`.
    pub status: String,
    /// `HEADER`, `BODY`, `FOOTER`, `BUTTONS` as the API lists them.
    pub components: Value,
}

/// All there is.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub token: String,
    pub app_id: u64,
    pub app_secret: String,
    pub verify_token: String,
    pub callback: Option<String>,
    pub is_token_valid: bool,
    /// What the token may do.
    pub rights: Vec<String>,
    pub accounts: BTreeMap<AccountId, Account>,
    pub numbers: BTreeMap<NumberId, Number>,
    pub people: BTreeMap<PersonId, Person>,
    pub messages: Vec<Message>,
    pub media: BTreeMap<String, Media>,
    /// When each person wrote last.
    pub heard_ms: BTreeMap<Chat, i64>,
    /// Until when a person sees the business type.
    pub typing_until_ms: BTreeMap<Chat, i64>,
    /// Numbers as people dial them, where WhatsApp spells them otherwise.
    pub spellings: BTreeMap<String, String>,
}

impl Records {
    pub fn message(&self, id: &str) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.id == id)
    }

    pub fn message_mut(&mut self, id: &str) -> Option<&mut Message> {
        self.messages.iter_mut().rev().find(|message| message.id == id)
    }

    pub fn person_by(&self, address: &str) -> Option<&Person> {
        let address = self.spellings.get(address).map_or(address, String::as_str);
        self.people.values().find(|person| person.wa_id == address || person.user_id == address)
    }

    pub fn number(&self, id: &str) -> Option<&Number> {
        self.numbers.get(&NumberId(id.parse().ok()?))
    }

    pub fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.get(&AccountId(id.parse().ok()?))
    }
}
