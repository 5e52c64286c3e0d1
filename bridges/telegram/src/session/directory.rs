//! Finding people: those whom the bot has met. Telegram lets no bot look for others, or begin a chat with anybody.

use async_trait::async_trait;
use magpie_common::{
    ids::{RemoteChatId, RemoteUserId},
    message::UserInfo,
    platform::{Directory, PlatformError},
};
use serde_json::json;

use super::TelegramSession;
use crate::{
    file::user_picture,
    format::Names,
    json::user_name,
    place::{self, Scope, Spot},
};

const CANNOT_BEGIN: &str = "Telegram lets no bot begin a chat. Ask the person to write to the bot first";

#[async_trait]
impl Directory for TelegramSession {
    async fn search(&self, query: &str, count_max: usize) -> Result<Vec<UserInfo>, PlatformError> {
        let known = self.world.read();
        Ok(known.search(query, count_max).into_iter().filter_map(|user| known.user_info(user)).collect())
    }

    async fn resolve(&self, identifier: &str) -> Result<Option<UserInfo>, PlatformError> {
        let identifier = identifier.trim();
        let id = RemoteUserId::new(identifier);
        if place::user_number(&id).is_some() {
            return self.find(&id).await;
        }
        let prefixes = ["https://t.me/", "t.me/", "@"];
        let name =
            prefixes.into_iter().find_map(|prefix| identifier.strip_prefix(prefix)).unwrap_or(identifier);
        let named = self.world.read().person(name);
        match named {
            Some(id) => self.find(&id).await,
            None => Ok(None),
        }
    }

    async fn direct_chat(&self, user: &RemoteUserId) -> Result<RemoteChatId, PlatformError> {
        let failed = |why: &str| PlatformError(format!("The chat on Telegram could not be opened: {why}."));
        let number = place::user_number(user).ok_or_else(|| failed("nobody there has such an id"))?;
        match self.look_up(number).await? {
            None => return Err(failed(CANNOT_BEGIN)),
            Some(chat) if chat["type"] != "private" => return Err(failed("it is not a person's")),
            Some(_) => {}
        }
        // Whether they have begun the chat is told only by doing something there; that somebody types is the least.
        let fields = json!({"chat_id": number, "action": "typing"});
        match self.api.call("sendChatAction", &fields).await {
            Ok(_) => Ok(Spot { chat: number, topic: None, scope: Scope::Bot(self.me) }.id()),
            Err(error) if error.says("blocked") => Err(failed("the person has blocked the bot")),
            Err(error) if error.is_not_found() => Err(failed(CANNOT_BEGIN)),
            Err(error) => Err(failed(&error.to_string())),
        }
    }
}

impl TelegramSession {
    /// A person, asked of Telegram; those whom it does not tell of are told from memory.
    pub(super) async fn find(&self, id: &RemoteUserId) -> Result<Option<UserInfo>, PlatformError> {
        if let Some(channel) = place::ghost_channel(id) {
            let found = self.look_up(channel).await?;
            return Ok(found.map(|chat| super::faces::chat_info(&chat, channel)));
        }
        let Some(number) = place::user_number(id) else { return Ok(None) };
        let found = self.look_up(number).await?.filter(|chat| chat["type"] == "private");
        let known = self.world.read();
        let Some(chat) = found else { return Ok(known.user_info(number)) };
        let mut info = known.user_info(number);
        if let Some(info) = &mut info {
            info.name = user_name(&chat).or_else(|| info.name.take());
            let unique = chat["photo"]["big_file_unique_id"].as_str();
            info.avatar = unique.map(|unique| user_picture(number, unique));
        }
        Ok(info)
    }
}
