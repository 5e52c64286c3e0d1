//! Builds the world a simulator starts with: people with phones. Bots come about when people scan what a client shows.

use std::collections::BTreeMap;

use magpie_common::clock::Clock;

use super::model::PersonId;

/// Ids of messages begin here: beyond what a float can hold, and beyond what a signed number can.
const FIRST_MESSAGE: u64 = 10_000_000_000_000_000_001;

/// How WeChat behaves where it can behave in different ways.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// For how long a poll is held when there is nothing to tell.
    pub hold_ms: u64,
    /// What clients are told of that.
    pub told_timeout_ms: Option<u64>,
    /// So many messages of a bot for each of its person; none for any amount.
    pub quota: Option<u32>,
    /// Whether ids are written as text.
    pub ids_as_text: bool,
    /// Whether a send is answered with the id of the message.
    pub tells_ids: bool,
    /// Whether uploads go to an address that is given whole.
    pub gives_upload_urls: bool,
    /// At most so many messages in one answer.
    pub batch_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hold_ms: 25_000,
            told_timeout_ms: Some(35_000),
            quota: Some(10),
            ids_as_text: false,
            tells_ids: true,
            gives_upload_urls: false,
            batch_max: 20,
        }
    }
}

/// A world in the making.
#[derive(Debug)]
pub struct World {
    pub(crate) clock: Clock,
    pub(crate) next_message: u64,
    pub(crate) names: BTreeMap<PersonId, String>,
    pub(crate) settings: Settings,
}

/// The ids of [`World::small`].
#[derive(Clone, Copy, Debug)]
pub struct SmallWorld {
    /// Somebody with WeChat.
    pub alice: PersonId,
    /// Somebody else.
    pub bob: PersonId,
}

impl World {
    /// A world without people.
    pub fn on_clock(clock: Clock) -> Self {
        Self { clock, next_message: FIRST_MESSAGE, names: BTreeMap::new(), settings: Settings::default() }
    }

    /// Two people, neither of whom has a bot.
    pub fn small() -> (Self, SmallWorld) {
        let mut world = Self::on_clock(Clock::system());
        let (alice, bob) = (world.person("Alice"), world.person("Bob"));
        (world, SmallWorld { alice, bob })
    }

    /// Adds somebody. The API tells nobody's name; it is for tests to read.
    pub fn person(&mut self, name: &str) -> PersonId {
        let id = PersonId(u32::try_from(self.names.len() + 1).unwrap_or(u32::MAX));
        self.names.insert(id, name.to_owned());
        id
    }

    /// A bot may say so much for each message of its person; without a number, any amount.
    pub fn with_quota(mut self, quota: Option<u32>) -> Self {
        self.settings.quota = quota;
        self
    }
}
