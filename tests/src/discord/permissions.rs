//! What somebody may do in a channel, computed as Discord does.
//!
//! The order is Discord's own: `@everyone` role and member roles together, administrators have all, then the channel's
//! overwrites for everyone, for roles, for the member.

use super::{
    model::{Channel, Guild},
    snowflake::Snowflake,
};

/// All there is for administrators and owners: every bit Discord has assigned.
pub const ALL: u64 = (1 << 53) - 1;
/// Everything, everywhere.
pub const ADMINISTRATOR: u64 = 1 << 3;
/// Create, edit and delete channels.
pub const MANAGE_CHANNELS: u64 = 1 << 4;
/// Add reactions.
pub const ADD_REACTIONS: u64 = 1 << 6;
/// See a channel and read along.
pub const VIEW_CHANNEL: u64 = 1 << 10;
/// Send messages.
pub const SEND_MESSAGES: u64 = 1 << 11;
/// Delete other people's messages.
pub const MANAGE_MESSAGES: u64 = 1 << 13;
/// Links and embeds are shown.
pub const EMBED_LINKS: u64 = 1 << 14;
/// Upload files.
pub const ATTACH_FILES: u64 = 1 << 15;
/// Read what was said before.
pub const READ_MESSAGE_HISTORY: u64 = 1 << 16;
/// Ping `@everyone`, `@here` and every role.
pub const MENTION_EVERYONE: u64 = 1 << 17;
/// Create and use webhooks.
pub const MANAGE_WEBHOOKS: u64 = 1 << 29;

/// Begin threads that everybody sees.
pub const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
/// Write in threads.
pub const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;

/// What a fresh guild gives to everyone.
pub const EVERYONE_DEFAULT: u64 = ADD_REACTIONS
    | VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | CREATE_PUBLIC_THREADS
    | SEND_MESSAGES_IN_THREADS;

/// What the bridge's documentation asks for.
pub const BOT_DEFAULT: u64 = EVERYONE_DEFAULT | MANAGE_MESSAGES | MANAGE_WEBHOOKS | MENTION_EVERYONE;

/// A member's permissions in the guild, without any channel. None when they are not a member.
pub fn in_guild(guild: &Guild, user: Snowflake) -> Option<u64> {
    let member = guild.members.get(&user)?;
    if guild.owner == user {
        return Some(ALL);
    }
    let roles = guild.roles.values().filter(|role| role.id == guild.id || member.roles.contains(&role.id));
    let granted = roles.fold(0, |bits, role| bits | role.permissions);
    Some(if granted & ADMINISTRATOR != 0 { ALL } else { granted })
}

/// A member's permissions in a channel; nothing at all for strangers.
pub fn in_channel(guild: &Guild, channel: &Channel, user: Snowflake) -> u64 {
    let Some(base) = in_guild(guild, user) else { return 0 };
    if base == ALL {
        return ALL;
    }
    let everyone = channel.overwrites.iter().filter(|over| over.id == guild.id);
    let mut bits = everyone.fold(base, |bits, over| bits & !over.deny | over.allow);
    let roles = &guild.members[&user].roles;
    let (deny, allow) = channel
        .overwrites
        .iter()
        .filter(|over| !over.is_member && over.id != guild.id && roles.contains(&over.id))
        .fold((0, 0), |(deny, allow), over| (deny | over.deny, allow | over.allow));
    bits = bits & !deny | allow;
    let own = channel.overwrites.iter().filter(|over| over.is_member && over.id == user);
    bits = own.fold(bits, |bits, over| bits & !over.deny | over.allow);
    // Who cannot see a channel can do nothing in it.
    if bits & VIEW_CHANNEL == 0 { 0 } else { bits }
}

#[cfg(test)]
mod tests {
    use super::{super::world::World, *};
    use crate::discord::model::Overwrite;

    #[test]
    fn overwrites_apply_in_discords_order() {
        let mut world = World::new();
        let guild = world.guild("Birds");
        let (mods, mutes) = (world.role(guild, "mods", MANAGE_MESSAGES), world.role(guild, "mutes", 0));
        let channel = world.text_channel(guild, "general");
        let user = world.member(guild, "alice");
        let over = |id, is_member, deny, allow| Overwrite { id, is_member, deny, allow };
        let mut check = |roles: &[Snowflake], overwrites: Vec<Overwrite>| {
            world.edit_member(guild, user).roles = roles.to_vec();
            world.edit_channel(channel).overwrites = overwrites;
            let state = world.state();
            in_channel(&state.guilds[&guild], &state.channels[&channel], user)
        };
        assert_eq!(check(&[], vec![]), EVERYONE_DEFAULT);
        assert_eq!(check(&[], vec![over(guild, false, VIEW_CHANNEL, 0)]), 0);
        let hidden = vec![over(guild, false, VIEW_CHANNEL, 0), over(mods, false, 0, VIEW_CHANNEL)];
        assert_eq!(check(&[mods], hidden), EVERYONE_DEFAULT | MANAGE_MESSAGES);
        let both = vec![over(mutes, false, SEND_MESSAGES, 0), over(mods, false, 0, SEND_MESSAGES)];
        assert_eq!(
            check(&[mods, mutes], both) & SEND_MESSAGES,
            SEND_MESSAGES,
            "a role's allow beats another's deny"
        );
        let own = vec![over(mods, false, 0, SEND_MESSAGES), over(user, true, SEND_MESSAGES, 0)];
        assert_eq!(check(&[mods], own) & SEND_MESSAGES, 0, "the member's own overwrite comes last");
    }
}
