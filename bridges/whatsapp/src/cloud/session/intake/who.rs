//! Who is meant, and who is known by other ids from now on.

use magpie_common::{
    clock::TimestampMs,
    ids::{AliasSet, RemoteUserId},
    message::{RemoteEvent, Sender, UserInfo},
    platform::NotStored,
};
use serde_json::Value;

use super::{Intake, Tickets};
use crate::{
    cloud::{
        events::{self, Moved},
        json::text,
        place,
        session::people::{Named, Person},
    },
    ids,
};

/// Somebody goes on under another id.
struct Move<'a> {
    before: &'a RemoteUserId,
    now: &'a RemoteUserId,
    /// Their number, where nobody else has had it.
    own_phone: Option<&'a RemoteUserId>,
    at_ms: TimestampMs,
}

impl Intake {
    /// Who is meant; a person who is known by another id from now on is told first.
    pub(super) async fn who(
        &self,
        contact: &Value,
        (named, at_ms): (Named, TimestampMs),
        tickets: &mut Tickets,
    ) -> Result<Option<Person>, NotStored> {
        let named = named.or(Named::new(text(&contact["wa_id"]), text(&contact["user_id"])));
        let Some(mut person) = self.people.person(&named, at_ms).await? else { return Ok(None) };
        if let Some(before) = person.moved.take() {
            let now = &person.ids.primary;
            self.go_on(Move { before: &before, now, own_phone: Some(&before), at_ms }, tickets).await?;
        }
        Ok(Some(person))
    }

    /// WhatsApp spells somebody to whom we have written otherwise than we do.
    pub(in crate::cloud::session) async fn spelled(
        &self,
        person: &RemoteUserId,
        contact: &Value,
    ) -> Result<(), NotStored> {
        let Named { phone, user_id } = Named::new(text(&contact["wa_id"]), text(&contact["user_id"]));
        let is_number = ids::digits(person).is_some();
        let Some(now) = user_id.or(phone).filter(|now| is_number && now != person) else { return Ok(()) };
        let _order = self.order.lock().await;
        self.should_be_open().await?;
        let at_ms = self.clock.now_ms();
        let now = self.people.today(&now).await?;
        if now == *person || self.people.today(person).await? == now {
            return Ok(());
        }
        let mut tickets = Tickets::new();
        self.go_on(Move { before: person, now: &now, own_phone: Some(person), at_ms }, &mut tickets).await?;
        self.stored(tickets).await
    }

    /// Somebody has another number, and with it perhaps another user id: everybody whom they are known as goes on as whom they are now.
    pub(super) async fn person_moved(
        &self,
        (data, moved): (&Value, &Moved),
        tickets: &mut Tickets,
    ) -> Result<(), NotStored> {
        let at_ms = events::sent_ms(data).unwrap_or_default();
        let from = Named::new(text(&data["from"]), text(&data["from_user_id"]));
        let Some(now) = self.now_of(moved, at_ms).await? else { return Ok(()) };
        let mut befores = Vec::new();
        let number = from.phone.filter(|phone| moved.phone.as_ref() != Some(phone));
        let holder = match &number {
            Some(number) => Some(self.holder_until(number, at_ms).await?),
            None => None,
        };
        for before in [moved.previous.clone(), from.user_id, holder].into_iter().flatten() {
            if before != now && !befores.contains(&before) {
                befores.push(before);
            }
        }
        if let Some(phone) = moved.phone.as_ref().filter(|phone| **phone != now)
            && !self.people.is_told_after(phone, at_ms).await?
        {
            let before = befores.first().unwrap_or(&now);
            let is_own = self.people.is_own(phone, [before, &now]).await?;
            self.sink.remember(self.people.note_phone(phone, (&now, is_own), at_ms)).await?;
        }
        let own_phone = match &moved.phone {
            Some(phone) if *phone != now && self.people.is_own(phone, [&now, &now]).await? => Some(phone),
            _ => None,
        };
        for before in &befores {
            self.go_on(Move { before, now: &now, own_phone, at_ms }, tickets).await?;
        }
        let sender = Sender { ids: AliasSet::single(now.clone()), name: None, avatar: None };
        let chat = place::chat(&self.number, &now);
        if let Some(notice) =
            events::notice_of_move(data, &events::Origin { chat, sender }).filter(|_| !befores.is_empty())
        {
            self.push(RemoteEvent::Message(notice), None, tickets).await;
        }
        Ok(())
    }

    /// Who has a number that is given up now. Where nobody is known to, there may still be a chat that we have begun under the number itself.
    async fn holder_until(
        &self,
        number: &RemoteUserId,
        at_ms: TimestampMs,
    ) -> Result<RemoteUserId, NotStored> {
        if let Some(holder) = self.people.holder_of(number).await? {
            return Ok(holder);
        }
        // Whoever gets the number later is not the first to have it.
        self.sink.remember(self.people.note_phone(number, (number, false), at_ms)).await?;
        Ok(number.clone())
    }

    /// As whom somebody goes on: under a number where no user id is told, unless the number is known to be somebody else's.
    async fn now_of(&self, moved: &Moved, at_ms: TimestampMs) -> Result<Option<RemoteUserId>, NotStored> {
        let Some(phone) = moved.phone.as_ref().filter(|_| moved.user_id.is_none()) else {
            return Ok(moved.user_id.clone());
        };
        match self.people.holder_of(phone).await? {
            // Told since then: a repeat.
            Some(holder) if holder != *phone && self.people.is_told_after(phone, at_ms).await? => {
                Ok(Some(holder))
            }
            Some(holder) if holder != *phone => Ok(None),
            _ => Ok(Some(phone.clone())),
        }
    }

    /// The same, as a webhook of its own tells it.
    pub(super) async fn renamed(&self, update: &Value, tickets: &mut Tickets) -> Result<(), NotStored> {
        let ids = &update["user_id"];
        let moved = Moved {
            previous: ids::business_scoped(text(&ids["previous"])),
            user_id: ids::business_scoped(text(&ids["current"])),
            phone: ids::phone(text(&update["wa_id"])),
        };
        self.person_moved((update, &moved), tickets).await
    }

    /// Somebody goes on under another id, and so does the chat with them and all that is remembered.
    async fn go_on(&self, going: Move<'_>, tickets: &mut Tickets) -> Result<(), NotStored> {
        let Move { before, now, own_phone, at_ms } = going;
        if !self.people.is_move_news(before, now, at_ms).await? {
            return Ok(());
        }
        let name = self.people.carry(before, (now, own_phone), at_ms).await?;
        let same = RemoteEvent::SameUser { canonical: now.clone(), alias: before.clone() };
        self.push(same, None, tickets).await;
        let (from, to) = (place::chat(&self.number, before), place::chat(&self.number, now));
        self.push(RemoteEvent::Migrated { from, to }, None, tickets).await;
        // What is remembered of the move is stored with the last of its news: what breaks off before is told again.
        let cursor = match own_phone {
            Some(phone) if phone == before => self.people.note_phone(before, (now, true), at_ms),
            _ => self.people.note_move(before, now, at_ms).await?,
        };
        let others = own_phone.into_iter().filter(|phone| *phone != now).cloned().collect();
        let ids = AliasSet { primary: now.clone(), others };
        let news = RemoteEvent::UserChanged(UserInfo { ids, name, avatar: None, bot: false });
        self.push(news, Some(cursor), tickets).await;
        Ok(())
    }
}
