//! The client-server API, as far as a bridge uses it.

use std::sync::Arc;

use http::{Method, StatusCode};
use ruma::{EventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::{Value, json, value::RawValue};

use super::{
    Shared,
    event::FakeEvent,
    push,
    request::{Answer, Call},
    world::{Draft, Media, Membership, Refusal},
};

mod accounts;

type Outcome = Result<Answer, Refusal>;

pub(super) async fn answer(
    shared: &Arc<Shared>,
    method: &Method,
    segments: &[&str],
    call: Call<'_>,
) -> Outcome {
    let outcome = match (method.as_str(), segments) {
        ("PUT", ["_matrix", "client", "v3", "rooms", room, "send", event_type, _txn]) => {
            send(shared, &call, room, event_type)
        }
        ("PUT", ["_matrix", "client", "v3", "rooms", room, "redact", event, _txn]) => {
            redact(shared, &call, room, event)
        }
        (_, ["_matrix", "client", "v3", "rooms", room, rest @ ..]) => {
            in_room(shared, method, &room_id(room)?, rest, &call)
        }
        ("GET", ["_matrix", "client", "v1", "rooms", room, "relations", event, relation, kind]) => {
            related(shared, &room_id(room)?, &call, (*event, *relation, *kind))
        }
        ("POST", ["_matrix", "client", "v3", "register"]) => accounts::register(shared, &call),
        ("POST", ["_matrix", "client", "v3", "createRoom"]) => {
            let room = shared.world().create_room(&call.user, &call.json()?)?;
            json_answer(json!({ "room_id": room }))
        }
        (_, ["_matrix", "client", "v3", "directory", "room", alias]) => {
            directory(shared, method, &call, alias)
        }
        ("POST", ["_matrix", "client", "v3", "join", room]) => join(shared, &call, room),
        ("GET", ["_matrix", "client", "v3", "account", "whoami"]) => {
            json_answer(json!({ "user_id": call.user }))
        }
        ("GET", ["_matrix", "client", "v3", "capabilities"]) => {
            let default = shared.world().default_room_version.clone();
            json_answer(json!({ "capabilities": { "m.room_versions": { "default": default } } }))
        }
        ("GET", ["_matrix", "client", "v3", "joined_rooms"]) => {
            let world = shared.world();
            let rooms: Vec<_> =
                world.users.get(&call.user).into_iter().flat_map(|user| &user.rooms).collect();
            json_answer(json!({ "joined_rooms": rooms }))
        }
        ("GET", ["_matrix", "client", "v3", "profile", user]) => accounts::profile(shared, user),
        ("PUT", ["_matrix", "client", "v3", "profile", user, key]) => {
            accounts::set_profile(shared, &call, user, key)
        }
        ("POST", ["_matrix", "client", "v1", "appservice", id, "ping"]) => {
            return push::ping(shared, call.registration, id, &call.json()?).await.map(Answer::Json);
        }
        ("POST", ["_matrix", "media", "v3", "upload"]) => upload(shared, call),
        ("GET", ["_matrix", "client", "v1", "media", "config"] | ["_matrix", "media", "v3", "config"]) => {
            let limit = shared.world().upload_bytes_max;
            json_answer(limit.map_or(json!({}), |limit| json!({ "m.upload.size": limit })))
        }
        ("GET", ["_matrix", "client", "v1", "media", "download", _server, id]) => download(shared, id),
        (_, ["_matrix", "client", "v3", "user", user, kept @ ..]) if *user == call.user => {
            accounts::keep(shared, method, &call, &kept.join("/"))
        }
        (_, ["_matrix", "client", "v3", "pushrules", "global", kept @ ..]) => {
            accounts::keep(shared, method, &call, &format!("pushrules/{}", kept.join("/")))
        }
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "M_UNRECOGNIZED", "Unrecognized request")),
    };
    if method != Method::GET {
        shared.announce();
    }
    outcome
}

/// `PUT /rooms/{roomId}/send/{eventType}/{txnId}`
fn send(shared: &Shared, call: &Call<'_>, room: &str, event_type: &str) -> Outcome {
    let room = room_id(room)?;
    let content = call.raw_object()?;
    let sent_ms = call.sent_ms();
    once(shared, call, |sender| Draft {
        room_id: &room,
        sender,
        event_type,
        state_key: None,
        content,
        sent_ms,
        redacts: None,
    })
}

/// `PUT /rooms/{roomId}/redact/{eventId}/{txnId}`
fn redact(shared: &Shared, call: &Call<'_>, room: &str, event: &str) -> Outcome {
    let room = room_id(room)?;
    let redacts = EventId::parse(event).map_err(|error| Refusal::bad(error.to_string()))?;
    let mut content = call.json()?;
    content["redacts"] = redacts.as_str().into();
    let content = super::rooms::raw(&content)?;
    let sent_ms = call.sent_ms();
    once(shared, call, |sender| Draft {
        room_id: &room,
        sender,
        event_type: "m.room.redaction",
        state_key: None,
        content,
        sent_ms,
        redacts: Some(&redacts),
    })
}

/// Sends once for each path and registration, whoever the ghost: the second gets the first one's event id.
fn once<'a>(shared: &Shared, call: &'a Call<'_>, draft: impl FnOnce(&'a UserId) -> Draft<'a>) -> Outcome {
    let key = format!("{} {}", call.registration, call.path);
    let mut world = shared.world();
    if let Some(known) = world.transactions.get(&key) {
        return json_answer(json!({ "event_id": known }));
    }
    let event_id = world.send(draft(&call.user))?;
    let answer = json!({ "event_id": event_id });
    world.transactions.remember(key, event_id);
    json_answer(answer)
}

fn in_room(shared: &Shared, method: &Method, room: &RoomId, rest: &[&str], call: &Call<'_>) -> Outcome {
    let user = call.user.as_ref();
    match (method.as_str(), rest) {
        ("POST", ["join"]) => done(shared.world().join(room, user)),
        ("POST", ["leave"]) => {
            let reason = call.json()?["reason"].take();
            done(shared.world().leave_saying(room, user, reason.as_str()))
        }
        ("POST", ["invite"]) => done(shared.world().invite(room, user, &call.target()?)),
        ("POST", ["kick"]) => done(shared.world().kick(room, user, &call.target()?)),
        ("PUT", ["state", event_type, key @ ..]) => {
            let content = call.raw_object()?;
            let (state_key, sent_ms) = (Some(key.first().copied().unwrap_or_default()), call.sent_ms());
            set_state(
                shared,
                Draft { room_id: room, sender: user, event_type, state_key, content, sent_ms, redacts: None },
            )
        }
        ("GET", ["state", event_type, key @ ..]) => {
            let world = shared.world();
            let key = key.first().copied().unwrap_or_default();
            let event = world.joined_room(room, user)?.state_event(event_type, key);
            let event = event.ok_or_else(|| Refusal::not_found("Event not found."))?;
            match call.query.get("format").map(AsRef::as_ref) {
                Some("event") => Ok(whole(event)),
                _ => json_answer(event.content()),
            }
        }
        ("GET", ["messages"]) => messages(shared, room, call),
        ("GET", ["event", event]) => one_event(shared, room, call, event),
        ("GET", ["joined_members"]) => {
            let world = shared.world();
            let found = world.joined_room(room, user)?;
            let joined = found.members.iter().filter(|(_, membership)| **membership == Membership::Joined);
            let shown = |user: &OwnedUserId| {
                let member = found.state_event("m.room.member", user.as_str());
                let member = member.map_or(Value::Null, |event| event.content());
                json!({ "display_name": member["displayname"], "avatar_url": member["avatar_url"] })
            };
            let joined: serde_json::Map<_, _> =
                joined.map(|(user, _)| (user.to_string(), shown(user))).collect();
            json_answer(json!({ "joined": joined }))
        }
        ("GET", ["members"]) => members(shared, room, call),
        ("PUT", ["typing", _user]) => {
            let mut world = shared.world();
            world.joined_room(room, user)?;
            let key = (room.to_owned(), call.user.clone());
            if call.json()?["typing"] == true {
                world.typing.insert(key);
            } else {
                world.typing.remove(&key);
            }
            json_answer(json!({}))
        }
        ("POST", ["receipt", "m.read", event]) => {
            let mut world = shared.world();
            world.joined_room(room, user)?;
            world.receipts.insert((room.to_owned(), call.user.clone()), (*event).to_owned());
            json_answer(json!({}))
        }
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "M_UNRECOGNIZED", "Unrecognized request")),
    }
}

/// `PUT /rooms/{roomId}/state/{eventType}/{stateKey}`: the same content again changes nothing.
fn set_state(shared: &Shared, draft: Draft<'_>) -> Outcome {
    let mut world = shared.world();
    let room = world.joined_room(draft.room_id, draft.sender)?;
    let before = room.state_event(draft.event_type, draft.state_key.unwrap_or_default());
    if let Some(same) = before.filter(|before| before.raw_content.get() == draft.content.get()) {
        return json_answer(json!({ "event_id": same.event_id }));
    }
    let event_id = world.send(draft)?;
    json_answer(json!({ "event_id": event_id }))
}

/// `GET /rooms/{roomId}/messages?dir=b`, with a filter by sender if there is one.
fn messages(shared: &Shared, room: &RoomId, call: &Call<'_>) -> Outcome {
    let limit = call.query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(10);
    let filter: Value =
        call.query.get("filter").and_then(|filter| serde_json::from_str(filter).ok()).unwrap_or_default();
    let wanted = |sender: &UserId| {
        filter["senders"]
            .as_array()
            .is_none_or(|senders| senders.iter().any(|known| known == sender.as_str()))
    };
    let world = shared.world();
    let events = world.joined_room(room, &call.user)?.events.iter().rev();
    let events = events.filter(|event| wanted(&event.sender)).take(limit);
    let mut bytes = b"{\"chunk\":[".to_vec();
    for (index, event) in events.enumerate() {
        if index > 0 {
            bytes.push(b',');
        }
        event.write_json(&mut bytes);
    }
    bytes.extend_from_slice(b"],\"start\":\"s\"}");
    Ok(Answer::Bytes { mime: "application/json".to_owned(), bytes: bytes.into() })
}

/// `GET /rooms/{roomId}/event/{eventId}`: an event that was taken away has lost its content.
fn one_event(shared: &Shared, room: &RoomId, call: &Call<'_>, event_id: &str) -> Outcome {
    let world = shared.world();
    let events = &world.joined_room(room, &call.user)?.events;
    let found = events.iter().find(|event| event.event_id == event_id);
    let event =
        found.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "M_NOT_FOUND", "Event not found."))?;
    let mut event = FakeEvent::clone(event);
    if events.iter().any(|other| other.redacts.as_ref() == Some(&event.event_id)) {
        event.raw_content = super::rooms::raw(&json!({}))?;
    }
    Ok(whole(&event))
}

fn whole(event: &FakeEvent) -> Answer {
    let mut bytes = Vec::new();
    event.write_json(&mut bytes);
    Answer::Bytes { mime: "application/json".to_owned(), bytes: bytes.into() }
}

/// `GET /rooms/{roomId}/members?membership=`
fn members(shared: &Shared, room: &RoomId, call: &Call<'_>) -> Outcome {
    let world = shared.world();
    let room = world.joined_room(room, &call.user)?;
    let wanted = call.query.get("membership");
    let members = room.members.keys().filter_map(|user| room.state_event("m.room.member", user.as_str()));
    let chunk: Vec<Value> = members
        .map(|event| json!({ "type": "m.room.member", "state_key": event.state_key, "content": event.content() }))
        .filter(|member| wanted.is_none_or(|wanted| member["content"]["membership"] == **wanted))
        .collect();
    json_answer(json!({ "chunk": chunk }))
}

/// `GET`, `PUT` and `DELETE /directory/room/{roomAlias}`
fn directory(shared: &Shared, method: &Method, call: &Call<'_>, alias: &str) -> Outcome {
    let mut world = shared.world();
    let unknown = || Refusal::not_found(format!("Room alias {alias} not found"));
    match *method {
        Method::GET => {
            let room = world.aliases.get(alias).ok_or_else(unknown)?;
            json_answer(json!({ "room_id": room, "servers": [shared.server_name] }))
        }
        Method::PUT => {
            let room = room_id(call.json()?["room_id"].as_str().unwrap_or_default())?;
            if world.aliases.contains_key(alias) {
                let words = format!("Room alias {alias} already exists");
                return Err(Refusal::new(StatusCode::CONFLICT, "M_UNKNOWN", words));
            }
            world.aliases.insert(alias.to_owned(), room);
            json_answer(json!({}))
        }
        Method::DELETE => world.aliases.remove(alias).map(|_| Answer::Json(json!({}))).ok_or_else(unknown),
        _ => Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "M_UNRECOGNIZED", "Unrecognized request")),
    }
}

/// `POST /join/{roomId}`
fn join(shared: &Shared, call: &Call<'_>, room: &str) -> Outcome {
    let room = room_id(room)?;
    let mut world = shared.world();
    if !world.rooms.contains_key(&room) {
        let words = "Can't join remote room because no servers that are in the room have been provided.";
        return Err(Refusal::new(StatusCode::NOT_FOUND, "M_UNKNOWN", words));
    }
    world.join(&room, &call.user)?;
    json_answer(json!({ "room_id": room }))
}

/// `GET /rooms/{roomId}/relations/{eventId}/{relType}/{eventType}`: those that stand, five where no limit is asked for.
fn related(
    shared: &Shared,
    room: &RoomId,
    call: &Call<'_>,
    (event_id, relation, kind): (&str, &str, &str),
) -> Outcome {
    let world = shared.world();
    let events = &world.joined_room(room, &call.user)?.events;
    let is_gone = |event: &FakeEvent| events.iter().any(|it| it.redacts.as_ref() == Some(&event.event_id));
    let on = |event: &&Arc<FakeEvent>| {
        let relates_to = &event.content()["m.relates_to"];
        event.event_type == kind && relates_to["event_id"] == event_id && relates_to["rel_type"] == relation
    };
    let limit = call.query.get("limit").and_then(|limit| limit.parse::<usize>().ok()).unwrap_or(5);
    let standing = events.iter().rev().filter(on).filter(|event| !is_gone(event)).take(limit);
    let chunk: Vec<Value> = standing
        .map(
            |event| json!({ "event_id": event.event_id, "sender": event.sender, "content": event.content() }),
        )
        .collect();
    json_answer(json!({ "chunk": chunk }))
}

/// `POST /_matrix/media/v3/upload`
fn upload(shared: &Shared, call: Call<'_>) -> Outcome {
    if shared.world().upload_bytes_max.is_some_and(|limit| call.body.len() as u64 > limit) {
        return Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "M_TOO_LARGE",
            "Upload request body is too large",
        ));
    }
    let media = Media {
        mime: call.mime.unwrap_or("application/octet-stream").to_owned(),
        filename: call.query.get("filename").map(|name| name.clone().into_owned()),
        bytes: call.body,
    };
    let mxc = shared.world().put_media(media);
    json_answer(json!({ "content_uri": mxc }))
}

/// `GET /_matrix/client/v1/media/download/{serverName}/{mediaId}`
fn download(shared: &Shared, id: &str) -> Outcome {
    let media = shared.world().media.get(id).cloned().ok_or_else(|| Refusal::not_found("Not found"))?;
    Ok(Answer::Bytes { mime: media.mime, bytes: media.bytes })
}

impl Call<'_> {
    fn json(&self) -> Result<Value, Refusal> {
        let not_json =
            |error: serde_json::Error| Refusal::new(StatusCode::BAD_REQUEST, "M_NOT_JSON", error.to_string());
        serde_json::from_slice(&self.body).map_err(not_json)
    }

    fn raw_object(&self) -> Result<Box<RawValue>, Refusal> {
        let content: Box<RawValue> = serde_json::from_slice(&self.body)
            .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, "M_NOT_JSON", error.to_string()))?;
        if content.get().starts_with('{') { Ok(content) } else { Err(Refusal::bad("content is no object")) }
    }

    fn sent_ms(&self) -> Option<i64> {
        self.query.get("ts").and_then(|ts| ts.parse().ok())
    }

    fn target(&self) -> Result<OwnedUserId, Refusal> {
        user_id(self.json()?["user_id"].as_str().unwrap_or_default())
    }
}

fn room_id(text: &str) -> Result<OwnedRoomId, Refusal> {
    RoomId::parse(text).map_err(|error| Refusal::bad(error.to_string()))
}

fn user_id(text: &str) -> Result<OwnedUserId, Refusal> {
    UserId::parse(text).map_err(|error| Refusal::bad(error.to_string()))
}

fn json_answer(value: Value) -> Outcome {
    Ok(Answer::Json(value))
}

fn done(result: Result<(), Refusal>) -> Outcome {
    result.map(|()| Answer::Json(json!({})))
}
