//! Each command through the table, against a real store.

use std::{collections::BTreeMap, sync::Arc};

use ruma::{owned_event_id, owned_room_id, owned_user_id, server_name};

use super::*;
use crate::{
    config::Secret,
    homeserver::HomeserverSettings,
    ids::{LoginId, RemoteChatId},
    login::{Accounts, AccountsParts},
    message::ChatKind,
    store::{Durability, Feed, MatrixEvent, OpenRow, StoreSettings},
    testkit::{
        fake_homeserver::{FakeHomeserver, FakeSettings},
        fake_network::FakeNetwork,
    },
};

struct NoFeed;

impl Feed for NoFeed {
    fn stored(&self, _rows: Vec<OpenRow>) {}
}

const ABOUT: About = crate::config::about::DISCORD;

async fn commands(dir: &tempfile::TempDir) -> Commands {
    // Nobody is there; commands that ask it find that out.
    let nowhere = HomeserverSettings {
        url: "http://127.0.0.1:9/".parse().unwrap(),
        as_token: Secret::new("as"),
        bot: owned_user_id!("@bot:example.org"),
        double_puppet_token: None,
        other_servers: BTreeMap::default(),
    };
    commands_at(dir, nowhere).await
}

async fn commands_at(dir: &tempfile::TempDir, homeserver: HomeserverSettings) -> Commands {
    let clock = Clock::fixed(1_000_000, 1);
    let url = format!("sqlite:{}", dir.path().join("test.db").display());
    let settings = StoreSettings { url, durability: Durability::Normal, key: Secret::new("k") };
    let store = Store::open(&settings, clock.clone(), Arc::new(NoFeed)).await.unwrap();
    store
        .accept(vec![MatrixEvent {
            event_id: "$broken".to_owned(),
            room_id: "!r:example.org".to_owned(),
            sender: "@a:example.org".to_owned(),
            sent_ms: 1,
            lane: "!r:example.org".into(),
            body: "{}".to_owned(),
            parked: Some("it has no sender".to_owned()),
        }])
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let logins = Logins::new(clock.clone(), stop.clone());
    let network = Arc::new(FakeNetwork::new("commands"));
    let parts =
        AccountsParts { logins: logins.clone(), store: store.clone(), network, per_user_max: 2, all_max: 3 };
    let signing_in = SigningIn::new(Accounts::new(parts), clock.clone(), stop);
    let homeserver = Homeserver::new(homeserver).unwrap();
    let doubles = Doubles::new(store.clone(), homeserver.clone(), clock.clone(), &Secret::new("as"));
    let names = GhostNames::new("t_", "bot", server_name!("example.org")).unwrap();
    Commands::new(Desk {
        about: ABOUT,
        prefix: "!t".to_owned(),
        store,
        logins,
        signing_in,
        chats: Chats::default(),
        homeserver,
        doubles,
        names: Arc::new(names),
        permissions: Permissions::default(),
        clock,
        started_ms: 940_000,
    })
}

async fn say(commands: &Commands, level: Level, words: &str) -> String {
    let call = Call {
        kind: CallKind::Command,
        event_id: owned_event_id!("$call"),
        sender: owned_user_id!("@a:example.org"),
        level,
        room_id: owned_room_id!("!r:example.org"),
        words: words.to_owned(),
    };
    commands.run(call).await.words
}

const LEVELS: [Level; 5] = [Level::None, Level::Relay, Level::Commands, Level::User, Level::Admin];

/// A room of a chat, and one of none.
async fn with_portal(commands: &Commands) {
    let portal = PortalRow {
        room_id: Some(owned_room_id!("!portal:example.org")),
        login: Some(LoginId::new("bot")),
        ..PortalRow::new(RemoteChatId::new("chat-1"), ChatKind::Group)
    };
    commands.0.store.save_portal(&portal).await.unwrap();
}

async fn say_in(commands: &Commands, room: &str, level: Level, words: &str) -> Reply {
    let room_id = RoomId::parse(room).unwrap();
    let call = Call {
        kind: CallKind::Command,
        event_id: owned_event_id!("$call"),
        sender: owned_user_id!("@a:example.org"),
        level,
        room_id,
        words: words.to_owned(),
    };
    commands.run(call).await
}

/// The kinds of rooms that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A chat's.
    Portal,
    /// One with others in it.
    Group,
    /// One with the bot alone.
    Private,
}

#[tokio::test]
async fn every_command_at_every_level_in_every_room() {
    let dir = tempfile::tempdir().unwrap();
    let homeserver = FakeHomeserver::start(FakeSettings::with_bridge("@t_", "bot")).await.unwrap();
    let commands = commands_at(&dir, homeserver.client_settings()).await;
    with_portal(&commands).await;
    let (a, b) = (homeserver.person("a"), homeserver.person("b"));
    let bot = owned_user_id!("@bot:example.org");
    let (private, group) = (a.creates_direct_chat(&bot), a.creates_direct_chat(&bot));
    a.invites(&group, b.user_id()).await;
    for room in [&private, &group] {
        commands.0.homeserver.bot().join(room).await.unwrap();
    }
    b.joins(&group);
    let rooms = [
        (Kind::Portal, "!portal:example.org"),
        (Kind::Group, group.as_str()),
        (Kind::Private, private.as_str()),
    ];
    for command in TABLE {
        for level in LEVELS {
            for (kind, room) in rooms {
                let Reply { words, effect } = say_in(&commands, room, level, command.example).await;
                let case = format!("{} at {level:?} in a {kind:?}: {words}", command.name);
                let is_refused = level < command.level;
                assert_eq!(words.contains("is for people with the level"), is_refused, "{case}");
                let is_misplaced = match command.place {
                    Place::Anywhere => false,
                    Place::Portal => kind != Kind::Portal,
                    Place::Private => kind != Kind::Private,
                } && !is_refused;
                let says_where =
                    words.contains("belongs into the room") || words.contains("nobody else is in.");
                assert_eq!(says_where, is_misplaced, "{case}");
                assert!(!words.is_empty(), "{case}");
                let takes_effect = command.name == "unbridge" && !is_refused && !is_misplaced;
                assert!(effect.is_some() || !takes_effect, "{case}");
                assert!(effect.is_none() || !(is_refused || is_misplaced), "{case}");
            }
        }
    }
    homeserver.stop().await;
}

#[tokio::test]
async fn names_are_found_and_what_follows_them_is_held_against_the_table() {
    let dir = tempfile::tempdir().unwrap();
    let commands = commands(&dir).await;
    let mut names: Vec<&str> = TABLE.iter().flat_map(Command::names).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "a name stands twice");
    for name in names {
        assert!(commands.knows(name) && commands.knows(&name.to_uppercase()));
    }
    let admin = async |words: &str| say(&commands, Level::Admin, words).await;
    assert_eq!(
        admin("retyr 1").await,
        "There is no command “retyr”. Did you mean `!t retry`? `!t help` lists them all."
    );
    assert_eq!(admin("nonsense").await, "There is no command “nonsense”. `!t help` lists them all.");
    assert_eq!(admin("retry").await, "Say which number. The command is `!t retry <number>`.");
    assert_eq!(admin("drop all").await, "The number is to be a number. The command is `!t drop <number>`.");
    assert_eq!(admin("status now").await, "Nothing follows this command. The command is `!t status`.");
    let long = admin(&"x".repeat(5_000)).await;
    assert!(long.len() < 200, "{long}");
}

#[tokio::test]
async fn help_shows_what_somebody_may_do_and_explains_one() {
    let dir = tempfile::tempdir().unwrap();
    let commands = commands(&dir).await;
    let all = say(&commands, Level::Admin, "help").await;
    for command in TABLE {
        assert!(all.contains(&format!("`!t {}` — ", command.usage())), "{all}");
        let one = say(&commands, Level::Admin, &format!("help {}", command.name)).await;
        assert!(
            one.contains(command.help) && one.contains(&format!("For example: `!t {}`", command.example)),
            "{one}"
        );
    }
    let few = say(&commands, Level::Commands, "").await;
    assert!(
        few.contains("!t status") && !few.contains("!t retry") && !few.contains("did not get through"),
        "{few}"
    );
    assert!(say(&commands, Level::Commands, "help stauts").await.contains("Did you mean `!t status`?"));
}

#[tokio::test]
async fn a_room_says_what_it_belongs_to() {
    let dir = tempfile::tempdir().unwrap();
    let commands = commands(&dir).await;
    with_portal(&commands).await;
    let words =
        async |command: &str| say_in(&commands, "!portal:example.org", Level::Admin, command).await.words;
    assert_eq!(words("id").await, "Chat chat-1 on Discord, by way of account bot.");
    // Nobody is connected in here; with a network behind it, the stories have them.
    for command in ["sync", "capabilities"] {
        assert_eq!(
            words(command).await,
            "The account on Discord is not connected just now. `!t status` says why."
        );
    }
    assert!(words("unbridge").await.contains("`!t bridge` joins them again"));
    assert_eq!(
        words("list-logins").await,
        "No account on Discord is set up. `!t login` signs in with yours."
    );
    assert_eq!(words("ping").await, "The Discord bridge is here, and has been for 1 min.");
}

#[tokio::test]
async fn a_parked_row_is_listed_traced_and_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let commands = commands(&dir).await;
    let listed = say(&commands, Level::Admin, "failed").await;
    assert!(listed.contains("1: failed") && listed.contains("it has no sender"), "{listed}");
    let traced = say(&commands, Level::Admin, "trace $broken").await;
    assert!(traced.contains("failed") && traced.contains("parked"), "{traced}");
    assert_eq!(say(&commands, Level::Admin, "drop 1").await, "1 is given up.");
    assert_eq!(say(&commands, Level::Admin, "drop 1").await, "Nothing is parked under 1.");
    assert_eq!(say(&commands, Level::Admin, "failed").await, "Nothing has failed.");
    assert!(say(&commands, Level::Admin, "trace $other").await.contains("never accepted"));
}

#[tokio::test]
async fn status_says_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let commands = commands(&dir).await;
    let status = say(&commands, Level::Commands, "status").await;
    assert!(status.starts_with("Running for 1 min."), "{status}");
    assert!(status.contains("1 parked"), "{status}");
}
