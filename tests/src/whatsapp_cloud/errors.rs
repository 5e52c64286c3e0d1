//! The error codes of the Cloud API, in answers and in statuses alike.
//!
//! Codes, statuses and titles are those of Meta's list:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes>. Which of them a given mistake gets is
//! written where it is found; where no public text says so, that is the simulator's guess and said there.

use serde_json::{Value, json};

use super::graph::answer::Answer;

/// What a route gives back.
pub(crate) type Outcome = Result<Answer, GraphError>;

const HREF: &str = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/";

/// A refusal.
#[derive(Clone, Debug)]
pub(crate) struct GraphError {
    pub code: u32,
    subcode: Option<u32>,
    message: Option<String>,
    details: Option<String>,
}

/// The HTTP status and the title of a code.
fn facts(code: u32) -> (u16, &'static str) {
    match code {
        4 => (429, "Application request limit reached"),
        100 => (400, "Invalid parameter"),
        104 => (401, "An access token is required to request this resource."),
        190 => (401, "Error validating access token"),
        368 => (403, "The WhatsApp Business Account has been temporarily blocked"),
        2200 => (400, "Callback verification failed"),
        2500 => (400, "Unknown path components"),
        80_007 => (429, "Rate limit issues"),
        130_429 => (429, "Rate limit hit"),
        131_000 => (500, "Something went wrong"),
        131_005 => (403, "Access denied"),
        131_008 => (400, "Required parameter is missing"),
        131_009 => (400, "Parameter value is not valid"),
        131_016 => (503, "Service unavailable"),
        131_021 => (400, "Recipient cannot be sender"),
        131_026 => (400, "Message undeliverable"),
        131_031 => (403, "Business Account locked"),
        131_047 => (400, "Re-engagement message"),
        131_048 => (429, "Spam rate limit hit"),
        131_049 => (400, "This message was not delivered to maintain healthy ecosystem engagement."),
        131_051 => (400, "Unsupported message type"),
        131_052 => (400, "Media download error"),
        131_053 => (400, "Media upload error"),
        131_056 => (429, "Pair rate limit hit"),
        132_000 => (400, "Number of parameters does not match the expected number of params"),
        132_001 => (404, "Template name does not exist in the translation"),
        132_005 => (400, "Translated text too long"),
        132_012 => (400, "Parameter format does not match format in the created template"),
        132_015 => (400, "Template is paused"),
        132_016 => (400, "Template is disabled"),
        133_005 => (400, "Two step verification PIN Mismatch"),
        133_010 => (400, "Phone number not registered"),
        136_025 => (400, "Verify code error"),
        _ => (400, "Unknown error"),
    }
}

impl GraphError {
    pub fn new(code: u32) -> Self {
        Self { code, subcode: None, message: None, details: None }
    }

    /// The same with words for people.
    pub fn details(mut self, details: impl Into<String>) -> Self {
        self.details = Some(details.into());
        self
    }

    /// A parameter that is wrong in a way that Graph itself sees.
    pub fn parameter(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..Self::new(100) }
    }

    /// A parameter that is not there.
    pub fn missing(name: &str) -> Self {
        Self::parameter(format!("The parameter {name} is required."))
    }

    /// An object that does not exist, or not for this token.
    pub fn no_such_object(method: &str, id: &str) -> Self {
        let method = method.to_ascii_lowercase();
        let message = format!(
            "Unsupported {method} request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or does not \
             support this operation"
        );
        Self { message: Some(message), subcode: Some(33), ..Self::new(100) }
    }

    /// No or a wrong token. 467: "the session was invalidated".
    pub fn bad_token(is_given: bool) -> Self {
        match is_given {
            false => Self::new(104),
            true => {
                let words = "Error validating access token: The session has been invalidated";
                Self { message: Some(words.to_owned()), subcode: Some(467), ..Self::new(190) }
            }
        }
    }

    pub fn into_answer(self, trace: &str) -> Answer {
        let (status, title) = facts(self.code);
        let words = self.message.as_deref().unwrap_or(title);
        let is_plain = self.subcode.is_some() || self.code == 104;
        let kind = if self.subcode == Some(33) { "GraphMethodException" } else { "OAuthException" };
        let message = if is_plain { words.to_owned() } else { format!("(#{}) {words}", self.code) };
        let mut error = json!({"message": message, "type": kind, "code": self.code, "fbtrace_id": trace});
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = json!(subcode);
        }
        if let Some(details) = self.details {
            error["error_data"] = json!({"messaging_product": "whatsapp", "details": details});
        }
        Answer::json(status, json!({"error": error}))
    }

    /// The error as statuses and messages in webhooks bear it.
    pub fn in_webhook(&self) -> Value {
        let title = self.title();
        let details = self.details.as_deref().unwrap_or(title);
        json!({"code": self.code, "title": title, "message": title, "error_data": {"details": details}, "href": HREF})
    }

    fn title(&self) -> &'static str {
        facts(self.code).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_name_the_code_and_the_details() {
        let answer = GraphError::new(131_047).details("Too late.").into_answer("AbC");
        let body = answer.body.expect("it has one");
        assert_eq!(answer.status, 400);
        assert_eq!(body["error"]["message"], "(#131047) Re-engagement message");
        assert_eq!(body["error"]["error_data"]["details"], "Too late.");
        let revoked = GraphError::bad_token(true).into_answer("AbC");
        assert_eq!(
            (revoked.status, revoked.body.expect("it has one")["error"]["code"].clone()),
            (401, json!(190))
        );
    }
}
