//! A person with a Matrix account and a simple client: talks, listens, and remembers all that was seen.
//!
//! Requests and answers are plain JSON, on purpose: a test must not share types, and so misunderstandings, with the code it
//! tests. The listening runs in the background from [`Person::enter`] on and survives restarts of the homeserver.

mod event;
mod listen;
mod request;

use std::time::Duration;

use anyhow::Context;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use tokio::sync::watch;

pub use self::event::{Event, Place};
use self::{listen::Listener, request::Client};

/// What a Synapse of this harness accepts for registering people.
pub(super) const SHARED_SECRET: &str = "only for tests";

/// The password of every person in this harness.
pub const PASSWORD: &str = "magpie";

/// How long [`Person::wait_for`] waits.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How many events one page of history asks for.
const PAGE: u32 = 500;
/// How many of the latest events an error shows.
const SHOWN: usize = 12;

/// Someone who is logged in and listens.
#[derive(Debug)]
pub struct Person {
    id: String,
    client: Client,
    seen: watch::Receiver<Vec<Event>>,
    _listener: Listener,
}

impl Person {
    /// Registers `name` on the homeserver at `url` (one of this harness) unless known there, logs in, and starts to listen.
    pub async fn enter(url: &str, name: &str) -> anyhow::Result<Self> {
        let mut client = Client::new(url)?;
        register(&client, name).await?;
        let identifier = json!({"type": "m.id.user", "user": name});
        let login = json!({"type": "m.login.password", "identifier": identifier, "password": PASSWORD});
        let answer = client.post(&["_matrix", "client", "v3", "login"], &login).await?;
        let text =
            |key: &str| answer[key].as_str().map(str::to_owned).context("the login's answer lacks a field");
        client.authorize(text("access_token")?);
        let (listener, seen) = Listener::start(client.clone()).await?;
        Ok(Self { id: text("user_id")?, client, seen, _listener: listener })
    }

    /// The full user id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The access token, for tests that make requests of their own.
    pub fn token(&self) -> &str {
        self.client.token()
    }

    /// A token that proves to others who they are.
    ///
    /// POST /_matrix/client/v3/user/{userId}/openid/request_token
    pub async fn openid_token(&self) -> anyhow::Result<String> {
        let path = ["_matrix", "client", "v3", "user", &self.id, "openid", "request_token"];
        field(&self.client.post(&path, &json!({})).await?, "access_token")
    }

    /// All events seen so far in the order of arrival.
    pub fn seen(&self) -> Vec<Event> {
        self.seen.borrow().clone()
    }

    /// The first event in `room`, seen already or still to come, that `wanted` says yes to.
    pub async fn wait_for(&self, room: &str, wanted: impl Fn(&Event) -> bool) -> anyhow::Result<Event> {
        self.wait_within(PATIENCE, |event| event.room == room && wanted(event)).await
    }

    /// The first message in `room` with this text.
    pub async fn wait_for_text(&self, room: &str, text: &str) -> anyhow::Result<Event> {
        let found =
            self.wait_for(room, |event| event.kind() == "m.room.message" && event.body() == text).await;
        found.with_context(|| format!("{} waited for {text:?}", self.id))
    }

    /// The first invitation by `inviter`, which names a room nobody knew before.
    pub async fn wait_for_invite(&self, inviter: &str) -> anyhow::Result<Event> {
        let wanted = |event: &Event| event.is_invite_of(&self.id, inviter);
        let found = self.wait_within(PATIENCE, wanted).await;
        found.with_context(|| format!("{} waited for an invitation by {inviter}", self.id))
    }

    /// The first event anywhere that `wanted` says yes to, seen already or coming within `patience`.
    pub async fn wait_within(
        &self,
        patience: Duration,
        wanted: impl Fn(&Event) -> bool,
    ) -> anyhow::Result<Event> {
        let mut seen = self.seen.clone();
        let mut next = 0;
        let mut found = None;
        let search = seen.wait_for(|events| {
            found = events[next..].iter().find(|event| wanted(event)).cloned();
            next = events.len();
            found.is_some()
        });
        let in_time = tokio::time::timeout(patience, search).await.is_ok_and(|search| search.is_ok());
        found.filter(|_| in_time).with_context(|| {
            let events = self.seen.borrow();
            let latest: Vec<String> = events.iter().rev().take(SHOWN).map(Event::summary).collect();
            format!(
                "{} did not see it within {} s; the latest of {} events:\n{}",
                self.id,
                patience.as_secs(),
                events.len(),
                latest.into_iter().rev().collect::<Vec<_>>().join("\n")
            )
        })
    }

    /// Sends plain text and returns the event's id.
    pub async fn send_text(&self, room: &str, text: &str) -> anyhow::Result<String> {
        self.send_message(room, json!({"msgtype": "m.text", "body": text})).await
    }

    /// Sends HTML with its plain text.
    pub async fn send_html(&self, room: &str, text: &str, html: &str) -> anyhow::Result<String> {
        let format = "org.matrix.custom.html";
        let content = json!({"msgtype": "m.text", "body": text, "format": format, "formatted_body": html});
        self.send_message(room, content).await
    }

    /// Answers the event `to`.
    pub async fn send_reply(&self, room: &str, to: &str, text: &str) -> anyhow::Result<String> {
        let relation = json!({"m.in_reply_to": {"event_id": to}});
        self.send_message(room, json!({"msgtype": "m.text", "body": text, "m.relates_to": relation})).await
    }

    /// Changes the own message `event` to `text`.
    pub async fn send_edit(&self, room: &str, event: &str, text: &str) -> anyhow::Result<String> {
        let content = json!({"msgtype": "m.text", "body": text});
        let mut edit = json!({"msgtype": "m.text", "body": format!("* {text}"), "m.new_content": content});
        edit["m.relates_to"] = json!({"rel_type": "m.replace", "event_id": event});
        self.send_message(room, edit).await
    }

    /// Sends an `m.room.message` with any content.
    pub async fn send_message(&self, room: &str, content: Value) -> anyhow::Result<String> {
        self.send_event(room, "m.room.message", content).await
    }

    /// Sends an event of any type and returns its id.
    ///
    /// PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}
    pub async fn send_event(&self, room: &str, kind: &str, content: Value) -> anyhow::Result<String> {
        let txn = self.client.next_txn();
        let path = ["_matrix", "client", "v3", "rooms", room, "send", kind, &txn];
        field(&self.client.put(&path, &content).await?, "event_id")
    }

    /// Removes the content of an event.
    pub async fn redact(&self, room: &str, event: &str) -> anyhow::Result<String> {
        let txn = self.client.next_txn();
        let path = ["_matrix", "client", "v3", "rooms", room, "redact", event, &txn];
        field(&self.client.put(&path, &json!({})).await?, "event_id")
    }

    /// Sets a state event and returns its id.
    pub async fn set_state(
        &self,
        room: &str,
        kind: &str,
        key: &str,
        content: Value,
    ) -> anyhow::Result<String> {
        let path = ["_matrix", "client", "v3", "rooms", room, "state", kind, key];
        field(&self.client.put(&path, &content).await?, "event_id")
    }

    /// Makes a private room, invites these people, and returns its id.
    pub async fn create_room(&self, name: &str, invite: &[&str]) -> anyhow::Result<String> {
        self.create_room_with(json!({"name": name, "preset": "private_chat", "invite": invite})).await
    }

    /// Makes a room from a whole request body.
    pub async fn create_room_with(&self, body: Value) -> anyhow::Result<String> {
        field(&self.client.post(&["_matrix", "client", "v3", "createRoom"], &body).await?, "room_id")
    }

    /// Replaces a room by one of another version, and returns the new one's id.
    pub async fn upgrade(&self, room: &str, version: &str) -> anyhow::Result<String> {
        let path = ["_matrix", "client", "v3", "rooms", room, "upgrade"];
        field(&self.client.post(&path, &json!({"new_version": version})).await?, "replacement_room")
    }

    /// Invites someone.
    pub async fn invite(&self, room: &str, user: &str) -> anyhow::Result<()> {
        let path = ["_matrix", "client", "v3", "rooms", room, "invite"];
        self.client.post(&path, &json!({"user_id": user})).await.map(drop)
    }

    /// Joins by room id or alias.
    pub async fn join(&self, room: &str) -> anyhow::Result<String> {
        field(&self.client.post(&["_matrix", "client", "v3", "join", room], &json!({})).await?, "room_id")
    }

    /// Leaves.
    pub async fn leave(&self, room: &str) -> anyhow::Result<()> {
        self.client.post(&["_matrix", "client", "v3", "rooms", room, "leave"], &json!({})).await.map(drop)
    }

    /// The whole history of a room as the homeserver tells it, oldest first.
    ///
    /// GET /_matrix/client/v3/rooms/{roomId}/messages
    pub async fn history(&self, room: &str) -> anyhow::Result<Vec<Event>> {
        let path = ["_matrix", "client", "v3", "rooms", room, "messages"];
        let limit = PAGE.to_string();
        let mut from = String::new();
        let mut events = Vec::new();
        loop {
            let query = [("dir", "f"), ("limit", limit.as_str()), ("from", from.as_str())];
            let query = if from.is_empty() { &query[..2] } else { &query[..] };
            let answer = self.client.get(&path, query).await?;
            let chunk = answer["chunk"].as_array().cloned().unwrap_or_default();
            events.extend(chunk.into_iter().map(|json| Event::new(room, Place::Timeline, json)));
            match answer["end"].as_str() {
                Some(end) if end != from => end.clone_into(&mut from),
                _ => return Ok(events),
            }
        }
    }

    /// The messages of a room, oldest first: [`Person::history`] without joins and settings.
    pub async fn messages(&self, room: &str) -> anyhow::Result<Vec<Event>> {
        let mut events = self.history(room).await?;
        events.retain(|event| event.kind() == "m.room.message");
        Ok(events)
    }

    /// The current state of a room.
    pub async fn state(&self, room: &str) -> anyhow::Result<Vec<Event>> {
        let answer = self.client.get(&["_matrix", "client", "v3", "rooms", room, "state"], &[]).await?;
        let events = answer.as_array().cloned().unwrap_or_default();
        Ok(events.into_iter().map(|json| Event::new(room, Place::State, json)).collect())
    }

    /// One state event's content, if there is such a one.
    pub async fn state_of(&self, room: &str, kind: &str, key: &str) -> anyhow::Result<Option<Value>> {
        let state = self.state(room).await?;
        let found = state.into_iter().find(|event| event.kind() == kind && event.json["state_key"] == key);
        Ok(found.map(|event| event.content().clone()))
    }

    /// Changes the own display name.
    pub async fn set_display_name(&self, name: &str) -> anyhow::Result<()> {
        let path = ["_matrix", "client", "v3", "profile", &self.id, "displayname"];
        self.client.put(&path, &json!({"displayname": name})).await.map(drop)
    }

    /// Changes the own avatar to an uploaded file.
    pub async fn set_avatar(&self, mxc: &str) -> anyhow::Result<()> {
        let path = ["_matrix", "client", "v3", "profile", &self.id, "avatar_url"];
        self.client.put(&path, &json!({"avatar_url": mxc})).await.map(drop)
    }

    /// Anybody's profile: `displayname` and `avatar_url`.
    pub async fn profile(&self, user: &str) -> anyhow::Result<Value> {
        self.client.get(&["_matrix", "client", "v3", "profile", user], &[]).await
    }

    /// Uploads a file and returns its `mxc://` address.
    pub async fn upload(&self, name: &str, mime: &str, bytes: Vec<u8>) -> anyhow::Result<String> {
        field(&self.client.upload(name, mime, bytes).await?, "content_uri")
    }

    /// The bytes behind an `mxc://` address.
    pub async fn download(&self, mxc: &str) -> anyhow::Result<Vec<u8>> {
        let (server, media) =
            mxc.strip_prefix("mxc://").and_then(|rest| rest.split_once('/')).context("not an mxc address")?;
        self.client.bytes(&["_matrix", "client", "v1", "media", "download", server, media]).await
    }

    /// Says that this person types, for `timeout_ms`.
    pub async fn typing(&self, room: &str, timeout_ms: u32) -> anyhow::Result<()> {
        let path = ["_matrix", "client", "v3", "rooms", room, "typing", &self.id];
        self.client.put(&path, &json!({"typing": true, "timeout": timeout_ms})).await.map(drop)
    }

    /// Says that this person has read up to `event`.
    pub async fn read(&self, room: &str, event: &str) -> anyhow::Result<()> {
        let path = ["_matrix", "client", "v3", "rooms", room, "receipt", "m.read", event];
        self.client.post(&path, &json!({})).await.map(drop)
    }
}

/// GET, then POST /_synapse/admin/v1/register, as the shared secret allows it.
async fn register(client: &Client, name: &str) -> anyhow::Result<()> {
    let path = ["_synapse", "admin", "v1", "register"];
    let nonce = field(&client.get(&path, &[]).await?, "nonce")?;
    let mut mac =
        Hmac::<Sha1>::new_from_slice(SHARED_SECRET.as_bytes()).context("HMAC takes keys of any length")?;
    mac.update([nonce.as_str(), name, PASSWORD, "notadmin"].join("\0").as_bytes());
    let mac: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut body =
        json!({"nonce": nonce, "username": name, "password": PASSWORD, "admin": false, "mac": mac});
    body["inhibit_login"] = true.into();
    match client.post(&path, &body).await {
        Err(error) if !format!("{error:#}").contains("M_USER_IN_USE") => Err(error),
        _ => Ok(()),
    }
}

fn field(answer: &Value, key: &str) -> anyhow::Result<String> {
    let text = answer[key].as_str().with_context(|| format!("the answer has no {key}: {answer}"))?;
    Ok(text.to_owned())
}
