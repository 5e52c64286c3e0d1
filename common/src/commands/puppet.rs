//! Double puppets and what they make possible: `login-matrix`, `logout-matrix`, `ping-matrix`, `mute` and `unmute`.

use futures_util::FutureExt;

use super::{
    Asked, Command, Desk, Place, Section,
    arguments::{Argument, Kind, Needed},
    said,
};
use crate::{
    config::{Level, Secret},
    puppet::DoubleError,
};

const TOKEN: Argument = Argument { name: "access token", kind: Kind::Secret, needed: Needed::Always };

pub(super) const LOGIN_MATRIX: Command = Command {
    name: "login-matrix",
    aliases: &[],
    section: Section::Accounts,
    arguments: &[TOKEN],
    help: "Lets the bridge act for you in Matrix, so that what you say elsewhere shows as yours.",
    example: "login-matrix syt_your_token",
    level: Level::User,
    place: Place::Private,
    effect: |desk, asked| async move { Ok(said(take(desk, asked).await)) }.boxed(),
};

pub(super) const LOGOUT_MATRIX: Command = Command {
    name: "logout-matrix",
    aliases: &[],
    section: Section::Accounts,
    arguments: &[],
    help: "Makes the bridge forget the access token that you gave it.",
    example: "logout-matrix",
    level: Level::User,
    place: Place::Anywhere,
    effect: |desk, asked| async move { Ok(said(give_back(desk, asked).await)) }.boxed(),
};

pub(super) const PING_MATRIX: Command = Command {
    name: "ping-matrix",
    aliases: &[],
    section: Section::Accounts,
    arguments: &[],
    help: "Says whether the bridge can act for you in Matrix.",
    example: "ping-matrix",
    level: Level::User,
    place: Place::Anywhere,
    effect: |desk, asked| async move { Ok(said(ping(desk, asked).await)) }.boxed(),
};

pub(super) const MUTE: Command = Command {
    name: "mute",
    aliases: &["silence"],
    section: Section::Rooms,
    arguments: &[],
    help: "Mutes this room for you, in all your Matrix clients.",
    example: "mute",
    level: Level::User,
    place: Place::Portal,
    effect: |desk, asked| async move { Ok(said(mute(desk, asked, Ring::Off).await)) }.boxed(),
};

pub(super) const UNMUTE: Command = Command {
    name: "unmute",
    aliases: &[],
    section: Section::Rooms,
    arguments: &[],
    help: "Lets this room ring for you again.",
    example: "unmute",
    level: Level::User,
    place: Place::Portal,
    effect: |desk, asked| async move { Ok(said(mute(desk, asked, Ring::On).await)) }.boxed(),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ring {
    On,
    Off,
}

async fn take(desk: &Desk, asked: Asked<'_>) -> String {
    let token = Secret::new(asked.given.word().unwrap_or_default());
    match desk.doubles.take(asked.sender, &token).await {
        Ok(()) => format!("From now on what you say on {} yourself shows as yours here.", desk.about.name),
        Err(error) => error.to_string(),
    }
}

async fn give_back(desk: &Desk, asked: Asked<'_>) -> String {
    match desk.doubles.give_back(asked.sender).await {
        Ok(true) => "Your access token is forgotten.".to_owned(),
        Ok(false) => "You have given me no access token.".to_owned(),
        Err(error) => error.to_string(),
    }
}

async fn ping(desk: &Desk, asked: Asked<'_>) -> String {
    match desk.doubles.of(asked.sender).await {
        Ok(Some(_)) => "I can act for you in Matrix.".to_owned(),
        Ok(None) => no_double(desk),
        Err(error) => error.to_string(),
    }
}

async fn mute(desk: &Desk, asked: Asked<'_>, ring: Ring) -> String {
    let double = match desk.doubles.of(asked.sender).await {
        Ok(Some(double)) => double,
        Ok(None) => return format!("{} Your own client can mute the room.", no_double(desk)),
        Err(error) => return error.to_string(),
    };
    let set = desk.homeserver.double(&double).set_muted(asked.room_id, ring == Ring::Off).await;
    match (set.map_err(DoubleError::from), ring) {
        (Err(error), _) => error.to_string(),
        (Ok(()), Ring::Off) => "This room is muted for you.".to_owned(),
        (Ok(()), Ring::On) => "This room rings for you again.".to_owned(),
    }
}

fn no_double(desk: &Desk) -> String {
    format!("I cannot act for you in Matrix. `{} login-matrix <access token>` lets me.", desk.prefix)
}
