//! Each command through the table, against a real store.

use std::{collections::BTreeMap, sync::Arc};

use ruma::{owned_event_id, owned_room_id, owned_user_id, server_name};

use super::*;
use crate::{
    config::Secret,
    homeserver::HomeserverSettings,
    ids::{LoginId, RemoteChatId, RemoteMessageId},
    login::{Accounts, AccountsParts},
    message::{ChatKind, Emoji},
    store::{
        Direction, Done, Durability, Feed, Links, MatrixEvent, OpenRow, Outcome, ReactionRow, StoreSettings,
    },
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
        previous_as_token: None,
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
        relay_templates: Arc::default(),
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
    assert_eq!(say(&commands, Level::Admin, "trace #1").await, traced, "log lines name the row");
    assert!(say(&commands, Level::Admin, "trace #77").await.contains("never accepted"));
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

#[tokio::test]
async fn a_rooms_templates_are_shown_changed_and_refused_in_words() {
    use crate::portal::Effect;
    let dir = tempfile::tempdir().unwrap();
    let commands = commands(&dir).await;
    with_portal(&commands).await;
    let give = async |words: &str| {
        let command = format!("relay-template {words}");
        let Reply { words, effect } = say_in(&commands, "!portal:example.org", Level::Admin, &command).await;
        let Some(effect) = effect else { return (words, None) };
        let Effect::RelayTemplates(templates) = effect else { panic!("{effect:?}") };
        // As the portal does.
        let chat = RemoteChatId::new("chat-1");
        commands.0.store.set_portal_relay_templates(&chat, &templates).await.unwrap();
        (
            words,
            Some(templates.iter().map(|(kind, it)| (kind.key(), it.text().to_owned())).collect::<Vec<_>>()),
        )
    };
    let own = |pairs: &[(&'static str, &str)]| {
        Some(pairs.iter().map(|(kind, text)| (*kind, (*text).to_owned())).collect::<Vec<_>>())
    };
    let (all, effect) = give("").await;
    let usual = "- text: `**{name}**: {message}`\n- notice: `**{name}**: {message}`\n- emote: `* **{name}** {message}`\n- edit: as it \
                 looked before it was changed\n- file: `**{name}** sent {file}`";
    assert!(all.contains(usual) && !all.contains("own") && effect.is_none(), "{all}");
    let (words, effect) = give("text  <{name}>\n{message} ").await;
    assert_eq!(words, "From now on in this room:\n- text: `<{name}>↵{message}` (this room's own)");
    assert_eq!(effect, own(&[("text", "<{name}>\n{message}")]));
    let (_, effect) = give("Edit {name}, edited: {message}").await;
    let both = [("text", "<{name}>\n{message}"), ("edit", "{name}, edited: {message}")];
    assert_eq!(effect, own(&both));
    let (words, _) = give("edit").await;
    assert_eq!(words, "- edit: `{name}, edited: {message}` (this room's own)");
    for (refused, expected) in [
        (
            "text off",
            "That is no template: nobody is named: there is neither `{name}` nor `{user_id}`. As it usually is: `**{name}**: {message}`.",
        ),
        (
            "text {message} ({name})",
            "That is no template: `{message}` stands before the name. Put the name first, so that nobody's words can seem to be somebody else's.",
        ),
        (
            "txet <{name}> {message}",
            "There is no kind of message “txet”. Did you mean `text`? There are: text, notice, emote, edit, file, sticker, location, reaction.",
        ),
    ] {
        assert_eq!(give(refused).await, (expected.to_owned(), None));
    }
    let (words, effect) = give(&format!("text <{{name}}> {{message}} {}", "x".repeat(5_000))).await;
    assert!(words.starts_with("That is no template: this has more than 200 characters") && effect.is_none());
    let (words, effect) = give("text reset").await;
    assert_eq!(words, "From now on in this room:\n- text: `**{name}**: {message}`");
    assert_eq!(effect, own(&both[1..]));
    let (words, effect) = give("reset").await;
    assert_eq!(words, "This room has no templates of its own any more; the bridge's are used.");
    assert_eq!(effect, own(&[]));
}

#[tokio::test]
async fn a_change_is_traced_from_both_of_its_ends() {
    let dir = tempfile::tempdir().unwrap();
    let homeserver = FakeHomeserver::start(FakeSettings::with_bridge("@t_", "bot")).await.unwrap();
    let commands = commands_at(&dir, homeserver.client_settings()).await;
    let (alice, bot) = (homeserver.person("alice"), owned_user_id!("@bot:example.org"));
    let room = alice.creates_direct_chat(&bot);
    commands.0.homeserver.bot().join(&room).await.unwrap();
    let said = alice.sends(&room, "hello");
    let changed = alice.edits(&room, &said, "hello, all");
    for event_id in [&said, &changed] {
        let event = MatrixEvent {
            event_id: event_id.to_string(),
            room_id: room.to_string(),
            sender: alice.user_id().to_string(),
            sent_ms: 1,
            lane: room.as_str().into(),
            body: "{}".to_owned(),
            parked: None,
        };
        commands.0.store.accept(vec![event]).await.unwrap();
    }
    let traced = say(&commands, Level::Admin, &format!("trace {said}")).await;
    assert!(traced.contains(&format!("changes since then: 1, the newest {changed}")), "{traced}");
    assert!(!traced.contains("a change of"), "{traced}");
    let traced = say(&commands, Level::Admin, &format!("trace {changed}")).await;
    assert!(traced.contains(&format!("a change of event {said}")), "{traced}");
    assert!(!traced.contains("changes since"), "{traced}");
    for word in ["hi", "hey", "hullo", "good day", "good evening", "well met"] {
        alice.edits(&room, &said, word);
    }
    let traced = say(&commands, Level::Admin, &format!("trace {said}")).await;
    assert!(traced.contains("changes since then: 7, the newest"), "{traced}");
}

#[tokio::test]
async fn a_reaction_is_traced_from_both_of_its_ends() {
    let dir = tempfile::tempdir().unwrap();
    let commands = commands(&dir).await;
    let store = &commands.0.store;
    let event = |event_id: &str| MatrixEvent {
        event_id: event_id.to_owned(),
        room_id: "!portal:example.org".to_owned(),
        sender: "@alice:example.org".to_owned(),
        sent_ms: 999_000,
        lane: "!portal:example.org".into(),
        body: "{}".to_owned(),
        parked: None,
    };
    store.accept(vec![event("$said")]).await.unwrap();
    let said = store.trace("$said").await.unwrap().remove(0).message.id;
    store.note_attempt(said).await.unwrap();
    let (chat, id) = (RemoteChatId::new("chat-1"), RemoteMessageId::new("m1"));
    let links = Links::Remote { chat: chat.clone(), ids: vec![id.clone()] };
    store.finish(Done { id: said, outcome: Outcome::Delivered, links }).await.unwrap();
    let reaction = ReactionRow {
        chat,
        target: id,
        origin: Direction::FromRemote,
        sender: "bob".to_owned(),
        emoji: Emoji::Unicode("👍".to_owned()),
        room_id: "!portal:example.org".try_into().unwrap(),
        event_id: "$thumb".try_into().unwrap(),
    };
    store.save_reaction(&reaction).await.unwrap();
    let traced = say(&commands, Level::Admin, "trace $said").await;
    for words in [
        "delivered",
        "from @alice:example.org",
        "1000 ms after it was written",
        "tried again once",
        "in room !portal",
        "0 from Matrix, 1 from",
    ] {
        assert!(traced.contains(words), "{words} is missing: {traced}");
    }
    let traced = say(&commands, Level::Admin, "trace $thumb").await;
    assert!(traced.contains("put by bob") && traced.contains("on message m1 in chat chat-1"), "{traced}");
}
