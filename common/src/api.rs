//! The provisioning API: HTTP through which programs act for people, such as a page for signing in.
//!
//! Every route but the description stands behind a [`door`], which asks for a secret, counts requests and finds out for whom is acted
//! and what they may do. What happens then is what the bot's commands do, too: this room must never have a logic of its own. The
//! description (OpenAPI 3.1) is made of the same functions that answer. Next: `sign_in`, the reason for all of it.

use std::sync::{Arc, OnceLock};

use axum::{Router, middleware::from_fn_with_state};
use bytes::Bytes;
use tokio_util::task::TaskTracker;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use self::door::begin_counting;
use self::{door::door, openid::OpenId, rates::Rates};
use crate::{
    clock::Clock,
    config::{About, Level, Permissions, Provisioning},
    homeserver::Homeserver,
    ids::GhostNames,
    login::{Logins, SigningIn},
    store::Store,
};

mod capabilities;
mod description;
mod directory;
mod door;
mod failed;
mod input;
mod logins;
mod openid;
mod portals;
mod rates;
mod refusal;
mod sign_in;
mod whoami;

/// What every path begins with.
const BASE: &str = "/_matrix/provision/v1";

/// What the API works with.
pub struct ApiParts {
    /// The network.
    pub about: About,
    /// What a command in a portal starts with.
    pub prefix: String,
    /// Who may come in, and how often.
    pub settings: Provisioning,
    /// Who may do what.
    pub permissions: Permissions,
    /// How many accounts one person may sign in with.
    pub logins_per_user_max: usize,
    /// The database.
    pub store: Store,
    /// The logins.
    pub logins: Logins,
    /// How people sign in.
    pub signing_in: SigningIn,
    /// The homeserver.
    pub homeserver: Homeserver,
    /// The spelling of ghosts.
    pub names: Arc<GhostNames>,
    /// Time.
    pub clock: Clock,
}

/// The API. Clones share it.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    parts: ApiParts,
    rates: Rates,
    openid: OpenId,
    /// The description, once the routes are made.
    document: OnceLock<Bytes>,
    /// What must come to its end although nobody waits for the answer any more.
    tasks: TaskTracker,
}

impl Api {
    /// The API over these parts.
    pub fn new(parts: ApiParts) -> Self {
        let rates = Rates::new(parts.settings.requests_per_second_max);
        let openid = OpenId::new(parts.homeserver.clone(), parts.names.server_name().to_owned());
        Self(Arc::new(Inner { parts, rates, openid, document: OnceLock::new(), tasks: TaskTracker::new() }))
    }

    /// The routes, each behind its door.
    pub fn router(&self) -> Router {
        let (router, document) = self.routes().split_for_parts();
        self.0.document.get_or_init(|| description::written(&document));
        router
    }

    /// Waits until everything that was begun has ended. Call it when nothing new comes in.
    pub async fn ended(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    fn routes(&self) -> OpenApiRouter {
        let behind = |level| from_fn_with_state(door::Watch { api: self.clone(), level }, door);
        let known = OpenApiRouter::new().routes(routes!(whoami::whoami)).layer(behind(Level::Commands));
        let users = OpenApiRouter::new()
            .routes(routes!(capabilities::capabilities))
            .routes(routes!(sign_in::flows))
            .routes(routes!(sign_in::start))
            .routes(routes!(sign_in::look, sign_in::give_up))
            .routes(routes!(sign_in::answer))
            .routes(routes!(logins::list))
            .routes(routes!(logins::sign_out))
            .routes(routes!(directory::search))
            .routes(routes!(directory::resolve))
            .routes(routes!(directory::open_direct_chat))
            .routes(routes!(portals::list))
            .routes(routes!(failed::list))
            .routes(routes!(failed::retry))
            .routes(routes!(failed::drop_row))
            .layer(behind(Level::User));
        let open = OpenApiRouter::new().routes(routes!(description::describe));
        let all = open.merge(known).merge(users).with_state(self.clone());
        OpenApiRouter::with_openapi(description::Description::openapi()).nest(BASE, all)
    }

    fn parts(&self) -> &ApiParts {
        &self.0.parts
    }
}
