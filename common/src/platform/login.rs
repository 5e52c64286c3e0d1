//! Signing in, as steps that a chat and an HTTP API can both drive.

use std::time::Duration;

use async_trait::async_trait;

use super::PlatformError;
use crate::{config::Secret, ids::LoginId};

/// A way to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginFlow {
    /// Its name in commands: short, lower case.
    pub id: &'static str,
    /// What a person reads: what they need at hand.
    pub description: &'static str,
}

/// A sign-in under way. Dropping it takes back whatever was begun.
#[async_trait]
pub trait LoginProcess: Send {
    /// Goes one step on with the answers to the last step: the fields asked for, or nothing after [`LoginStep::Show`].
    ///
    /// # Errors
    /// With words for the person; the same step may then be tried again.
    async fn step(&mut self, answers: Vec<(String, Secret)>) -> Result<LoginStep, PlatformError>;
}

/// What comes next.
#[derive(Clone, Debug)]
pub enum LoginStep {
    /// The person must tell something.
    Ask(Vec<LoginField>),
    /// The person must see something and act elsewhere; then `step` is called with no answers, and waits.
    Show {
        /// A code to type or a QR code's content.
        code: String,
        /// Whether it is shown as a QR code.
        qr: bool,
        /// A link, where there is one.
        link: Option<String>,
        /// What to do with it.
        instructions: String,
        /// For how long it holds.
        valid_for: Duration,
    },
    /// Signed in.
    Done(SavedLogin),
}

/// Something a person must tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginField {
    /// Its name in the answers.
    pub name: &'static str,
    /// What a person reads.
    pub label: &'static str,
    /// Whether it must not be shown or kept in the chat.
    pub secret: bool,
}

/// An account that can be connected again without the person.
#[derive(Clone, Debug)]
pub struct SavedLogin {
    /// The account, by the network's own id where it is known.
    pub id: LoginId,
    /// How people read it.
    pub name: String,
    /// What `connect` needs, in the bridge's own form.
    pub secret: Secret,
}
