//! Conversations of two, which Discord opens for whoever asks. Asked again it gives the same one.

use std::collections::BTreeMap;

use super::{
    model::{Channel, ChannelKind, Guild, Member, Records, Role},
    permissions,
    snowflake::{Snowflake, Snowflakes},
};

/// The conversation of the bot with somebody. It is kept as a guild of two that nobody is told of.
pub(crate) fn open(
    records: &mut Records,
    ids: &mut Snowflakes,
    (user, now_ms): (Snowflake, i64),
) -> Snowflake {
    let is_theirs = |channel: &&Channel| channel.recipient.as_ref().is_some_and(|it| it.id == user);
    if let Some(known) = records.channels.values().find(is_theirs) {
        return known.id;
    }
    let (pair, id) = (ids.next(now_ms), ids.next(now_ms));
    let member = || Member { joined_ms: now_ms, ..Member::default() };
    let everyone = Role {
        id: pair,
        name: "@everyone".to_owned(),
        permissions: permissions::EVERYONE_DEFAULT | permissions::BOT_DEFAULT,
        position: 0,
        mentionable: false,
        bot: None,
    };
    let guild = Guild {
        id: pair,
        name: String::new(),
        icon: None,
        description: None,
        owner: records.application.owner,
        roles: BTreeMap::from([(pair, everyone)]),
        members: BTreeMap::from([(user, member()), (records.application.id, member())]),
        emojis: BTreeMap::new(),
        premium_tier: 0,
        is_direct: true,
        unavailable: false,
    };
    let channel = Channel {
        id,
        guild: pair,
        kind: ChannelKind::Direct,
        name: String::new(),
        topic: None,
        thread: None,
        recipient: records.users.get(&user).cloned(),
        parent: None,
        position: 0,
        overwrites: Vec::new(),
        last_message: None,
        messages: BTreeMap::new(),
    };
    records.guilds.insert(pair, guild);
    records.channels.insert(id, channel);
    id
}
