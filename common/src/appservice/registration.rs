//! The registration file: the tokens of both sides, and the names that belong to the bridge.
//!
//! The homeserver reads the same file, at its start only. It is the one place where the tokens are kept. This room must never log
//! a token, nor accept one that was copied from an example. Fields: <https://spec.matrix.org/v1.16/application-service-api/#registration>.

use std::{fs, io, path::Path};

use ruma::server_name;
use serde::Deserialize;

use crate::{
    clock::TimestampMs,
    config::{About, Appservice, Problems, Report, Secret, tree, typed, write_private},
    ids::GhostNames,
};

pub use self::tokens::{Previous, ROTATION_MS, Tokens};

pub mod double_puppets;
mod tokens;

/// A token shorter than this can be guessed.
pub const TOKEN_CHARS_MIN: usize = 32;

/// What the homeserver must know about the bridge.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The registration's name, unique on the homeserver.
    pub id: String,
    /// Where the homeserver reaches the bridge.
    pub url: String,
    /// The tokens of both sides.
    pub tokens: Tokens,
    /// The bridge bot and its ghosts.
    pub names: GhostNames,
}

impl Registration {
    /// The registration that fits the configuration.
    pub fn new(appservice: &Appservice, tokens: Tokens) -> Self {
        let url = appservice.url.as_str().trim_end_matches('/').to_owned();
        Self { id: appservice.id.clone(), url, tokens, names: appservice.names.clone() }
    }

    /// Reads the file and holds it against the configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it: tokens that are missing, placeholders, short or equal, and whatever differs from the
    /// configuration.
    pub fn read(about: &About, appservice: &Appservice) -> Result<Self, Box<Report>> {
        let (file, mut problems) = open(about, &appservice.registration)?;
        check_tokens(about, &file, &mut problems);
        let expected = Self::new(appservice, file.tokens());
        check_names(about, &file, &expected, &mut problems);
        if problems.is_empty() { Ok(expected) } else { Err(Box::new(problems.into_report())) }
    }

    /// Reads only the tokens, for writing the file anew; `None` when there is no file, or when its tokens are unfit.
    ///
    /// # Errors
    /// When there is a file that cannot be read.
    pub fn read_tokens(about: &About, path: &Path) -> Result<Option<Tokens>, Box<Report>> {
        if !path.exists() {
            return Ok(None);
        }
        let (file, mut problems) = open(about, path)?;
        check_tokens(about, &file, &mut problems);
        Ok(problems.is_empty().then(|| file.tokens()))
    }

    /// Writes the file with mode 0600.
    ///
    /// # Errors
    /// When the folder is missing or not writable.
    pub fn write(&self, about: &About, path: &Path) -> io::Result<()> {
        write_private(path, &self.to_yaml(about))
    }

    /// The text of the file.
    pub fn to_yaml(&self, about: &About) -> String {
        let program = about.program();
        format!(
            "# The registration of {program}, written by `{program} registration`.\n\
             # The homeserver must read this file: name it under `app_service_config_files` in Synapse's homeserver.yaml\n\
             # and restart Synapse. It holds secrets; only the bridge and the homeserver may read it.\n\
             id: {id}\n\
             url: {url}\n\
             as_token: {as_token}\n\
             hs_token: {hs_token}\n\
             {rotation}\
             sender_localpart: {bot}\n\
             rate_limited: false\n\
             # Typing, receipts and presence, by the name of today and by the older one.\n\
             receive_ephemeral: true\n\
             de.sorunome.msc2409.push_ephemeral: true\n\
             # Encryption: device lists with each transaction, and devices without a login.\n\
             org.matrix.msc3202: true\n\
             io.element.msc4190: true\n\
             namespaces:\n  \
               users:\n  \
               - {{ exclusive: true, regex: {ghosts} }}\n  \
               - {{ exclusive: true, regex: {bot_user} }}\n  \
               aliases:\n  \
               - {{ exclusive: true, regex: {aliases} }}\n  \
               rooms: []\n",
            id = quote(&self.id),
            url = quote(&self.url),
            as_token = quote(self.tokens.as_token.expose()),
            hs_token = quote(self.tokens.hs_token.expose()),
            rotation = self.rotation(),
            bot = quote(self.names.bot().localpart()),
            ghosts = quote_regex(&self.ghosts_regex()),
            bot_user = quote_regex(&self.bot_regex()),
            aliases = quote_regex(&self.aliases_regex()),
        )
    }

    /// The lines of a rotation. The homeserver has no use for them and reads over them.
    fn rotation(&self) -> String {
        let mut lines = String::new();
        if let Some(Previous { as_token, hs_token, until_ms }) = &self.tokens.previous {
            lines.push_str("# The tokens from before the rotation; they count for 24 hours after it.\n");
            lines.push_str(&format!("magpie_previous_as_token: {}\n", quote(as_token.expose())));
            lines.push_str(&format!("magpie_previous_hs_token: {}\n", quote(hs_token.expose())));
            lines.push_str(&format!("magpie_previous_until_ms: {until_ms}\n"));
        }
        if let Some(key) = &self.tokens.secrets_key {
            lines.push_str("# What opens the bridge's own secrets; it stays when tokens change.\n");
            lines.push_str(&format!("magpie_secrets_key: {}\n", quote(key.expose())));
        }
        lines
    }

    /// Every possible ghost, whatever its remote id is made of.
    fn ghosts_regex(&self) -> String {
        format!("^@{}.*:{}$", escape(self.names.prefix()), escape(self.names.server_name().as_str()))
    }

    fn bot_regex(&self) -> String {
        format!("^@{}:{}$", escape(self.names.bot().localpart()), escape(self.names.server_name().as_str()))
    }

    fn aliases_regex(&self) -> String {
        format!("^#{}.*:{}$", escape(self.names.prefix()), escape(self.names.server_name().as_str()))
    }
}

/// The flags that a file lacks, by their names: without them the homeserver keeps things from us, or slows us down.
pub fn missing_flags(about: &About, path: &Path) -> Vec<&'static str> {
    // What cannot be read is another check's business.
    let Ok((file, _)) = open(about, path) else { return Vec::new() };
    let flags = [
        ("rate_limited: false", file.rate_limited == Some(false)),
        ("receive_ephemeral: true", file.receive_ephemeral),
        ("de.sorunome.msc2409.push_ephemeral: true", file.push_ephemeral),
        ("org.matrix.msc3202: true", file.device_lists),
        ("io.element.msc4190: true", file.devices),
    ];
    flags.into_iter().filter(|(_, is_there)| !is_there).map(|(flag, _)| flag).collect()
}

/// The registration that stands in the repository as an example. Its tokens are refused by [`Registration::read`].
///
/// # Panics
/// When the constants of `about` do not fit together.
pub fn example(about: &About) -> String {
    let names = GhostNames::new(about.ghost_prefix, about.bot, server_name!("example.org"))
        .expect("a bridge's own names fit together");
    let tokens = Tokens {
        as_token: Secret::new("EXAMPLE-as-token-change-me-with-the-registration-command"),
        hs_token: Secret::new("EXAMPLE-hs-token-change-me-with-the-registration-command"),
        previous: None,
        secrets_key: None,
    };
    let url = format!("http://127.0.0.1:{}", about.default_port);
    Registration { id: about.id.to_owned(), url, tokens, names }.to_yaml(about)
}

/// The file as it stands. A homeserver knows more keys than we do, so others are let through.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    id: String,
    url: Option<String>,
    as_token: Secret,
    hs_token: Secret,
    magpie_previous_as_token: Option<Secret>,
    magpie_previous_hs_token: Option<Secret>,
    magpie_previous_until_ms: Option<TimestampMs>,
    magpie_secrets_key: Option<Secret>,
    sender_localpart: String,
    namespaces: Namespaces,
    rate_limited: Option<bool>,
    receive_ephemeral: bool,
    #[serde(rename = "de.sorunome.msc2409.push_ephemeral")]
    push_ephemeral: bool,
    #[serde(rename = "org.matrix.msc3202")]
    device_lists: bool,
    #[serde(rename = "io.element.msc4190")]
    devices: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Namespaces {
    users: Vec<Namespace>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Namespace {
    regex: String,
}

impl File {
    fn tokens(&self) -> Tokens {
        let previous = self.magpie_previous_as_token.clone().zip(self.magpie_previous_hs_token.clone());
        let previous = previous.zip(self.magpie_previous_until_ms);
        Tokens {
            as_token: self.as_token.clone(),
            hs_token: self.hs_token.clone(),
            previous: previous.map(|((as_token, hs_token), until_ms)| Previous {
                as_token,
                hs_token,
                until_ms,
            }),
            secrets_key: self.magpie_secrets_key.clone(),
        }
    }
}

fn open(about: &About, path: &Path) -> Result<(File, Problems), Box<Report>> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| {
        let what = format!("the registration cannot be read: {error}");
        let help = format!(
            "`{} registration` writes it; `appservice.registration` says where it is.",
            about.program()
        );
        Box::new(Report::of_file(name.clone(), what, help))
    })?;
    let mut problems = tree::read(name, text)?;
    let file = typed::read(&mut problems, None).unwrap_or_default();
    Ok((file, problems))
}

fn check_tokens(about: &About, file: &File, problems: &mut Problems) {
    let help = format!("`{} registration` makes good tokens. Then restart the homeserver.", about.program());
    let tokens = [
        ("as_token", Some(&file.as_token)),
        ("hs_token", Some(&file.hs_token)),
        ("magpie_previous_as_token", file.magpie_previous_as_token.as_ref()),
        ("magpie_previous_hs_token", file.magpie_previous_hs_token.as_ref()),
        ("magpie_secrets_key", file.magpie_secrets_key.as_ref()),
    ];
    for (key, token) in tokens {
        let Some(token) = token else { continue };
        problems.check_secret(key, token, &help);
        if !token.is_empty() && !token.is_placeholder() && token.expose().len() < TOKEN_CHARS_MIN {
            problems.add(key, format!("this token has fewer than {TOKEN_CHARS_MIN} characters"), &help);
        }
    }
    if !file.as_token.is_empty() && file.as_token.matches(file.hs_token.expose().as_bytes()) {
        problems.add("hs_token", "both tokens are the same", &help);
    }
    let previous = [file.magpie_previous_as_token.is_some(), file.magpie_previous_hs_token.is_some()];
    if previous.contains(&true) && (previous.contains(&false) || file.magpie_previous_until_ms.is_none()) {
        let what = "a part of the rotation is missing";
        let help =
            "Take out every line that begins with `magpie_previous_`; the old tokens then count no longer.";
        problems.add("magpie_previous_hs_token", what, help);
    }
}

fn check_names(about: &About, file: &File, expected: &Registration, problems: &mut Problems) {
    let help = format!(
        "`{} registration` writes it anew with the same tokens. Then restart the homeserver.",
        about.program()
    );
    let url = file.url.as_deref().unwrap_or("null");
    for (key, found, wanted) in [
        ("id", file.id.as_str(), expected.id.as_str()),
        ("url", url.trim_end_matches('/'), expected.url.as_str()),
        ("sender_localpart", file.sender_localpart.as_str(), expected.names.bot().localpart()),
    ] {
        if found != wanted {
            problems.add(key, format!("this differs from the configuration, which says `{wanted}`"), &help);
        }
    }
    let ghosts = expected.ghosts_regex();
    if !file.namespaces.users.iter().any(|namespace| namespace.regex == ghosts) {
        problems.add(
            "namespaces.users",
            format!("the ghosts of the configuration, `{ghosts}`, are not among these"),
            &help,
        );
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A YAML text in double quotes.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A YAML text in single quotes, in which a backslash stands for itself.
fn quote_regex(regex: &str) -> String {
    format!("'{}'", regex.replace('\'', "''"))
}

/// `text` as a regular expression that fits nothing else.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if !letter.is_ascii_alphanumeric() && !matches!(letter, '_' | '-' | '=' | '/' | ':') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests;
