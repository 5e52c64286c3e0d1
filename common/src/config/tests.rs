//! Bad configurations and the exact report for each.

use std::path::Path;

use serde::Deserialize;

use super::{about::DISCORD, *};
use crate::message::{Template, TemplateKind};

mod bad_files;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Platform {
    token: Secret,
    guilds: Vec<u64>,
    proxy: Proxy,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Proxy {
    port: u16,
    enabled: bool,
}

impl PlatformConfig for Platform {
    const TEMPLATE: &'static str = "# The bot's token.\ntoken: CHANGE_ME\n";
    const QUESTIONS: &'static [Question] = &[Question { key: "token", words: "Bot token" }];

    fn check(&self, problems: &mut Problems) {
        problems.check_secret("token", &self.token, "Copy it from the developer portal.");
    }
}

const GOOD: &str = r#"homeserver:
  url: http://127.0.0.1:8008
  server_name: example.org
bridge:
  permissions: { "@alice:example.org": admin }
platform:
  token: abc.def
"#;

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config<Platform>, Box<Report>> {
    parse(&DISCORD, Path::new("etc/config.yaml"), text, &variables.iter().copied().collect())
}

fn words(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    read(text, variables).unwrap_err().problems().iter().map(|p| format!("{} {}", p.what, p.help)).collect()
}

#[test]
fn a_short_file_gives_a_whole_configuration() {
    let config = read(GOOD, &[]).unwrap();
    assert_eq!(config.homeserver.url.as_str(), "http://127.0.0.1:8008/");
    assert_eq!(config.appservice.id, "discord");
    assert_eq!(config.appservice.listen.to_string(), "127.0.0.1:29334");
    assert_eq!(config.appservice.url.as_str(), "http://127.0.0.1:29334/");
    assert_eq!(config.appservice.registration, Path::new("etc/registration.yaml"));
    assert_eq!(config.appservice.names.bot(), "@discordbot:example.org");
    assert!(
        matches!(config.database.url, DatabaseUrl::Sqlite(path) if path == Path::new("etc/magpie-discord.db"))
    );
    assert_eq!(config.database.durability, Durability::Full);
    assert_eq!(config.bridge.invite, ["@alice:example.org"]);
    assert_eq!(config.bridge.permissions.ignored, []);
    assert_eq!(config.bridge.create_portals, CreatePortals::OnMessage);
    assert_eq!(config.bridge.command_prefix, "!discord");
    assert_eq!(config.bridge.relay_templates, RelayTemplates::default());
    assert_eq!(config.bridge.relay_reactions, RelayReactions::Off);
    assert_eq!(config.logging, Logging::default());
    assert_eq!(config.platform.proxy.port, 0);
}

#[test]
fn files_lie_on_a_disk_while_they_are_moved() {
    let folder = |text: &str| read(&format!("{GOOD}{text}"), &[]).unwrap().media_folder();
    assert_eq!(folder(""), Path::new("etc"));
    assert_eq!(folder("database: { url: 'sqlite:/var/lib/magpie/a.db' }\n"), Path::new("/var/lib/magpie"));
    let postgres = "database: { url: 'postgres://me@db/magpie' }\n";
    assert_eq!(folder(postgres), std::env::temp_dir());
    let chosen = [("MAGPIE_BRIDGE__MEDIA_FOLDER", "spool")];
    let config = read(&format!("{GOOD}{postgres}"), &chosen).unwrap();
    assert_eq!(config.media_folder(), Path::new("etc/spool"));
    let config: Config<Platform> =
        parse(&DISCORD, Path::new("config.yaml"), GOOD, &Environment::default()).unwrap();
    assert_eq!(config.media_folder(), Path::new("."), "a folder that can be opened");
}

#[test]
fn programs_are_names_paths_or_none() {
    let ffmpeg = |value: &str| read(GOOD, &[("MAGPIE_BRIDGE__FFMPEG", value)]).unwrap().bridge.ffmpeg;
    assert_eq!(read(GOOD, &[]).unwrap().bridge.ffmpeg.as_deref(), Some(Path::new("ffmpeg")));
    assert_eq!(ffmpeg("ffmpeg7").as_deref(), Some(Path::new("ffmpeg7")));
    assert_eq!(ffmpeg("./ffmpeg").as_deref(), Some(Path::new("etc/./ffmpeg")));
    assert_eq!(ffmpeg("/opt/ffmpeg").as_deref(), Some(Path::new("/opt/ffmpeg")));
    assert_eq!(ffmpeg("none"), None);
    let silk = |value: &str| read(GOOD, &[("MAGPIE_BRIDGE__SILK", value)]).unwrap().bridge.silk;
    assert_eq!(read(GOOD, &[]).unwrap().bridge.silk.as_deref(), Some(Path::new("rust-silk")));
    assert_eq!(silk("./silk").as_deref(), Some(Path::new("etc/./silk")));
    assert_eq!(silk("none"), None);
}

#[test]
fn a_template_changes_and_the_others_stay_as_they_are() {
    let templates = "  relay_templates: { emote: '_{name} {message}_' }\nplatform:";
    let variables = [
        ("MAGPIE_BRIDGE__RELAY_TEMPLATES__TEXT", "<{name}> {message}"),
        ("MAGPIE_BRIDGE__RELAY_REACTIONS", "words"),
    ];
    let config = read(&GOOD.replace("platform:", templates), &variables).unwrap();
    let mut expected = RelayTemplates::default();
    for (kind, text) in
        [(TemplateKind::Emote, "_{name} {message}_"), (TemplateKind::Text, "<{name}> {message}")]
    {
        expected.set(kind, Template::read(kind, text).unwrap());
    }
    assert_eq!(config.bridge.relay_templates, expected);
    assert_eq!(config.bridge.relay_reactions, RelayReactions::Words);
    let empty = GOOD.replace("platform:", "  relay_templates:\nplatform:");
    assert_eq!(read(&empty, &[]).unwrap().bridge.relay_templates, RelayTemplates::default());
}

#[test]
fn without_a_secret_there_is_no_provisioning() {
    let provisioning =
        |section: &str| read(&format!("{GOOD}provisioning: {section}\n"), &[]).unwrap().provisioning;
    assert!(read(GOOD, &[]).unwrap().provisioning.is_none());
    assert!(provisioning("{}").is_none());
    let secret = "0123456789abcdef0123456789abcdef";
    let short = provisioning(&format!("{{ secret: {secret} }}")).unwrap();
    assert_eq!(
        (short.secret.expose(), short.openid, short.requests_per_second_max.get()),
        (secret, false, 10)
    );
    let long =
        provisioning(&format!("{{ secret: {secret}, openid: true, requests_per_second_max: 50 }}")).unwrap();
    assert_eq!((long.openid, long.requests_per_second_max.get()), (true, 50));
}

#[test]
fn secrets_never_print() {
    let database = "database: { url: \"postgres://me:pw123@db/magpie\" }\n";
    let config = read(&format!("{GOOD}{database}"), &[]).unwrap();
    let printed = format!("{config:?}");
    assert!(!printed.contains("abc.def") && !printed.contains("pw123"), "{printed}");
    let environment: Environment = [("MAGPIE_DISCORD_TOKEN", "hunter2")].into_iter().collect();
    assert!(!format!("{environment:?}").contains("hunter2"));
    let report = read(&format!("{GOOD}x: 1\n"), &[]).unwrap_err();
    assert!(!format!("{report:?}").contains("abc.def"));
}

#[test]
fn addresses_follow_the_place_to_listen() {
    let url = |listen: &str| {
        let variables = [("MAGPIE_APPSERVICE__LISTEN", listen)];
        read(GOOD, &variables).unwrap().appservice.url.to_string()
    };
    assert_eq!(url("0.0.0.0:5000"), "http://127.0.0.1:5000/");
    assert_eq!(url("[::]:5000"), "http://[::1]:5000/");
    assert_eq!(url("10.0.0.7:5000"), "http://10.0.0.7:5000/");
    let port_0 = [("MAGPIE_APPSERVICE__LISTEN", "127.0.0.1:0")];
    assert_eq!(read(GOOD, &port_0).unwrap_err().problems().len(), 1);
    let with_url = [port_0[0], ("MAGPIE_APPSERVICE__URL", "http://bridge:1/base")];
    assert_eq!(read(GOOD, &with_url).unwrap().appservice.url.as_str(), "http://bridge:1/base");
}

#[test]
fn programs_are_told_only_where_the_settings_say_so() {
    let quiet = read(GOOD, &[]).unwrap();
    assert_eq!(quiet.homeserver.status_endpoint, None);
    assert_eq!(quiet.homeserver.message_send_checkpoint_endpoint, None);
    assert!(!quiet.bridge.message_status_events);
    let variables = [
        ("MAGPIE_HOMESERVER__STATUS_ENDPOINT", "https://example.org/states/1"),
        ("MAGPIE_HOMESERVER__MESSAGE_SEND_CHECKPOINT_ENDPOINT", "http://127.0.0.1:9/checkpoints"),
        ("MAGPIE_BRIDGE__MESSAGE_STATUS_EVENTS", "true"),
    ];
    let config = read(GOOD, &variables).unwrap();
    assert_eq!(config.homeserver.status_endpoint.unwrap().as_str(), "https://example.org/states/1");
    let checkpoints = config.homeserver.message_send_checkpoint_endpoint.unwrap();
    assert_eq!(checkpoints.as_str(), "http://127.0.0.1:9/checkpoints");
    assert!(config.bridge.message_status_events);
}

#[test]
fn variables_lie_over_the_file() {
    let config = read(
        "",
        &[
            ("MAGPIE_HOMESERVER__URL", "https://matrix.example.org"),
            ("MAGPIE_HOMESERVER__SERVER_NAME", "example.org"),
            ("MAGPIE_BRIDGE__PERMISSIONS", "@bob:example.org=admin, example.org=user"),
            ("MAGPIE_BRIDGE__INVITE", "@bob:example.org,@carol:example.org"),
            ("MAGPIE_BRIDGE__CREATE_PORTALS", "at_start"),
            ("MAGPIE_DATABASE__URL", "sqlite:/var/lib/magpie.db"),
            ("MAGPIE_DISCORD_TOKEN", "0123"),
            ("MAGPIE_DISCORD_GUILDS", "1,2"),
            ("MAGPIE_DISCORD_PROXY__PORT", "80"),
            ("MAGPIE_PLATFORM__PROXY__ENABLED", "true"),
        ],
    )
    .unwrap();
    assert_eq!(config.platform.token.expose(), "0123");
    assert_eq!(config.platform.guilds, [1, 2]);
    assert_eq!((config.platform.proxy.port, config.platform.proxy.enabled), (80, true));
    assert_eq!(config.bridge.invite.len(), 2);
    assert_eq!(config.bridge.create_portals, CreatePortals::AtStart);
    assert_eq!(config.bridge.permissions.level(ruma::user_id!("@x:example.org")), Level::User);
    assert!(
        matches!(config.database.url, DatabaseUrl::Sqlite(path) if path == Path::new("/var/lib/magpie.db"))
    );
}

#[test]
fn a_variable_can_name_a_file_and_loses_one_line_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let path = path.to_str().unwrap();
    for (written, expected) in [("abc", "abc"), ("abc\n", "abc"), ("abc\r\n", "abc"), ("abc\n\n", "abc\n")] {
        std::fs::write(path, written).unwrap();
        let config = read(GOOD, &[("MAGPIE_DISCORD_TOKEN_FILE", path)]).unwrap();
        assert_eq!(config.platform.token.expose(), expected);
    }
    let both = [("MAGPIE_DISCORD_TOKEN_FILE", path), ("MAGPIE_DISCORD_TOKEN", "x")];
    assert_eq!(words(GOOD, &both), ["the variable without `_FILE` is set as well Keep one of the two."]);
    let report = read("", &[("MAGPIE_DISCORD_TOKEN_FILE", "/nonexistent/token")]).unwrap_err().to_string();
    assert!(
        report.contains(
            "MAGPIE_DISCORD_TOKEN_FILE (environment): the file `/nonexistent/token` cannot be read"
        )
    );
    assert!(!report.contains("`platform.token` is missing"), "{report}");
}

#[test]
fn variables_that_set_nothing_are_named_with_what_was_meant() {
    for (name, expected) in [
        (
            "MAGPIE_HOMESERVER__ULR",
            "unknown setting `ulr` Did you mean `MAGPIE_HOMESERVER__URL`? Allowed here: MAGPIE_HOMESERVER__URL, \
             MAGPIE_HOMESERVER__SERVER_NAME, MAGPIE_HOMESERVER__DOUBLE_PUPPETS, MAGPIE_HOMESERVER__DOUBLE_PUPPET_SERVERS, \
             MAGPIE_HOMESERVER__STATUS_ENDPOINT, MAGPIE_HOMESERVER__MESSAGE_SEND_CHECKPOINT_ENDPOINT.",
        ),
        ("MAGPIE_DATABSE__URL", "no setting has this name Did you mean `MAGPIE_DATABASE__URL`?"),
        ("MAGPIE_DATABASE_URL", "no setting has this name Did you mean `MAGPIE_DATABASE__URL`?"),
        ("MAGPIE_LOG_LEVEL", "no setting has this name Did you mean `MAGPIE_LOGGING__LEVEL`?"),
        ("MAGPIE_DISCROD_TOKEN", "no setting has this name Did you mean `MAGPIE_DISCORD_TOKEN`?"),
        ("MAGPIE_DISCORD__TOKEN", "no setting has this name Did you mean `MAGPIE_DISCORD_TOKEN`?"),
        (
            "MAGPIE_DISCORD_TOKNE_FILE",
            "unknown setting `tokne` Did you mean `MAGPIE_DISCORD_TOKEN`? Allowed here: MAGPIE_DISCORD_TOKEN, \
             MAGPIE_DISCORD_GUILDS, MAGPIE_DISCORD_PROXY.",
        ),
        (
            "MAGPIE_TOKEN",
            "no setting has this name The names start with: MAGPIE_HOMESERVER__, MAGPIE_APPSERVICE__, MAGPIE_DATABASE__, \
             MAGPIE_BRIDGE__, MAGPIE_PROVISIONING__, MAGPIE_LOGGING__, MAGPIE_PLATFORM__, MAGPIE_DISCORD_.",
        ),
    ] {
        assert_eq!(words(GOOD, &[(name, "/dev/null")]), [expected], "{name}");
    }
}

#[test]
fn variables_of_others_are_left_alone() {
    for name in [
        "MAGPIE_TELEGRAM_TOKEN",
        "MAGPIE_TELEGRAM_PROXY__URL",
        "MAGPIE_CONFIG",
        "MAGPIE_SPECS",
        "MAGPIE_TOOLS",
        "MAGPIE_TEST_X",
        "MAGPIE_KILL_AT",
        "MAGPIE_FAULT_Y",
        "HOME",
    ] {
        assert!(read(GOOD, &[(name, "x")]).is_ok(), "{name}");
    }
}

#[test]
fn a_wrong_variable_is_reported_by_its_name_and_without_its_value() {
    let report = read(GOOD, &[("MAGPIE_DISCORD_PROXY__PORT", "hunter2")]).unwrap_err().to_string();
    assert_eq!(
        report,
        "MAGPIE_DISCORD_PROXY__PORT (environment): this is text, but a whole number from 0 to 65535 is needed\n\n\
         1 problem in the configuration."
    );
}

#[test]
fn no_report_is_endless() {
    let text: String = (0..200).map(|n| format!("strange{n}: 1\n")).collect();
    let report = read(&text, &[]).unwrap_err();
    assert_eq!(report.problems().len(), 50);
    assert!(report.to_string().ends_with("50 problems in the configuration; there may be more."));
}

#[test]
fn a_missing_file_says_what_to_do() {
    let report = load::<Platform>(&DISCORD, Path::new("/nonexistent/config.yaml"), &Environment::default())
        .unwrap_err();
    assert_eq!(
        report.to_string(),
        "/nonexistent/config.yaml: cannot be read: No such file or directory (os error 2)\n      help: `magpie-discord init` \
         makes a new one; `magpie-discord --config FILE` names another.\n\n1 problem in the configuration."
    );
}
