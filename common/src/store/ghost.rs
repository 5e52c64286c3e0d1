//! Ghosts: the Matrix accounts that stand for remote users, and the other ids that lead to them.

use super::{
    Store, StoreError,
    operation::Step,
    value::{Row, Value},
};
use crate::ids::RemoteUserId;

pub(super) const GHOST: &str = "SELECT user_id, name, avatar_source, avatar_mxc, registered FROM (\
     SELECT 0 AS place, g.* FROM ghost g WHERE g.user_id = $1 \
     UNION ALL SELECT 1 AS place, g.* FROM ghost_alias a JOIN ghost g ON g.user_id = a.user_id WHERE a.alias = $1\
     ) AS found ORDER BY place LIMIT 1";
const SAVE: &str = "INSERT INTO ghost (user_id, name, avatar_source, avatar_mxc, registered) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id) DO UPDATE SET name = excluded.name, \
     avatar_source = excluded.avatar_source, avatar_mxc = excluded.avatar_mxc, registered = excluded.registered";
const SAVE_ALIAS: &str = "INSERT INTO ghost_alias (alias, user_id) VALUES ($1, $2) \
     ON CONFLICT (alias) DO UPDATE SET user_id = excluded.user_id";

/// A ghost as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GhostRow {
    /// The primary id, which names the ghost.
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

impl Store {
    /// The ghost of a remote user, found by its primary id or by any alias.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn ghost(&self, user: &RemoteUserId) -> Result<Option<GhostRow>, StoreError> {
        let row = self.0.reader.fetch_one(GHOST, vec![user.as_str().into()]).await?;
        row.map(ghost_row).transpose()
    }

    /// Saves a ghost under its primary id, in place of what was saved before.
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

    /// Lets other ids of a remote user lead to the ghost of `primary`.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn add_ghost_aliases(
        &self,
        primary: &RemoteUserId,
        others: &[RemoteUserId],
    ) -> Result<(), StoreError> {
        if others.is_empty() {
            return Ok(());
        }
        let step = |alias: &RemoteUserId| Step {
            sql: SAVE_ALIAS,
            params: vec![alias.as_str().into(), primary.as_str().into()],
        };
        self.write(others.iter().filter(|alias| *alias != primary).map(step).collect()).await.map(drop)
    }
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
