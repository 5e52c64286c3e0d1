//! The line network's own client library, as `serenity` is Discord's: what a bridge's author finds ready.
//!
//! It knows the protocol of [`crate::line_server`] and nothing of bridges. It must never ask anything twice by itself.

use std::{fmt::Display, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_util::codec::{Framed, LinesCodec};

use crate::line_server::LINE_BYTES_MAX;

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// An account: where its server is and what it signs in with. Each thing is asked on a connection of its own, as one would over HTTP.
#[derive(Clone)]
pub struct LineAccount {
    server: String,
    token: String,
}

/// One signed-in connection.
pub struct LineClient(Wire);

/// A new device that waits to be admitted by one that is signed in. Dropping it takes the code back.
pub struct Pairing {
    wire: Wire,
    /// What the other device must see.
    pub code: String,
    /// For how long the code holds.
    pub valid_for: Duration,
}

/// What the server says at login.
#[derive(Clone, Debug, Deserialize)]
pub struct Welcome {
    /// Our account.
    pub account: String,
    /// Its name.
    pub name: String,
    /// Which of its devices we are.
    pub device: String,
    /// Whether the server knows a repeated key again.
    pub keys: bool,
}

/// What a device is told that was admitted.
#[derive(Deserialize)]
pub struct Paired {
    /// The account.
    pub account: String,
    /// Its name.
    pub name: String,
    /// What the new device signs in with.
    pub token: String,
}

/// Something to say.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Say<'a> {
    /// Where.
    pub chat: &'a str,
    /// A repeat under the same key is the same message, on a server with keys.
    pub key: &'a str,
    /// The words.
    pub text: &'a str,
    /// For whom, when relayed.
    pub author: Option<&'a str>,
}

/// Why there was no good answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// We could not sign in just now, so nothing was asked.
    #[error("The chat server cannot be reached: {0}.")]
    Unreachable(String),
    /// The server has no account with this token (any more), so nothing was asked.
    #[error("{0}")]
    SignedOut(String),
    /// The server did nothing and wants to be asked again.
    #[error("{words}")]
    Busy {
        /// The reason in words.
        words: String,
        /// Not sooner than this.
        retry: Option<Duration>,
    },
    /// Nobody admitted the new device in time.
    #[error("{0}")]
    Expired(String),
    /// The server said no.
    #[error("{0}")]
    Refused(String),
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
    /// The device, where it was one of this library's.
    pub via: Option<String>,
    /// The account's name.
    pub name: String,
    /// The words.
    pub text: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

impl LineAccount {
    /// The account with that token on a server, `host:port`.
    pub fn new(server: impl Into<String>, token: impl Into<String>) -> Self {
        Self { server: server.into(), token: token.into() }
    }

    /// Connects and signs in. Events come from number `after` on, or not at all without one.
    ///
    /// # Errors
    /// When the server cannot be reached, or refuses the token.
    pub async fn sign_in(&self, after: Option<u64>) -> Result<(LineClient, Welcome), LineError> {
        let mut wire = Wire::dial(&self.server).await?;
        let login = json!({"do": "login", "token": self.token, "after": after});
        let welcome = wire.ask(login).await.map_err(|error| match error {
            LineError::Broken(why) => LineError::Unreachable(why),
            other => other,
        })?;
        Ok((LineClient(wire), welcome))
    }

    /// Says something; gives the message's id.
    ///
    /// # Errors
    /// When the server refuses, or no answer comes.
    pub async fn say(&self, say: Say<'_>) -> Result<String, LineError> {
        #[derive(Deserialize)]
        struct Message {
            message: String,
        }
        let request = serde_json::to_value(say).map_err(broken)?;
        self.ask::<Message>("say", request).await.map(|said| said.message)
    }

    /// The name of a chat; `None` when there is no such chat.
    ///
    /// # Errors
    /// When the server refuses, or no answer comes.
    pub async fn chat(&self, chat: &str) -> Result<Option<String>, LineError> {
        let named: Option<Named> = self.ask("chat", json!({"chat": chat})).await?;
        Ok(named.map(|named| named.name))
    }

    /// The name of a person; `None` when there is none.
    ///
    /// # Errors
    /// When the server refuses, or no answer comes.
    pub async fn user(&self, user: &str) -> Result<Option<String>, LineError> {
        let named: Option<Named> = self.ask("user", json!({"user": user})).await?;
        Ok(named.map(|named| named.name))
    }

    /// Admits a new device that shows `code`.
    ///
    /// # Errors
    /// When the code does not hold, or no answer comes.
    pub async fn admit(&self, code: &str) -> Result<(), LineError> {
        self.ask::<Value>("admit", json!({"code": code})).await.map(drop)
    }

    async fn ask<T: DeserializeOwned>(&self, what: &str, mut request: Value) -> Result<T, LineError> {
        let (LineClient(mut wire), _) = self.sign_in(None).await?;
        request["do"] = json!(what);
        wire.ask(request).await
    }
}

impl LineClient {
    /// Waits for the next event. May be dropped and called again.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn next(&mut self) -> Result<Told, LineError> {
        let raw = self.0.line().await?;
        let line: Value = serde_json::from_str(&raw).map_err(broken)?;
        let seq = line["seq"].as_u64().ok_or_else(|| broken("a line is no event"))?;
        let event = line["event"].as_str().unwrap_or("without a name").to_owned();
        let said = if event == "said" { serde_json::from_value(line).ok() } else { None };
        Ok(Told { seq, said, event, raw })
    }
}

impl Pairing {
    /// Asks a server for a code.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn begin(server: &str) -> Result<Self, LineError> {
        #[derive(Deserialize)]
        struct Shown {
            code: String,
            valid_ms: u64,
        }
        let mut wire = Wire::dial(server).await?;
        let Shown { code, valid_ms } = wire.ask(json!({"do": "pair"})).await?;
        Ok(Self { wire, code, valid_for: Duration::from_millis(valid_ms) })
    }

    /// Waits until the code is admitted.
    ///
    /// # Errors
    /// When the code ran out, somebody said no, or the connection is gone.
    pub async fn admitted(mut self) -> Result<Paired, LineError> {
        let line = self.wire.line().await?;
        read(&line)
    }
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// A connection, line by line.
struct Wire(Framed<TcpStream, LinesCodec>);

impl Wire {
    async fn dial(server: &str) -> Result<Self, LineError> {
        let unreachable = |why: String| LineError::Unreachable(why);
        let dialed = timeout(ANSWER_WITHIN, TcpStream::connect(server)).await;
        let socket = dialed.map_err(|late| unreachable(late.to_string()))?;
        let socket = socket.map_err(|error| unreachable(error.to_string()))?;
        Ok(Self(Framed::new(socket, LinesCodec::new_with_max_length(LINE_BYTES_MAX))))
    }

    /// Asks one thing and waits for the answer.
    async fn ask<T: DeserializeOwned>(&mut self, mut request: Value) -> Result<T, LineError> {
        request["id"] = json!(0);
        let answer = async {
            self.0.send(request.to_string()).await.map_err(broken)?;
            self.line().await
        };
        read(&timeout(ANSWER_WITHIN, answer).await.map_err(broken)??)
    }

    async fn line(&mut self) -> Result<String, LineError> {
        self.0.next().await.ok_or_else(|| broken("it hung up"))?.map_err(broken)
    }
}

/// What an answer holds, or why it was refused.
fn read<T: DeserializeOwned>(line: &str) -> Result<T, LineError> {
    let mut answer: Value = serde_json::from_str(line).map_err(broken)?;
    let Some(code) = answer["error"].as_str() else {
        return serde_json::from_value(answer["ok"].take()).map_err(broken);
    };
    let words = answer["words"].as_str().unwrap_or("The chat server gave no reason.").to_owned();
    let retry = answer["retry_ms"].as_u64().map(Duration::from_millis);
    Err(match code {
        "bad_token" => LineError::SignedOut(words),
        "busy" => LineError::Busy { words, retry },
        "expired" => LineError::Expired(words),
        _ => LineError::Refused(words),
    })
}

fn broken(error: impl Display) -> LineError {
    LineError::Broken(error.to_string())
}
