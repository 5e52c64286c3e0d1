//! What somebody may do in a channel, as Discord computes it.
//!
//! Reference: <https://discord.com/developers/docs/topics/permissions#permission-overwrites>. Pure.

use super::world::{Channel, Guild};

/// May everything.
pub(crate) const ADMINISTRATOR: u64 = 1 << 3;
/// Put a reaction that nobody has put yet.
pub(crate) const ADD_REACTIONS: u64 = 1 << 6;
/// See a channel.
pub(crate) const VIEW_CHANNEL: u64 = 1 << 10;
/// Write in it.
pub(crate) const SEND_MESSAGES: u64 = 1 << 11;
/// Delete what others wrote.
pub(crate) const MANAGE_MESSAGES: u64 = 1 << 13;
/// Send files.
pub(crate) const ATTACH_FILES: u64 = 1 << 15;
/// Read what was written before.
pub(crate) const READ_MESSAGE_HISTORY: u64 = 1 << 16;
/// Make and use webhooks.
pub(crate) const MANAGE_WEBHOOKS: u64 = 1 << 29;

/// Begin threads that everybody sees.
pub(crate) const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
/// Write in threads.
pub(crate) const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;

/// What the bridge needs, with the names that Discord's settings show.
pub(crate) const NEEDED: [(u64, &str); 9] = [
    (VIEW_CHANNEL, "View Channels"),
    (SEND_MESSAGES, "Send Messages"),
    (READ_MESSAGE_HISTORY, "Read Message History"),
    (MANAGE_WEBHOOKS, "Manage Webhooks"),
    (ADD_REACTIONS, "Add Reactions"),
    (ATTACH_FILES, "Attach Files"),
    (MANAGE_MESSAGES, "Manage Messages"),
    (CREATE_PUBLIC_THREADS, "Create Public Threads"),
    (SEND_MESSAGES_IN_THREADS, "Send Messages in Threads"),
];

/// All that [`NEEDED`] names, for the invite link.
pub(crate) const NEEDED_BITS: u64 = VIEW_CHANNEL
    | SEND_MESSAGES
    | READ_MESSAGE_HISTORY
    | MANAGE_WEBHOOKS
    | ADD_REACTIONS
    | ATTACH_FILES
    | MANAGE_MESSAGES
    | CREATE_PUBLIC_THREADS
    | SEND_MESSAGES_IN_THREADS;

/// The names of permissions, for people; of those in [`NEEDED`].
pub(crate) fn names(bits: u64) -> String {
    let named = NEEDED.iter().filter(|(bit, _)| bits & bit != 0);
    named.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

/// What a bot may do in a conversation of two.
pub(crate) const IN_DIRECT: u64 =
    VIEW_CHANNEL | SEND_MESSAGES | READ_MESSAGE_HISTORY | ADD_REACTIONS | ATTACH_FILES;

/// Whose permissions.
pub(crate) struct Member<'a> {
    /// Their id.
    pub id: &'a str,
    /// Their roles besides `@everyone`.
    pub roles: &'a [String],
}

/// What a member may do in a guild at large.
pub(crate) fn in_guild(guild: &Guild, member: &Member<'_>) -> u64 {
    if guild.owner.as_deref() == Some(member.id) {
        return u64::MAX;
    }
    let of_role = |id: &str| guild.roles.get(id).map_or(0, |role| role.permissions);
    let held = member.roles.iter().fold(of_role(&guild.id), |held, role| held | of_role(role));
    if held & ADMINISTRATOR == 0 { held } else { u64::MAX }
}

/// What a member may do in a channel.
pub(crate) fn in_channel(guild: &Guild, channel: &Channel, member: &Member<'_>) -> u64 {
    let mut held = in_guild(guild, member);
    if held == u64::MAX {
        return held;
    }
    let of = |id: &str| channel.overwrites.iter().find(|overwrite| overwrite.id == id);
    if let Some(everyone) = of(&guild.id) {
        held = held & !everyone.deny | everyone.allow;
    }
    let roles = channel.overwrites.iter().filter(|overwrite| member.roles.contains(&overwrite.id));
    let (allow, deny) = roles.fold((0, 0), |(allow, deny), it| (allow | it.allow, deny | it.deny));
    held = held & !deny | allow;
    if let Some(own) = of(member.id) {
        held = held & !own.deny | own.allow;
    }
    held
}

/// Whether a channel is hidden from people without a role.
pub(crate) fn is_private(guild: &Guild, channel: &Channel) -> bool {
    in_channel(guild, channel, &Member { id: "", roles: &[] }) & VIEW_CHANNEL == 0
}
