//! Who is meant, and who is known by other ids from now on.

use magpie_common::{
    ids::{AliasSet, RemoteUserId},
    message::{RemoteEvent, UserInfo},
    platform::NotStored,
};
use serde_json::Value;

use super::{Intake, Tickets};
use crate::{
    cloud::{
        json::{name, text},
        place,
        session::people::Person,
    },
    ids,
};

impl Intake {
    /// Who is meant; a person who is known by another id from now on is told first.
    pub(super) async fn who(
        &self,
        contact: &Value,
        (phone, user_id): (&str, &str),
        tickets: &mut Tickets,
    ) -> Result<Option<Person>, NotStored> {
        let or = |given: &str, other: &Value| {
            if given.is_empty() { text(other).to_owned() } else { given.to_owned() }
        };
        let (phone, user_id) = (or(phone, &contact["wa_id"]), or(user_id, &contact["user_id"]));
        let Some(mut person) = self.people.person(&phone, &user_id).await? else { return Ok(None) };
        if let Some(before) = person.moved.take() {
            self.push_moved(&before, &person.ids.primary, tickets).await;
            let cursor = self.people.note_phone(&before, &person.ids.primary, true);
            let news = RemoteEvent::UserChanged(UserInfo {
                ids: person.ids.clone(),
                name: name(&contact["profile"]["name"]),
                avatar: None,
                bot: false,
            });
            tickets.push(self.sink.push_with_cursor(news, cursor).await);
        }
        Ok(Some(person))
    }

    /// Somebody has another number, and with it perhaps another user id.
    pub(super) async fn moved(
        &self,
        before: &RemoteUserId,
        (phone, user_id): (Option<String>, Option<String>),
        tickets: &mut Tickets,
    ) -> Result<(), NotStored> {
        let phone = phone.as_deref().and_then(ids::phone);
        // By whatever they were known they go on: under a number where no user id is told.
        let Some(now) = user_id.as_deref().and_then(ids::business_scoped).or_else(|| phone.clone()) else {
            return Ok(());
        };
        if now == *before {
            return Ok(());
        }
        let mut own_phone = None;
        if let Some(phone) = phone {
            let is_own = now == phone || self.people.is_own(&phone, [before, &now]).await?;
            self.sink.remember(self.people.note_phone(&phone, &now, is_own)).await?;
            own_phone = Some(phone).filter(|phone| is_own && *phone != now);
        }
        let met = self.people.met(before).await?;
        let ids = AliasSet { primary: now.clone(), others: own_phone.into_iter().collect() };
        let heard = met.last.clone().map(|last| (met.heard_ms, last));
        if let Some(cursor) = self.people.note(&ids, met.name.clone(), heard).await? {
            self.sink.remember(cursor).await?;
        }
        self.push_moved(before, &now, tickets).await;
        let news = UserInfo { ids, name: met.name, avatar: None, bot: false };
        self.push(RemoteEvent::UserChanged(news), None, tickets).await;
        Ok(())
    }

    /// The same, as a webhook of its own tells it.
    pub(super) async fn renamed(&self, update: &Value, tickets: &mut Tickets) -> Result<(), NotStored> {
        let ids = &update["user_id"];
        let Some(before) = ids::business_scoped(text(&ids["previous"])) else { return Ok(()) };
        let told = |value: &Value| value.as_str().map(str::to_owned);
        self.moved(&before, (told(&update["wa_id"]), told(&ids["current"])), tickets).await
    }

    /// Somebody goes on under another id, and so does the chat with them.
    async fn push_moved(&self, before: &RemoteUserId, now: &RemoteUserId, tickets: &mut Tickets) {
        let same = RemoteEvent::SameUser { canonical: now.clone(), alias: before.clone() };
        self.push(same, None, tickets).await;
        let (from, to) = (place::chat(&self.number, before), place::chat(&self.number, now));
        self.push(RemoteEvent::Migrated { from, to }, None, tickets).await;
    }
}
