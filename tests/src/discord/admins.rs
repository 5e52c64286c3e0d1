//! What a guild's administrators do, and how members come, go and rename themselves. Each deed tells the gateway.

use serde_json::json;

use super::{
    DiscordSim, Snowflake,
    gateway::dispatch::{self, Event},
    model::{Channel, Guild, Member},
    render,
    state::State,
};

impl DiscordSim {
    /// A channel is changed: its name, topic, category or overwrites. False when it is gone.
    pub fn admin_edits_channel(&self, channel: Snowflake, deed: impl FnOnce(&mut Channel)) -> bool {
        self.inner.change(|state| {
            let Some(found) = state.records.channels.get_mut(&channel) else { return false };
            deed(found);
            let (guild, data) = (found.guild, render::channel(found));
            dispatch::event(state, Event { kind: "CHANNEL_UPDATE", guild, channel: Some(channel), data });
            true
        })
    }

    /// A channel is deleted, with its messages and webhooks. False when it was gone.
    pub fn admin_deletes_channel(&self, channel: Snowflake) -> bool {
        self.inner.change(|state| {
            let Some(found) = state.records.channels.get(&channel) else { return false };
            let (guild, data) = (found.guild, render::channel(found));
            // Told first, because visibility is judged by the channel as it was.
            dispatch::event(state, Event { kind: "CHANNEL_DELETE", guild, channel: Some(channel), data });
            state.records.channels.remove(&channel);
            state.records.webhooks.retain(|_, hook| hook.channel != channel);
            true
        })
    }

    /// A guild is changed: its name or picture. False when it is gone.
    pub fn admin_edits_guild(&self, guild: Snowflake, deed: impl FnOnce(&mut Guild)) -> bool {
        self.inner.change(|state| {
            let Some(found) = state.records.guilds.get_mut(&guild) else { return false };
            deed(found);
            let data = render::guild(found);
            dispatch::event(state, Event { kind: "GUILD_UPDATE", guild, channel: None, data });
            true
        })
    }

    /// A member is changed: nickname, picture or roles; one who is none yet joins.
    pub fn member_changes(&self, guild: Snowflake, user: Snowflake, deed: impl FnOnce(&mut Member)) {
        self.inner.change(|state| {
            let joined_ms = state.clock.now_ms();
            let Some(found) = state.records.guilds.get_mut(&guild) else { return };
            let kind =
                if found.members.contains_key(&user) { "GUILD_MEMBER_UPDATE" } else { "GUILD_MEMBER_ADD" };
            let member = found.members.entry(user).or_insert(Member { joined_ms, ..Member::default() });
            deed(member);
            tell_of_member(state, kind, (guild, user));
        });
    }

    /// A member leaves.
    pub fn member_leaves(&self, guild: Snowflake, user: Snowflake) {
        self.inner.change(|state| {
            let left = state.records.guilds.get_mut(&guild).and_then(|found| found.members.remove(&user));
            if left.is_some() {
                let data = json!({"guild_id": guild, "user": render::user(&state.records.users[&user])});
                dispatch::event(state, Event { kind: "GUILD_MEMBER_REMOVE", guild, channel: None, data });
            }
        });
    }
}

fn tell_of_member(state: &mut State, kind: &str, (guild, user): (Snowflake, Snowflake)) {
    let mut data = render::member(&state.records, user, &state.records.guilds[&guild].members[&user]);
    data["guild_id"] = json!(guild);
    dispatch::event(state, Event { kind, guild, channel: None, data });
}
