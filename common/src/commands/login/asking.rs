//! A sign-in as a conversation: its questions are asked in a room, what is said there next is the answer.
//!
//! Secrets are taken away as soon as they were read. A QR code is shown as a picture and as text, and taken away when it has done its work.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use tokio::sync::watch;

use super::super::{Asked, Desk, qr, tell};
use crate::{
    config::Secret,
    login::{Ask, Progress, Show, Stage},
    platform::LoginField,
    portal::Call,
};

/// The questions that are open, by room and person. Clones share them.
#[derive(Clone, Default)]
pub struct Chats(Arc<Mutex<HashMap<(OwnedRoomId, OwnedUserId), Open>>>);

/// A step that is being answered, one field after the other.
#[derive(Clone)]
struct Open {
    id: String,
    step: u32,
    fields: Vec<LoginField>,
    given: Vec<(String, Secret)>,
}

impl Chats {
    /// Whether the bot has asked somebody something in a room.
    pub fn awaits(&self, room_id: &RoomId, user_id: &UserId) -> bool {
        self.open().contains_key(&(room_id.to_owned(), user_id.to_owned()))
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<(OwnedRoomId, OwnedUserId), Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes words as the answer to what is asked. Gives back what is to be said, which is nothing when the sign-in goes on.
pub(in crate::commands) async fn answer(desk: &Desk, call: &Call) -> String {
    let key = (call.room_id.clone(), call.sender.clone());
    let words = call.words.trim().to_owned();
    let (open, field) = {
        let mut all = desk.chats.open();
        let Some(open) = all.get_mut(&key) else { return String::new() };
        let Some(field) = open.fields.get(open.given.len()).cloned() else { return String::new() };
        open.given.push((field.name.to_owned(), Secret::new(words)));
        let open = open.clone();
        if open.given.len() == open.fields.len() {
            all.remove(&key);
        }
        (open, field)
    };
    let mut words = String::new();
    if field.secret && !desk.take_away(&call.room_id, &call.event_id, "a secret").await {
        words.push_str(tell::STILL_THERE);
    }
    match open.fields.get(open.given.len()) {
        Some(next) => {
            let gap = if words.is_empty() { "" } else { "\n" };
            words.push_str(&format!("{gap}{}", question(next)));
        }
        None => {
            if let Err(refused) = desk.signing_in.answer(&call.sender, &open.id, open.step, open.given) {
                words.push_str(&refused.to_string());
            }
        }
    }
    words
}

/// Follows a sign-in in the room where it was asked for.
pub(super) fn begin(desk: &Desk, asked: Asked<'_>, progress: watch::Receiver<Progress>) {
    let (room_id, user_id) = (asked.room_id.to_owned(), asked.sender.to_owned());
    let conversation = Conversation { desk: desk.clone(), room_id, user_id, shown: Vec::new() };
    tokio::spawn(conversation.follow(progress));
}

struct Conversation {
    desk: Desk,
    room_id: OwnedRoomId,
    user_id: OwnedUserId,
    /// Codes that are to be seen just now.
    shown: Vec<OwnedEventId>,
}

impl Conversation {
    async fn follow(mut self, mut progress: watch::Receiver<Progress>) {
        let mut told = 0;
        loop {
            let now = progress.borrow_and_update().clone();
            if now.step != told || now.stage.is_last() {
                told = now.step;
                self.tell(&now).await;
            }
            if now.stage.is_last() || progress.changed().await.is_err() {
                break;
            }
        }
        self.forget();
    }

    async fn tell(&mut self, progress: &Progress) {
        let name = self.desk.about.name;
        let words = match &progress.stage {
            Stage::Working => return,
            Stage::Ask(ask) => self.ask(progress, ask),
            Stage::Show(show) => self.show(progress, show).await,
            Stage::Done { login, name: account } => {
                self.hide().await;
                format!(
                    "Signed in to {name} as {account} (`{login}`). Your chats come here as something is said in them."
                )
            }
            Stage::Failed(words) => {
                self.hide().await;
                format!("You are not signed in: {words}")
            }
            Stage::Cancelled => {
                self.hide().await;
                "The sign-in is given up; nothing was changed.".to_owned()
            }
        };
        self.say(progress, "words", &words).await;
    }

    /// Remembers what is asked, and asks the first of it.
    fn ask(&self, progress: &Progress, ask: &Ask) -> String {
        let Ask { fields, problem } = ask;
        let open =
            Open { id: progress.id.clone(), step: progress.step, fields: fields.clone(), given: Vec::new() };
        self.desk.chats.open().insert((self.room_id.clone(), self.user_id.clone()), open);
        let first = fields.first().map(question).unwrap_or_default();
        match problem {
            Some(problem) => format!("That did not work: {problem}\n{first}"),
            None => first,
        }
    }

    async fn show(&mut self, progress: &Progress, show: &Show) -> String {
        self.hide().await;
        if let Some(picture) = show.qr.then(|| qr::picture(&show.code)).flatten() {
            let key = format!("login-{}-{}-qr", progress.id, progress.step);
            match self.desk.show_picture(&self.room_id, &key, picture).await {
                Ok(event_id) => self.shown.push(event_id),
                Err(error) => tracing::warn!(%error, "A QR code could not be shown."),
            }
        }
        let seconds = (show.until_ms - self.desk.clock.now_ms()).max(0) / 1_000;
        let code = if show.qr { "The code as text" } else { "Your code" };
        let link = show.link.as_ref().map(|link| format!("\n{link}")).unwrap_or_default();
        format!("{}\n{code}: `{}`{link}\nIt holds for {seconds} s.", show.instructions, show.code)
    }

    /// Takes away the codes that were shown.
    async fn hide(&mut self) {
        for event_id in std::mem::take(&mut self.shown) {
            self.desk.take_away(&self.room_id, &event_id, "the code has done its work").await;
        }
    }

    async fn say(&self, progress: &Progress, what: &str, words: &str) {
        let key = format!("login-{}-{}-{what}", progress.id, progress.step);
        self.desk.tell(&self.room_id, &key, words).await;
    }

    fn forget(&self) {
        self.desk.chats.open().remove(&(self.room_id.clone(), self.user_id.clone()));
    }
}

fn question(field: &LoginField) -> String {
    let secret = match field.secret {
        true => " I delete it as soon as I have read it.",
        false => "",
    };
    format!("{}: send it as a message here.{secret} `cancel` ends the sign-in.", field.label)
}
