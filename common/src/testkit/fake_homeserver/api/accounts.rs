//! Accounts, their profiles, and what people keep about themselves.

use std::sync::Arc;

use http::{Method, StatusCode};
use ruma::UserId;
use serde_json::json;

use super::{
    super::{
        Shared,
        request::{Answer, Call},
        world::Refusal,
    },
    Outcome, done, json_answer, user_id,
};

/// `POST /register`
pub(super) fn register(shared: &Shared, call: &Call<'_>) -> Outcome {
    let body = call.json()?;
    if body["type"] != "m.login.application_service" {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "M_UNKNOWN", "no interactive registration here"));
    }
    if body["inhibit_login"] != true {
        let words = "this registration has devices without login: set inhibit_login";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "M_APPSERVICE_LOGIN_UNSUPPORTED", words));
    }
    let localpart = body["username"].as_str().unwrap_or_default();
    let user = UserId::parse(format!("@{localpart}:{}", shared.server_name))
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, "M_INVALID_USERNAME", error.to_string()))?;
    if !shared.registrations[call.registration].owns(&user) {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "M_EXCLUSIVE", "outside of the namespaces"));
    }
    let mut world = shared.world();
    if world.users.contains_key(&user) {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "M_USER_IN_USE", "User ID already taken."));
    }
    let known = world.users.entry(user.clone()).or_default();
    // Synapse names a new account after its localpart.
    known.profile.display_name = Some(localpart.to_owned());
    json_answer(json!({ "user_id": user }))
}

/// `GET /profile/{userId}`
pub(super) fn profile(shared: &Shared, user: &str) -> Outcome {
    let world = shared.world();
    let user = user_id(user)?;
    // As Synapse words it, `M_UNKNOWN` included.
    let unknown = || Refusal::new(StatusCode::NOT_FOUND, "M_UNKNOWN", "No row found (profiles)");
    let known = world.users.get(&user).ok_or_else(unknown)?;
    let mut profile = json!({});
    if let Some(name) = &known.profile.display_name {
        profile["displayname"] = name.as_str().into();
    }
    if let Some(avatar) = &known.profile.avatar_url {
        profile["avatar_url"] = avatar.as_str().into();
    }
    json_answer(profile)
}

/// `PUT /profile/{userId}/{keyName}`
pub(super) fn set_profile(shared: &Shared, call: &Call<'_>, user: &str, key: &str) -> Outcome {
    let user = user_id(user)?;
    if user != call.user {
        return Err(Refusal::forbidden("Cannot set another user's profile"));
    }
    let body = call.json()?;
    let value = body[key].as_str().ok_or_else(|| Refusal::bad(format!("`{key}` is missing")))?;
    done(shared.world().set_profile(&user, key, value))
}

/// What people keep for themselves: account data, tags and push rules.
pub(super) fn keep(shared: &Arc<Shared>, method: &Method, call: &Call<'_>, path: &str) -> Outcome {
    let key = (call.user.clone(), path.to_owned());
    let mut world = shared.world();
    let known = || Refusal::not_found(format!("Nothing is kept at {path}"));
    match *method {
        Method::PUT => {
            world.kept.insert(key, call.json()?);
            done(Ok(()))
        }
        Method::DELETE => world.kept.remove(&key).map(|_| Answer::Json(json!({}))).ok_or_else(known),
        _ => world.kept.get(&key).cloned().map(Answer::Json).ok_or_else(known),
    }
}
