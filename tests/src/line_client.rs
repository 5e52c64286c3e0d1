//! The line network's own client library, as `serenity` is Discord's: what a bridge's author finds ready.
//!
//! It knows the protocol of [`crate::line_server`] and nothing of bridges. It must never ask anything twice by itself.

use std::{fmt::Display, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_util::codec::{Framed, LinesCodec};

use crate::line_server::LINE_BYTES_MAX;

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// One signed-in connection.
pub struct LineClient {
    lines: Framed<TcpStream, LinesCodec>,
}

/// What the server says at login.
#[derive(Clone, Debug, Deserialize)]
pub struct Welcome {
    /// Our account.
    pub account: String,
    /// Its name.
    pub name: String,
    /// Whether the server knows a repeated key again.
    pub keys: bool,
}

/// Why there was no good answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The server said no.
    #[error("{words}")]
    Refused {
        /// The server's own name for it.
        code: String,
        /// The reason in words.
        words: String,
        /// When to try again.
        retry: Option<Duration>,
    },
    /// There was no answer, or none that could be read. It may have been done all the same.
    #[error("The connection to the chat server failed: {0}.")]
    Broken(String),
}

/// One event.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its number in the one stream of events.
    pub seq: u64,
    /// The event itself, when it is one that this library knows.
    pub said: Option<Said>,
    /// What it is called.
    pub event: String,
    /// The whole line.
    pub raw: String,
}

/// Somebody said something.
#[derive(Clone, Debug, Deserialize)]
pub struct Said {
    /// Where.
    pub chat: String,
    /// The message's id.
    pub message: String,
    /// The account.
    pub by: String,
    /// Its name.
    pub name: String,
    /// The words.
    pub text: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

impl LineClient {
    /// Connects and signs in. Events come from number `after` on, or not at all without one.
    ///
    /// # Errors
    /// When the server cannot be reached, or refuses the token.
    pub async fn sign_in(
        server: &str,
        token: &str,
        after: Option<u64>,
    ) -> Result<(Self, Welcome), LineError> {
        let dialed = timeout(ANSWER_WITHIN, TcpStream::connect(server)).await.map_err(broken)?;
        let lines = Framed::new(dialed.map_err(broken)?, LinesCodec::new_with_max_length(LINE_BYTES_MAX));
        let mut client = Self { lines };
        let welcome = client.ask(json!({"do": "login", "token": token, "after": after})).await?;
        Ok((client, serde_json::from_value(welcome).map_err(broken)?))
    }

    /// Asks one thing and waits for the answer. Use a connection without events for it.
    ///
    /// # Errors
    /// When the server refuses, or no answer comes.
    pub async fn ask(&mut self, mut request: Value) -> Result<Value, LineError> {
        request["id"] = json!(0);
        let answer = async {
            self.lines.send(request.to_string()).await.map_err(broken)?;
            self.line().await
        };
        let mut answer: Value =
            serde_json::from_str(&timeout(ANSWER_WITHIN, answer).await.map_err(broken)??).map_err(broken)?;
        let Some(code) = answer["error"].as_str() else { return Ok(answer["ok"].take()) };
        Err(LineError::Refused {
            code: code.to_owned(),
            words: answer["words"].as_str().unwrap_or("The chat server gave no reason.").to_owned(),
            retry: answer["retry_ms"].as_u64().map(Duration::from_millis),
        })
    }

    /// Waits for the next event. May be dropped and called again.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn next(&mut self) -> Result<Told, LineError> {
        let raw = self.line().await?;
        let line: Value = serde_json::from_str(&raw).map_err(broken)?;
        let seq = line["seq"].as_u64().ok_or_else(|| broken("a line is no event"))?;
        let event = line["event"].as_str().unwrap_or("without a name").to_owned();
        let said = if event == "said" { serde_json::from_value(line).ok() } else { None };
        Ok(Told { seq, said, event, raw })
    }

    async fn line(&mut self) -> Result<String, LineError> {
        self.lines.next().await.ok_or_else(|| broken("it hung up"))?.map_err(broken)
    }
}

fn broken(error: impl Display) -> LineError {
    LineError::Broken(error.to_string())
}
