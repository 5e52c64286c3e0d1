//! Finding people: by their number, whether they were met or not, and by name those that were met. WhatsApp does not tell a business who is on
//! it; whoever is not is told by an error of the first message.

use async_trait::async_trait;
use magpie_common::{
    ids::{RemoteChatId, RemoteUserId},
    message::UserInfo,
    platform::{Directory, NotStored, PlatformError},
};

use super::{CloudSession, people::Named};
use crate::{cloud::place, ids};

#[async_trait]
impl Directory for CloudSession {
    async fn search(&self, query: &str, count_max: usize) -> Result<Vec<UserInfo>, PlatformError> {
        let by_number = self.named(query).into_iter();
        let mut found: Vec<RemoteUserId> = by_number.collect();
        for person in self.people.search(query, count_max) {
            if !found.contains(&person) && person != self.me {
                found.push(person);
            }
        }
        found.truncate(count_max);
        let mut infos = Vec::new();
        for person in found {
            infos.push(self.shown(&person).await?);
        }
        Ok(infos)
    }

    async fn resolve(&self, identifier: &str) -> Result<Option<UserInfo>, PlatformError> {
        match self.named(identifier) {
            Some(person) => self.shown(&person).await.map(Some),
            None => Ok(None),
        }
    }

    async fn direct_chat(&self, user: &RemoteUserId) -> Result<RemoteChatId, PlatformError> {
        if *user == self.me {
            return Err(PlatformError("A number has no chat with itself on WhatsApp.".to_owned()));
        }
        let nobody = || PlatformError("Nobody on WhatsApp has such an id.".to_owned());
        let named = Named::new(user.as_str(), user.as_str());
        let person = self.people.person(&named, self.clock.now_ms()).await.map_err(not_known)?;
        Ok(place::chat(&self.account.number, &person.ok_or_else(nobody)?.ids.primary))
    }
}

impl CloudSession {
    /// Whom an identifier names: a number or a user id, but never ourselves.
    fn named(&self, identifier: &str) -> Option<RemoteUserId> {
        let identifier = identifier.trim();
        let identifier = ["https://wa.me/", "wa.me/"]
            .into_iter()
            .find_map(|prefix| identifier.strip_prefix(prefix))
            .unwrap_or(identifier);
        let person = ids::phone(identifier).or_else(|| ids::business_scoped(identifier))?;
        (person != self.me).then_some(person)
    }

    /// How somebody is shown, by whatever id they are asked for.
    async fn shown(&self, person: &RemoteUserId) -> Result<UserInfo, PlatformError> {
        let today = self.people.today(person).await.map_err(not_known)?;
        self.people.info(&today).await.map_err(not_known)
    }
}

fn not_known(error: NotStored) -> PlatformError {
    PlatformError(error.to_string())
}
