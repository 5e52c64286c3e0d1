//! Commands that WeCom performs in a chat: a talk with a customer is handed on, ended or taken, and a member is asked into a group.
//!
//! Reference: <https://developer.work.weixin.qq.com/document/path/94669>.

use std::collections::BTreeMap;

use magpie_common::{
    message::ChatCommand,
    platform::{DeliverError, Delivered, DeliveryKey},
};
use serde_json::{Value, json};

use super::Deliverer;
use crate::{
    api::Api,
    json::{number, text},
    wecom::{
        place::{Place, Service, is_id},
        session::verdict::{NOT_OURS, verdict_on_question},
    },
};

const CLOSE: (&str, &str) = ("close", "ends the conversation with the customer");
const ASSIGN: (&str, &str) =
    ("assign", "hands the customer to a member of staff in WeCom's app: `assign <userid>`");
const QUEUE: (&str, &str) = ("queue", "puts the customer into the queue of the staff in WeCom's app");
const TAKE: (&str, &str) = ("take", "takes the customer over, so that this room can answer");

const GROUP: &str = "group";

/// How a group is asked for.
pub(super) const GROUP_HELP: &str =
    "makes a group in WeCom with this member and others: `group <name>: <userid>, <userid>`";

/// What a talk can be (`service_state`).
const TO_PROGRAM: i64 = 1;
const TO_QUEUE: i64 = 2;
const TO_STAFF: i64 = 3;
const TO_END: i64 = 4;

/// The commands of a chat, with what they do.
pub(in crate::wecom::session) fn listed(place: &Place) -> BTreeMap<String, String> {
    let commands = match place {
        Place::Customer(_) => vec![CLOSE, ASSIGN, QUEUE, TAKE],
        Place::Member { .. } => vec![(GROUP, GROUP_HELP)],
        Place::Group { .. } => Vec::new(),
    };
    commands.into_iter().map(|(name, help)| (name.to_owned(), help.to_owned())).collect()
}

impl Deliverer {
    /// Performs a command of WeCom's own.
    pub(super) async fn command(
        &self,
        place: &Place,
        command: &ChatCommand,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let words = command.words.trim();
        match (place, command.name.as_str()) {
            (Place::Customer(service), name) if name == CLOSE.0 => self.hand(service, TO_END, None).await,
            (Place::Customer(service), name) if name == QUEUE.0 => self.hand(service, TO_QUEUE, None).await,
            (Place::Customer(service), name) if name == TAKE.0 => self.hand(service, TO_PROGRAM, None).await,
            (Place::Customer(service), name) if name == ASSIGN.0 => match is_id(words) {
                true => self.hand(service, TO_STAFF, Some(words)).await,
                false => Err(DeliverError::Rejected(format!("The command `{}` {}.", ASSIGN.0, ASSIGN.1))),
            },
            (Place::Member { userid }, GROUP) => self.make_group((userid, words), key).await,
            (_, name) => {
                Err(DeliverError::Unsupported(format!("WeCom has no command “{name}” in this chat.")))
            }
        }
    }

    /// `POST /cgi-bin/kf/service_state/trans`. Said twice it is the same.
    async fn hand(
        &self,
        service: &Service,
        state: i64,
        servicer: Option<&str>,
    ) -> Result<Delivered, DeliverError> {
        let api = self.api_of(&Place::Customer(service.clone()))?;
        let mut body = talk(service);
        body["service_state"] = json!(state);
        if let Some(servicer) = servicer {
            body["servicer_userid"] = json!(servicer);
        }
        match api.post("cgi-bin/kf/service_state/trans", &body).await {
            Ok(_) => Ok(Delivered::default()),
            Err(error) if error.code() == Some(NOT_OURS) => {
                let told = self.state(api, service).await;
                // It may have been done by an attempt that was not answered.
                match is_handed(&told, (state, servicer)) {
                    true => Ok(Delivered::default()),
                    false => Err(DeliverError::Rejected(state_words(&told))),
                }
            }
            Err(error) => Err(verdict_on_question(error)),
        }
    }

    /// Why nothing can be sent from here, and what to do.
    pub(super) async fn whose(&self, api: &Api, service: &Service) -> String {
        state_words(&self.state(api, service).await)
    }

    /// `POST /cgi-bin/kf/service_state/get`
    async fn state(&self, api: &Api, service: &Service) -> Value {
        api.post("cgi-bin/kf/service_state/get", &talk(service)).await.unwrap_or_default()
    }
}

/// Whether a talk is in these hands.
fn is_handed(told: &Value, (state, servicer): (i64, Option<&str>)) -> bool {
    number(&told["service_state"]) == Some(state)
        && servicer.is_none_or(|servicer| text(&told["servicer_userid"]) == servicer)
}

fn talk(service: &Service) -> Value {
    json!({"open_kfid": service.kf, "external_userid": service.external})
}

fn state_words(told: &Value) -> String {
    let why = match number(&told["service_state"]) {
        Some(TO_QUEUE) => {
            "the customer waits in the queue of the staff. The command `take` brings them here".to_owned()
        }
        Some(TO_STAFF) => {
            let who =
                Some(text(&told["servicer_userid"])).filter(|id| is_id(id)).unwrap_or("a member of staff");
            format!("{who} answers the customer in WeCom's app. The command `close` ends that")
        }
        Some(TO_END) => "the conversation was ended. Wait until the customer writes again".to_owned(),
        _ => "the conversation is not in the hands of this app. Look into customer service in WeCom's app"
            .to_owned(),
    };
    format!("WeCom lets nothing be sent from here now: {why}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_told_with_what_to_do() {
        for (told, part) in [
            (json!({"service_state": 2}), "`take`"),
            (json!({"service_state": 3, "servicer_userid": "ada"}), "ada answers"),
            (json!({"service_state": 3}), "a member of staff answers"),
            (json!({"service_state": 4}), "writes again"),
            (json!({}), "not in the hands"),
        ] {
            let words = state_words(&told);
            assert!(words.contains(part), "{words}");
        }
    }

    #[test]
    fn each_sort_of_chat_has_its_commands() {
        let names = |place: &Place| listed(place).into_keys().collect::<Vec<_>>().join(" ");
        let service = Service { kf: "wk".to_owned(), external: "wm".to_owned() };
        assert_eq!(names(&Place::Customer(service)), "assign close queue take");
        assert_eq!(names(&Place::Member { userid: "ada".to_owned() }), "group");
        assert_eq!(names(&Place::Group { chatid: "g".to_owned() }), "");
    }
}
