//! Groups that an app makes: it may write there, and change them, but what their members write does not reach it.
//!
//! Reference: <https://developer.work.weixin.qq.com/document/path/90244>.

use magpie_common::{
    ids::RemoteUserId,
    message::{ChatChange, MemberChange, RemoteEvent, clean_name},
    platform::{DeliverError, Delivered, DeliveryKey},
};
use serde_json::{Value, json};

use super::{Deliverer, not_known};
use crate::wecom::{
    place::{Person, Place, is_id},
    session::{people::group_info, verdict::verdict_on_question},
};

/// The longest name of a group.
const NAME_CHARS_MAX: usize = 50;

/// More people are not asked in at once.
const MEMBERS_MAX: usize = 2000;

impl Deliverer {
    /// `POST /cgi-bin/appchat/create`: a group with a member and others. Its id follows from the key, so a repeat finds it there.
    pub(super) async fn make_group(
        &self,
        (owner, words): (&str, &str),
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let Some((name, others)) = wanted(words) else {
            return Err(DeliverError::Rejected(format!(
                "The command `group` {}.",
                super::commands::GROUP_HELP
            )));
        };
        let chatid = chat_id(key);
        let mut members = vec![owner.to_owned()];
        members.extend(others.into_iter().filter(|other| other != owner));
        let body = json!({"name": name, "owner": owner, "userlist": members, "chatid": chatid});
        if let Err(error) = self.api.post("cgi-bin/appchat/create", &body).await {
            // It may be there already, by an attempt of which nobody knows.
            let asked = self.api.get(&format!("cgi-bin/appchat/get?chatid={chatid}")).await;
            if !asked.is_ok_and(|told| told["chat_info"].is_object()) {
                return Err(verdict_on_question(error));
            }
        }
        let told = json!({"name": name, "userlist": members});
        if let Some(chat) = self.names.chat(&Place::Group { chatid }) {
            let change = ChatChange::Present(Box::new(group_info(&self.names, &told)));
            let ticket = self.sink.push(RemoteEvent::ChatChanged { chat, change }).await;
            ticket.stored().await.map_err(not_known)?;
        }
        Ok(Delivered::default())
    }

    /// `POST /cgi-bin/appchat/update`: another name.
    pub(super) async fn rename(&self, chatid: &str, name: Option<&str>) -> Result<Delivered, DeliverError> {
        let name: String = clean_name(name.unwrap_or_default()).chars().take(NAME_CHARS_MAX).collect();
        if name.is_empty() {
            return Err(DeliverError::Rejected("A group in WeCom has a name, and no topic.".to_owned()));
        }
        self.update(json!({"chatid": chatid, "name": name})).await
    }

    /// `POST /cgi-bin/appchat/update`: somebody comes or goes.
    pub(super) async fn move_member(
        &self,
        chatid: &str,
        (user, change): (&RemoteUserId, MemberChange),
    ) -> Result<Delivered, DeliverError> {
        let Some(Person::Member(userid)) = self.names.person(user) else {
            let words = "Only members of the company can be in its groups in WeCom.";
            return Err(DeliverError::Rejected(words.to_owned()));
        };
        let list = match change {
            MemberChange::Joined => "add_user_list",
            MemberChange::Left | MemberChange::Banned => "del_user_list",
        };
        self.update(json!({"chatid": chatid, list: [userid]})).await
    }

    async fn update(&self, body: Value) -> Result<Delivered, DeliverError> {
        self.api.post("cgi-bin/appchat/update", &body).await.map_err(verdict_on_question)?;
        Ok(Delivered::default())
    }
}

/// The name of a group and who is in it, as the command says it.
fn wanted(words: &str) -> Option<(String, Vec<String>)> {
    let (name, people) = words.rsplit_once(':')?;
    let name: String = clean_name(name).chars().take(NAME_CHARS_MAX).collect();
    let people: Vec<String> =
        people.split([',', ' ']).filter(|id| !id.is_empty()).map(str::to_owned).collect();
    let is_fit =
        !name.is_empty() && (1..MEMBERS_MAX).contains(&people.len()) && people.iter().all(|id| is_id(id));
    is_fit.then_some((name, people))
}

/// 32 letters and digits at most.
fn chat_id(key: &DeliveryKey) -> String {
    const CHARS_MAX: usize = 32;
    let spelled = |letter: char| match letter {
        '-' => "Zm".to_owned(),
        '_' => "Zu".to_owned(),
        letter => letter.to_string(),
    };
    let id: String = key.key.chars().map(spelled).collect();
    id.chars().filter(char::is_ascii_alphanumeric).take(CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_a_group_and_its_members() {
        let people = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            wanted("Bird: watchers: ada, bob"),
            Some(("Bird: watchers".to_owned(), people(&["ada", "bob"])))
        );
        for bad in ["", "name", "name:", ": ada", "name: a/b"] {
            assert_eq!(wanted(bad), None, "{bad}");
        }
        let key = DeliveryKey { key: "kGZ-_abcdefghijklmnopq".to_owned(), in_doubt: None };
        assert_eq!(chat_id(&key), "kGZZmZuabcdefghijklmnopq");
    }
}
