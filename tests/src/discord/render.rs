//! Writes the nouns of [`super::model`] down as Discord's JSON.
//!
//! Shared by REST answers and gateway events; what only the gateway adds is in [`super::gateway::payloads`]. Every field
//! that Discord always sends is there, because clients refuse payloads that lack one.

use serde_json::{Value, json};

pub use self::message::{message, reaction_emoji};
use super::{
    intents,
    model::{
        Channel, ChannelKind, Guild, GuildEmoji, Member, Overwrite, Records, Role, Thread, User, Webhook,
    },
    snowflake::{Snowflake, timestamp},
};

mod message;

/// A user, as everybody sees them.
pub fn user(user: &User) -> Value {
    json!({
        "id": user.id,
        "username": user.username,
        "global_name": user.global_name,
        "avatar": user.avatar,
        "avatar_decoration_data": null,
        "collectibles": null,
        "discriminator": if user.is_bot { "7001" } else { "0" },
        "public_flags": 0,
        "flags": 0,
        "bot": user.is_bot,
        "system": false,
        "banner": null,
        "accent_color": null,
        "primary_guild": null,
    })
}

/// The bot's own user, with what only the owner of an account sees.
pub fn current_user(records: &Records) -> Value {
    let mut it = user(&records.users[&records.application.id]);
    merge(
        &mut it,
        json!({"mfa_enabled": true, "locale": "en-US", "premium_type": 0, "email": null, "verified": true}),
    );
    it
}

/// The bot's application; its flags tell which privileged intents are switched on.
pub fn application(records: &Records) -> Value {
    let application = &records.application;
    let flags = application_flags(records);
    json!({
        "id": application.id,
        "name": application.name,
        "icon": null,
        "description": "",
        "type": null,
        "bot": user(&records.users[&application.id]),
        "bot_public": true,
        "bot_require_code_grant": false,
        "verify_key": "0".repeat(64),
        "flags": flags,
        "flags_new": flags.to_string(),
        "redirect_uris": [],
        "interactions_endpoint_url": null,
        "role_connections_verification_url": null,
        "owner": user(&records.users[&application.owner]),
        "approximate_guild_count": records.guilds.len(),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": null,
        "eligible_oauth2_scopes": ["bot", "identify"],
        "integration_types_config": {},
        "event_webhooks_url": null,
    })
}

/// The application's flag bits. The "limited" ones are what bots in fewer than 100 guilds get.
pub fn application_flags(records: &Records) -> u64 {
    let on = records.application.privileged_intents;
    let flags =
        [(intents::GUILD_PRESENCES, 13), (intents::GUILD_MEMBERS, 15), (intents::MESSAGE_CONTENT, 19)];
    flags.into_iter().filter(|(intent, _)| on & intent != 0).fold(0, |bits, (_, bit)| bits | 1 << bit)
}

/// A guild with its roles, without channels and members.
pub fn guild(guild: &Guild) -> Value {
    let mut it = json!({
        "id": guild.id,
        "name": guild.name,
        "icon": guild.icon,
        "description": guild.description,
        "owner_id": guild.owner,
        "roles": guild.roles.values().map(role).collect::<Vec<_>>(),
        "features": [],
        "emojis": guild.emojis.values().map(emoji).collect::<Vec<_>>(),
        "stickers": [],
        "region": "deprecated",
        "preferred_locale": "en-US",
        "afk_timeout": 300,
        "max_members": 500_000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
    });
    for absent in [
        "home_header",
        "splash",
        "discovery_splash",
        "banner",
        "application_id",
        "afk_channel_id",
        "system_channel_id",
        "widget_channel_id",
        "max_presences",
        "vanity_url_code",
        "rules_channel_id",
        "safety_alerts_channel_id",
        "public_updates_channel_id",
        "incidents_data",
        "premium_progress_bar_enabled_user_updated_at",
    ] {
        it[absent] = Value::Null;
    }
    for zero in [
        "system_channel_flags",
        "verification_level",
        "default_message_notifications",
        "mfa_level",
        "explicit_content_filter",
        "premium_subscription_count",
        "nsfw_level",
    ] {
        it[zero] = json!(0);
    }
    it["premium_tier"] = json!(guild.premium_tier);
    for off in ["widget_enabled", "premium_progress_bar_enabled", "nsfw"] {
        it[off] = json!(false);
    }
    it
}

fn emoji(emoji: &GuildEmoji) -> Value {
    json!({
        "id": emoji.id,
        "name": emoji.name,
        "roles": [],
        "require_colons": true,
        "managed": false,
        "animated": emoji.animated,
        "available": true,
    })
}

/// A role.
pub fn role(role: &Role) -> Value {
    let mut it = json!({
        "id": role.id,
        "name": role.name,
        "permissions": role.permissions.to_string(),
        "position": role.position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": null, "tertiary_color": null},
        "hoist": false,
        "managed": role.bot.is_some(),
        "mentionable": role.mentionable,
        "icon": null,
        "unicode_emoji": null,
        "flags": 0,
    });
    if let Some(bot) = role.bot {
        it["tags"] = json!({"bot_id": bot});
    }
    it
}

/// A member without the user, as it stands inside messages.
pub fn partial_member(member: &Member) -> Value {
    json!({
        "nick": member.nick,
        "avatar": member.avatar,
        "banner": null,
        "roles": member.roles,
        "joined_at": timestamp(member.joined_ms),
        "premium_since": null,
        "communication_disabled_until": null,
        "deaf": false,
        "mute": false,
        "pending": false,
        "flags": 0,
    })
}

/// A member.
pub fn member(records: &Records, of: Snowflake, member: &Member) -> Value {
    let mut it = partial_member(member);
    it["user"] = user(&records.users[&of]);
    it
}

/// A channel of a guild.
pub fn channel(channel: &Channel) -> Value {
    if let Some(about) = &channel.thread {
        return thread(channel, about);
    }
    if let Some(recipient) = &channel.recipient {
        return json!({
            "id": channel.id,
            "type": channel.kind as u8,
            "last_message_id": channel.last_message,
            "flags": 0,
            "recipients": [user(recipient)],
        });
    }
    let mut it = json!({
        "id": channel.id,
        "type": channel.kind as u8,
        "guild_id": channel.guild,
        "name": channel.name,
        "parent_id": channel.parent,
        "position": channel.position,
        "permission_overwrites": channel.overwrites.iter().map(overwrite).collect::<Vec<_>>(),
        "flags": 0,
    });
    if channel.kind != ChannelKind::Category {
        let more = json!({
            "topic": channel.topic,
            "last_message_id": channel.last_message,
            "last_pin_timestamp": null,
            "nsfw": false,
            "rate_limit_per_user": 0,
        });
        merge(&mut it, more);
    }
    it
}

fn thread(channel: &Channel, thread: &Thread) -> Value {
    let count = channel.messages.len();
    json!({
        "id": channel.id,
        "type": channel.kind as u8,
        "guild_id": channel.guild,
        "name": channel.name,
        "parent_id": channel.parent,
        "owner_id": thread.owner,
        "last_message_id": channel.last_message,
        "last_pin_timestamp": null,
        "rate_limit_per_user": 0,
        "bitrate": 64_000,
        "user_limit": 0,
        "rtc_region": null,
        "message_count": count,
        "member_count": 1,
        "total_message_sent": count,
        "flags": 0,
        "applied_tags": [],
        "thread_metadata": {
            "archived": thread.archived,
            "archive_timestamp": timestamp(channel.id.created_ms()),
            "auto_archive_duration": 4320,
            "locked": thread.locked,
            "create_timestamp": timestamp(channel.id.created_ms()),
        },
    })
}

/// A webhook; the token only where the reader may have it.
pub fn webhook(records: &Records, hook: &Webhook, rest_base: &str, with_creator: bool) -> Value {
    let mut it = json!({
        "id": hook.id,
        "type": 1,
        "application_id": hook.application,
        "avatar": hook.avatar,
        "channel_id": hook.channel,
        "guild_id": hook.guild,
        "name": hook.name,
    });
    let ours = hook.application.is_none_or(|owner| owner == records.application.id);
    if ours {
        it["token"] = json!(hook.token);
        it["url"] = json!(format!("{rest_base}/webhooks/{}/{}", hook.id, hook.token));
    }
    if with_creator {
        it["user"] = user(&records.users[&hook.creator]);
    }
    it
}

/// Adds the fields of one object to another.
pub fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

fn overwrite(over: &Overwrite) -> Value {
    let (allow, deny) = (over.allow.to_string(), over.deny.to_string());
    json!({"id": over.id, "type": u8::from(over.is_member), "allow": allow, "deny": deny})
}
