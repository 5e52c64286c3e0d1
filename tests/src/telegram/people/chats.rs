//! People change chats: they come, go, pin, rename, open topics, block bots, and make supergroups of groups.

use serde_json::{Value, json};

use super::Place;
use crate::telegram::{
    TelegramSim, group,
    model::{ChatId, ChatKind, Member, MessageId, Standing, Topic, UserId},
    render, rights,
    state::State,
    updates, world,
};

impl TelegramSim {
    /// A person who was not there before.
    pub fn person(&self, first_name: &str) -> UserId {
        self.inner.change(|state| {
            let mut user = state.user(crate::telegram::model::TELEGRAM).clone();
            user.id = state.next_id();
            first_name.clone_into(&mut user.first_name);
            state.records.users.insert(user.id, user.clone());
            user.id
        })
    }

    /// Somebody makes a group, supergroup or channel.
    pub fn person_makes_chat(&self, kind: ChatKind, title: &str, owner: UserId) -> ChatId {
        self.inner.change(|state| {
            let number = state.next_id();
            let below = if kind == ChatKind::Group { 0 } else { -1_000_000_000_000 };
            let id = ChatId::group(below - number);
            let mut chat = world::empty(id, kind, title);
            chat.members.insert(owner, Member::new(Standing::Creator));
            state.records.chats.insert(id, chat);
            id
        })
    }

    /// Somebody comes in by themselves.
    pub fn person_joins(&self, chat: ChatId, user: UserId) {
        self.change_standing(chat, (user, user), Standing::Member);
    }

    /// Somebody lets another in, perhaps a bot.
    pub fn person_adds(&self, chat: ChatId, (by, user): (UserId, UserId)) {
        self.change_standing(chat, (by, user), Standing::Member);
    }

    /// Somebody goes.
    pub fn person_leaves(&self, chat: ChatId, user: UserId) {
        self.change_standing(chat, (user, user), Standing::Left);
    }

    /// Somebody throws another out for good, perhaps a bot.
    pub fn person_bans(&self, chat: ChatId, (by, user): (UserId, UserId)) {
        self.change_standing(chat, (by, user), Standing::Kicked);
    }

    /// Somebody makes another an administrator with all rights, perhaps a bot.
    pub fn person_promotes(&self, chat: ChatId, (by, user): (UserId, UserId)) {
        self.inner.change(|state| {
            let rights = rights::all_of_admins(state.chat(chat).kind);
            let member = Member { rights, ..Member::new(Standing::Administrator) };
            group::change_member(state, chat, (by, user), member);
        });
    }

    /// Somebody makes an administrator a member again.
    pub fn person_demotes(&self, chat: ChatId, (by, user): (UserId, UserId)) {
        self.change_standing(chat, (by, user), Standing::Member);
    }

    /// Somebody takes rights from another.
    pub fn person_restricts(&self, chat: ChatId, (by, user): (UserId, UserId), rights: &[(&str, bool)]) {
        self.inner.change(|state| {
            let mut all = rights::all_of_members();
            all.extend(rights.iter().map(|(right, is_given)| ((*right).to_owned(), *is_given)));
            let member = Member { rights: all, ..Member::new(Standing::Restricted) };
            group::change_member(state, chat, (by, user), member);
        });
    }

    /// Somebody becomes, or is no longer, an anonymous administrator. Nobody is told.
    pub fn person_hides(&self, chat: ChatId, user: UserId, title: Option<&str>) {
        self.inner.change(|state| {
            let rights = rights::all_of_admins(state.chat(chat).kind);
            let member =
                state.chat_mut(chat).members.entry(user).or_insert(Member::new(Standing::Administrator));
            if !member.standing.is_admin() {
                (member.standing, member.rights) = (Standing::Administrator, rights);
            }
            (member.is_anonymous, member.title) = (true, title.map(str::to_owned));
        });
    }

    /// What members may do, by the names of `ChatPermissions`. Nobody is told.
    pub fn chat_permits(&self, chat: ChatId, rights: &[(&str, bool)]) {
        let rights = rights.iter().map(|(right, is_given)| ((*right).to_owned(), *is_given));
        self.inner.change(|state| state.chat_mut(chat).permissions.extend(rights));
    }

    /// Somebody asks to be let in.
    pub fn person_asks_to_join(&self, chat: ChatId, user: UserId) {
        self.inner.change(|state| {
            state.chat_mut(chat).join_requests.insert(user);
            let payload = json!({
                "chat": render::chat(&state.records, chat),
                "from": render::user(&state.records, user),
                "user_chat_id": user,
                "date": state.now(),
            });
            for bot in updates::bots(state) {
                if rights::may(state.chat(chat), bot, "can_invite_users") {
                    updates::emit(state, bot, "chat_join_request", payload.clone());
                }
            }
        });
    }

    /// Somebody pins a message.
    pub fn person_pins(&self, place: Place, user: UserId) {
        self.inner.change(|state| group::pin(state, place, user));
    }

    /// Somebody unpins a message; no bot is told.
    pub fn person_unpins(&self, place: Place, user: UserId) {
        self.inner.change(|state| group::unpin(state, place, user));
    }

    /// Somebody gives a chat another title.
    pub fn person_renames(&self, chat: ChatId, user: UserId, title: &str) {
        self.inner.change(|state| group::rename(state, chat, (user, title)));
    }

    /// Somebody gives a chat another photo, or none.
    pub fn person_sets_photo(&self, chat: ChatId, user: UserId, photo: Option<&str>) {
        self.inner.change(|state| group::set_photo(state, chat, (user, photo)));
    }

    /// Somebody gives themselves a profile photo; no bot is told.
    pub fn person_shows_photo(&self, user: UserId, photo: &str) {
        self.edit_user(user, |user| user.photos.insert(0, photo.to_owned()));
    }

    /// Somebody changes their account; no bot is told.
    pub fn edit_user<T>(
        &self,
        user: UserId,
        change: impl FnOnce(&mut crate::telegram::model::User) -> T,
    ) -> T {
        self.inner
            .change(|state| change(state.records.users.get_mut(&user).expect("the id comes from this world")))
    }

    /// Changes a chat in a way that no bot is told of.
    pub fn edit_chat<T>(
        &self,
        chat: ChatId,
        change: impl FnOnce(&mut crate::telegram::model::Chat) -> T,
    ) -> T {
        self.inner.change(|state| change(state.chat_mut(chat)))
    }

    /// The owner makes a supergroup of a basic group, which gets a new number. Both service messages are written.
    pub fn person_upgrades(&self, group: ChatId, user: UserId) -> ChatId {
        self.inner.change(|state| group::upgrade(state, group, user))
    }

    /// Somebody opens a topic in a forum; its number is told.
    pub fn person_opens_topic(&self, chat: ChatId, user: UserId, name: &str) -> MessageId {
        let topic =
            Topic { name: name.to_owned(), color: 7_322_096, icon: None, is_closed: false, is_hidden: false };
        self.inner.change(|state| group::create_topic(state, chat, user, topic))
    }

    /// Somebody gives a topic another name.
    pub fn person_renames_topic(&self, place: Place, user: UserId, name: &str) {
        self.topic(place, user, json!({"forum_topic_edited": {"name": name}}), |topic| {
            name.clone_into(&mut topic.name)
        });
    }

    /// Somebody closes a topic.
    pub fn person_closes_topic(&self, place: Place, user: UserId) {
        self.topic(place, user, json!({"forum_topic_closed": {}}), |topic| topic.is_closed = true);
    }

    /// Somebody opens a closed topic again.
    pub fn person_reopens_topic(&self, place: Place, user: UserId) {
        self.topic(place, user, json!({"forum_topic_reopened": {}}), |topic| topic.is_closed = false);
    }

    /// Somebody hides or shows the topic General.
    pub fn person_hides_general(&self, chat: ChatId, user: UserId, shown: Shown) {
        let service = match shown {
            Shown::No => "general_forum_topic_hidden",
            Shown::Yes => "general_forum_topic_unhidden",
        };
        self.person_posts(chat, user, json!({service: {}}));
    }

    /// Somebody opens a bot's chat for the first time and presses "Start".
    pub fn person_starts(&self, user: UserId, bot: UserId) -> MessageId {
        self.person_sends(ChatId::private(user, bot), user, "/start")
    }

    /// Somebody blocks a bot.
    pub fn person_blocks(&self, user: UserId, bot: UserId) {
        self.inner.change(|state| set_blocked(state, (user, bot), (Standing::Member, Standing::Kicked)));
    }

    /// Somebody unblocks a bot.
    pub fn person_unblocks(&self, user: UserId, bot: UserId) {
        self.inner.change(|state| set_blocked(state, (user, bot), (Standing::Kicked, Standing::Member)));
    }

    fn change_standing(&self, chat: ChatId, who: (UserId, UserId), standing: Standing) {
        self.inner.change(|state| group::change_standing(state, chat, who, standing));
    }

    fn topic(&self, place: Place, user: UserId, body: Value, change: impl FnOnce(&mut Topic)) {
        self.inner.change(|state| {
            let topic = state.chat_mut(place.0).topics.get_mut(&place.1);
            change(topic.expect("the topic is in the forum"));
            group::in_topic(state, place, user, body);
        });
    }
}

/// Whether a topic can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It can.
    Yes,
    /// It cannot.
    No,
}

fn set_blocked(state: &mut State, (user, bot): (UserId, UserId), (old, new): (Standing, Standing)) {
    let blocks = &mut state.records.users.get_mut(&user).expect("the id comes from this world").blocks;
    match new {
        Standing::Kicked => blocks.insert(bot),
        _ => blocks.remove(&bot),
    };
    let member = |standing: Standing| {
        let mut it = json!({"user": render::user(&state.records, bot), "status": standing.name()});
        if standing == Standing::Kicked {
            it["until_date"] = json!(0);
        }
        it
    };
    let payload = json!({
        "chat": render::chat(&state.records, ChatId::private(user, bot)),
        "from": render::user(&state.records, user),
        "date": state.now(),
        "old_chat_member": member(old),
        "new_chat_member": member(new),
    });
    updates::emit(state, bot, "my_chat_member", payload);
}
