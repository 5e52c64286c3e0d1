//! The second registration, by whose token bridges act for the people of a homeserver. It owns nobody and is told nothing; all bridges of
//! a homeserver may share one.

use std::{io, path::Path};

use ruma::ServerName;

use super::{File, Registration, Tokens, check_tokens, escape, open, quote, quote_regex};
use crate::{
    clock::Clock,
    config::{About, Report, Secret, write_private},
};

/// What it is called, here and at the homeserver.
const ID: &str = "magpie-double-puppets";

/// Writes the file with mode 0600. Tokens that are there are kept.
///
/// # Errors
/// When there is a file that cannot be read, or the folder is not writable.
pub fn write(
    about: &About,
    server_name: &ServerName,
    path: &Path,
    clock: &Clock,
) -> Result<io::Result<()>, Box<Report>> {
    let kept = Registration::read_tokens(about, path)?;
    let tokens = kept.unwrap_or_else(|| Tokens::generate(clock));
    Ok(write_private(path, &to_yaml(server_name, &tokens)))
}

/// The token of a file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_token(about: &About, path: &Path) -> Result<Secret, Box<Report>> {
    let (file, mut problems): (File, _) = open(about, path)?;
    check_tokens(about, &file, &mut problems);
    if problems.is_empty() { Ok(file.as_token) } else { Err(Box::new(problems.into_report())) }
}

fn to_yaml(server_name: &ServerName, tokens: &Tokens) -> String {
    format!(
        "# Lets bridges act for the people of {server_name}, so that what they do elsewhere shows as their own.\n\
         # The homeserver must read this file: name it under `app_service_config_files` in Synapse's homeserver.yaml\n\
         # and restart Synapse. Whoever has this token can act as anybody there: only bridges and homeserver may read it.\n\
         id: {ID}\n\
         url: null\n\
         as_token: {as_token}\n\
         hs_token: {hs_token}\n\
         sender_localpart: {ID}\n\
         rate_limited: false\n\
         namespaces:\n  \
           users:\n  \
           - {{ exclusive: false, regex: {people} }}\n  \
           aliases: []\n  \
           rooms: []\n",
        as_token = quote(tokens.as_token.expose()),
        hs_token = quote(tokens.hs_token.expose()),
        people = quote_regex(&format!("^@.*:{}$", escape(server_name.as_str()))),
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use ruma::server_name;

    use super::*;
    use crate::config::about::DISCORD;

    #[test]
    fn written_again_it_keeps_its_tokens() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("double-puppets.yaml");
        let (server, clock) = (server_name!("example.org"), Clock::fixed(0, 1));
        write(&DISCORD, server, &path, &clock).unwrap().unwrap();
        let first = fs::read_to_string(&path).unwrap();
        assert!(first.contains("url: null\n") && first.contains(r"'^@.*:example\.org$'"), "{first}");
        let token = read_token(&DISCORD, &path).unwrap();
        assert!(first.contains(token.expose()));
        write(&DISCORD, server, &path, &clock).unwrap().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), first);
        fs::write(&path, first.replace(token.expose(), "CHANGE_ME")).unwrap();
        let report = read_token(&DISCORD, &path).unwrap_err().to_string();
        assert!(report.contains("`as_token` is still a placeholder"), "{report}");
    }
}
