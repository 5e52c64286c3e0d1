//! Who somebody is: members by the company's address book, customers by customer service, and both as WeCom lets the app see them.
//!
//! References: <https://developer.work.weixin.qq.com/document/path/90196>, <https://developer.work.weixin.qq.com/document/path/95159>.

use async_trait::async_trait;
use magpie_common::{
    ids::{AliasSet, RemoteChatId, RemoteFileId, RemoteUserId},
    message::{ChatInfo, ChatKind, UserInfo},
    platform::{Directory, PlatformError},
};
use serde_json::{Value, json};
use url::Url;

use super::{
    WeComSession,
    verdict::{NO_MEMBER, is_passing, is_shut_out, words},
};
use crate::{
    api::ApiError,
    ids,
    json::{name, text},
    wecom::place::{Names, Person, Place, is_id},
    window::{Phase, chat_info},
};

/// What the name of a picture begins with.
const FACE: &str = "face/";

/// Where WeChat and WeCom keep pictures of people.
const FACE_HOSTS: [&str; 2] = [".qlogo.cn", ".qpic.cn"];

impl WeComSession {
    /// What WeCom tells of somebody. Where it tells nothing, the id stands for the name.
    pub(super) async fn look_up(&self, id: &RemoteUserId) -> Result<Option<UserInfo>, PlatformError> {
        match self.names.person(id) {
            None => Ok(None),
            Some(Person::Us) => {
                let name = Some(format!("WeCom app {}", self.names.agent_id));
                Ok(Some(UserInfo { ids: AliasSet::single(id.clone()), name, avatar: None, bot: true }))
            }
            Some(Person::Member(userid)) => self.member(id, &userid).await,
            Some(Person::Customer(external)) => self.customer(id, &external).await,
        }
    }

    /// `GET /cgi-bin/user/get`
    async fn member(&self, id: &RemoteUserId, userid: &str) -> Result<Option<UserInfo>, PlatformError> {
        let told = match self.api.get(&format!("cgi-bin/user/get?userid={userid}")).await {
            Ok(told) => told,
            Err(error) if error.code().is_some_and(|code| NO_MEMBER.contains(&code)) => return Ok(None),
            Err(error) => unless_private(error)?,
        };
        let shown = name(&told["name"]).unwrap_or_else(|| userid.to_owned());
        let avatar = self.face(&told["avatar"]);
        Ok(Some(UserInfo { ids: AliasSet::single(id.clone()), name: Some(shown), avatar, bot: false }))
    }

    /// `POST /cgi-bin/kf/customer/batchget`
    async fn customer(&self, id: &RemoteUserId, external: &str) -> Result<Option<UserInfo>, PlatformError> {
        const SHORT_ID_CHARS: usize = 6;
        let told = match &self.kf_api {
            Some(api) => {
                let asked = json!({"external_userid_list": [external], "need_enter_session_context": 0});
                match api.post("cgi-bin/kf/customer/batchget", &asked).await {
                    Ok(told) => told,
                    Err(error) => unless_private(error)?,
                }
            }
            None => Value::Null,
        };
        let is_them = |customer: &&Value| text(&customer["external_userid"]) == external;
        let customer = told["customer_list"].as_array().into_iter().flatten().find(is_them).cloned();
        let customer = customer.unwrap_or_default();
        let short = || {
            let end: Vec<char> = external.chars().rev().take(SHORT_ID_CHARS).collect();
            format!("WeChat user {}", end.into_iter().rev().collect::<String>())
        };
        let others = ids::union(text(&customer["unionid"])).into_iter().collect();
        Ok(Some(UserInfo {
            ids: AliasSet { primary: id.clone(), others },
            name: Some(name(&customer["nickname"]).unwrap_or_else(short)),
            avatar: self.face(&customer["avatar"]),
            bot: false,
        }))
    }

    /// A picture at an address of WeChat's.
    fn face(&self, address: &Value) -> Option<RemoteFileId> {
        let address = text(address);
        is_face(address, &self.api_url).then(|| RemoteFileId::new(format!("{FACE}{address}")))
    }

    /// What a chat looks like.
    pub(super) async fn looks(&self, place: &Place) -> Result<Option<ChatInfo>, PlatformError> {
        match place {
            Place::Member { userid } => {
                Ok(self.names.member(userid).map(|member| chat_info(&member, Phase::Unknown)))
            }
            // From now on it is known in memory whether the chat is open.
            Place::Customer(service) => {
                self.countdown.looks(service).await.map_err(|error| PlatformError(error.to_string()))
            }
            Place::Group { chatid } => {
                match self.api.get(&format!("cgi-bin/appchat/get?chatid={chatid}")).await {
                    Ok(told) => Ok(Some(group_info(&self.names, &told["chat_info"]))),
                    Err(error) if is_passing(&error) || is_shut_out(&error) => {
                        Err(PlatformError(words(&error)))
                    }
                    Err(_) => Ok(None),
                }
            }
        }
    }
}

/// What WeCom does not let the app see is not known, which is no error.
fn unless_private(error: ApiError) -> Result<Value, PlatformError> {
    match is_passing(&error) || is_shut_out(&error) {
        true => Err(PlatformError(words(&error))),
        false => Ok(Value::Null),
    }
}

/// A group of the app's.
pub(super) fn group_info(names: &Names, told: &Value) -> ChatInfo {
    let mut info = ChatInfo::new(ChatKind::Group, name(&told["name"]));
    let members = told["userlist"].as_array().into_iter().flatten().map(text);
    info.members = members.filter_map(|userid| names.member(userid)).collect();
    info.topic =
        Some("What is written here goes to the group; what its members write stays in WeCom.".to_owned());
    info.private = true;
    info
}

/// The address of a picture in the name that the bridge gives it.
pub(super) fn face_address<'a>(file: &'a RemoteFileId, api_url: &str) -> Option<&'a str> {
    file.as_str().strip_prefix(FACE).filter(|address| is_face(address, api_url))
}

/// Whether there is a picture of somebody, by its address alone: on WeChat's own servers, or where the API is.
fn is_face(address: &str, api_url: &str) -> bool {
    const BYTES_MAX: usize = 1024;
    if address.len() > BYTES_MAX {
        return false;
    }
    let Ok(url) = Url::parse(address) else { return false };
    let is_same = Url::parse(api_url).is_ok_and(|api| api.origin() == url.origin());
    let is_web =
        matches!(url.scheme(), "http" | "https") && url.port().is_none() && url.username().is_empty();
    let is_theirs = url.host_str().is_some_and(|host| FACE_HOSTS.iter().any(|end| host.ends_with(end)));
    is_same || (is_web && is_theirs)
}

#[async_trait]
impl Directory for WeComSession {
    /// `GET /cgi-bin/user/simplelist`: members whom the app may see, by name or id.
    async fn search(&self, query: &str, count_max: usize) -> Result<Vec<UserInfo>, PlatformError> {
        const PATH: &str = "cgi-bin/user/simplelist?department_id=1&fetch_child=1";
        let query = query.trim().to_lowercase();
        if query.is_empty() {
            return Ok(Vec::new());
        }
        let told = self.api.get(PATH).await.or_else(unless_private)?;
        let found = told["userlist"].as_array().into_iter().flatten().filter_map(|member| {
            let userid = text(&member["userid"]);
            let shown = name(&member["name"]).unwrap_or_else(|| userid.to_owned());
            let is_found = shown.to_lowercase().contains(&query) || userid.to_lowercase().contains(&query);
            let ids = AliasSet::single(self.names.member(userid).filter(|_| is_found)?);
            Some(UserInfo { ids, name: Some(shown), avatar: None, bot: false })
        });
        Ok(found.take(count_max).collect())
    }

    async fn resolve(&self, identifier: &str) -> Result<Option<UserInfo>, PlatformError> {
        let identifier = identifier.trim();
        if is_id(identifier) {
            return match self.names.member(identifier) {
                Some(id) => self.member(&id, identifier).await,
                None => Ok(None),
            };
        }
        let id = RemoteUserId::new(identifier);
        match self.names.person(&id) {
            Some(Person::Member(userid)) => self.member(&id, &userid).await,
            Some(Person::Customer(_) | Person::Us) | None => Ok(None),
        }
    }

    async fn direct_chat(&self, user: &RemoteUserId) -> Result<RemoteChatId, PlatformError> {
        match self.names.person(user) {
            Some(Person::Member(userid)) => {
                let is_there = self.member(user, &userid).await?.is_some();
                let chat = self.names.chat(&Place::Member { userid }).filter(|_| is_there);
                chat.ok_or_else(|| PlatformError("Nobody in WeCom has such an id.".to_owned()))
            }
            Some(Person::Customer(_)) => {
                Err(PlatformError("A customer has to write first; the chat is there then.".to_owned()))
            }
            Some(Person::Us) => Err(PlatformError("An app has no chat with itself in WeCom.".to_owned())),
            None => Err(PlatformError("Nobody in WeCom has such an id.".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_from_wechat_alone() {
        let api = "http://127.0.0.1:8080";
        for good in [
            "http://wx.qlogo.cn/mmopen/abc/0",
            "https://wework.qpic.cn/bizmail/abc/0",
            "http://127.0.0.1:8080/face",
        ] {
            assert!(is_face(good, api), "{good}");
            let file = RemoteFileId::new(format!("{FACE}{good}"));
            assert_eq!(face_address(&file, api), Some(good));
        }
        for bad in [
            "",
            "https://example.org/wx.qlogo.cn",
            "https://evilqlogo.cn/",
            "http://127.0.0.1:22/",
            "http://wx.qlogo.cn:22/",
            "file:///etc/passwd",
            "https://a@wx.qlogo.cn/",
        ] {
            assert!(!is_face(bad, api), "{bad}");
        }
        assert!(!is_face("http://127.0.0.1/", "https://qyapi.weixin.qq.com"));
    }
}
