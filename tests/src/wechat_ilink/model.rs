//! What there is on the simulated iLink: people, bots that they bound, codes on screens, messages, files.

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use serde_json::Value;

/// Somebody with WeChat on their phone. Shown as the id that the API gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(pub(crate) u32);

/// A bot, bound to one person. Shown as the id that the API gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BotId(pub(crate) u32);

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "o9cq80-Bird_{:04}@im.wechat", self.0)
    }
}

impl fmt::Display for BotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b0f5{:08x}@im.bot", self.0)
    }
}

/// One of the two addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Door {
    /// The one that every client knows.
    #[default]
    First,
    /// The one that redirects and logins can lead to.
    Second,
}

/// A bot.
#[derive(Clone, Debug)]
pub(crate) struct Bot {
    pub id: BotId,
    pub person: PersonId,
    pub token: String,
    pub is_alive: bool,
    /// Where it was told to go.
    pub door: Door,
    /// Everything that was said to it, in the order in which it is told.
    pub updates: Vec<Value>,
    /// So many updates were acknowledged by asking for what comes after them, and are told no more.
    pub forgotten: usize,
    /// How many messages its person has sent, which counts them.
    pub heard: u64,
    /// Between `notifystart` and `notifystop`.
    pub is_started: bool,
    /// No poll is answered before it starts anew.
    pub is_cut_off: bool,
    /// Context tokens that are good, and since when.
    pub contexts: Vec<(String, i64)>,
    /// How much it has said since the person wrote last.
    pub said: u32,
    pub typing_ticket: Option<String>,
    pub is_typing: bool,
}

/// How far a code on a screen has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Waiting,
    Scanned,
    /// The phone shows this number, and it must be told.
    AsksCode(String),
    Blocked,
    Expired,
    Redirected,
    BoundAlready,
    Confirmed(BotId),
}

/// A code on a screen.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub text: String,
    pub stage: Stage,
    /// Whether the client knows the stage.
    pub is_told: bool,
    pub wrong: u32,
    pub door: Door,
    /// Where a redirect leads instead of the other address.
    pub strange_host: Option<String>,
    /// The tokens that the client says it has.
    pub local_tokens: Vec<String>,
}

/// A file that a bot is about to send.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub filekey: String,
    pub key: [u8; 16],
    pub media_type: u64,
    pub raw_bytes: u64,
    pub raw_md5: String,
    pub sealed_bytes: u64,
}

/// A file on the server, as it lies there.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub sealed: Bytes,
    /// Of what a bot sent: what it was announced as.
    pub upload: Option<Upload>,
    pub is_gone: bool,
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    pub names: BTreeMap<PersonId, String>,
    pub bots: BTreeMap<BotId, Bot>,
    pub codes: Vec<Code>,
    /// By the parameter that an upload needs.
    pub uploads: BTreeMap<String, Upload>,
    /// By the parameter that a download needs.
    pub files: BTreeMap<String, Stored>,
    pub sent: Vec<Sent>,
}

/// A message of a bot that reached its person.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// By whom.
    pub bot: BotId,
    /// Its id on WeChat.
    pub id: u64,
    /// The id that the client gave it.
    pub client_id: String,
    /// Its one item, as it came.
    pub item: Value,
    /// The bytes of its file, opened with the key that stands in the item.
    pub file: Option<Bytes>,
}

impl Sent {
    /// Its words; empty for files.
    pub fn text(&self) -> &str {
        self.item["text_item"]["text"].as_str().unwrap_or_default()
    }
}

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    /// The last part of the path: `sendmessage`, `upload`.
    pub name: String,
    /// Which address it came to.
    pub door: Door,
    /// Whose token it bore, where that is one.
    pub bot: Option<BotId>,
    /// Query pairs.
    pub query: Vec<(String, String)>,
    /// The JSON body; null without one.
    pub body: Value,
    /// The status that was answered; none while it is open, and for ever when the connection was cut.
    pub status: Option<u16>,
    /// The answer's body; null like the status.
    pub answer: Value,
}

impl LoggedRequest {
    /// A query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        query(&self.query, name)
    }
}

/// One of some query pairs.
pub(crate) fn query<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

impl Records {
    pub fn bot_with(&self, token: &str) -> Option<BotId> {
        self.bots.values().find(|bot| bot.token == token).map(|bot| bot.id)
    }

    /// A bot that is known to be there.
    pub fn bot_mut(&mut self, id: BotId) -> &mut Bot {
        self.bots.get_mut(&id).expect("every id of a bot comes from the simulator")
    }

    /// The same, to look at it.
    pub fn bot(&self, id: BotId) -> &Bot {
        self.bots.get(&id).expect("every id of a bot comes from the simulator")
    }

    pub fn code_mut(&mut self, text: &str) -> Option<&mut Code> {
        self.codes.iter_mut().find(|code| code.text == text)
    }
}
