//! Ghosts: the Matrix accounts that stand for remote users, and the other ids that lead to them.
//!
//! An id either names a ghost or is an alias of one, never both. What was said and done is kept under the id with which it was told; who that
//! is today is looked up here. So that two ids become one person costs a few rows, however much they have said.

use super::{
    Store, StoreError,
    operation::Step,
    value::{Row, Value},
};
use crate::ids::RemoteUserId;

pub(super) const GHOST: &str = "SELECT user_id, name, avatar_source, avatar_mxc, registered FROM ghost \
     WHERE user_id = COALESCE((SELECT a.user_id FROM ghost_alias a WHERE a.alias = $1), $1)";
pub(super) const IDENTITY: &str = "SELECT g.user_id, g.address, a.alias, a.spoke FROM ghost g \
     LEFT JOIN ghost_alias a ON a.user_id = g.user_id \
     WHERE g.user_id = COALESCE((SELECT b.user_id FROM ghost_alias b WHERE b.alias = $1), $1) ORDER BY a.alias";
const ANY_ALIAS: &str = "SELECT alias FROM ghost_alias LIMIT 1";
const SAVE: &str = "INSERT INTO ghost (user_id, name, avatar_source, avatar_mxc, registered) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id) DO UPDATE SET name = excluded.name, \
     avatar_source = excluded.avatar_source, avatar_mxc = excluded.avatar_mxc, registered = excluded.registered";
/// Somebody whom the homeserver does not know yet.
const SAVE_NEW: &str =
    "INSERT INTO ghost (user_id, registered) VALUES ($1, 0) ON CONFLICT (user_id) DO NOTHING";
const SET_ADDRESS: &str = "UPDATE ghost SET address = $2 WHERE user_id = $1";
const DROP_GHOST: &str = "DELETE FROM ghost WHERE user_id = $1";
const MOVE_ALIASES: &str = "UPDATE ghost_alias SET user_id = $2 WHERE user_id = $1";
const DROP_ALIAS: &str = "DELETE FROM ghost_alias WHERE alias = $1";
const SAVE_ALIAS: &str = "INSERT INTO ghost_alias (alias, user_id, spoke) VALUES ($1, $2, $3) \
     ON CONFLICT (alias) DO UPDATE SET user_id = excluded.user_id, spoke = excluded.spoke";

/// A ghost as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GhostRow {
    /// The id that names the ghost.
    pub user: RemoteUserId,
    /// The name that the ghost was given.
    pub name: Option<String>,
    /// What the network called the picture that the ghost was given.
    pub avatar_source: Option<String>,
    /// The picture that the ghost was given.
    pub avatar_mxc: Option<String>,
    /// Whether the homeserver knows the ghost.
    pub registered: bool,
}

/// One person with all their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The id that names the ghost. It stays as long as the ghost does, which is never renamed.
    pub ghost: RemoteUserId,
    /// The id by which the network is asked for them today.
    pub address: RemoteUserId,
    /// All their ids but the one that names the ghost.
    pub aliases: Vec<Alias>,
}

/// Another id of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The id.
    pub id: RemoteUserId,
    /// Whether it had a ghost of its own once, which may have said things.
    pub spoke: bool,
}

impl Identity {
    /// Somebody with one id only.
    pub fn single(id: RemoteUserId) -> Self {
        Self { ghost: id.clone(), address: id, aliases: Vec::new() }
    }

    /// Every id, that of the ghost first.
    pub fn ids(&self) -> impl Iterator<Item = &RemoteUserId> {
        std::iter::once(&self.ghost).chain(self.aliases.iter().map(|alias| &alias.id))
    }
}

/// Two people who are one.
#[derive(Clone, Copy, Debug)]
pub struct Union<'a> {
    /// The id of the ghost that stays.
    pub stays: &'a RemoteUserId,
    /// The other id, which becomes an alias with all that led to it.
    pub leaves: &'a RemoteUserId,
    /// Whether the homeserver knows a ghost under the other id.
    pub spoke: bool,
    /// The id by which the network is asked for the person from now on.
    pub address: &'a RemoteUserId,
}

impl Store {
    /// The ghost of a remote user, found by any of their ids.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn ghost(&self, user: &RemoteUserId) -> Result<Option<GhostRow>, StoreError> {
        let row = self.0.reader.fetch_one(GHOST, vec![user.as_str().into()]).await?;
        row.map(ghost_row).transpose()
    }

    /// Saves a ghost under the id that names it, in place of what was saved before.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn save_ghost(&self, ghost: &GhostRow) -> Result<(), StoreError> {
        let params = vec![
            ghost.user.as_str().into(),
            (&ghost.name).into(),
            (&ghost.avatar_source).into(),
            (&ghost.avatar_mxc).into(),
            Value::Int(i64::from(ghost.registered)),
        ];
        self.write(vec![Step { sql: SAVE, params }]).await.map(drop)
    }

    /// Who somebody is, by any of their ids; `None` when nothing is known of them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn identity(&self, user: &RemoteUserId) -> Result<Option<Identity>, StoreError> {
        let mut found: Option<Identity> = None;
        for mut row in self.0.reader.fetch(IDENTITY, vec![user.as_str().into()]).await? {
            let (ghost, address) = (RemoteUserId::new(row.text()?), row.text_or_null()?);
            let address = address.map_or_else(|| ghost.clone(), RemoteUserId::new);
            let identity = found.get_or_insert(Identity { ghost, address, aliases: Vec::new() });
            if let Some(alias) = row.text_or_null()? {
                identity.aliases.push(Alias { id: RemoteUserId::new(alias), spoke: row.int()? == 1 });
            }
        }
        Ok(found)
    }

    /// Whether anybody has more than one id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn has_aliases(&self) -> Result<bool, StoreError> {
        Ok(self.0.reader.fetch_one(ANY_ALIAS, Vec::new()).await?.is_some())
    }

    /// Lets two people be one: the ghost that stays is everybody's to whom an id of either leads.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn unite(&self, union: Union<'_>) -> Result<(), StoreError> {
        let Union { stays, leaves, spoke, address } = union;
        let (stays, leaves) = (stays.as_str(), leaves.as_str());
        let alias = vec![leaves.into(), stays.into(), Value::Int(i64::from(spoke))];
        self.write_all(vec![
            Step { sql: SAVE_NEW, params: vec![stays.into()] },
            Step { sql: MOVE_ALIASES, params: vec![leaves.into(), stays.into()] },
            Step { sql: DROP_ALIAS, params: vec![stays.into()] },
            Step { sql: SAVE_ALIAS, params: alias },
            Step { sql: DROP_GHOST, params: vec![leaves.into()] },
            set_address(stays, address),
        ])
        .await
    }

    /// Lets the network be asked for somebody by another id of theirs. `ghost` is the id that names their ghost.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn set_address(&self, ghost: &RemoteUserId, address: &RemoteUserId) -> Result<(), StoreError> {
        self.write(vec![set_address(ghost.as_str(), address)]).await.map(drop)
    }
}

fn set_address(ghost: &str, address: &RemoteUserId) -> Step {
    let address = Some(address.as_str()).filter(|address| *address != ghost);
    Step { sql: SET_ADDRESS, params: vec![ghost.into(), address.into()] }
}

fn ghost_row(mut row: Row) -> Result<GhostRow, StoreError> {
    Ok(GhostRow {
        user: RemoteUserId::new(row.text()?),
        name: row.text_or_null()?,
        avatar_source: row.text_or_null()?,
        avatar_mxc: row.text_or_null()?,
        registered: row.int()? == 1,
    })
}

#[cfg(test)]
pub(super) mod upgrade {
    //! What a database of version 4 may hold of people, and what must be known of them afterwards, on both databases.

    use super::{Alias, Identity, Store};
    use crate::ids::RemoteUserId;

    /// The version before people had addresses.
    pub(in crate::store) const OLD: usize = 4;

    /// Many people; one with a good alias, one whose alias has a ghost of its own, two that point at each other, one alias of nobody.
    pub(in crate::store) const PEOPLE: &str = "INSERT INTO ghost (user_id, name, registered) WITH RECURSIVE n(i) AS \
         (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT 'p' || i, 'name', 1 FROM n";
    pub(in crate::store) const ALIASES: &str = "INSERT INTO ghost_alias (alias, user_id) VALUES ('good', 'p1'), \
         ('p3', 'p2'), ('p4', 'p5'), ('p5', 'p4'), ('p6', 'p6'), ('lost', 'gone')";

    pub(in crate::store) async fn check(store: &Store) {
        let user = RemoteUserId::new;
        let alias = Alias { id: user("good"), spoke: false };
        let one = Identity { aliases: vec![alias], ..Identity::single(user("p1")) };
        for id in ["p1", "good"] {
            assert_eq!(store.identity(&user(id)).await, Ok(Some(one.clone())));
        }
        for id in ["p2", "p3", "p4", "p5", "p6", "p2000"] {
            let found = store.identity(&user(id)).await;
            assert_eq!(found, Ok(Some(Identity::single(user(id)))), "a ghost is nobody's alias");
            let name = store.ghost(&user(id)).await.expect("it can be read").and_then(|row| row.name);
            assert_eq!(name.as_deref(), Some("name"));
        }
        assert_eq!(store.identity(&user("lost")).await, Ok(None));
        assert_eq!(store.has_aliases().await, Ok(true));
    }
}
