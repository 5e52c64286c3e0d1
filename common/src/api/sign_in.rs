//! Signing in, step by step: the same process that a chat drives ([`crate::login::SigningIn`]).
//!
//! Whoever begins gets a process with its first step, and answers step after step until the process says that it is over. An answer waits
//! for what comes next, so that nobody has to ask again and again. A step is answered once: a repeat is refused and changes nothing.

use std::{collections::BTreeMap, time::Duration};

use axum::{Extension, extract::State};
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use super::{
    Api,
    door::Acting,
    input::{Json, Query, Segments},
    logins::Nothing,
    refusal::{Absent, Away, BadBody, Conflict, Door, Refusal},
};
use crate::{
    config::Secret,
    ids::LoginId,
    login::{self, AccountError, Progress, Refused},
    platform::LoginField,
};

/// The longest that an answer waits for what comes next.
const WAIT_MS_MAX: u32 = 30_000;

/// The ways to sign in.
#[derive(Serialize, ToSchema)]
pub(super) struct Flows {
    /// They, the usual one first; none where only the bridge's configuration names an account.
    flows: Vec<Flow>,
}

/// A way to sign in.
#[derive(Serialize, ToSchema)]
pub(super) struct Flow {
    /// Its name in paths.
    #[schema(examples("qr"))]
    id: &'static str,
    /// What a person needs at hand.
    description: &'static str,
}

/// How a sign-in stands.
#[derive(Serialize, ToSchema)]
pub(super) struct Process {
    /// Names the sign-in in paths.
    process_id: String,
    /// Counts what was shown; an answer names the one that it is to.
    step: u32,
    /// What is to be done.
    stage: Stage,
}

/// What is to be done in a sign-in.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Stage {
    /// The network is being asked; wait.
    Working,
    /// The person must tell something.
    Ask {
        /// All of it.
        fields: Vec<Field>,
        /// Why the answers before were not taken.
        problem: Option<String>,
    },
    /// The person must see something and act elsewhere; then answer with an empty object, which waits.
    Show {
        /// A code to type, or the content of a QR code.
        code: String,
        /// Whether it is to be shown as a QR code.
        qr: bool,
        /// A link, where there is one.
        link: Option<String>,
        /// What to do with it, for people.
        instructions: String,
        /// Until when it holds, in milliseconds since 1970.
        valid_until_ms: i64,
    },
    /// It is over: signed in.
    Done {
        /// The account.
        login_id: String,
        /// How people read it.
        name: String,
    },
    /// It is over, and nothing was changed.
    Failed {
        /// Why, for people.
        error: String,
    },
    /// It was given up, and nothing was changed.
    Cancelled,
}

/// Something that a person must tell.
#[derive(Serialize, ToSchema)]
pub(super) struct Field {
    /// Its name in the answer.
    name: &'static str,
    /// What a person reads.
    label: &'static str,
    /// Whether it must not be shown while it is typed.
    secret: bool,
}

impl From<Progress> for Process {
    fn from(progress: Progress) -> Self {
        let stage = match progress.stage {
            login::Stage::Working => Stage::Working,
            login::Stage::Ask(ask) => {
                let field = |it: LoginField| Field { name: it.name, label: it.label, secret: it.secret };
                Stage::Ask { fields: ask.fields.into_iter().map(field).collect(), problem: ask.problem }
            }
            login::Stage::Show(show) => Stage::Show {
                code: show.code,
                qr: show.qr,
                link: show.link,
                instructions: show.instructions,
                valid_until_ms: show.until_ms,
            },
            login::Stage::Done { login, name } => Stage::Done { login_id: login.to_string(), name },
            login::Stage::Failed(error) => Stage::Failed { error },
            login::Stage::Cancelled => Stage::Cancelled,
        };
        Self { process_id: progress.id, step: progress.step, stage }
    }
}

/// The ways to sign in.
#[utoipa::path(
    get,
    path = "/login/flows",
    operation_id = "list_flows",
    tag = "sign in",
    params(("user_id" = Option<String>, Query, description = "For whom; with the secret it must be there.")),
    responses((status = 200, description = "The ways.", body = Flows), Door),
)]
pub(super) async fn flows(State(api): State<Api>) -> Json<Flows> {
    let flows = api.parts().signing_in.accounts().network().flows().into_iter();
    Json(Flows { flows: flows.map(|it| Flow { id: it.id, description: it.description }).collect() })
}

/// Begins to sign in. One sign-in of a person is under way at a time, be it here or in a chat with the bot.
#[utoipa::path(
    post,
    path = "/login/start/{flow}",
    operation_id = "start_login",
    tag = "sign in",
    params(
        ("flow" = String, Path, description = "The way.", example = "token"),
        ("login_id" = Option<String>, Query, description = "The account of the person that is to be signed in again; its rooms stay."),
        ("wait_ms" = Option<u32>, Query, minimum = 0, maximum = 30000, description = "How long to wait for the first step, in milliseconds."),
        ("user_id" = Option<String>, Query, description = "For whom; with the secret it must be there."),
    ),
    responses((status = 200, description = "It has begun.", body = Process, links(
            ("answer" = (operation_id = "answer_login", parameters(("process_id" = "$response.body#/process_id"), ("step" = "$response.body#/step")))),
            ("look" = (operation_id = "look_at_login", parameters(("process_id" = "$response.body#/process_id")))),
            ("give up" = (operation_id = "give_up_login", parameters(("process_id" = "$response.body#/process_id")))),
        )), Door, Absent, Conflict, Away),
)]
pub(super) async fn start(
    State(api): State<Api>,
    Extension(acting): Extension<Acting>,
    Segments(flow): Segments<String>,
    query: Query,
) -> Result<Json<Process>, Refusal> {
    let within = wait(&query, WAIT_MS_MAX)?;
    let renewed = query.text("login_id").map(LoginId::new);
    let signing_in = api.parts().signing_in.clone();
    // Begun is begun, even if somebody hangs up: it must not seem to be under way for ever.
    let begun = async move { signing_in.begin(&acting.user_id, &flow, renewed).await };
    let begun = api.0.tasks.spawn(begun).await.map_err(|_| Refusal::internal())?;
    let progress = begun.map_err(refusal)?;
    Ok(Json(when(progress, within, |now| !matches!(now.stage, login::Stage::Working)).await))
}

/// How a sign-in stands; the last one, too, when it is over.
#[utoipa::path(
    get,
    path = "/login/{process_id}",
    operation_id = "look_at_login",
    tag = "sign in",
    params(
        ("process_id" = String, Path, description = "The sign-in."),
        ("user_id" = Option<String>, Query, description = "For whom; with the secret it must be there."),
    ),
    responses((status = 200, description = "How it stands.", body = Process), Door, Absent),
)]
pub(super) async fn look(
    State(api): State<Api>,
    Extension(acting): Extension<Acting>,
    Segments(id): Segments<String>,
) -> Result<Json<Process>, Refusal> {
    let progress = find(&api, &acting, &id)?;
    let now = progress.borrow().clone();
    Ok(Json(now.into()))
}

/// Answers a step, and waits for what comes next. An empty object answers nothing and only waits: for a step that shows something, or while
/// the network is being asked. What has not changed in time is given back as it is: ask again. A step is answered once; what is over is
/// given back to whoever waits for it.
#[utoipa::path(
    post,
    path = "/login/{process_id}/{step}",
    operation_id = "answer_login",
    tag = "sign in",
    params(
        ("process_id" = String, Path, description = "The sign-in."),
        ("step" = u32, Path, description = "The step that is answered."),
        ("wait_ms" = Option<u32>, Query, minimum = 0, maximum = 30000, description = "How long to wait for what comes next, in milliseconds."),
        ("user_id" = Option<String>, Query, description = "For whom; with the secret it must be there."),
    ),
    request_body(content = BTreeMap<String, String>, description = "The answers by the names of their fields."),
    responses((status = 200, description = "How it stands then.", body = Process, links(
            ("answer" = (operation_id = "answer_login", parameters(("process_id" = "$response.body#/process_id"), ("step" = "$response.body#/step")))),
            ("look" = (operation_id = "look_at_login", parameters(("process_id" = "$response.body#/process_id")))),
            ("give up" = (operation_id = "give_up_login", parameters(("process_id" = "$response.body#/process_id")))),
        )), Door, Absent, Conflict, BadBody),
)]
pub(super) async fn answer(
    State(api): State<Api>,
    Extension(acting): Extension<Acting>,
    Segments((id, step)): Segments<(String, u32)>,
    query: Query,
    Json(answers): Json<BTreeMap<String, String>>,
) -> Result<Json<Process>, Refusal> {
    let within = wait(&query, WAIT_MS_MAX)?;
    let progress = find(&api, &acting, &id)?;
    let now = progress.borrow().clone();
    let is_asked = now.step == step && matches!(now.stage, login::Stage::Ask(_));
    if step > now.step || !(answers.is_empty() || is_asked) {
        return Err(Refusal::conflict("That step is over, or has not come yet. Look at the newest one."));
    }
    if is_asked {
        let answers = answers.into_iter().map(|(name, answer)| (name, Secret::new(answer))).collect();
        api.parts().signing_in.answer(&acting.user_id, &id, step, answers).map_err(refusal)?;
    }
    Ok(Json(when(progress, within, |now| now.step != step || now.stage.is_last()).await))
}

/// Gives a sign-in up; nothing was changed then.
#[utoipa::path(
    delete,
    path = "/login/{process_id}",
    operation_id = "give_up_login",
    tag = "sign in",
    params(
        ("process_id" = String, Path, description = "The sign-in."),
        ("user_id" = Option<String>, Query, description = "For whom; with the secret it must be there."),
    ),
    responses((status = 200, description = "It is given up.", body = Nothing), Door, Absent, Conflict),
)]
pub(super) async fn give_up(
    State(api): State<Api>,
    Extension(acting): Extension<Acting>,
    Segments(id): Segments<String>,
) -> Result<Json<Nothing>, Refusal> {
    if find(&api, &acting, &id)?.borrow().stage.is_last() {
        return Err(Refusal::conflict("That sign-in is over already."));
    }
    api.parts().signing_in.cancel(&acting.user_id).map_err(refusal)?;
    Ok(Json(Nothing {}))
}

fn find(api: &Api, acting: &Acting, id: &str) -> Result<watch::Receiver<Progress>, Refusal> {
    let progress = api.parts().signing_in.progress(&acting.user_id);
    let progress = progress.filter(|progress| progress.borrow().id == id);
    progress.ok_or_else(|| Refusal::not_found("There is no such sign-in; it may have ended long ago."))
}

fn wait(query: &Query, otherwise: u32) -> Result<Duration, Refusal> {
    let ms = query.number("wait_ms", 0..=WAIT_MS_MAX, otherwise)?;
    Ok(Duration::from_millis(ms.into()))
}

/// How the sign-in stands once `is_it` holds, or when the time is up.
async fn when(
    mut progress: watch::Receiver<Progress>,
    within: Duration,
    is_it: impl Fn(&Progress) -> bool,
) -> Process {
    // Too late, or at its end: then it stands as it stands.
    let _ = tokio::time::timeout(within, progress.wait_for(|now| is_it(now))).await;
    let now = progress.borrow().clone();
    now.into()
}

fn refusal(refused: Refused) -> Refusal {
    match refused {
        Refused::NoSuchFlow | Refused::Account(AccountError::Unknown) => {
            Refusal::not_found(refused.to_string())
        }
        Refused::UnderWay => Refusal::conflict(
            "A sign-in of this person is under way already, here or in a chat. Finish it, or give it up.",
        ),
        Refused::None => Refusal::not_found("There is no such sign-in under way."),
        Refused::NotAsked => Refusal::conflict("That is not what is asked now. Look at the newest step."),
        Refused::BadAnswer(words) => Refusal::bad_parameter(words),
        Refused::Account(AccountError::Store(error)) => error.into(),
        Refused::Account(error) => Refusal::forbidden(error.to_string()),
        Refused::Network(words) => Refusal::away(words),
    }
}
