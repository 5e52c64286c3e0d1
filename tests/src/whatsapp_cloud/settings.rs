//! What differs between one business and the next, and between this year and the last.

use super::WhatsAppCloudSim;

/// In whose words people are named in webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadAge {
    /// Until spring 2026: `wa_id` and `from`, always.
    PhoneNumbers,
    /// Since then: `user_id` always, the phone number only of people without a username.
    UserIds,
}

/// How a refusal comes that WhatsApp finds out behind the API: outside of the window, undeliverable, too much marketing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusals {
    /// The request is accepted, a status `failed` follows.
    InStatuses,
    /// The request is refused.
    InAnswers,
}

/// Who moves messages of the business on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// `sent` at once, `delivered` as soon as the phone is reachable.
    ByItself,
    /// Only the test.
    ByHand,
}

/// All settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub age: PayloadAge,
    pub refusals: Refusals,
    pub progress: Progress,
    pub failures_name_contacts: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            age: PayloadAge::UserIds,
            refusals: Refusals::InStatuses,
            progress: Progress::ByItself,
            failures_name_contacts: false,
        }
    }
}

impl WhatsAppCloudSim {
    /// Webhooks from now on are written in this age's words.
    pub fn writes_in_age(&self, age: PayloadAge) {
        self.inner.change(|state| state.settings.age = age);
    }

    /// Late refusals come this way from now on.
    pub fn refuses(&self, refusals: Refusals) {
        self.inner.change(|state| state.settings.refusals = refusals);
    }

    /// Messages of the business move on like this from now on.
    pub fn moves_messages(&self, progress: Progress) {
        self.inner.change(|state| state.settings.progress = progress);
    }

    /// Whether statuses of failed messages name the person in `contacts` too. Meta says no; some clients know nothing else.
    pub fn names_contacts_of_failures(&self, names: bool) {
        self.inner.change(|state| state.settings.failures_name_contacts = names);
    }
}
