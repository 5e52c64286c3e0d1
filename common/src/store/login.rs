//! Logins: accounts on the network that people have signed in with, and the chats that each of them sees.

use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};

use super::{Store, StoreError, operation::Step, value::Row};
use crate::{
    config::Secret,
    ids::{LoginId, RemoteChatId, RemoteUserId},
};

const ALL: &str = "SELECT id, owner, name, remote_user, secret, space_room FROM login ORDER BY saved_ms, id";
const ONE: &str = "SELECT id, owner, name, remote_user, secret, space_room FROM login WHERE id = $1";
const SAVE: &str = "INSERT INTO login (id, owner, name, remote_user, secret, space_room, saved_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, \
     name = excluded.name, remote_user = excluded.remote_user, secret = excluded.secret, space_room = excluded.space_room";
const SET_SPACE: &str = "UPDATE login SET space_room = $2 WHERE id = $1";
const SET_USER: &str = "UPDATE login SET remote_user = $2 WHERE id = $1";
const REMOVE: [&str; 6] = [
    "DELETE FROM login WHERE id = $1",
    "DELETE FROM session_kv WHERE login = $1",
    "DELETE FROM session_row WHERE login = $1",
    "UPDATE portal SET login = (SELECT MIN(other.login) FROM portal_login other WHERE other.chat = portal.chat AND other.login <> $1) \
     WHERE login = $1",
    "UPDATE portal SET relay = NULL WHERE relay = $1",
    "DELETE FROM portal_login WHERE login = $1",
];
pub(super) const OF_CHAT: &str =
    "SELECT login, preferred FROM portal_login WHERE chat = $1 ORDER BY preferred DESC, login";
const CHATS_OF: &str = "SELECT chat FROM portal_login WHERE login = $1 AND chat > $2 ORDER BY chat LIMIT $3";
const NOTE: &str = "INSERT INTO portal_login (chat, login, preferred) VALUES ($1, $2, 0) ON CONFLICT (chat, login) DO NOTHING";
const PREFER: &str = "UPDATE portal_login SET preferred = CASE WHEN login = $2 THEN 1 ELSE 0 END \
     WHERE chat = $1 AND login IN (SELECT id FROM login WHERE owner = $3)";

/// An account that somebody has signed in with.
#[derive(Clone, Debug)]
pub struct LoginRow {
    /// The account.
    pub id: LoginId,
    /// Who signed in.
    pub owner: OwnedUserId,
    /// How people read it.
    pub name: String,
    /// Who it is on the network, once that is known.
    pub remote_user: Option<RemoteUserId>,
    /// What connects it; none when it was sealed with another key than the one of today.
    pub secret: Option<Secret>,
    /// The space that holds its rooms.
    pub space_room: Option<OwnedRoomId>,
}

/// An account in a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatLogin {
    /// The account.
    pub login: LoginId,
    /// Whether its owner has chosen it to speak there.
    pub preferred: bool,
}

impl Store {
    /// All logins, in the order in which they were made.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn logins(&self) -> Result<Vec<LoginRow>, StoreError> {
        let rows = self.0.reader.fetch(ALL, Vec::new()).await?;
        rows.into_iter().map(|row| self.login_row(row)).collect()
    }

    /// One login.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn login(&self, id: &LoginId) -> Result<Option<LoginRow>, StoreError> {
        let row = self.0.reader.fetch_one(ONE, vec![id.as_str().into()]).await?;
        row.map(|row| self.login_row(row)).transpose()
    }

    /// Saves a login under its id, in place of what was saved before. The secret is sealed.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn save_login(&self, login: &LoginRow) -> Result<(), StoreError> {
        let secret = login
            .secret
            .as_ref()
            .ok_or_else(|| StoreError::Refused("a login without a secret".to_owned()))?;
        let params = vec![
            login.id.as_str().into(),
            login.owner.as_str().into(),
            login.name.as_str().into(),
            login.remote_user.as_ref().map(RemoteUserId::as_str).into(),
            self.0.seal.seal(&place(&login.id), secret, &self.0.clock)?.as_str().into(),
            login.space_room.as_deref().map(RoomId::as_str).into(),
            self.0.clock.now_ms().into(),
        ];
        self.write(vec![Step { sql: SAVE, params }]).await.map(drop)
    }

    /// Remembers who a login is on the network.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn set_login_user(&self, id: &LoginId, user: &RemoteUserId) -> Result<(), StoreError> {
        let params = vec![id.as_str().into(), user.as_str().into()];
        self.write(vec![Step { sql: SET_USER, params }]).await.map(drop)
    }

    /// Remembers the space that holds a login's rooms.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn set_login_space(&self, id: &LoginId, space: Option<&RoomId>) -> Result<(), StoreError> {
        let params = vec![id.as_str().into(), space.map(RoomId::as_str).into()];
        self.write(vec![Step { sql: SET_SPACE, params }]).await.map(drop)
    }

    /// Forgets a login, what its session kept, and its part in chats. Rooms and messages stay.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn remove_login(&self, id: &LoginId) -> Result<(), StoreError> {
        self.write_all(REMOVE.map(|sql| Step { sql, params: vec![id.as_str().into()] }).into()).await
    }

    /// The accounts that see a chat, the preferred ones first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn chat_logins(&self, chat: &RemoteChatId) -> Result<Vec<ChatLogin>, StoreError> {
        let rows = self.0.reader.fetch(OF_CHAT, vec![chat.as_str().into()]).await?;
        let read =
            |mut row: Row| Ok(ChatLogin { login: LoginId::new(row.text()?), preferred: row.int()? != 0 });
        rows.into_iter().map(read).collect()
    }

    /// The chats that an account sees, page by page.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn login_chats(
        &self,
        id: &LoginId,
        limit: u32,
        after: Option<&RemoteChatId>,
    ) -> Result<Vec<RemoteChatId>, StoreError> {
        let after = after.map_or("", RemoteChatId::as_str);
        let params = vec![id.as_str().into(), after.into(), i64::from(limit).into()];
        let rows = self.0.reader.fetch(CHATS_OF, params).await?;
        rows.into_iter().map(|mut row| row.text().map(RemoteChatId::new)).collect()
    }

    /// Remembers that an account sees a chat.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn note_chat_login(&self, chat: &RemoteChatId, id: &LoginId) -> Result<(), StoreError> {
        let params = vec![chat.as_str().into(), id.as_str().into()];
        self.write(vec![Step { sql: NOTE, params }]).await.map(drop)
    }

    /// Lets one of somebody's accounts speak for them in a chat.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn prefer_login(
        &self,
        chat: &RemoteChatId,
        id: &LoginId,
        owner: &UserId,
    ) -> Result<(), StoreError> {
        self.note_chat_login(chat, id).await?;
        let params = vec![chat.as_str().into(), id.as_str().into(), owner.as_str().into()];
        self.write(vec![Step { sql: PREFER, params }]).await.map(drop)
    }

    fn login_row(&self, mut row: Row) -> Result<LoginRow, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("a login's {what} is no Matrix id"));
        let id = LoginId::new(row.text()?);
        let owner = UserId::parse(row.text()?).map_err(|_| corrupt("owner"))?;
        let (name, remote_user) = (row.text()?, row.text_or_null()?.map(RemoteUserId::new));
        let secret = self.0.seal.open(&place(&id), &row.text()?);
        let space_room =
            row.text_or_null()?.map(OwnedRoomId::try_from).transpose().map_err(|_| corrupt("space"))?;
        Ok(LoginRow { id, owner, name, remote_user, secret, space_room })
    }
}

/// Where the secret of a login is sealed for.
pub(super) fn place(id: &LoginId) -> String {
    format!("login/{id}")
}
