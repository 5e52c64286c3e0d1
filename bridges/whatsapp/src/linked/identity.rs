//! Who is who: WhatsApp knows people by a phone number and by a hidden id (LID), and tells now the one, now the other.
//!
//! This is the one place that decides which id a person has here: the hidden one where it is known, since it outlives a change of numbers
//! and groups may show no other. All ids that are known are told along, so that ghosts and chats that were made under the number become one
//! with those under the hidden id.

use magpie_common::ids::{AliasSet, RemoteUserId};
use wacore_binary::{Jid, Server};
use whatsapp_rust::Client;

const LID: &str = "lid-";
const BOT: &str = "bot-";
const CHANNEL: &str = "channel-";

/// Both addresses of a person, as far as they are known; never those of one of their devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    /// By number.
    pub(super) phone: Option<Jid>,
    /// By hidden id.
    pub(super) lid: Option<Jid>,
    /// What is neither: a bot of WhatsApp's own, a channel.
    other: Option<Jid>,
    /// The number was somebody else's before, who is known by it.
    number_is_taken: bool,
}

impl Person {
    /// Somebody, by the addresses that one stanza told.
    pub(super) fn told<'a>(addresses: impl IntoIterator<Item = &'a Jid>) -> Self {
        let mut person = Self { phone: None, lid: None, other: None, number_is_taken: false };
        for jid in addresses {
            let plain = jid.to_non_ad();
            let place = match plain.server {
                Server::Lid | Server::HostedLid => &mut person.lid,
                Server::Pn | Server::Hosted => &mut person.phone,
                _ => &mut person.other,
            };
            place.get_or_insert(plain);
        }
        person
    }

    /// The same with what the library has learned about them before.
    pub(super) async fn completed(mut self, client: &Client) -> Self {
        let (known, missing) = match (&self.phone, &self.lid) {
            (Some(phone), None) => (phone, true),
            (None, Some(lid)) => (lid, true),
            (Some(any), Some(_)) => (any, false),
            (None, None) => return self,
        };
        // What cannot be looked up is not known: the next message may tell it.
        if missing && let Ok(Some(entry)) = client.get_lid_pn_entry(known).await {
            self.phone.get_or_insert_with(|| Jid::pn(&*entry.phone_number));
            self.lid.get_or_insert_with(|| Jid::lid(&*entry.lid));
        }
        self
    }

    /// The id that the person has here.
    pub(super) fn id(&self) -> Option<RemoteUserId> {
        self.lid.as_ref().or(self.phone.as_ref()).or(self.other.as_ref()).and_then(id_of)
    }

    /// All ids, the one of today first.
    pub(super) fn ids(&self) -> Option<AliasSet> {
        let primary = self.id()?;
        let mut ids = AliasSet::single(primary);
        if let Some(phone) = self.phone.as_ref().filter(|_| !self.number_is_taken).and_then(id_of) {
            ids.merge(&AliasSet::single(phone));
        }
        Some(ids)
    }

    /// The number is known as that of somebody else, and is no id of this person.
    pub(super) fn disown_number(&mut self) {
        self.number_is_taken = true;
    }

    /// Where the person is written to.
    pub(super) fn address(&self) -> Option<&Jid> {
        self.lid.as_ref().or(self.phone.as_ref()).or(self.other.as_ref())
    }

    /// Whether one of the addresses is theirs.
    pub(super) fn is(&self, jid: &Jid) -> bool {
        let plain = jid.to_non_ad();
        [&self.phone, &self.lid, &self.other].into_iter().flatten().any(|own| *own == plain)
    }
}

/// The id for one address alone.
pub(super) fn id_of(jid: &Jid) -> Option<RemoteUserId> {
    let user = jid.user_base();
    if user.is_empty() || !user.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    match jid.server {
        Server::Lid | Server::HostedLid => Some(RemoteUserId::new(format!("{LID}{user}"))),
        Server::Pn | Server::Hosted => Some(RemoteUserId::new(user.to_owned())),
        Server::Bot => Some(RemoteUserId::new(format!("{BOT}{user}"))),
        // A channel speaks for itself; nobody is told who writes in it.
        Server::Newsletter => Some(RemoteUserId::new(format!("{CHANNEL}{user}"))),
        _ => None,
    }
}

/// The address that an id stands for; `None` for what is no id of this bridge.
pub(super) fn address_of(id: &RemoteUserId) -> Option<Jid> {
    let plain = |user: &str| !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let id = id.as_str();
    if let Some(user) = id.strip_prefix(LID).filter(|user| plain(user)) {
        return Some(Jid::lid(user));
    }
    if let Some(user) = id.strip_prefix(BOT).filter(|user| plain(user)) {
        return Some(Jid::new(user, Server::Bot));
    }
    if let Some(user) = id.strip_prefix(CHANNEL).filter(|user| plain(user)) {
        return Some(Jid::new(user, Server::Newsletter));
    }
    let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Jid::pn(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jid(text: &str) -> Jid {
        text.parse().expect("an address")
    }

    #[test]
    fn the_hidden_id_counts_where_it_is_known() {
        let told = [jid("4915112345:7@s.whatsapp.net"), jid("100000123:7@lid")];
        let person = Person::told(&told);
        assert_eq!(person.id().expect("an id").as_str(), "lid-100000123");
        let ids = person.ids().expect("ids");
        assert_eq!(ids.all().map(RemoteUserId::as_str).collect::<Vec<_>>(), ["lid-100000123", "4915112345"]);
        assert!(person.is(&jid("100000123:9@lid")) && person.is(&told[0]) && !person.is(&jid("1@lid")));
        let person = Person::told(&told[..1]);
        assert_eq!(person.id().expect("an id").as_str(), "4915112345");
    }

    #[test]
    fn ids_lead_back_to_addresses() {
        for text in ["100000123@lid", "4915112345@s.whatsapp.net", "867051314767696@bot", "120363@newsletter"]
        {
            let jid = jid(text);
            let id = id_of(&jid).expect("an id");
            assert_eq!(address_of(&id).expect("an address"), jid, "{text}");
        }
        for bad in ["", "alice", "lid-", "lid-1 2", "a/b", "bot-", "channel-", "1@lid"] {
            assert_eq!(address_of(&RemoteUserId::new(bad)), None, "{bad}");
        }
        for bad in ["123-456@g.us", "status@broadcast"] {
            assert_eq!(id_of(&jid(bad)), None, "{bad}");
        }
    }
}
