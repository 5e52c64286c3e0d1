//! Settings (the words that other rooms already need; the reader of the file joins them).

use serde::de::DeserializeOwned;

/// What a network is called, here and in Matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Short lower-case id: `discord`.
    pub id: &'static str,
    /// How people read it: `Discord`.
    pub name: &'static str,
    /// The port that the application service listens on by default.
    pub default_port: u16,
}

/// The `platform:` section of one bridge.
pub trait PlatformConfig: DeserializeOwned + Send + Sync + 'static {}

/// A value that never prints.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes the value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<secret>")
    }
}
