//! `POST /{Phone-Number-ID}/messages`: messages, reactions, and the receipts that go the same way.
//!
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages>. An answer says only that the message
//! was taken; what became of it comes in statuses.

use serde_json::{Value, json};

use super::{answer::Answer, call::Call, content, number};
use crate::whatsapp_cloud::{
    errors::{GraphError, Outcome},
    ids::{Chat, NumberId, PersonId, is_user_id},
    model::{Message, Side},
    progress,
    settings::Refusals,
    state::State,
    window,
};

/// How long people see that the business types.
pub const TYPING_MS: i64 = 25_000;
/// Reactions to older messages are not delivered.
const REACTION_AGE_MAX_MS: i64 = 30 * 24 * 60 * 60 * 1000;
const OPAQUE_MAX: usize = 512;

pub(super) fn post(state: &mut State, call: &Call, number: NumberId) -> Outcome {
    number::product(call)?;
    usable(state, number)?;
    let body = call.body.clone().unwrap_or_default();
    if body["status"].is_string() {
        return receipt(state, &body, number);
    }
    let kind = content::kind(&body)?;
    let to = Recipient::read(&body)?;
    content::check(state, number, (kind, &body[kind]))?;
    let now_ms = state.now_ms();
    let own = state.records.numbers.get(&number).map(|number| number.display.clone());
    if own.as_deref() == Some(&to.address) {
        return Err(GraphError::new(131_021));
    }
    if call.text("biz_opaque_callback_data").is_some_and(|data| data.chars().count() > OPAQUE_MAX) {
        return Err(GraphError::parameter(format!(
            "Param biz_opaque_callback_data must be at most {OPAQUE_MAX} characters long."
        )));
    }
    // Which code an unknown answered message gets is not written anywhere; a value that is not valid is the nearest.
    let replies_to = body["context"]["message_id"].as_str();
    if replies_to.is_some_and(|id| state.records.message(id).is_none()) {
        return Err(GraphError::new(131_009).details("context['message_id'] is not a known message."));
    }
    state.limits.count(number, now_ms)?;
    let person = state.records.person_by(&to.address).map(|person| person.id);
    if let Some(person) = person {
        state.limits.count_pair(Chat { number, person }, now_ms)?;
    }
    let late = late_refusal(state, call, (number, person), kind);
    if state.settings.refusals == Refusals::InAnswers
        && let Some(error) = late
    {
        return Err(error);
    }
    let id = accept(state, Accepted { call, number, person, kind, to: &to, replies_to }, late);
    Ok(Answer::ok(json!({
        "messaging_product": "whatsapp", "contacts": [contact(state, &to)], "messages": [{"id": id}],
    })))
}

/// Whether a number may send at all.
fn usable(state: &State, number: NumberId) -> Result<(), GraphError> {
    let number = state.records.numbers.get(&number);
    if !number.is_some_and(|number| number.is_registered) {
        return Err(GraphError::new(133_010).details("Account not registered"));
    }
    let account = number.and_then(|number| state.records.accounts.get(&number.account));
    match account.is_some_and(|account| account.is_locked) {
        true => {
            Err(GraphError::new(131_031).details("Business Account has been restricted from messaging users"))
        }
        false => Ok(()),
    }
}

/// Whom a message is for.
struct Recipient {
    /// As written.
    input: String,
    /// Digits, or a user id.
    address: String,
}

impl Recipient {
    fn read(body: &Value) -> Result<Self, GraphError> {
        if body["recipient_type"].as_str().is_some_and(|kind| kind != "individual") {
            return Err(GraphError::parameter(
                "Groups are not simulated: recipient_type must be individual.",
            ));
        }
        match (body["to"].as_str(), body["recipient"].as_str()) {
            // Where both are given, the phone number counts.
            (Some(to), _) => {
                let digits: String = to.chars().filter(char::is_ascii_digit).collect();
                let is_number =
                    to.chars().all(|c| c.is_ascii_digit() || "+-() ".contains(c)) && digits.len() >= 5;
                let bad = || GraphError::new(131_009).details("to is no phone number.");
                is_number.then(|| Self { input: to.to_owned(), address: digits }).ok_or_else(bad)
            }
            (None, Some(id)) if is_user_id(id) => Ok(Self { input: id.to_owned(), address: id.to_owned() }),
            (None, Some(_)) => Err(GraphError::new(131_009).details("recipient is no user id.")),
            (None, None) => Err(GraphError::missing("to")),
        }
    }
}

fn contact(state: &State, to: &Recipient) -> Value {
    let Recipient { input, address } = to;
    if is_user_id(address) {
        return json!({"input": input, "user_id": address});
    }
    let person = state.records.person_by(address);
    json!({"input": input, "wa_id": person.map_or(address, |person| &person.wa_id)})
}

/// What WhatsApp finds out only behind the API.
fn late_refusal(
    state: &State,
    call: &Call,
    (number, person): (NumberId, Option<PersonId>),
    kind: &str,
) -> Option<GraphError> {
    if let Some(code) = call.fails_later {
        return Some(GraphError::new(code));
    }
    let undeliverable = || Some(GraphError::new(131_026).details("Message Undeliverable."));
    let Some(person) = person else { return undeliverable() };
    if state.records.people.get(&person).is_none_or(|person| person.has_blocked) {
        return undeliverable();
    }
    let chat = Chat { number, person };
    if kind != "template"
        && window::closes_ms(&state.records, chat).is_none_or(|closes_ms| closes_ms <= state.now_ms())
    {
        let words = "Message failed to send because more than 24 hours have passed since the customer last replied to this number.";
        return Some(GraphError::new(131_047).details(words));
    }
    if kind != "reaction" {
        return None;
    }
    let target = call.field("reaction")["message_id"].as_str().unwrap_or_default();
    let target = state.records.message(target).filter(|target| {
        let is_fresh = state.now_ms() - target.sent_ms <= REACTION_AGE_MAX_MS;
        target.chat == chat && is_fresh && !target.is_deleted && target.kind != "reaction"
    });
    target
        .is_none()
        .then(|| GraphError::new(131_009).details("The message to react to is not there any more."))
}

struct Accepted<'a> {
    call: &'a Call,
    number: NumberId,
    person: Option<PersonId>,
    kind: &'a str,
    to: &'a Recipient,
    replies_to: Option<&'a str>,
}

fn accept(state: &mut State, accepted: Accepted<'_>, late: Option<GraphError>) -> String {
    let Accepted { call, number, person, kind, to, replies_to } = accepted;
    let digits: String = to.address.chars().filter(char::is_ascii_digit).collect();
    let id = state.ids.message(&state.clock, &digits);
    // Whoever is not on WhatsApp has no place in the records; only the failure tells of the message.
    let nobody = PersonId(u32::MAX);
    let chat = Chat { number, person: person.unwrap_or(nobody) };
    let message = Message {
        id: id.clone(),
        chat,
        side: Side::Business,
        kind: kind.to_owned(),
        content: call.field(kind).clone(),
        replies_to: replies_to.map(str::to_owned),
        sent_ms: state.now_ms(),
        statuses: Vec::new(),
        error_code: None,
        opaque: call.text("biz_opaque_callback_data").map(str::to_owned),
        by_user_id: is_user_id(&to.address),
        is_marked_read: false,
        business_reaction: None,
        person_reaction: None,
        is_deleted: false,
    };
    state.records.messages.push(message);
    // The dots vanish with the answer.
    state.records.typing_until_ms.remove(&chat);
    match late {
        Some(error) => progress::fail(state, &id, (&error, &to.address)),
        None => {
            react(state, call, kind);
            progress::begin(state, &id);
        }
    }
    id
}

fn react(state: &mut State, call: &Call, kind: &str) {
    if kind != "reaction" {
        return;
    }
    let reaction = call.field("reaction");
    let emoji = reaction["emoji"].as_str().filter(|emoji| !emoji.is_empty()).map(str::to_owned);
    if let Some(target) = state.records.message_mut(reaction["message_id"].as_str().unwrap_or_default()) {
        target.business_reaction = emoji;
    }
}

/// Marks a message and all before it as read; with the indicator the person sees dots.
fn receipt(state: &mut State, body: &Value, number: NumberId) -> Outcome {
    if body["status"] != "read" {
        return Err(GraphError::parameter("Param status must be one of {READ}."));
    }
    let id = body["message_id"].as_str().ok_or_else(|| GraphError::missing("message_id"))?;
    let known = state.records.message(id).filter(|it| it.side == Side::Person && it.chat.number == number);
    let Some((chat, sent_ms)) = known.map(|message| (message.chat, message.sent_ms)) else {
        return Err(
            GraphError::new(131_009).details("message_id is not a message of a person to this number.")
        );
    };
    let earlier = |it: &&mut Message| it.chat == chat && it.side == Side::Person && it.sent_ms <= sent_ms;
    state.records.messages.iter_mut().filter(earlier).for_each(|message| message.is_marked_read = true);
    if !body["typing_indicator"].is_null() {
        if body["typing_indicator"]["type"] != "text" {
            return Err(GraphError::parameter("Param typing_indicator['type'] must be one of {TEXT}."));
        }
        let until_ms = state.now_ms() + TYPING_MS;
        state.records.typing_until_ms.insert(chat, until_ms);
    }
    Ok(Answer::success())
}
