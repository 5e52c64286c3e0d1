//! Portals that get another room, another chat, or an end: each in one transaction, so that no crash leaves half of it.
//!
//! What changes the chat of messages reads the whole message table: it has no index by chat alone, which every message would pay for.

use ruma::RoomId;

use super::{
    Relay, Store, StoreError,
    operation::{Operation, Script, Step},
    portal::{PortalState, templates_column},
};
use crate::{ids::RemoteChatId, message::RoomTemplates};

const SET_STATE: &str = "UPDATE portal SET state = $2 WHERE chat = $1";
const SET_RELAY: &str = "UPDATE portal SET relay = $2 WHERE chat = $1";
const SET_TEMPLATES: &str = "UPDATE portal SET relay_templates = $2 WHERE chat = $1";
const MOVE_ROOM: &str = "UPDATE portal SET room_id = $2 WHERE room_id = $1";
const DROP_PORTAL: &str = "DELETE FROM portal WHERE chat = $1";
const DROP_LOGINS: &str = "DELETE FROM portal_login WHERE chat = $1";
const DROP_REACTIONS: &str = "DELETE FROM reaction WHERE chat = $1";
/// What is still being worked on is known by its row.
const DROP_MESSAGES: &str = "DELETE FROM message WHERE chat = $1 AND NOT EXISTS \
     (SELECT 1 FROM journal WHERE journal.id = message.id)";
const MOVE_PORTAL: &str = "UPDATE portal SET chat = $2 WHERE chat = $1";
const MOVE_CHILDREN: &str = "UPDATE portal SET parent = $2 WHERE parent = $1";
// What was told again under the new id before the move, and waits there still, is the same message: whoever waits finds that out by its row.
const DROP_REPEATS: &str = "DELETE FROM message WHERE id IN (SELECT id FROM journal WHERE direction = 1 AND parked = 0) \
     AND chat = $2 AND event_id IS NULL AND EXISTS (SELECT 1 FROM message told WHERE told.chat = $1 \
     AND told.remote_id = message.remote_id AND told.remote_part = message.remote_part AND told.id < message.id)";
// What is there under the new id already stays as it is.
const MOVE_MESSAGES: &str = "UPDATE message SET chat = $2 WHERE chat = $1 AND NOT EXISTS \
     (SELECT 1 FROM message taken WHERE taken.chat = $2 AND taken.remote_id = message.remote_id \
     AND taken.remote_part = message.remote_part)";
const MOVE_REACTIONS: &str = "UPDATE reaction SET chat = $2 WHERE chat = $1 AND NOT EXISTS \
     (SELECT 1 FROM reaction taken WHERE taken.chat = $2 AND taken.remote_id = reaction.remote_id \
     AND taken.origin = reaction.origin AND taken.sender = reaction.sender AND taken.emoji = reaction.emoji)";
const COPY_LOGINS: &str = "INSERT INTO portal_login (chat, login, preferred) SELECT $2, login, preferred \
     FROM portal_login WHERE chat = $1 ON CONFLICT (chat, login) DO NOTHING";
/// A chat that comes back to an id that it had is no move from there any more.
const CAME_BACK: &str = "DELETE FROM chat_moved WHERE old = $1";
const MOVE_ON: &str = "UPDATE chat_moved SET chat = $2 WHERE chat = $1";
const NOTE_MOVE: &str = "INSERT INTO chat_moved (old, chat) VALUES ($1, $2) \
     ON CONFLICT (old) DO UPDATE SET chat = excluded.chat";
const MOVED: &str = "SELECT old, chat FROM chat_moved ORDER BY old";

/// Which portal stays where one chat goes on as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heir {
    /// The portal of the id until now.
    Former,
    /// The portal of the id from now on.
    Latter,
}

impl Store {
    /// Says what becomes of a chat's messages from now on; the rest of its portal stays.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn set_portal_state(&self, chat: &RemoteChatId, state: PortalState) -> Result<(), StoreError> {
        let params = vec![chat.as_str().into(), state.code().into()];
        self.write(vec![Step { sql: SET_STATE, params }]).await.map(drop)
    }

    /// Says who speaks in a chat for people without an account; the rest of its portal stays.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn set_portal_relay(&self, chat: &RemoteChatId, relay: &Relay) -> Result<(), StoreError> {
        let params = vec![chat.as_str().into(), relay.to_column()];
        self.write(vec![Step { sql: SET_RELAY, params }]).await.map(drop)
    }

    /// Says what is said in a chat for people without an account, in the place of the bridge's templates; the rest of its portal stays.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn set_portal_relay_templates(
        &self,
        chat: &RemoteChatId,
        templates: &RoomTemplates,
    ) -> Result<(), StoreError> {
        let params = vec![chat.as_str().into(), templates_column(templates)];
        self.write(vec![Step { sql: SET_TEMPLATES, params }]).await.map(drop)
    }

    /// Gives a portal another room in place of the one that it has; false when no portal has that.
    ///
    /// # Errors
    /// When nothing was changed; [`StoreError::Refused`] when another portal has the new room.
    pub async fn move_portal(&self, from: &RoomId, to: &RoomId) -> Result<bool, StoreError> {
        let params = vec![from.as_str().into(), to.as_str().into()];
        Ok(self.write(vec![Step { sql: MOVE_ROOM, params }]).await? > 0)
    }

    /// Forgets a portal with all that was said in it, so that its chat is new to us. What is still being worked on stays.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn forget_portal(&self, chat: &RemoteChatId) -> Result<(), StoreError> {
        let all = [DROP_PORTAL, DROP_LOGINS, DROP_REACTIONS, DROP_MESSAGES];
        let steps = all.map(|sql| Step { sql, params: vec![chat.as_str().into()] });
        self.write_all(steps.into()).await
    }

    /// Lets a chat go on under another id, with its portal, its messages and reactions and the accounts that see it. Where both ids have
    /// a portal, the one that is no heir is forgotten. What both know under the same message id stays with the later one; what only waits
    /// there to be shown once more does not.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn move_chat(
        &self,
        from: &RemoteChatId,
        to: &RemoteChatId,
        heir: Heir,
    ) -> Result<(), StoreError> {
        let both = |sql| Step { sql, params: vec![from.as_str().into(), to.as_str().into()] };
        let one = |sql, chat: &RemoteChatId| Step { sql, params: vec![chat.as_str().into()] };
        let mut steps = match heir {
            Heir::Former => vec![one(DROP_PORTAL, to), both(MOVE_PORTAL)],
            Heir::Latter => vec![one(DROP_PORTAL, from)],
        };
        steps.extend([MOVE_CHILDREN, DROP_REPEATS, MOVE_MESSAGES, MOVE_REACTIONS, COPY_LOGINS].map(both));
        steps.extend([one(DROP_REACTIONS, from), one(DROP_LOGINS, from), one(CAME_BACK, to)]);
        steps.extend([MOVE_ON, NOTE_MOVE].map(both));
        self.write_all(steps).await
    }

    /// The chats that go on under another id: each with the one of today.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn moved_chats(&self) -> Result<Vec<(RemoteChatId, RemoteChatId)>, StoreError> {
        let rows = self.0.reader.fetch(MOVED, Vec::new()).await?;
        let read =
            |mut row: super::value::Row| Ok((RemoteChatId::new(row.text()?), RemoteChatId::new(row.text()?)));
        rows.into_iter().map(read).collect()
    }

    /// Runs portable statements as one transaction, each whether or not those before it touched anything.
    pub(super) async fn write_all(&self, steps: Vec<Step>) -> Result<(), StoreError> {
        let script = Script { steps, to_the_end: true, feeds: false };
        self.ask(|reply| Operation::Script { script, reply }).await.map(drop)
    }
}
