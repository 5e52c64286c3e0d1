//! Builds the world a simulator starts with: bots, people, chats.
//!
//! Every function returns the id of what it made; the `edit_` functions give the thing itself for what has no function of its
//! own. After the start the world changes only by people's deeds and by requests.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use magpie_common::clock::Clock;

use super::{
    flood::FloodLimit,
    model::{
        Bot, CHANNEL_BOT, Chat, ChatId, ChatKind, GROUP_ANONYMOUS_BOT, Member, MessageId, Records, Standing,
        TELEGRAM, Topic, User, UserId,
    },
    rights,
};

const MEBIBYTE: u64 = 1024 * 1024;

/// The first number of people; far from those of Telegram's own accounts.
const FIRST_ID: i64 = 5_000_000_000;
/// Supergroups and channels have numbers below this.
const SUPERGROUPS_BELOW: i64 = -1_000_000_000_000;

/// What Telegram's servers allow.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The largest file that a bot may download.
    pub download_bytes_max: u64,
    /// The largest file that a bot may send.
    pub upload_bytes_max: u64,
    /// The largest photo that a bot may send.
    pub photo_bytes_max: u64,
    /// The pause before the first repetition of a webhook; it doubles.
    pub webhook_pause_ms: u64,
    /// How much a bot may write in one chat; none for any amount.
    pub flood: Option<FloodLimit>,
    /// How far Telegram's clock is ahead.
    pub clock_skew_ms: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            download_bytes_max: 20 * MEBIBYTE,
            upload_bytes_max: 50 * MEBIBYTE,
            photo_bytes_max: 10 * MEBIBYTE,
            webhook_pause_ms: 50,
            flood: None,
            clock_skew_ms: 0,
        }
    }
}

impl Settings {
    /// What a self-hosted Bot API server allows.
    pub fn self_hosted() -> Self {
        let bytes_max = 2000 * MEBIBYTE;
        Self { download_bytes_max: bytes_max, upload_bytes_max: bytes_max, ..Self::default() }
    }
}

/// A world in the making.
#[derive(Debug)]
pub struct World {
    pub(crate) clock: Clock,
    pub(crate) next_id: i64,
    pub(crate) records: Records,
    pub(crate) settings: Settings,
}

/// The ids of [`World::small`].
#[derive(Clone, Copy, Debug)]
pub struct SmallWorld {
    /// The bot "Magpie", `@magpie_bot`, with privacy mode off.
    pub bot: UserId,
    /// A person, "Alice Archer", `@alice`, who has started the bot.
    pub alice: UserId,
    /// A person, "Bob", who has not.
    pub bob: UserId,
    /// Alice's chat with the bot.
    pub private: ChatId,
    /// The basic group "Nest" with all three, the bot being an administrator.
    pub group: ChatId,
    /// The supergroup "Birds" with all three, the bot being an administrator.
    pub supergroup: ChatId,
    /// The forum "Forest", likewise.
    pub forum: ChatId,
    /// Its topic "Oaks".
    pub oaks: MessageId,
    /// The channel "News" of Alice, the bot being an administrator.
    pub channel: ChatId,
    /// The supergroup "News talk" that is linked to it, likewise.
    pub discussion: ChatId,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A world with nobody in it, on the machine's clock.
    pub fn new() -> Self {
        Self::on_clock(Clock::system())
    }

    /// The same on another clock.
    pub fn on_clock(clock: Clock) -> Self {
        let (records, settings) = (Records::default(), Settings::default());
        let mut world = Self { clock, next_id: FIRST_ID, records, settings };
        world.account(TELEGRAM, "Telegram", false);
        world.account(GROUP_ANONYMOUS_BOT, "Group", true).username = Some("GroupAnonymousBot".to_owned());
        world.account(CHANNEL_BOT, "Channel", true).username = Some("Channel_Bot".to_owned());
        world
    }

    /// One bot, two people and a chat of every kind; enough for most stories.
    pub fn small() -> (Self, SmallWorld) {
        let mut world = Self::new();
        let bot = world.bot("Magpie", "magpie_bot");
        let (alice, bob) = (world.person("Alice"), world.person("Bob"));
        let user = world.edit_user(alice);
        (user.username, user.last_name) = (Some("alice".to_owned()), Some("Archer".to_owned()));
        let private = world.private(alice, bot);
        let group = world.chat(ChatKind::Group, "Nest", alice);
        let supergroup = world.chat(ChatKind::Supergroup, "Birds", alice);
        let forum = world.chat(ChatKind::Supergroup, "Forest", alice);
        let oaks = world.topic(forum, "Oaks");
        let channel = world.chat(ChatKind::Channel, "News", alice);
        let discussion = world.chat(ChatKind::Supergroup, "News talk", alice);
        world.link(channel, discussion);
        for chat in [group, supergroup, forum, channel, discussion] {
            world.member(chat, bob);
            world.admin(chat, bot);
        }
        let small =
            SmallWorld { bot, alice, bob, private, group, supergroup, forum, oaks, channel, discussion };
        (world, small)
    }

    /// Replaces what the servers allow.
    pub fn settings(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// A bot with privacy mode off.
    pub fn bot(&mut self, name: &str, username: &str) -> UserId {
        let id = self.next_id();
        self.account(id, name, true).username = Some(username.to_owned());
        let bot = Bot {
            id,
            token: Some(format!("{id}:simulated-not-a-secret-0000000000")),
            reads_all: true,
            updates: VecDeque::new(),
            next_update: 700_000_000,
            allowed: None,
            polls: 0,
            webhook: None,
            next_message: 0,
            commands: BTreeMap::new(),
        };
        self.records.bots.insert(id, bot);
        id
    }

    /// A person.
    pub fn person(&mut self, first_name: &str) -> UserId {
        let id = self.next_id();
        self.account(id, first_name, false);
        id
    }

    /// The private chat of somebody who has started a bot.
    pub fn private(&mut self, person: UserId, bot: UserId) -> ChatId {
        let id = ChatId::private(person, bot);
        self.records.chats.insert(id, empty(id, ChatKind::Private, ""));
        id
    }

    /// A group, supergroup or channel with its owner.
    pub fn chat(&mut self, kind: ChatKind, title: &str, owner: UserId) -> ChatId {
        let number = self.next_id();
        let id = ChatId::group(if kind == ChatKind::Group { -number } else { SUPERGROUPS_BELOW - number });
        let mut chat = empty(id, kind, title);
        chat.members.insert(owner, Member::new(Standing::Creator));
        self.records.chats.insert(id, chat);
        id
    }

    /// Puts an account into a chat.
    pub fn member(&mut self, chat: ChatId, user: UserId) {
        let reads_all = self.records.bots.get(&user).is_some_and(|bot| bot.reads_all);
        let member = Member { reads_all, ..Member::new(Standing::Member) };
        self.edit_chat(chat).members.insert(user, member);
    }

    /// Puts an account into a chat as an administrator with all rights.
    pub fn admin(&mut self, chat: ChatId, user: UserId) {
        let kind = self.edit_chat(chat).kind;
        let member = Member { rights: rights::all_of_admins(kind), ..Member::new(Standing::Administrator) };
        self.edit_chat(chat).members.insert(user, member);
    }

    /// Makes a supergroup a forum, if it is none yet, and a topic in it.
    pub fn topic(&mut self, chat: ChatId, name: &str) -> MessageId {
        let chat = self.edit_chat(chat);
        chat.is_forum = true;
        let id = chat.next_message;
        chat.next_message += 1;
        chat.topics.insert(
            id,
            Topic { name: name.to_owned(), color: 7_322_096, icon: None, is_closed: false, is_hidden: false },
        );
        id
    }

    /// Makes a supergroup the place where a channel's posts are discussed.
    pub fn link(&mut self, channel: ChatId, group: ChatId) {
        self.edit_chat(channel).linked = Some(group);
        self.edit_chat(group).linked = Some(channel);
    }

    /// An account, to change it.
    ///
    /// # Panics
    /// When there is no such account.
    pub fn edit_user(&mut self, id: UserId) -> &mut User {
        self.records.users.get_mut(&id).expect("the id comes from this world")
    }

    /// A bot, to change it.
    ///
    /// # Panics
    /// When there is no such bot.
    pub fn edit_bot(&mut self, id: UserId) -> &mut Bot {
        self.records.bots.get_mut(&id).expect("the id comes from this world")
    }

    /// A chat, to change it.
    ///
    /// # Panics
    /// When there is no such chat.
    pub fn edit_chat(&mut self, id: ChatId) -> &mut Chat {
        self.records.chats.get_mut(&id).expect("the id comes from this world")
    }

    fn next_id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    fn account(&mut self, id: UserId, first_name: &str, is_bot: bool) -> &mut User {
        let user = User {
            id,
            is_bot,
            first_name: first_name.to_owned(),
            last_name: None,
            username: None,
            photos: Vec::new(),
            blocks: BTreeSet::new(),
            is_deactivated: false,
        };
        self.records.users.entry(id).or_insert(user)
    }
}

/// A chat in which nothing was said.
pub(crate) fn empty(id: ChatId, kind: ChatKind, title: &str) -> Chat {
    Chat {
        id,
        kind,
        title: title.to_owned(),
        username: None,
        description: None,
        photo: None,
        is_forum: false,
        signs: false,
        linked: None,
        migrated_to: None,
        permissions: rights::all_of_members(),
        reactions: None,
        members: BTreeMap::new(),
        join_requests: BTreeSet::new(),
        messages: BTreeMap::new(),
        // The first message of a supergroup tells that it was made.
        next_message: 2,
        pinned: Vec::new(),
        topics: BTreeMap::new(),
    }
}
