//! The configuration file as `init` writes it: every setting with its meaning, the optional ones commented out at their defaults.

use crate::config::{About, PlatformConfig};

/// What `init` found out.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) homeserver_url: String,
    pub(super) server_name: String,
    pub(super) admin: String,
    /// Keys and values of the platform's section.
    pub(super) platform: Vec<(String, String)>,
}

/// The sections that are the same everywhere.
const REST: &str = "\
provisioning:
  # With a `secret`, programs can act for people over HTTP: docs/provisioning.md

logging:
  # error, warn, info, debug or trace
  #level: info
  # text for people, json for programs
  #format: text
";

/// The text of the configuration file.
pub(super) fn config_text<P: PlatformConfig>(about: &About, answers: &Answers) -> String {
    let About { id, name, default_port, bot, ghost_prefix, command_prefix } = about;
    let (program, variable) = (about.program(), about.variable("KEY"));
    format!(
        r#"# Settings of {program}. `{program} check-config` tests this file.
# Every setting can come from the environment instead: MAGPIE_DATABASE__URL sets `url` in `database`, and {variable} sets
# `key` in `platform`. With _FILE at the end of its name, a variable names a file that holds the value.

homeserver:
  # Where the bridge reaches the client API.
  url: {url}
  # The end of the Matrix ids on this homeserver.
  server_name: {server_name}
  # With `double_puppet_token` the bridge may act for your own users: docs/user/double-puppets.md

appservice:
  # Where the bridge listens for the homeserver. 0.0.0.0 for all networks of this machine.
  listen: 127.0.0.1:{default_port}
  # Where the homeserver reaches the bridge, when that is another machine or container. Default: http:// and `listen`.
  #url: http://{id}-bridge:{default_port}
  # The registration, which holds the tokens. The homeserver reads the same file.
  registration: ./registration.yaml
  # Where the whole internet reaches the bridge, for links to media. Default: no such links.
  #public_url: https://bridge.example.org
  # Names on the homeserver. Changing them later leaves the old accounts behind.
  #id: {id}
  #bot: {bot}
  #ghost_prefix: {ghost_prefix}

database:
  # sqlite: and a file, or postgres://user:password@host/database
  url: sqlite:magpie-{id}.db
  # full: what was acknowledged survives a power cut. normal: faster, the last moments may be lost then.
  #durability: full
  # The secrets of logins are sealed with the registration's as_token, or with an `encryption_key` of at least 32 characters.
  # Whoever changes that key signs everybody out.

bridge:
  # Who may do what: none, relay (their messages are carried over by somebody else's account), commands, user (own
  # logins) or admin. The most exact rule counts: a person, then a server, then "*" for everybody.
  permissions:
    {admin}: admin
  # How many accounts on {name} one person, and all people together, may sign in with.
  #logins_per_user_max: 10
  #logins_max: 1000
  # Who is invited to new rooms. Default: everybody named above as user or admin.
  #invite: [{admin}]
  # on_message: a {name} chat gets its room with its first message. at_start: all at once.
  #create_portals: on_message
  # How many of the messages that were said before a room was made are brought into it; 0 for none.
  #backfill_messages_max: 50
  # The largest file that is brought into Matrix, in bytes; the homeserver's own limit counts, too.
  #media_bytes_max: 524288000
  # Where a file lies while it is moved. Default: beside the SQLite database; with PostgreSQL the system's folder for such files, which
  # is often in memory.
  #media_folder: .
  # The ffmpeg that converts voice messages and makes the small pictures of videos: a name, a path, or none.
  #ffmpeg: ffmpeg
  # Whether the bot shows as read what was delivered to {name}.
  #delivery_receipts: true
  # What a command in a bridged room starts with.
  #command_prefix: "{command_prefix}"

{REST}
platform:
{platform}"#,
        url = quote(&answers.homeserver_url),
        server_name = quote(&answers.server_name),
        admin = quote(&answers.admin),
        platform = platform_text(P::TEMPLATE, &answers.platform),
    )
}

/// The platform's section with the answers in the place of its placeholders. Answers without a line get one.
fn platform_text(template: &str, answers: &[(String, String)]) -> String {
    let mut text = String::new();
    let mut unused: Vec<&(String, String)> = answers.iter().collect();
    for line in template.trim_end().lines() {
        let key = line.split(':').next().unwrap_or_default();
        let answer = unused.iter().position(|(answered, _)| answered == key.trim_start_matches('#'));
        let line = match answer.map(|index| unused.remove(index)) {
            Some((key, value)) => format!("{key}: {}", quote(value)),
            None => line.to_owned(),
        };
        text.push_str(format!("  {line}").trim_end());
        text.push('\n');
    }
    for (key, value) in unused {
        text.push_str(&format!("  {key}: {}\n", quote(value)));
    }
    text
}

/// A YAML text in double quotes.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
