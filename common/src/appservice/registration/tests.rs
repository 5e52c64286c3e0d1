//! What a registration looks like, and which ones are refused.

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;
use crate::{clock::Clock, config::about::DISCORD};

fn appservice(folder: &TempDir) -> Appservice {
    Appservice {
        id: "discord".to_owned(),
        listen: ([127, 0, 0, 1], 29334).into(),
        url: "http://127.0.0.1:29334".parse().unwrap(),
        registration: folder.path().join("registration.yaml"),
        public_url: None,
        names: GhostNames::new("discord_", "discordbot", server_name!("example.org")).unwrap(),
    }
}

fn written() -> (TempDir, Appservice, Registration) {
    let folder = tempfile::tempdir().unwrap();
    let appservice = appservice(&folder);
    let registration = Registration::new(&appservice, Tokens::generate(&Clock::fixed(0, 1)));
    registration.write(&DISCORD, &appservice.registration).unwrap();
    (folder, appservice, registration)
}

/// The words of every problem after `from` was replaced by `to` in the file.
fn problems_after(from: &str, to: &str) -> Vec<String> {
    let (_folder, appservice, registration) = written();
    let text = registration.to_yaml(&DISCORD);
    assert!(text.contains(from), "{from} is not in:\n{text}");
    fs::write(&appservice.registration, text.replace(from, to)).unwrap();
    let report = Registration::read(&DISCORD, &appservice).unwrap_err();
    report.problems().iter().map(|problem| problem.what.clone()).collect()
}

#[test]
fn the_example_is_complete_and_stays_the_same() {
    let expected = r#"# The registration of magpie-discord, written by `magpie-discord registration`.
# The homeserver must read this file: name it under `app_service_config_files` in Synapse's homeserver.yaml
# and restart Synapse. It holds secrets; only the bridge and the homeserver may read it.
id: "discord"
url: "http://127.0.0.1:29334"
as_token: "EXAMPLE-as-token-change-me-with-the-registration-command"
hs_token: "EXAMPLE-hs-token-change-me-with-the-registration-command"
sender_localpart: "discordbot"
rate_limited: false
# Typing, receipts and presence, by the name of today and by the older one.
receive_ephemeral: true
de.sorunome.msc2409.push_ephemeral: true
# Encryption: device lists with each transaction, and devices without a login.
org.matrix.msc3202: true
io.element.msc4190: true
namespaces:
  users:
  - { exclusive: true, regex: '^@discord_.*:example\.org$' }
  - { exclusive: true, regex: '^@discordbot:example\.org$' }
  aliases:
  - { exclusive: true, regex: '^#discord_.*:example\.org$' }
  rooms: []
"#;
    assert_eq!(example(&DISCORD), expected);
}

#[test]
fn the_example_is_refused() {
    let (_folder, appservice, _) = written();
    fs::write(&appservice.registration, example(&DISCORD)).unwrap();
    let report = Registration::read(&DISCORD, &appservice).unwrap_err();
    let words: Vec<&str> = report.problems().iter().map(|problem| problem.what.as_str()).collect();
    assert_eq!(words, ["`as_token` is still a placeholder", "`hs_token` is still a placeholder"]);
    assert!(Registration::read_tokens(&DISCORD, &appservice.registration).unwrap().is_none());
}

#[test]
fn what_is_written_is_accepted_and_private() {
    let (_folder, appservice, registration) = written();
    let read = Registration::read(&DISCORD, &appservice).unwrap();
    assert_eq!(read.tokens.as_token.expose(), registration.tokens.as_token.expose());
    assert_eq!(read.tokens.hs_token.expose().len(), 64);
    assert!(!format!("{read:?}").contains(read.tokens.hs_token.expose()));
    assert_eq!(fs::metadata(&appservice.registration).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = Registration::read_tokens(&DISCORD, &appservice.registration).unwrap().unwrap();
    assert!(kept.accepts(read.tokens.hs_token.expose().as_bytes(), 0));
}

#[test]
fn both_tokens_count_during_a_rotation_and_no_other() {
    let (_folder, appservice, mut registration) = written();
    let clock = Clock::fixed(5, 9);
    let old = registration.tokens.clone();
    registration.tokens = registration.tokens.rotated(&clock);
    registration.write(&DISCORD, &appservice.registration).unwrap();
    let tokens = Registration::read(&DISCORD, &appservice).unwrap().tokens;
    let end_ms = 5 + ROTATION_MS;
    let accepts = |token: &Secret, now_ms| tokens.accepts(token.expose().as_bytes(), now_ms);
    assert!(
        accepts(&registration.tokens.hs_token, end_ms - 1) && accepts(&registration.tokens.hs_token, end_ms)
    );
    assert!(accepts(&old.hs_token, end_ms - 1));
    assert!(!accepts(&old.hs_token, end_ms), "the window is over");
    assert!(!accepts(&tokens.as_token, 5) && !accepts(&old.as_token, 5) && !tokens.accepts(b"", 5));
    assert_eq!(tokens.previous(5).unwrap().as_token.expose(), old.as_token.expose());
    // Whatever was sealed before the first rotation opens after the second, too.
    assert_eq!(tokens.key().expose(), old.as_token.expose());
    assert_eq!(tokens.rotated(&clock).key().expose(), old.as_token.expose());
}

#[test]
fn half_a_rotation_is_refused() {
    let (_folder, appservice, mut registration) = written();
    registration.tokens = registration.tokens.rotated(&Clock::fixed(5, 9));
    let text = registration.to_yaml(&DISCORD);
    for key in ["magpie_previous_as_token", "magpie_previous_hs_token", "magpie_previous_until_ms"] {
        let without: String =
            text.lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n")).collect();
        fs::write(&appservice.registration, without).unwrap();
        let words = Registration::read(&DISCORD, &appservice).unwrap_err().to_string();
        assert!(words.contains("a part of the rotation is missing"), "{words}");
    }
    let ended: String = text
        .lines()
        .filter(|line| !line.starts_with("magpie_previous_"))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(&appservice.registration, ended).unwrap();
    assert!(Registration::read(&DISCORD, &appservice).unwrap().tokens.previous.is_none());
}

#[test]
fn unfit_tokens_are_refused() {
    let tokens = Tokens::generate(&Clock::fixed(0, 1));
    let (as_token, hs_token) = (tokens.as_token.expose(), tokens.hs_token.expose());
    assert_eq!(problems_after(as_token, ""), ["`as_token` is missing"]);
    assert_eq!(problems_after(hs_token, "s3cret"), ["this token has fewer than 32 characters"]);
    assert_eq!(problems_after(hs_token, as_token), ["both tokens are the same"]);
    assert_eq!(problems_after(as_token, "<as_token>"), ["`as_token` is still a placeholder"]);
}

#[test]
fn a_registration_of_another_configuration_is_refused() {
    assert_eq!(
        problems_after("id: \"discord\"", "id: \"other\""),
        ["this differs from the configuration, which says `discord`"]
    );
    assert_eq!(
        problems_after(":29334", ":1"),
        ["this differs from the configuration, which says `http://127.0.0.1:29334`"]
    );
    assert_eq!(
        problems_after("\"discordbot\"", "\"bot\""),
        ["this differs from the configuration, which says `discordbot`"]
    );
    assert_eq!(
        problems_after("discord_.*", "discord_[0-9]+"),
        ["the ghosts of the configuration, `^@discord_.*:example\\.org$`, are not among these"]
    );
    assert_eq!(problems_after("rate_limited: false", "id: x"), ["`id` is set twice"]);
}

#[test]
fn a_missing_registration_says_how_to_make_one() {
    let folder = tempfile::tempdir().unwrap();
    let report = Registration::read(&DISCORD, &appservice(&folder)).unwrap_err().to_string();
    assert!(report.contains("`magpie-discord registration` writes it"), "{report}");
    assert!(Registration::read_tokens(&DISCORD, &folder.path().join("none")).unwrap().is_none());
}

#[test]
fn names_are_escaped_for_yaml_and_for_regular_expressions() {
    assert_eq!(escape("a.b+c_d-e=f/g"), "a\\.b\\+c_d-e=f/g");
    assert_eq!(escape("[::1]:8448"), "\\[::1\\]:8448");
    assert_eq!(quote_regex("it's \\."), "'it''s \\.'");
    assert_eq!(quote("a\"b\\"), r#""a\"b\\""#);
}

#[test]
fn missing_flags_are_named() {
    let (_folder, appservice, registration) = written();
    assert!(missing_flags(&DISCORD, &appservice.registration).is_empty());
    let text = registration
        .to_yaml(&DISCORD)
        .replace("receive_ephemeral: true\n", "")
        .replace("limited: false", "limited: true");
    fs::write(&appservice.registration, text).unwrap();
    assert_eq!(
        missing_flags(&DISCORD, &appservice.registration),
        ["rate_limited: false", "receive_ephemeral: true"]
    );
}
