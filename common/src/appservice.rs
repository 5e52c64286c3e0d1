//! HTTP in: what the homeserver tells us.
//!
//! The token is checked before a body is read, every route is default-deny, and a transaction is answered with 200 only
//! after the [`Handler`] has stored it. One odd event never fails a transaction, since the homeserver would repeat it
//! for ever: it is handed on as [`Incoming::Unreadable`]. This room must never act on an event. Next: [`Transaction`].

pub(crate) use self::metrics::begin_counting;
pub use self::{
    answer::MatrixError,
    routes::{Handler, NotAccepted, TRANSACTION_BYTES_MAX, router},
    server::{Peer, serve},
    transaction::{Envelope, Incoming, Transaction, Unreadable},
    webhook::webhook_router,
};

pub mod registration;
#[cfg(feature = "testkit")]
pub(crate) use self::server::serve_connections;

mod answer;
mod metrics;
mod routes;
mod server;
mod transaction;
mod webhook;
