//! The accounts that people have signed in with: saved, connected at every start, and signed out.
//!
//! A login that fails, or whose secret cannot be read, never keeps the others from starting. Who may sign in with how many is decided
//! here. Next: `signing_in`, where new ones come from.

use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use ruma::UserId;

use super::{Connector, Kept, Logins, Network};
use crate::{
    ids::LoginId,
    platform::{ConnectError, EventSink, SavedLogin, Session},
    store::{LoginRow, Store, StoreError},
};

/// What people read whose saved secret was sealed with another key.
const UNREADABLE: &str = "its saved secret cannot be read, because the bridge's key was changed since. Sign in again with `login`.";

/// Why an account is not saved or signed out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// The person has as many accounts as one may have.
    #[error(
        "You have signed in with {0} accounts already, and more are not allowed here. Sign out of one first."
    )]
    TooManyOwn(usize),
    /// The bridge has as many accounts as it may have.
    #[error("This bridge has as many accounts as its owner allows ({0}). Ask whoever runs it.")]
    TooMany(usize),
    /// Somebody else has signed in with it.
    #[error("Somebody else has signed in here with that account. They have to sign out first.")]
    NotYours,
    /// The configuration names it.
    #[error("The bridge itself uses that account already.")]
    Configured,
    /// There is none.
    #[error("You have no account with that id here.")]
    Unknown,
    /// Another account was signed in with than the one that was to be renewed.
    #[error("That is another account than the one you wanted to sign in with again. Nothing was changed.")]
    Another,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where an account was signed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedOut {
    /// Here and on the network.
    There,
    /// Here; it was not connected, so that the network does not know.
    HereOnly,
}

/// What accounts work with.
pub struct AccountsParts {
    /// The registry of live sessions.
    pub logins: Logins,
    /// The database.
    pub store: Store,
    /// The network.
    pub network: Arc<dyn Network>,
    /// How many accounts one person may have.
    pub per_user_max: usize,
    /// How many accounts all people together may have.
    pub all_max: usize,
}

/// The saved accounts. Clones share them.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

struct Inner {
    parts: AccountsParts,
    sinks: OnceLock<Sinks>,
}

/// Makes the way in for a new session.
type Sinks = Box<dyn Fn(&LoginId) -> EventSink + Send + Sync>;

impl Accounts {
    /// Accounts over these parts; nothing is connected yet.
    pub fn new(parts: AccountsParts) -> Self {
        Self(Arc::new(Inner { parts, sinks: OnceLock::new() }))
    }

    /// Says where the events of sessions go. Call it before anything is connected.
    pub fn set_sinks(&self, sinks: impl Fn(&LoginId) -> EventSink + Send + Sync + 'static) {
        let _ = self.0.sinks.set(Box::new(sinks));
    }

    /// The network.
    pub fn network(&self) -> &dyn Network {
        &*self.0.parts.network
    }

    /// The registry of live sessions.
    pub fn logins(&self) -> &Logins {
        &self.0.parts.logins
    }

    /// Announces the accounts that the configuration names and all that people have signed in with, so that what waits for them knows of
    /// them. Gives back those that [`Accounts::start`] is to connect.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn announce(&self, configured: Vec<SavedLogin>) -> Result<Vec<Kept>, StoreError> {
        let configured = configured.into_iter().map(|saved| Kept { saved, owner: None, me: None });
        let mut kept: Vec<_> = configured.collect();
        for LoginRow { id, owner, name, remote_user: me, secret, .. } in self.0.parts.store.logins().await? {
            if kept.iter().any(|known| known.owner.is_none() && known.saved.id == id) {
                tracing::warn!(login = %id, "The configuration names an account that somebody has signed in with, so it is the bridge's.");
                continue;
            }
            match secret {
                Some(secret) => {
                    kept.push(Kept { saved: SavedLogin { id, name, secret }, owner: Some(owner), me });
                }
                None => {
                    tracing::error!(login = %id, "A login's secret was sealed with another key.");
                    self.0.parts.logins.show_refused(id, name, owner, UNREADABLE.to_owned());
                }
            }
        }
        if kept.is_empty() {
            tracing::warn!("No account is configured and nobody has signed in, so nothing is connected.");
        }
        for login in &kept {
            self.0.parts.logins.announce(login);
        }
        Ok(kept)
    }

    /// Connects what was announced.
    pub fn start(&self, announced: Vec<Kept>) {
        announced.into_iter().for_each(|login| self.keep(login));
    }

    /// Whether somebody may sign in with one more account.
    ///
    /// # Errors
    /// When they may not.
    pub fn check_room_for(&self, owner: &UserId) -> Result<(), AccountError> {
        let own = self.0.parts.logins.of(owner).len();
        if own >= self.0.parts.per_user_max {
            return Err(AccountError::TooManyOwn(own));
        }
        let all = self.0.parts.logins.statuses().iter().filter(|login| login.owner.is_some()).count();
        if all >= self.0.parts.all_max {
            return Err(AccountError::TooMany(self.0.parts.all_max));
        }
        Ok(())
    }

    /// Saves the account that somebody has signed in with, and connects it. One that is theirs already is renewed: its rooms stay.
    /// `renewed` names the account that was to be renewed, if one was.
    ///
    /// # Errors
    /// When it is not theirs, is one too many, or could not be saved; then nothing is changed.
    pub async fn add(
        &self,
        owner: &UserId,
        saved: SavedLogin,
        renewed: Option<&LoginId>,
    ) -> Result<(), AccountError> {
        if renewed.is_some_and(|renewed| *renewed != saved.id) {
            return Err(AccountError::Another);
        }
        let known = self.0.parts.logins.status(&saved.id);
        match &known {
            None => self.check_room_for(owner)?,
            Some(login) if login.owner.as_deref() == Some(owner) => {}
            Some(login) if login.owner.is_none() => return Err(AccountError::Configured),
            Some(_) => return Err(AccountError::NotYours),
        }
        let space_room = self.0.parts.store.login(&saved.id).await?.and_then(|row| row.space_room);
        let row = LoginRow {
            id: saved.id.clone(),
            owner: owner.to_owned(),
            name: saved.name.clone(),
            remote_user: known.and_then(|login| login.me),
            secret: Some(saved.secret.clone()),
            space_room,
        };
        self.0.parts.store.save_login(&row).await?;
        self.0.parts.logins.remove(&saved.id).await;
        tracing::info!(login = %saved.id, user = %owner, "Somebody has signed in.");
        self.keep(Kept { saved, owner: Some(owner.to_owned()), me: row.remote_user });
        Ok(())
    }

    /// Signs an account out and forgets it; on the network, too, where it is connected. Rooms and messages stay.
    ///
    /// # Errors
    /// When it is not `owner`'s (for an admin: nobody's), or could not be forgotten.
    pub async fn sign_out(&self, owner: &UserId, id: &LoginId) -> Result<SignedOut, AccountError> {
        match self.0.parts.logins.status(id) {
            Some(login) if login.owner.as_deref() == Some(owner) => {}
            Some(login) if login.owner.is_none() => return Err(AccountError::Configured),
            Some(_) | None => return Err(AccountError::Unknown),
        }
        // First of all it must not come back at the next start.
        self.0.parts.store.remove_login(id).await?;
        let signed_out = match self.0.parts.logins.session(id) {
            Some(session) => {
                session.log_out().await;
                SignedOut::There
            }
            None => SignedOut::HereOnly,
        };
        self.0.parts.logins.remove(id).await;
        self.0.parts.network.drop_account(id);
        tracing::info!(login = %id, user = %owner, "Somebody has signed out.");
        Ok(signed_out)
    }

    fn keep(&self, login: Kept) {
        self.0.parts.logins.keep(login, Arc::new(self.clone()));
    }
}

impl Connector for Accounts {
    fn connect(&self, login: &SavedLogin) -> BoxFuture<'_, Result<Arc<dyn Session>, ConnectError>> {
        let login = login.clone();
        Box::pin(async move {
            let sinks = self.0.sinks.get().expect("the way in is there before anything is connected");
            let session = self.0.parts.network.open(&login, sinks(&login.id)).await?;
            // Known from before, it tells whose words come from another device while the account is away.
            if let Err(error) = self.0.parts.store.set_login_user(&login.id, &session.me()).await {
                tracing::warn!(%error, login = %login.id, "Who a login is was not saved.");
            }
            Ok(session)
        })
    }
}
