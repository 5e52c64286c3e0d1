//! The people of the `bridge:` section: who may do what, and who counts for nothing.

use ruma::{OwnedUserId, ServerName, UserId};

use crate::config::{Level, Permissions, Problems, UserPattern, file};

/// Who may do what.
pub(super) fn permissions(problems: &mut Problems, file: &file::Bridge) -> Permissions {
    const HELP: &str = "Allowed: a Matrix id in quotes, a server's name, or \"*\" for everybody.";
    let mut permissions = Permissions::default();
    let mut all_read = true;
    for (who, level) in &file.permissions {
        if who == "*" {
            permissions.everybody = *level;
        } else if let Some(person) = who.starts_with('@').then(|| UserId::parse(who).ok()).flatten() {
            permissions.people.insert(person, *level);
        } else if let Ok(server) = ServerName::parse(who) {
            permissions.servers.insert(server, *level);
        } else {
            all_read = false;
            problems.add_key("permissions", who, format!("`{who}` is neither a person nor a server"), HELP);
        }
    }
    if all_read && permissions.is_closed() {
        problems.add(
            "permissions",
            "nobody may use the bridge",
            "Name yourself: `permissions: { \"@you:example.org\": admin }`.",
        );
    }
    permissions.ignored = ignored(problems, &file.ignore, &permissions);
    permissions
}

/// Whom the bridge ignores. A pattern that fits somebody whom `permissions` name would take away what was just given.
fn ignored(problems: &mut Problems, file: &[String], permissions: &Permissions) -> Vec<UserPattern> {
    let mut patterns = Vec::new();
    for (index, text) in file.iter().enumerate() {
        let key = format!("ignore.{index}");
        let Some(pattern) = UserPattern::read(text) else {
            let help = "Write whole ids, with `*` for any characters: \"@telegram_*:example.org\".";
            problems.add(&key, format!("no Matrix user id looks like `{text}`"), help);
            continue;
        };
        if let Some(person) = permissions.named(Level::Relay).find(|person| pattern.matches(person)) {
            let what = format!("this would ignore {person}, whom `permissions` name");
            problems.add(&key, what, "Make it fit fewer ids, or take them out of `permissions`.");
        }
        patterns.push(pattern);
    }
    patterns
}

/// A Matrix id written in full.
pub(super) fn user_id(problems: &mut Problems, key: &str, text: &str) -> Option<OwnedUserId> {
    UserId::parse(text)
        .inspect_err(|_| {
            problems.add(
                key,
                format!("`{text}` is not a Matrix user id"),
                "Write it in full: \"@alice:example.org\".",
            );
        })
        .ok()
}
