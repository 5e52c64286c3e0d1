//! What becomes of messages of the business: sent, delivered, read or failed, each told by a webhook.

use super::{
    WhatsAppCloudSim,
    errors::GraphError,
    ids::{Chat, PersonId},
    model::{Message, Side, Status},
    settings::Progress,
    state::State,
    webhook::{payload, queue},
};

/// A fresh message goes on its way.
pub(crate) fn begin(state: &mut State, id: &str) {
    if state.settings.progress == Progress::ByHand {
        return;
    }
    step(state, id, Status::Sent);
    let message = state.records.message(id);
    // Of reactions only `sent` is told.
    let arrives = message.is_some_and(|it| it.kind != "reaction" && is_online(state, it.chat.person));
    if arrives {
        step(state, id, Status::Delivered);
    }
}

/// A message fails for good.
pub(crate) fn fail(state: &mut State, id: &str, (error, address): (&GraphError, &str)) {
    let Some(message) = state.records.message_mut(id) else { return };
    message.statuses.push(Status::Failed);
    message.error_code = Some(error.code);
    let message = message.clone();
    let value = payload::status(state, &message, Status::Failed, Some((error, address)));
    queue::emit(state, message.chat.number, ("messages", value));
}

fn step(state: &mut State, id: &str, status: Status) -> bool {
    let Some(message) = state.records.message_mut(id).filter(|it| it.side == Side::Business) else {
        return false;
    };
    message.statuses.push(status);
    let message = message.clone();
    let value = payload::status(state, &message, status, None);
    queue::emit(state, message.chat.number, ("messages", value));
    true
}

fn is_online(state: &State, person: PersonId) -> bool {
    state.records.people.get(&person).is_some_and(|person| person.is_online)
}

/// Messages of the business that wait for a status, oldest first.
fn waiting(state: &State, status: Status, fits: impl Fn(&Message) -> bool) -> Vec<String> {
    let is_waiting = |message: &&Message| {
        message.side == Side::Business
            && message.kind != "reaction"
            && !message.statuses.contains(&Status::Failed)
            && !message.statuses.contains(&status)
            && fits(message)
    };
    state.records.messages.iter().filter(is_waiting).map(|message| message.id.clone()).collect()
}

impl WhatsAppCloudSim {
    /// A message of the business gets on this far, whatever came before. False when there is none.
    pub fn message_gets(&self, id: &str, status: Status) -> bool {
        self.inner.change(|state| step(state, id, status))
    }

    /// A message of the business fails with this code. False when there is none.
    pub fn message_fails(&self, id: &str, code: u32) -> bool {
        self.inner.change(|state| {
            let Some(chat) = state.records.message(id).map(|message| message.chat) else { return false };
            let address = state.records.people.get(&chat.person).map(|person| person.wa_id.clone());
            fail(state, id, (&GraphError::new(code), &address.unwrap_or_default()));
            true
        })
    }

    /// A person opens the chat: all that arrived is read.
    pub fn person_reads(&self, chat: Chat) {
        self.inner.change(|state| {
            for id in waiting(state, Status::Read, |message| message.chat == chat) {
                step(state, &id, Status::Read);
            }
        });
    }

    /// A phone can be reached: what waited arrives.
    pub fn person_comes_online(&self, person: PersonId) {
        self.inner.change(|state| {
            if let Some(person) = state.records.people.get_mut(&person) {
                person.is_online = true;
            }
            for id in waiting(state, Status::Delivered, |message| message.chat.person == person) {
                step(state, &id, Status::Delivered);
            }
        });
    }

    /// A phone cannot be reached any more.
    pub fn person_goes_offline(&self, person: PersonId) {
        self.inner.change(|state| {
            if let Some(person) = state.records.people.get_mut(&person) {
                person.is_online = false;
            }
        });
    }

    /// A person wants nothing from the business any more; its messages fail with 131026.
    pub fn person_blocks(&self, person: PersonId) {
        self.inner.change(|state| {
            if let Some(person) = state.records.people.get_mut(&person) {
                person.has_blocked = true;
            }
        });
    }
}
