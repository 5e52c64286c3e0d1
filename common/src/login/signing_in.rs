//! Signing in: one process for each person at a time, driven by a chat or over HTTP alike.
//!
//! A process is a task of its own that walks the network's steps. Whoever drives it watches its [`Progress`] and answers what it asks.
//! It lives in memory only: after a restart a person begins anew, and nothing was changed. What is answered is never logged.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ruma::{OwnedUserId, UserId};
use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{AccountError, Accounts};
use crate::{
    clock::{Clock, TimestampMs},
    config::Secret,
    ids::LoginId,
    platform::{LoginField, LoginProcess, LoginStep},
};

/// Who does not answer for so long has gone away.
const ANSWER_WITHIN: Duration = Duration::from_secs(15 * 60);

/// A network that takes longer has lost the thread.
const STEP_WITHIN: Duration = Duration::from_secs(10 * 60);

/// Longer answers are not meant seriously.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// How a sign-in stands.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Names the sign-in; nobody can guess it.
    pub id: String,
    /// Counts what the person was shown; an answer names the one that it is to.
    pub step: u32,
    /// What is to be done.
    pub stage: Stage,
}

/// What is to be done in a sign-in.
#[derive(Clone, Debug)]
pub enum Stage {
    /// Nothing: the network is being asked.
    Working,
    /// The person must tell something.
    Ask(Ask),
    /// The person must see something and act elsewhere.
    Show(Show),
    /// Signed in with that account.
    Done {
        /// The account.
        login: LoginId,
        /// How people read it.
        name: String,
    },
    /// It is over, and why, in words for the person.
    Failed(String),
    /// The person gave it up.
    Cancelled,
}

/// What a person must tell.
#[derive(Clone, Debug)]
pub struct Ask {
    /// All of it.
    pub fields: Vec<LoginField>,
    /// Why the answers before were not taken.
    pub problem: Option<String>,
}

/// What a person must see.
#[derive(Clone, Debug)]
pub struct Show {
    /// A code to type or a QR code's content.
    pub code: String,
    /// Whether it is shown as a QR code.
    pub qr: bool,
    /// A link, where there is one.
    pub link: Option<String>,
    /// What to do with it.
    pub instructions: String,
    /// Until when it holds.
    pub until_ms: TimestampMs,
}

impl Stage {
    /// Whether nothing comes after it.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Failed(_) | Self::Cancelled)
    }
}

/// Why something about a sign-in was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The network has no such way. What was given is not repeated: it may be a secret in the wrong place.
    #[error("There is no such way to sign in.")]
    NoSuchFlow,
    /// One is under way.
    #[error("You are signing in already. Finish that, or `cancel` it.")]
    UnderWay,
    /// None is under way.
    #[error("No sign-in is under way. `login` begins one.")]
    None,
    /// The answer is to something else than what is asked now.
    #[error("That is not what is asked now. Look at the newest step.")]
    NotAsked,
    /// An answer is missing, or is not one.
    #[error("{0}")]
    BadAnswer(String),
    /// The account could not be had.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The network refused at once.
    #[error("{0}")]
    Network(String),
}

/// All sign-ins under way. Clones share them.
#[derive(Clone)]
pub struct SigningIn(Arc<Inner>);

struct Inner {
    accounts: Accounts,
    clock: Clock,
    under_way: Mutex<HashMap<OwnedUserId, UnderWay>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Clone)]
struct UnderWay {
    progress: watch::Receiver<Progress>,
    answers: mpsc::Sender<Vec<(String, Secret)>>,
    stop: CancellationToken,
}

impl SigningIn {
    /// None under way yet; they end when `stop` is cancelled.
    pub fn new(accounts: Accounts, clock: Clock, stop: CancellationToken) -> Self {
        let (under_way, tasks) = (Mutex::default(), TaskTracker::new());
        Self(Arc::new(Inner { accounts, clock, under_way, stop, tasks }))
    }

    /// The accounts that come of it.
    pub fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// Begins a sign-in. With `renewed` it is to be the same account as before.
    ///
    /// # Errors
    /// When one is under way, there is no such way, it would be one account too many, or the network refuses at once.
    pub async fn begin(
        &self,
        owner: &UserId,
        flow: &str,
        renewed: Option<LoginId>,
    ) -> Result<watch::Receiver<Progress>, Refused> {
        let accounts = &self.0.accounts;
        if !accounts.network().flows().iter().any(|it| it.id == flow) {
            return Err(Refused::NoSuchFlow);
        }
        match &renewed {
            Some(renewed) if !accounts.logins().of(owner).contains(renewed) => {
                return Err(AccountError::Unknown.into());
            }
            Some(_) => {}
            None => accounts.check_room_for(owner)?,
        }
        let id = URL_SAFE_NO_PAD.encode(self.0.clock.random_bytes::<16>());
        let (progress, watched) = watch::channel(Progress { id, step: 0, stage: Stage::Working });
        let (answers, answered) = mpsc::channel(1);
        let stop = self.0.stop.child_token();
        {
            let mut under_way = self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            if under_way.get(owner).is_some_and(UnderWay::is_going_on) {
                return Err(Refused::UnderWay);
            }
            let one = UnderWay { progress: watched.clone(), answers, stop: stop.clone() };
            under_way.insert(owner.to_owned(), one);
        }
        let process = match accounts.network().begin(flow).await {
            Ok(process) => process,
            Err(error) => {
                progress.send_modify(|it| it.stage = Stage::Failed(error.to_string()));
                return Err(Refused::Network(error.to_string()));
            }
        };
        let walk = Walk {
            owner: owner.to_owned(),
            accounts: accounts.clone(),
            clock: self.0.clock.clone(),
            renewed,
            progress,
            answered,
        };
        self.0.tasks.spawn(walk.walk(process, stop));
        Ok(watched)
    }

    /// How somebody's sign-in stands; the last one, too, when it is over.
    pub fn progress(&self, owner: &UserId) -> Option<watch::Receiver<Progress>> {
        self.under_way(owner).map(|one| one.progress)
    }

    /// Answers what step `step` asks for.
    ///
    /// # Errors
    /// When that is not asked now, or an answer is missing or too long.
    pub fn answer(
        &self,
        owner: &UserId,
        id: &str,
        step: u32,
        answers: Vec<(String, Secret)>,
    ) -> Result<(), Refused> {
        let one = self.under_way(owner).filter(UnderWay::is_going_on).ok_or(Refused::None)?;
        {
            let progress = one.progress.borrow();
            if progress.id != id {
                return Err(Refused::None);
            }
            let Stage::Ask(ask) = &progress.stage else { return Err(Refused::NotAsked) };
            if progress.step != step {
                return Err(Refused::NotAsked);
            }
            check(&ask.fields, &answers)?;
        }
        // The place is taken when the step was answered a moment ago.
        one.answers.try_send(answers).map_err(|_| Refused::NotAsked)
    }

    /// Gives a sign-in up.
    ///
    /// # Errors
    /// When none is under way.
    pub fn cancel(&self, owner: &UserId) -> Result<(), Refused> {
        let one = self.under_way(owner).filter(UnderWay::is_going_on).ok_or(Refused::None)?;
        one.stop.cancel();
        Ok(())
    }

    /// Waits until every sign-in has ended. Call it after the stop signal was given.
    pub async fn ended(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    fn under_way(&self, owner: &UserId) -> Option<UnderWay> {
        self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner).get(owner).cloned()
    }
}

impl UnderWay {
    fn is_going_on(&self) -> bool {
        // Whoever began it may have gone away before its task was there.
        !self.progress.borrow().stage.is_last() && self.progress.has_changed().is_ok()
    }
}

/// Holds answers against what was asked.
fn check(fields: &[LoginField], answers: &[(String, Secret)]) -> Result<(), Refused> {
    for field in fields {
        match answers.iter().filter(|(name, _)| name == field.name).count() {
            1 => {}
            0 => return Err(Refused::BadAnswer(format!("“{}” is missing.", field.label))),
            _ => return Err(Refused::BadAnswer(format!("“{}” is answered twice.", field.label))),
        }
    }
    if answers.len() > fields.len() {
        return Err(Refused::BadAnswer("There is an answer to something that is not asked.".to_owned()));
    }
    if answers.iter().any(|(_, answer)| answer.is_empty()) {
        return Err(Refused::BadAnswer("An answer is empty.".to_owned()));
    }
    if answers.iter().any(|(_, answer)| answer.expose().len() > ANSWER_BYTES_MAX) {
        return Err(Refused::BadAnswer("An answer is far too long.".to_owned()));
    }
    Ok(())
}

/// The task of one sign-in.
struct Walk {
    owner: OwnedUserId,
    accounts: Accounts,
    clock: Clock,
    renewed: Option<LoginId>,
    progress: watch::Sender<Progress>,
    answered: mpsc::Receiver<Vec<(String, Secret)>>,
}

impl Walk {
    async fn walk(mut self, process: Box<dyn LoginProcess>, stop: CancellationToken) {
        let end = stop.run_until_cancelled(self.steps(process)).await;
        self.show(end.unwrap_or(Stage::Cancelled));
    }

    /// Goes step after step; gives back how it ended.
    async fn steps(&mut self, mut process: Box<dyn LoginProcess>) -> Stage {
        let mut answers = Vec::new();
        let mut asked: Option<Vec<LoginField>> = None;
        loop {
            let Ok(stepped) = tokio::time::timeout(STEP_WITHIN, process.step(answers)).await else {
                return Stage::Failed("The network did not answer in time. Begin again.".to_owned());
            };
            let (fields, problem) = match (stepped, asked.take()) {
                (Ok(LoginStep::Done(saved)), _) => {
                    let (login, name) = (saved.id.clone(), saved.name.clone());
                    let added = self.accounts.add(&self.owner, saved, self.renewed.as_ref()).await;
                    return match added {
                        Ok(()) => Stage::Done { login, name },
                        Err(error) => Stage::Failed(error.to_string()),
                    };
                }
                (Ok(LoginStep::Show { code, qr, link, instructions, valid_for }), _) => {
                    let valid_ms = i64::try_from(valid_for.as_millis()).unwrap_or(i64::MAX);
                    let until_ms = self.clock.now_ms().saturating_add(valid_ms);
                    self.show(Stage::Show(Show { code, qr, link, instructions, until_ms }));
                    answers = Vec::new();
                    continue;
                }
                (Ok(LoginStep::Ask(fields)), _) => (fields, None),
                // The same step may be tried again.
                (Err(error), Some(fields)) => (fields, Some(error.to_string())),
                (Err(error), None) => return Stage::Failed(error.to_string()),
            };
            asked = Some(fields.clone());
            self.show(Stage::Ask(Ask { fields, problem }));
            answers = match tokio::time::timeout(ANSWER_WITHIN, self.answered.recv()).await {
                Ok(Some(answers)) => answers,
                Ok(None) => return Stage::Cancelled,
                Err(_) => {
                    return Stage::Failed(
                        "Nobody answered for a while, so it was given up. Begin again.".to_owned(),
                    );
                }
            };
            self.progress.send_modify(|progress| progress.stage = Stage::Working);
        }
    }

    fn show(&self, stage: Stage) {
        self.progress.send_modify(|progress| {
            progress.step += 1;
            progress.stage = stage;
        });
    }
}

#[cfg(test)]
#[cfg(feature = "testkit")]
mod tests;
