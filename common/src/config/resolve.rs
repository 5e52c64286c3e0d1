//! Settings to a [`Config`]: every value checked, every default filled in, every path complete.
//!
//! Goes through all sections even when one is wrong, so that one report holds everything. The checks of single addresses are in
//! `address`.

use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use ruma::ServerName;

use self::{
    homeserver::resolve_homeserver,
    who::{permissions, user_id},
};
use super::{
    About, Appservice, Bridge, Config, Database, Environment, Level, Logging, PlatformConfig, Problems,
    Provisioning, Report, Secret,
    address::{self, Paths},
    environment, fault,
    file::{self, SECTIONS},
    problems::Problem,
    tree, typed,
};
use crate::{
    ids::GhostNames,
    message::{RelayTemplates, Template, TemplateKind},
};

mod homeserver;
mod who;

/// So much of what was said before is brought into a new room when the file says nothing.
const BACKFILL_MESSAGES: usize = 50;

/// The largest file that is brought into Matrix when the file says nothing: as much as Discord gives its best customers.
const MEDIA_BYTES: u64 = 500 * 1024 * 1024;

/// A shorter key or secret could be guessed.
const SECRET_CHARS_MIN: usize = 32;

/// So many requests a second are answered for one person when the file says nothing: more than any hand makes.
const REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(10).expect("it is not zero");

/// So many accounts may one person, and all people together, sign in with when the file says nothing.
const LOGINS_PER_USER: usize = 10;
const LOGINS: usize = 1_000;

/// Reads and checks the configuration file at `path`, with `environment` on top.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn load<P: PlatformConfig>(
    about: &About,
    path: &Path,
    environment: &Environment,
) -> Result<Config<P>, Box<Report>> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let program = about.program();
        let help = format!("`{program} init` makes a new one; `{program} --config FILE` names another.");
        Box::new(Report::of_file(path.display().to_string(), format!("cannot be read: {error}"), help))
    })?;
    parse(about, path, &text, environment)
}

/// The same for the text of a file; `path` is for the report and for the paths that start at its folder.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn parse<P: PlatformConfig>(
    about: &About,
    path: &Path,
    text: &str,
    environment: &Environment,
) -> Result<Config<P>, Box<Report>> {
    let mut problems = tree::read(path.display().to_string(), text.to_owned())?;
    environment::overlay(&mut problems, about, environment);
    unknown_sections(&mut problems);
    let config = resolve(about, path, &mut problems);
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(Box::new(problems.into_report())),
    }
}

fn resolve<P: PlatformConfig>(about: &About, path: &Path, problems: &mut Problems) -> Option<Config<P>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let file = typed::read(problems, Some("homeserver")).unwrap_or_default();
    problems.enter("homeserver");
    let homeserver = resolve_homeserver(&file, folder, problems);
    let server_name = homeserver.as_ref().map(|homeserver| &*homeserver.server_name);

    let file = typed::read(problems, Some("appservice")).unwrap_or_default();
    problems.enter("appservice");
    let appservice = resolve_appservice(file, about, server_name, problems);

    let file = typed::read(problems, Some("database")).unwrap_or_default();
    problems.enter("database");
    let database = resolve_database(file, about, folder, problems);

    let file = typed::read(problems, Some("bridge")).unwrap_or_default();
    problems.enter("bridge");
    let bridge = resolve_bridge(file, about, folder, problems);

    let file = typed::read(problems, Some("provisioning")).unwrap_or_default();
    problems.enter("provisioning");
    let provisioning = resolve_provisioning(file, problems);

    let logging = typed::read::<Logging>(problems, Some("logging"));
    let platform = typed::read::<P>(problems, Some("platform"));
    problems.enter("platform");
    if let Some(platform) = &platform {
        platform.check(problems);
    }
    let mut appservice = appservice?;
    appservice.registration = folder.join(appservice.registration);
    Some(Config {
        about: *about,
        path: path.to_owned(),
        homeserver: homeserver?,
        appservice,
        database: database?,
        bridge: bridge?,
        provisioning,
        logging: logging?,
        platform: platform?,
    })
}

fn unknown_sections(problems: &mut Problems) {
    let strangers: Vec<Problem> = problems
        .document()
        .root
        .entries()
        .iter()
        .filter(|entry| !SECTIONS.contains(&entry.key.as_str()))
        .inspect(|entry| entry.node.dropped.set(true))
        .map(|entry| Problem {
            place: entry.key_place.clone().unknown(),
            what: format!("unknown section `{}`", entry.key),
            help: fault::allowed_keys(entry, &SECTIONS),
        })
        .collect();
    strangers.into_iter().for_each(|problem| problems.push(problem));
}

fn resolve_appservice(
    file: file::Appservice,
    about: &About,
    server_name: Option<&ServerName>,
    problems: &mut Problems,
) -> Option<Appservice> {
    let id = file.id.unwrap_or_else(|| about.id.to_owned());
    if !is_made_of(&id, "abcdefghijklmnopqrstuvwxyz0123456789_-") {
        problems.add(
            "id",
            "this cannot name a registration",
            "Allowed: letters a to z, digits, `_` and `-`.",
        );
    }
    let listen = address::listen(problems, file.listen.as_deref(), about.default_port);
    let url = match file.url {
        Some(url) => address::http(problems, "url", &url, Paths::Allowed),
        None => listen.and_then(|listen| address::reachable(problems, listen)),
    };
    let public_url = address::optional_http(problems, "public_url", file.public_url.as_deref());
    let bot = file.bot.unwrap_or_else(|| about.bot.to_owned());
    let prefix = file.ghost_prefix.unwrap_or_else(|| about.ghost_prefix.to_owned());
    let names = ghost_names(problems, &bot, &prefix, server_name);
    let registration = file.registration.unwrap_or_else(|| "registration.yaml".to_owned());
    if registration.is_empty() {
        problems.add(
            "registration",
            "this is empty",
            "Give the name of the registration file: `./registration.yaml`.",
        );
    }
    Some(Appservice {
        id,
        listen: listen?,
        url: url?,
        registration: PathBuf::from(registration),
        public_url: public_url?,
        names: names?,
    })
}

fn ghost_names(
    problems: &mut Problems,
    bot: &str,
    prefix: &str,
    server_name: Option<&ServerName>,
) -> Option<GhostNames> {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz0123456789._=/+-";
    const HELP: &str = "Allowed: letters a to z, digits and `. _ = / + -`, at least one.";
    for (key, value) in [("bot", bot), ("ghost_prefix", prefix)] {
        if !is_made_of(value, LETTERS) {
            problems.add(key, "this cannot be part of a Matrix user id", HELP);
            return None;
        }
    }
    // Without the server's name the two can still be compared with each other.
    let server_name = server_name.unwrap_or(ruma::server_name!("unknown.invalid"));
    GhostNames::new(prefix, bot, server_name)
        .inspect_err(|words| {
            problems.add("bot", words, "Choose a `bot` that does not start with `ghost_prefix`.");
        })
        .ok()
}

fn is_made_of(text: &str, letters: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letters.contains(letter))
}

fn resolve_database(
    file: file::Database,
    about: &About,
    folder: &Path,
    problems: &mut Problems,
) -> Option<Database> {
    let url = match &file.url {
        Some(url) => url.expose().to_owned(),
        None => format!("sqlite:magpie-{}.db", about.id),
    };
    if let Some(key) = &file.encryption_key {
        check_made_up(problems, "encryption_key", key);
    }
    Some(Database {
        url: address::database(problems, &url, folder)?,
        durability: file.durability,
        encryption_key: file.encryption_key,
    })
}

/// A secret that the operator makes up.
fn check_made_up(problems: &mut Problems, key: &str, secret: &Secret) {
    const HELP: &str = "Make one up: `openssl rand -hex 32`.";
    problems.check_secret(key, secret, HELP);
    if !secret.is_empty() && !secret.is_placeholder() && secret.expose().len() < SECRET_CHARS_MIN {
        problems.add(key, format!("this has fewer than {SECRET_CHARS_MIN} characters"), HELP);
    }
}

/// Without a secret there is no API; other settings alone are a mistake.
fn resolve_provisioning(file: file::Provisioning, problems: &mut Problems) -> Option<Provisioning> {
    let others = file.openid.is_some() || file.requests_per_second_max.is_some();
    let Some(secret) = file.secret else {
        if others {
            problems.add_missing("secret", "Make one up: `openssl rand -hex 32`.");
        }
        return None;
    };
    check_made_up(problems, "secret", &secret);
    let requests_per_second_max = match file.requests_per_second_max {
        None => REQUESTS_PER_SECOND,
        Some(count) => NonZeroU32::new(count).unwrap_or_else(|| {
            problems.add(
                "requests_per_second_max",
                "with 0 nothing would be answered",
                "Leave `secret` out to switch the API off.",
            );
            REQUESTS_PER_SECOND
        }),
    };
    Some(Provisioning { secret, openid: file.openid.unwrap_or(false), requests_per_second_max })
}

fn resolve_bridge(
    file: file::Bridge,
    about: &About,
    folder: &Path,
    problems: &mut Problems,
) -> Option<Bridge> {
    let permissions = permissions(problems, &file);
    let invite = match file.invite {
        Some(people) => people
            .iter()
            .enumerate()
            .filter_map(|(index, person)| user_id(problems, &format!("invite.{index}"), person))
            .collect(),
        None => permissions.named(Level::User).map(ToOwned::to_owned).collect(),
    };
    let command_prefix = file.command_prefix.unwrap_or_else(|| about.command_prefix.to_owned());
    if command_prefix.is_empty()
        || command_prefix.contains(char::is_whitespace)
        || command_prefix.starts_with('/')
    {
        problems.add(
            "command_prefix",
            "this cannot start a command",
            format!(
                "Use one word that does not start with `/`, which Matrix clients keep for themselves: `{}`.",
                about.command_prefix
            ),
        );
    }
    Some(Bridge {
        invite,
        permissions,
        logins_per_user_max: file.logins_per_user_max.unwrap_or(LOGINS_PER_USER),
        logins_max: file.logins_max.unwrap_or(LOGINS),
        create_portals: file.create_portals,
        backfill_messages_max: file.backfill_messages_max.unwrap_or(BACKFILL_MESSAGES),
        media_bytes_max: file.media_bytes_max.unwrap_or(MEDIA_BYTES),
        media_folder: file.media_folder.map(|it| folder.join(it)),
        ffmpeg: program(file.ffmpeg.as_deref().unwrap_or("ffmpeg"), folder),
        silk: program(file.silk.as_deref().unwrap_or("rust-silk"), folder),
        personal_spaces: file.personal_spaces.unwrap_or(true),
        delivery_receipts: file.delivery_receipts.unwrap_or(true),
        message_status_events: file.message_status_events,
        command_prefix,
        relay_templates: relay_templates(problems, file.relay_templates.unwrap_or_default()),
        relay_reactions: file.relay_reactions,
    })
}

fn relay_templates(problems: &mut Problems, file: file::RelayTemplates) -> RelayTemplates {
    let mut templates = RelayTemplates::default();
    for kind in TemplateKind::ALL {
        let Some(text) = file.get(kind) else { continue };
        match Template::read(kind, text) {
            Ok(template) => templates.set(kind, template),
            Err(error) => {
                problems.add(&format!("relay_templates.{}", kind.key()), error.to_string(), error.help());
            }
        }
    }
    templates
}

/// A mere name is looked for where programs are, a path begins at the configuration's folder.
fn program(text: &str, folder: &Path) -> Option<PathBuf> {
    match text {
        "" | "none" => None,
        name if !name.contains('/') => Some(PathBuf::from(name)),
        path => Some(folder.join(path)),
    }
}
