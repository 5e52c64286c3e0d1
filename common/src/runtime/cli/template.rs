//! The configuration file as `init` writes it: every setting with its meaning, the optional ones commented out at their defaults.

use crate::{
    config::{About, PlatformConfig},
    message::TemplateKind,
};

/// What `init` found out.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) homeserver_url: String,
    pub(super) server_name: String,
    pub(super) admin: String,
    /// Keys and values of the platform's section.
    pub(super) platform: Vec<(String, String)>,
}

/// The text of the configuration file.
pub(super) fn config_text<P: PlatformConfig>(about: &About, answers: &Answers) -> String {
    let (program, variable, port) = (about.program(), about.variable("KEY"), about.default_port.to_string());
    let (url, server_name) = (quote(&answers.homeserver_url), quote(&answers.server_name));
    let (admin, platform) = (quote(&answers.admin), platform_text(P::TEMPLATE, &answers.platform));
    fill(
        TEMPLATE,
        &[
            ("program", &program),
            ("none", "{}"),
            ("variable", &variable),
            ("id", about.id),
            ("name", about.name),
            ("default_port", &port),
            ("bot", about.bot),
            ("ghost_prefix", about.ghost_prefix),
            ("command_prefix", about.command_prefix),
            ("url", &url),
            ("server_name", &server_name),
            ("admin", &admin),
            ("relay_templates", &relay_templates()),
            ("platform", &platform),
        ],
    )
}

/// Puts values in the places of their names in braces. What stands in a value is left alone.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for piece in template.split('{') {
        let named = piece.split_once('}');
        let value = named.and_then(|(name, _)| values.iter().find(|(known, _)| *known == name));
        match (value, named) {
            (Some((_, value)), Some((_, rest))) => text.extend([*value, rest]),
            _ => text.push_str(piece),
        }
    }
    text
}

/// The usual template of every kind, commented out.
fn relay_templates() -> String {
    let line = |kind: TemplateKind| match kind.usual() {
        Some(usual) => format!("    #{}: {}\n", kind.key(), quote(usual)),
        None => format!(
            "    # `{}` is for words that were changed; without it they look as they did before.\n",
            kind.key()
        ),
    };
    TemplateKind::ALL.map(line).concat()
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

/// What is filled in. Every setting that is commented out stands there with its default, and a test reads it so.
const TEMPLATE: &str = r#"# Settings of {program}. `{program} check-config` tests this file.
# Every setting can come from the environment instead: MAGPIE_DATABASE__URL sets `url` in `database`, and {variable} sets
# `key` in `platform`. With _FILE at the end of its name, a variable names a file that holds the value.

homeserver:
  # Where the bridge reaches the client API.
  url: {url}
  # The end of the Matrix ids on this homeserver.
  server_name: {server_name}
  # A second registration, by which the bridge may act for your own users; `{program} registration --double-puppets` writes it.
  # Default: nobody is acted for who has not given a token of their own.
  #double_puppets: ./double-puppets.yaml
  # Other homeservers whose people may give access tokens of theirs: the end of their ids, and the address of the client API.
  #double_puppet_servers: {none}
  # Where programs that watch over bridges are told how each login is, and how far each message has come. Both are shown the
  # registration's as_token, so name only what is your own: docs/operate.md. Default: nobody is told.
  #status_endpoint: https://status.example.org/bridges/{id}
  #message_send_checkpoint_endpoint: https://status.example.org/checkpoints

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
  # Whose messages and commands count for nothing, with * for any characters. Name the ghosts of other bridges here that are in the same
  # rooms, unless what they say is to be carried over to {name}, too: docs/operate.md
  #ignore: []
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
  # The rust-silk by which ffmpeg is given the speech of networks that use SILK (WeChat): a name, a path, or none.
  #silk: rust-silk
  # Whether every account that somebody has signed in with has a space that holds its rooms.
  #personal_spaces: true
  # Whether the bot shows as read what was delivered to {name}.
  #delivery_receipts: true
  # Whether an event tells clients what became of each message, for those that show it (com.beeper.message_send_status).
  #message_status_events: false
  # What a command in a bridged room starts with.
  #command_prefix: "{command_prefix}"
  # Who has no account on {name} is spoken for by a relay. Where {name} does not show names beside its messages, the name stands in the
  # words, by these templates: docs/user/relay.md
  relay_templates:
{relay_templates}  # off, or words: where {name} has no reactions, theirs become short messages.
  #relay_reactions: off

provisioning:
  # With a `secret`, programs can act for people over HTTP: docs/provisioning.md

logging:
  # error, warn, info, debug or trace
  #level: info
  # text for people, json for programs
  #format: text

platform:
{platform}"#;
