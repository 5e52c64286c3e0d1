//! People change what they are called: their number, and with it their user id; their username; their name.
//!
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/system/>: where the number may be
//! shown the change is `user_changed_number`, else `user_changed_user_id`, which no sender is named of. Both user ids stand inside.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    WhatsAppCloudSim,
    ids::{NumberId, PersonId},
    model::Person,
    settings::PayloadAge,
    state::State,
    webhook::{payload, queue},
};

impl WhatsAppCloudSim {
    /// A person as the simulator knows them.
    pub fn person(&self, person: PersonId) -> Option<Person> {
        self.inner.lock().records.people.get(&person).cloned()
    }

    /// A person moves to another phone number; every number of a business that they talked with hears of it.
    pub fn person_changes_number(&self, person: PersonId, wa_id: &str) {
        self.inner.change(|state| change_number(state, person, wa_id));
    }

    /// A number that somebody has given up is somebody else's from now on; nobody is told.
    pub fn person_gets_number(&self, person: PersonId, wa_id: &str) {
        self.edit(person, |person| wa_id.clone_into(&mut person.wa_id));
    }

    /// From now on WhatsApp spells the number of a person otherwise than people dial it, as it does in some countries.
    pub fn number_is_spelled(&self, dialed: &str, wa_id: &str) {
        self.inner.change(|state| state.records.spellings.insert(dialed.to_owned(), wa_id.to_owned()));
    }

    /// A person takes a username: businesses do not see the number any more.
    pub fn person_takes_username(&self, person: PersonId, username: &str) {
        self.edit(person, |person| person.username = Some(username.to_owned()));
    }

    /// A person changes the name in the profile; businesses see it with the next message.
    pub fn person_renames(&self, person: PersonId, name: &str) {
        self.edit(person, |person| name.clone_into(&mut person.name));
    }

    fn edit(&self, person: PersonId, deed: impl FnOnce(&mut Person)) {
        self.inner.change(|state| state.records.people.get_mut(&person).map(deed));
    }
}

fn change_number(state: &mut State, person: PersonId, wa_id: &str) {
    let user_id = state.ids.user();
    let Some(person) = state.records.people.get_mut(&person) else { return };
    let old = person.clone();
    wa_id.clone_into(&mut person.wa_id);
    person.user_id = user_id;
    let new = person.clone();
    let numbers: BTreeSet<NumberId> = state
        .records
        .messages
        .iter()
        .filter(|it| it.chat.person == new.id)
        .map(|it| it.chat.number)
        .collect();
    for number in numbers {
        let value = system(state, number, (&old, &new));
        queue::emit(state, number, ("messages", value));
    }
}

fn system(state: &mut State, number: NumberId, (old, new): (&Person, &Person)) -> Value {
    let id = state.ids.message(&state.clock, &old.wa_id);
    let mut message = payload::sender(state, old);
    let shows_number = message.contains_key("from");
    let mut content = match shows_number {
        true => json!({
            "body": format!("User {} changed from {} to {}", new.name, old.wa_id, new.wa_id), "wa_id": new.wa_id,
            "type": "user_changed_number",
        }),
        false => {
            json!({"body": format!("User {} changed their user ID", new.name), "type": "user_changed_user_id"})
        }
    };
    if state.settings.age == PayloadAge::UserIds {
        content["user_id"] = json!(new.user_id);
        content["previous_user_id"] = json!(old.user_id);
        if !shows_number {
            message.clear();
        }
    }
    for (name, value) in [
        ("id", json!(id)),
        ("timestamp", json!(payload::seconds(state.now_ms()))),
        ("system", content),
        ("type", json!("system")),
    ] {
        message.insert(name.to_owned(), value);
    }
    let mut value = payload::envelope(state, number);
    value["messages"] = json!([message]);
    value
}
