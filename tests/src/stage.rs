//! A bridge of ours on a stage: its configuration and registration written, its homeserver named, the program started.
//!
//! One way to set any bridge up, shared by stories, crash tests, the demonstration and the benchmark.

use std::{fs, net::SocketAddr, path::PathBuf};

use anyhow::Context;
use magpie_common::testkit::fake_homeserver::{FakeRegistration, FakeSettings};
use tempfile::TempDir;
use url::Url;

use crate::harness::{
    bridge::{Bridge, BridgeOptions},
    ports::free_port,
};

/// The tokens of every staged bridge: long enough to be taken, of no use anywhere else.
const AS_TOKEN: &str = "as-token-of-a-staged-bridge-0123456789abcdef";
const HS_TOKEN: &str = "hs-token-of-a-staged-bridge-0123456789abcdef";

/// A bridge that is to be started.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The network's short name: `discord` starts `magpie-discord`.
    pub id: &'static str,
    /// The homeserver's name.
    pub server_name: String,
    /// Where the homeserver is.
    pub homeserver: String,
    /// The database; SQLite in the bridge's own folder when absent.
    pub database: Option<String>,
    /// `full` or `normal`.
    pub durability: &'static str,
    /// The person who may do everything and is invited everywhere.
    pub admin: String,
    /// The lines of the `platform:` section.
    pub platform: String,
    /// More environment variables.
    pub environment: Vec<(String, String)>,
}

/// A bridge with its files, started or not.
pub struct Stage {
    cast: Cast,
    listen: SocketAddr,
    folder: TempDir,
    /// Lines that the homeserver's section has besides.
    homeserver_lines: String,
    program: String,
}

impl Stage {
    /// Writes the registration; the configuration follows when the bridge starts, since the homeserver may need the registration first.
    ///
    /// # Errors
    /// When no port or folder can be had.
    pub fn set(cast: Cast) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("magpie-stage-").tempdir()?;
        let listen = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let program = format!("magpie-{}", cast.id);
        let stage = Self { cast, listen, folder, homeserver_lines: String::new(), program };
        fs::write(stage.registration(), stage.registration_text()).context("write the registration")?;
        Ok(stage)
    }

    /// The registration file, for the homeserver.
    pub fn registration(&self) -> PathBuf {
        self.folder.path().join("registration.yaml")
    }

    /// Lets the bridge act for the people of the homeserver; gives the second registration, for the homeserver.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn allow_double_puppets(&mut self) -> anyhow::Result<PathBuf> {
        let file = self.folder.path().join("double-puppets.yaml");
        let server = self.cast.server_name.replace('.', "\\.");
        let text = format!(
            "id: double-puppets\nurl: null\nas_token: doubles-{AS_TOKEN}\nhs_token: doubles-{HS_TOKEN}\nrate_limited: false\n\
             sender_localpart: double-puppets\nnamespaces:\n  users:\n  - exclusive: false\n    regex: '^@.*:{server}$'\n"
        );
        fs::write(&file, text).context("write the second registration")?;
        self.homeserver_lines = format!("  double_puppets: {}\n", file.display());
        Ok(file)
    }

    /// The folder that holds the files and, by default, the database.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Where the bridge listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Where the homeserver is, once that is known.
    pub fn set_homeserver(&mut self, url: &Url) {
        self.cast.homeserver = url.as_str().trim_end_matches('/').to_owned();
    }

    /// The lines of the `platform:` section, where they depend on where the bridge listens.
    pub fn set_platform(&mut self, lines: String) {
        self.cast.platform = lines;
    }

    /// The program, where it is not the one that is shipped.
    pub fn set_program(&mut self, program: &str) {
        program.clone_into(&mut self.program);
    }

    /// A fake homeserver's settings with this bridge registered.
    pub fn fake_settings(&self) -> FakeSettings {
        let id = self.cast.id;
        let mut settings = FakeSettings::with_bridge(&format!("@{id}_"), &format!("{id}bot"));
        settings.registrations = vec![FakeRegistration {
            id: id.to_owned(),
            as_token: format!("{AS_TOKEN}-{id}"),
            hs_token: format!("{HS_TOKEN}-{id}"),
            sender_localpart: format!("{id}bot"),
            user_prefix: format!("@{id}_"),
            url: Some(self.url()),
        }];
        settings
    }

    /// Starts the bridge and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start(&self) -> anyhow::Result<Bridge> {
        Bridge::start(self.options()).await
    }

    /// Starts the bridge without waiting.
    ///
    /// # Errors
    /// When the program is missing.
    pub fn spawn(&self) -> anyhow::Result<Bridge> {
        Bridge::spawn(self.options())
    }

    /// How the bridge is started.
    pub fn options(&self) -> BridgeOptions {
        BridgeOptions {
            program: self.program.clone(),
            config: self.config_text(),
            arguments: vec!["run".to_owned()],
            environment: self.cast.environment.clone(),
            url: self.url(),
        }
    }

    /// The text of the configuration file.
    pub fn config_text(&self) -> String {
        let Cast { server_name, homeserver, durability, admin, platform, .. } = &self.cast;
        let registration = self.registration();
        let database = match &self.cast.database {
            Some(url) => url.clone(),
            None => format!("sqlite:{}", self.folder.path().join("bridge.db").display()),
        };
        let platform: String = platform.lines().map(|line| format!("  {line}\n")).collect();
        format!(
            "homeserver:\n  url: {homeserver}\n  server_name: {server_name}\n{more}\
             appservice:\n  listen: {listen}\n  public_url: http://{listen}\n  registration: {registration}\n\
             database:\n  url: {database}\n  durability: {durability}\n\
             bridge:\n  create_portals: at_start\n  permissions:\n    \"{admin}\": admin\n    \"{server_name}\": user\n  \
             invite: [\"{admin}\"]\n\
             logging:\n  level: info\n\
             platform:\n{platform}",
            more = self.homeserver_lines,
            listen = self.listen,
            registration = registration.display(),
        )
    }

    fn registration_text(&self) -> String {
        let Cast { id, server_name, .. } = &self.cast;
        let server = server_name.replace('.', "\\.");
        format!(
            "id: {id}\nurl: {url}\nas_token: {AS_TOKEN}-{id}\nhs_token: {HS_TOKEN}-{id}\nsender_localpart: {id}bot\nrate_limited: false\n\
             receive_ephemeral: true\nde.sorunome.msc2409.push_ephemeral: true\n\
             org.matrix.msc3202: true\nio.element.msc4190: true\nnamespaces:\n  users:\n  - exclusive: true\n    \
             regex: '^@{id}_.*:{server}$'\n  - exclusive: true\n    regex: '^@{id}bot:{server}$'\n  aliases:\n  - exclusive: true\n    \
             regex: '^#{id}_.*:{server}$'\n  rooms: []\n",
            url = self.url(),
        )
    }
}
