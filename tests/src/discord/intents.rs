//! What a gateway session asked to be told, as bits.

/// Guilds, channels, roles.
pub const GUILDS: u64 = 1 << 0;
/// Members come, go and change. Privileged.
pub const GUILD_MEMBERS: u64 = 1 << 1;
/// Webhooks of a channel changed.
pub const GUILD_WEBHOOKS: u64 = 1 << 5;
/// Who is online. Privileged.
pub const GUILD_PRESENCES: u64 = 1 << 8;
/// Messages in guild channels.
pub const GUILD_MESSAGES: u64 = 1 << 9;
/// Reactions in guild channels.
pub const GUILD_MESSAGE_REACTIONS: u64 = 1 << 10;
/// Somebody types in a guild channel.
pub const GUILD_MESSAGE_TYPING: u64 = 1 << 11;
/// Messages to the bot alone.
pub const DIRECT_MESSAGES: u64 = 1 << 12;
/// Reactions in such a conversation.
pub const DIRECT_MESSAGE_REACTIONS: u64 = 1 << 13;
/// Typing in such a conversation.
pub const DIRECT_MESSAGE_TYPING: u64 = 1 << 14;
/// The text of messages. Privileged.
pub const MESSAGE_CONTENT: u64 = 1 << 15;

/// All that must be switched on in the developer portal.
pub const PRIVILEGED: u64 = GUILD_MEMBERS | GUILD_PRESENCES | MESSAGE_CONTENT;
/// All bits that exist.
pub const KNOWN: u64 = 0x331_FFFF;

/// The intent that an event needs; none for those that everyone gets.
pub fn needed(event: &str) -> u64 {
    match event {
        "GUILD_MEMBER_ADD" | "GUILD_MEMBER_UPDATE" | "GUILD_MEMBER_REMOVE" => GUILD_MEMBERS,
        "WEBHOOKS_UPDATE" => GUILD_WEBHOOKS,
        "TYPING_START" => GUILD_MESSAGE_TYPING,
        name if name.starts_with("MESSAGE_REACTION_") => GUILD_MESSAGE_REACTIONS,
        name if name.starts_with("MESSAGE_") => GUILD_MESSAGES,
        name if ["GUILD_", "CHANNEL_", "THREAD_"].iter().any(|start| name.starts_with(start)) => GUILDS,
        _ => 0,
    }
}

/// The same in a conversation of two.
pub fn needed_in_direct(event: &str) -> u64 {
    match needed(event) {
        GUILD_MESSAGES => DIRECT_MESSAGES,
        GUILD_MESSAGE_REACTIONS => DIRECT_MESSAGE_REACTIONS,
        GUILD_MESSAGE_TYPING => DIRECT_MESSAGE_TYPING,
        other => other,
    }
}
