//! Who somebody is to the bridge.

use axum::{Extension, extract::State};
use ruma::OwnedRoomId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api,
    door::Acting,
    input::Json,
    logins::{Login, own},
    refusal::{Door, Refusal},
    sign_in::Process,
};
use crate::config;

/// Who somebody is to the bridge, and what they have there.
#[derive(Serialize, ToSchema)]
pub(super) struct Whoami {
    /// The person.
    #[schema(examples("@alice:example.org"))]
    user_id: String,
    /// What they may do.
    level: Level,
    /// The bridge.
    bridge: Bridge,
    /// The room in which the bot tells them news, once there is one.
    #[schema(value_type = Option<String>)]
    management_room: Option<OwnedRoomId>,
    /// How many accounts they may sign in with.
    logins_max: usize,
    /// The accounts that they have signed in with.
    logins: Vec<Login>,
    /// Their sign-in that is under way, by HTTP or in a chat.
    signing_in: Option<Process>,
}

/// A bridge.
#[derive(Serialize, ToSchema)]
pub(super) struct Bridge {
    /// The network's short name.
    #[schema(examples("discord"))]
    network: &'static str,
    /// The network's name for people.
    #[schema(examples("Discord"))]
    name: &'static str,
    /// The bot.
    #[schema(examples("@discordbot:example.org"))]
    bot: String,
    /// What commands to the bot start with.
    #[schema(examples("!discord"))]
    command_prefix: String,
    /// The version of the program.
    #[schema(examples("0.1.0"))]
    version: &'static str,
}

/// What a person may do with the bridge; each level includes the ones before it.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    /// Nothing.
    None,
    /// Be spoken for by somebody else's account.
    Relay,
    /// Give commands.
    Commands,
    /// Sign in with accounts of their own.
    User,
    /// Look after the whole bridge.
    Admin,
}

impl From<config::Level> for Level {
    fn from(level: config::Level) -> Self {
        match level {
            config::Level::None => Self::None,
            config::Level::Relay => Self::Relay,
            config::Level::Commands => Self::Commands,
            config::Level::User => Self::User,
            config::Level::Admin => Self::Admin,
        }
    }
}

/// Who the person is to the bridge, and what they have there.
#[utoipa::path(
    get,
    path = "/whoami",
    operation_id = "whoami",
    tag = "people",
    params(("user_id" = Option<String>, Query, description = "For whom; with the secret it must be there.")),
    responses((status = 200, description = "Who it is.", body = Whoami), Door),
)]
pub(super) async fn whoami(
    State(api): State<Api>,
    Extension(acting): Extension<Acting>,
) -> Result<Json<Whoami>, Refusal> {
    let parts = api.parts();
    let person = parts.store.person(&acting.user_id).await?;
    let under_way = parts.signing_in.progress(&acting.user_id).map(|progress| progress.borrow().clone());
    Ok(Json(Whoami {
        level: acting.level.into(),
        bridge: Bridge {
            network: parts.about.id,
            name: parts.about.name,
            bot: parts.names.bot().to_string(),
            command_prefix: parts.prefix.clone(),
            version: env!("CARGO_PKG_VERSION"),
        },
        management_room: person.management_room,
        logins_max: parts.logins_per_user_max,
        logins: own(parts, &acting.user_id),
        signing_in: under_way.filter(|progress| !progress.stage.is_last()).map(Process::from),
        user_id: acting.user_id.into(),
    }))
}
