//! What happens that is no message: requests, people who come and go, other names, what has become old.

use magpie_common::{
    ids::{RemoteMessageId, RemoteUserId},
    message::{ChatChange, ChatInfo, ChatKind, MemberChange, RemoteEvent, RemoteMessage, clean_name},
    platform::NotStored,
};

use super::{Intake, late::NotTaken};
use crate::wechaty::{
    events,
    gateway::call,
    happening::Dirty,
    session::requests::{self, Asked},
    wire::{Friendship, Invitation},
};

impl Intake {
    pub(super) async fn friendship(&self, id: &str) -> Result<(), NotTaken> {
        let told: Friendship = self.world.gateway.about(call::FRIENDSHIP, id).await?;
        // Whoever becomes a friend may be called otherwise from now on.
        self.world.forget_contact(&told.contact_id);
        let key = format!("friendship/{}/{id}", told.kind);
        Ok(self.request(requests::friendship(id, &told), key, None).await?)
    }

    pub(super) async fn invited(&self, id: &str) -> Result<(), NotTaken> {
        let told: Invitation = self.world.gateway.about(call::INVITATION, id).await?;
        let sent_ms = told.receive_time.and_then(events::at_ms);
        Ok(self.request(requests::invitation(id, &told), format!("invitation/{id}"), sent_ms).await?)
    }

    async fn request(&self, asked: Asked, key: String, sent_ms: Option<i64>) -> Result<(), NotStored> {
        let Asked { native, message, cursor } = asked;
        let sender = self.world.sender(&native, None).await;
        let Some((chat, sender)) = self.world.own.chat(&native).zip(sender) else {
            return self.unknown(None, "request of nobody".to_owned(), key).await;
        };
        let sent_ms = sent_ms.unwrap_or_else(|| self.world.clock.now_ms());
        let id = RemoteMessageId::new(key);
        self.push(RemoteEvent::Message(RemoteMessage { chat, id, sender, sent_ms, message }), cursor).await
    }

    pub(super) async fn joined(&self, room: &str, people: &[String]) -> Result<(), NotStored> {
        self.world.forget_room(room);
        let Some(chat) = self.world.own.chat(room) else { return Ok(()) };
        if people.iter().any(|native| self.world.own.is_me(native)) {
            let change = ChatChange::Present(Box::new(self.group(room).await));
            self.push(RemoteEvent::ChatChanged { chat: chat.clone(), change }, None).await?;
        }
        self.members(room, people, MemberChange::Joined).await
    }

    pub(super) async fn left(&self, room: &str, people: &[String]) -> Result<(), NotStored> {
        self.world.forget_room(room);
        let Some(chat) = self.world.own.chat(room) else { return Ok(()) };
        if people.iter().any(|native| self.world.own.is_me(native)) {
            let change = ChatChange::Gone;
            return self.push(RemoteEvent::ChatChanged { chat, change }, None).await;
        }
        self.members(room, people, MemberChange::Left).await
    }

    async fn members(&self, room: &str, people: &[String], change: MemberChange) -> Result<(), NotStored> {
        let own = &self.world.own;
        let others = people.iter().filter(|native| !own.is_me(native));
        let changes: Vec<(RemoteUserId, MemberChange)> =
            others.filter_map(|native| Some((own.user(native)?, change))).collect();
        match own.chat(room).filter(|_| !changes.is_empty()) {
            Some(chat) => self.push(RemoteEvent::MembersChanged { chat, changes }, None).await,
            None => Ok(()),
        }
    }

    pub(super) async fn topic(&self, room: &str, topic: &str) -> Result<(), NotStored> {
        self.world.forget_room(room);
        let Some(chat) = self.world.own.chat(room) else { return Ok(()) };
        let mut info = self.group(room).await;
        // What the gateway tells of the group may be older than what has just happened.
        info.name = Some(clean_name(topic)).filter(|name| !name.is_empty()).or(info.name);
        let change = ChatChange::Info(Box::new(info));
        self.push(RemoteEvent::ChatChanged { chat, change }, None).await
    }

    /// A group as it is shown, or as much as is known of any.
    async fn group(&self, room: &str) -> ChatInfo {
        self.world.chat(room).await.unwrap_or_else(|| {
            let mut info = ChatInfo::new(ChatKind::Group, None);
            info.private = true;
            info
        })
    }

    pub(super) async fn dirty(&self, dirty: &Dirty) -> Result<(), NotStored> {
        match dirty {
            Dirty::Contact(native) => {
                // Whoever was never seen here needs no news.
                if self.world.forget_contact(native)
                    && let Some(user) = self.world.user(native).await
                {
                    self.push(RemoteEvent::UserChanged(user), None).await?;
                }
            }
            Dirty::Room(native) => {
                self.world.forget_room(native);
                if let Some((chat, info)) = self.world.own.chat(native).zip(self.world.chat(native).await) {
                    let change = ChatChange::Info(Box::new(info));
                    self.push(RemoteEvent::ChatChanged { chat, change }, None).await?;
                }
            }
            Dirty::Members(room) => self.world.forget_members(room),
            Dirty::Other => {}
        }
        Ok(())
    }
}
