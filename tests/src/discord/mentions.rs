//! Who a text pings: the mentions in it, held against what the sender allowed and may do.
//!
//! Mentions inside code do not ping. See Discord's "Allowed Mentions Object".

use serde::Deserialize;
use serde_json::Value;

use super::{
    model::{Guild, Mentions, Records},
    snowflake::Snowflake,
};

/// What of one kind may ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Whatever the text mentions.
    All,
    /// Only these.
    Only(Vec<Snowflake>),
}

/// The sender's wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedMentions {
    /// Users.
    pub users: Allowed,
    /// Roles.
    pub roles: Allowed,
    /// `@everyone` and `@here`.
    pub everyone: bool,
    /// The author of the message that is replied to.
    pub replied_user: bool,
}

impl Default for AllowedMentions {
    /// Without a word from the sender everything pings.
    fn default() -> Self {
        Self { users: Allowed::All, roles: Allowed::All, everyone: true, replied_user: true }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wire {
    parse: Option<Vec<String>>,
    users: Option<Vec<Snowflake>>,
    roles: Option<Vec<Snowflake>>,
    replied_user: Option<bool>,
}

impl AllowedMentions {
    /// Reads the field of a request. The error is a sentence for the form error.
    pub fn from_json(field: &Value) -> Result<Self, String> {
        if field.is_null() {
            return Ok(Self::default());
        }
        let wire: Wire = serde_json::from_value(field.clone()).map_err(|error| error.to_string())?;
        let parse = wire.parse.unwrap_or_default();
        let kind = |name: &str, list: Option<Vec<Snowflake>>| match (parse.iter().any(|it| it == name), list)
        {
            (true, Some(list)) if !list.is_empty() => {
                Err(format!("parse:[\"{name}\"] and {name}: [ids...] are mutually exclusive."))
            }
            (true, _) => Ok(Allowed::All),
            (false, list) => Ok(Allowed::Only(list.unwrap_or_default())),
        };
        Ok(Self {
            users: kind("users", wire.users)?,
            roles: kind("roles", wire.roles)?,
            everyone: parse.iter().any(|it| it == "everyone"),
            replied_user: wire.replied_user.unwrap_or(false),
        })
    }
}

/// What is needed to know who is pinged.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The text.
    pub content: &'a str,
    /// The sender's wish.
    pub allowed: &'a AllowedMentions,
    /// Whether the sender may ping everyone and every role.
    pub may_ping_everyone: bool,
    /// The author of the message that is replied to.
    pub replied_to: Option<Snowflake>,
}

/// Who is pinged.
pub fn mentions(records: &Records, guild: &Guild, facts: &Facts<'_>) -> Mentions {
    let text = without_code(facts.content);
    let permits = |rule: &Allowed, id: &Snowflake| match rule {
        Allowed::All => true,
        Allowed::Only(list) => list.contains(id),
    };
    let mut found = Mentions::default();
    let replied = facts.replied_to.filter(|_| facts.allowed.replied_user);
    let users = ids_after(&text, "<@").chain(ids_after(&text, "<@!"));
    let users = users.filter(|id| permits(&facts.allowed.users, id)).chain(replied);
    for id in users.filter(|id| records.users.contains_key(id)) {
        if !found.users.contains(&id) {
            found.users.push(id);
        }
    }
    for id in ids_after(&text, "<@&").filter(|id| permits(&facts.allowed.roles, id)) {
        let role = guild.roles.get(&id);
        let pings = role.is_some_and(|role| role.mentionable || facts.may_ping_everyone);
        if pings && !found.roles.contains(&id) {
            found.roles.push(id);
        }
    }
    let shouts = text.contains("@everyone") || text.contains("@here");
    found.everyone = shouts && facts.allowed.everyone && facts.may_ping_everyone;
    found
}

fn ids_after<'a>(text: &'a str, opening: &'a str) -> impl Iterator<Item = Snowflake> + 'a {
    let starts = text.match_indices(opening).map(move |(at, _)| &text[at + opening.len()..]);
    starts.filter_map(|rest| rest.split_once('>')?.0.parse().ok())
}

fn without_code(text: &str) -> String {
    let outside_of = |text: &str, fence: &str| {
        let pieces: Vec<&str> = text.split(fence).collect();
        // An unclosed fence is plain text, so its tail counts.
        let open_tail = if pieces.len().is_multiple_of(2) { pieces.last().copied() } else { None };
        let outside: Vec<&str> = pieces.iter().step_by(2).copied().chain(open_tail).collect();
        outside.join(" ")
    };
    outside_of(&outside_of(text, "```"), "`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::world::World, *};

    #[test]
    fn only_allowed_known_and_permitted_mentions_ping() {
        let (mut world, small) = World::small();
        let role = world.role(small.guild, "flock", 0);
        world.edit_guild(small.guild).roles.get_mut(&role).expect("it was just made").mentionable = false;
        let (alice, bob) = (small.alice, small.bob);
        let text = format!("<@{alice}> <@!{bob}> <@1> <@&{role}> @everyone `<@{bob}>`");
        let records = world.state();
        let check = |content: &str, allowed: Value, may: bool| {
            let allowed = AllowedMentions::from_json(&allowed).expect("a good wish");
            let facts = Facts { content, allowed: &allowed, may_ping_everyone: may, replied_to: Some(bob) };
            mentions(records, &records.guilds[&small.guild], &facts)
        };
        let set = |users: &[Snowflake], roles: &[Snowflake], everyone| Mentions {
            users: users.to_vec(),
            roles: roles.to_vec(),
            everyone,
        };
        assert_eq!(check(&text, Value::Null, true), set(&[alice, bob], &[role], true));
        assert_eq!(check(&text, Value::Null, false), set(&[alice, bob], &[], false));
        assert_eq!(check(&text, json!({"parse": []}), true), set(&[], &[], false));
        assert_eq!(check(&text, json!({"users": [bob], "roles": [role]}), true), set(&[bob], &[role], false));
        assert_eq!(check("hi", json!({"replied_user": true}), true), set(&[bob], &[], false));
        assert_eq!(
            check(&format!("`<@{alice}>` ```<@{alice}>```"), json!({"parse": ["users"]}), true),
            set(&[], &[], false)
        );
    }

    #[test]
    fn contradicting_wishes_are_refused() {
        assert!(AllowedMentions::from_json(&json!({"parse": ["users"], "users": ["1"]})).is_err());
    }
}
