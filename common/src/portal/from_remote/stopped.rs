//! What stops an attempt at bringing something into Matrix, and whether another can help.

use crate::{
    homeserver::HomeserverError,
    media::MediaError,
    platform::PlatformError,
    portal::{create::CreateError, from_matrix, metrics::Why},
    puppet::{DoubleError, PuppetError},
    store::StoreError,
};

/// What stops an attempt.
#[derive(Debug, thiserror::Error)]
pub(in crate::portal) enum Stopped {
    /// The chat has no room.
    #[error("the room could not be made: {0}")]
    Create(#[from] CreateError),
    /// The ghost is not ready.
    #[error("the sender's ghost is not ready: {0}")]
    Puppet(#[from] PuppetError),
    /// The homeserver did not take it.
    #[error(transparent)]
    Homeserver(#[from] HomeserverError),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of the message is not there yet.
    #[error("a file is not here yet: {0}")]
    Media(#[from] MediaError),
    /// Whether we may act for somebody is not known yet.
    #[error("the sender's double puppet is not ready: {0}")]
    Double(#[from] DoubleError),
}

impl Stopped {
    /// Whether another attempt can help.
    pub(in crate::portal) fn is_transient(&self) -> bool {
        match self {
            Self::Store(_)
            | Self::Create(CreateError::Store(_) | CreateError::Platform(_))
            | Self::Create(CreateError::Puppet(PuppetError::Store(_)))
            | Self::Puppet(PuppetError::Store(_)) => true,
            Self::Create(
                CreateError::NoChat
                | CreateError::Unwritable(_)
                | CreateError::Puppet(PuppetError::Unnameable),
            )
            | Self::Puppet(PuppetError::Unnameable) => false,
            Self::Media(error) => error.is_transient(),
            // What is final about a double puppet is settled without an error.
            Self::Double(_) => true,
            Self::Homeserver(error)
            | Self::Create(
                CreateError::Homeserver(error) | CreateError::Puppet(PuppetError::Homeserver(error)),
            )
            | Self::Puppet(PuppetError::Homeserver(error)) => error.is_transient(),
        }
    }

    /// Why nothing came of it, where no other attempt can help.
    pub(super) fn why(&self) -> Why {
        match self {
            Self::Create(CreateError::NoChat) => Why::NoChat,
            Self::Create(CreateError::Unwritable(_) | CreateError::Puppet(PuppetError::Unnameable))
            | Self::Puppet(PuppetError::Unnameable) => Why::Unreadable,
            Self::Media(_) => Why::File,
            Self::Create(_) | Self::Puppet(_) | Self::Homeserver(_) | Self::Store(_) | Self::Double(_) => {
                Why::Homeserver
            }
        }
    }

    /// How long the homeserver wants us to wait.
    pub(super) fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Homeserver(error)
            | Self::Create(CreateError::Homeserver(error))
            | Self::Puppet(PuppetError::Homeserver(error)) => error.retry_after(),
            _ => None,
        }
    }
}

impl From<from_matrix::Stopped> for Stopped {
    fn from(stopped: from_matrix::Stopped) -> Self {
        match stopped {
            from_matrix::Stopped::Store(error) => error.into(),
            from_matrix::Stopped::Homeserver(error) => error.into(),
        }
    }
}

impl From<Stopped> for CreateError {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Create(error) => error,
            Stopped::Puppet(error) => error.into(),
            Stopped::Homeserver(error) => error.into(),
            Stopped::Store(error) => error.into(),
            Stopped::Media(error) => Self::Unwritable(error.to_string()),
            Stopped::Double(error) => Self::Platform(PlatformError(error.to_string())),
        }
    }
}
