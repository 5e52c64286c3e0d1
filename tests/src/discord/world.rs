//! Builds the world a simulator starts with: guilds, channels, people, the bot.
//!
//! Every function returns the id of what it made; the `edit_` functions give the thing itself for what has no function of
//! its own. After the start the world changes only by people's deeds and by requests.

use std::collections::{BTreeMap, VecDeque};

use magpie_common::clock::Clock;

use super::{
    direct, intents,
    model::{Application, Channel, ChannelKind, Guild, GuildEmoji, Member, Records, Role, User},
    permissions,
    snowflake::{Snowflake, Snowflakes},
};

/// The token of the bot, in the shape of a real one and good for nothing.
pub const BOT_TOKEN: &str = "MTAwMDAwMDAwMDAwMDAwMDAw.simulator.not-a-secret-0000000000000000000000";

/// A world in the making.
#[derive(Debug)]
pub struct World {
    pub(crate) clock: Clock,
    pub(crate) ids: Snowflakes,
    pub(crate) records: Records,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// The ids of [`World::small`].
#[derive(Clone, Copy, Debug)]
pub struct SmallWorld {
    /// The guild "Birds".
    pub guild: Snowflake,
    /// Its category "Talk".
    pub category: Snowflake,
    /// Its text channel "general", in the category.
    pub general: Snowflake,
    /// Its announcement channel "news".
    pub news: Snowflake,
    /// A person, "Alice", with a picture.
    pub alice: Snowflake,
    /// A person, "Bob", who is called "Bobby" in the guild.
    pub bob: Snowflake,
}

impl World {
    /// A world with only the bot in it, all privileged intents allowed, on the machine's clock.
    pub fn new() -> Self {
        Self::on_clock(Clock::system())
    }

    /// The same on another clock.
    pub fn on_clock(clock: Clock) -> Self {
        let mut ids = Snowflakes::default();
        let (owner, bot) = (ids.next(clock.now_ms()), ids.next(clock.now_ms()));
        let application = Application {
            id: bot,
            name: "Magpie".to_owned(),
            token: BOT_TOKEN.to_owned(),
            owner,
            privileged_intents: intents::PRIVILEGED,
        };
        let person = |id, username: &str, is_bot| User {
            id,
            username: username.to_owned(),
            global_name: None,
            avatar: None,
            is_bot,
        };
        let users =
            BTreeMap::from([(owner, person(owner, "operator", false)), (bot, person(bot, "magpie", true))]);
        let records = Records {
            application,
            users,
            guilds: BTreeMap::new(),
            channels: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            nonces: VecDeque::new(),
            cdn: String::new(),
            addresses_age: 0,
            file_bytes_max: None,
        };
        Self { clock, ids, records }
    }

    /// One guild with a category, two channels and two people; enough for most stories.
    pub fn small() -> (Self, SmallWorld) {
        let mut world = Self::new();
        let guild = world.guild("Birds");
        let category = world.channel(guild, "Talk", ChannelKind::Category);
        let general = world.text_channel(guild, "general");
        world.edit_channel(general).parent = Some(category);
        let news = world.channel(guild, "news", ChannelKind::Announcement);
        let (alice, bob) = (world.member(guild, "Alice"), world.member(guild, "Bob"));
        world.edit_user(alice).avatar = Some("a11ce0000000000000000000000000aa".to_owned());
        world.edit_member(guild, bob).nick = Some("Bobby".to_owned());
        (world, SmallWorld { guild, category, general, news, alice, bob })
    }

    /// Makes a guild that the bot is in, with a role of its own.
    pub fn guild(&mut self, name: &str) -> Snowflake {
        let id = self.next_id();
        let application = &self.records.application;
        let (bot, bot_name, owner) = (application.id, application.name.clone(), application.owner);
        let everyone = Role {
            id,
            name: "@everyone".to_owned(),
            permissions: permissions::EVERYONE_DEFAULT,
            position: 0,
            mentionable: false,
            bot: None,
        };
        let guild = Guild {
            id,
            name: name.to_owned(),
            icon: None,
            description: None,
            owner,
            roles: BTreeMap::from([(id, everyone)]),
            members: BTreeMap::new(),
            emojis: BTreeMap::new(),
            premium_tier: 0,
            is_direct: false,
            unavailable: false,
        };
        self.records.guilds.insert(id, guild);
        let role = self.role(id, &bot_name, permissions::BOT_DEFAULT);
        let joined_ms = self.clock.now_ms();
        let guild = self.edit_guild(id);
        guild.roles.get_mut(&role).expect("it was just made").bot = Some(bot);
        guild.members.insert(owner, Member { joined_ms, ..Member::default() });
        guild.members.insert(bot, Member { joined_ms, roles: vec![role], ..Member::default() });
        id
    }

    /// Makes a role that nobody has yet.
    pub fn role(&mut self, guild: Snowflake, name: &str, permissions: u64) -> Snowflake {
        let id = self.next_id();
        let roles = &mut self.edit_guild(guild).roles;
        let position = i32::try_from(roles.len()).unwrap_or(i32::MAX);
        roles.insert(
            id,
            Role { id, name: name.to_owned(), permissions, position, mentionable: true, bot: None },
        );
        id
    }

    /// Makes a person and lets them join a guild. The handle is the lower-case name.
    pub fn member(&mut self, guild: Snowflake, name: &str) -> Snowflake {
        let user = self.user(name);
        let joined_ms = self.clock.now_ms();
        self.edit_guild(guild).members.insert(user, Member { joined_ms, ..Member::default() });
        user
    }

    /// Makes a person who is in no guild.
    pub fn user(&mut self, name: &str) -> Snowflake {
        let id = self.next_id();
        let global_name = Some(name.to_owned());
        let user = User { id, username: name.to_lowercase(), global_name, avatar: None, is_bot: false };
        self.records.users.insert(id, user);
        id
    }

    /// Makes an emoji of a guild's own.
    pub fn emoji(&mut self, guild: Snowflake, name: &str) -> Snowflake {
        let id = self.next_id();
        let emoji = GuildEmoji { id, name: name.to_owned(), animated: false };
        self.edit_guild(guild).emojis.insert(id, emoji);
        id
    }

    /// Makes the conversation of a person with the bot.
    pub fn direct(&mut self, user: Snowflake) -> Snowflake {
        direct::open(&mut self.records, &mut self.ids, (user, self.clock.now_ms()))
    }

    /// Makes a text channel.
    pub fn text_channel(&mut self, guild: Snowflake, name: &str) -> Snowflake {
        self.channel(guild, name, ChannelKind::Text)
    }

    /// Makes a channel of any kind.
    pub fn channel(&mut self, guild: Snowflake, name: &str, kind: ChannelKind) -> Snowflake {
        let id = self.next_id();
        let position = i32::try_from(self.records.channels.len()).unwrap_or(i32::MAX);
        let channel = Channel {
            id,
            guild,
            kind,
            name: name.to_owned(),
            topic: None,
            thread: None,
            recipient: None,
            parent: None,
            position,
            overwrites: Vec::new(),
            last_message: None,
            messages: BTreeMap::new(),
        };
        self.records.channels.insert(id, channel);
        id
    }

    /// The bot's application, for example to switch intents off.
    pub fn edit_application(&mut self) -> &mut Application {
        &mut self.records.application
    }

    /// A guild.
    pub fn edit_guild(&mut self, guild: Snowflake) -> &mut Guild {
        self.records.guilds.get_mut(&guild).expect("the guild was made by this world")
    }

    /// A channel.
    pub fn edit_channel(&mut self, channel: Snowflake) -> &mut Channel {
        self.records.channels.get_mut(&channel).expect("the channel was made by this world")
    }

    /// A user.
    pub fn edit_user(&mut self, user: Snowflake) -> &mut User {
        self.records.users.get_mut(&user).expect("the user was made by this world")
    }

    /// A user in a guild.
    pub fn edit_member(&mut self, guild: Snowflake, user: Snowflake) -> &mut Member {
        self.edit_guild(guild).members.get_mut(&user).expect("the user is a member")
    }

    /// All of it, to look at.
    pub fn state(&self) -> &Records {
        &self.records
    }

    fn next_id(&mut self) -> Snowflake {
        self.ids.next(self.clock.now_ms())
    }
}
