//! A table of files with mistakes, each with the whole report that an operator sees.

use super::{GOOD, read};

struct Case {
    name: &'static str,
    /// What to replace in the good file, and by what; the whole file when the first is empty.
    change: (&'static str, &'static str),
    report: &'static str,
}

#[test]
fn every_mistake_gets_exactly_its_report() {
    for Case { name, change: (from, to), report } in CASES {
        let text = if from.is_empty() { (*to).to_owned() } else { GOOD.replace(from, to) };
        assert_ne!(text, GOOD, "{name}");
        let found = read(&text, &[]).expect_err(name).to_string();
        assert_eq!(found, report.trim_matches('\n'), "{name}");
    }
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case {
        name: "a misspelled key is one problem, not two",
        change: ("server_name: example.org", "server_nam: example.org"),
        report: r##"
etc/config.yaml:3:3: unknown setting `server_nam`
    3 |   server_nam: ***********
      |   ^^^^^^^^^^
      help: Did you mean `server_name`? Allowed here: url, server_name, double_puppets, double_puppet_servers, status_endpoint, message_send_checkpoint_endpoint.

1 problem in the configuration.
"##,
    },
    Case {
        name: "a misspelled section",
        change: ("homeserver:\n", "homserver:\n"),
        report: r##"
etc/config.yaml:1:1: unknown section `homserver`
    1 | homserver:
      | ^^^^^^^^^
      help: Did you mean `homeserver`? Allowed here: homeserver, appservice, database, bridge, provisioning, logging, platform.

1 problem in the configuration.
"##,
    },
    Case {
        name: "an unknown section",
        change: ("platform:", "listen: 1\nplatform:"),
        report: r##"
etc/config.yaml:6:1: unknown section `listen`
    6 | listen: *
      | ^^^^^^
      help: Allowed here: homeserver, appservice, database, bridge, provisioning, logging, platform.

1 problem in the configuration.
"##,
    },
    Case {
        name: "a misspelled secret stays hidden",
        change: ("token: abc.def", "tokne: hunter2"),
        report: r##"
etc/config.yaml:7:3: unknown setting `tokne`
    7 |   tokne: *******
      |   ^^^^^
      help: Did you mean `token`? Allowed here: token, guilds, proxy.

1 problem in the configuration.
"##,
    },
    Case {
        name: "a number where text belongs",
        change: ("token: abc.def", "token: 12"),
        report: r##"
etc/config.yaml:7:10: this is a number, but text is needed
    7 |   token: **
      |          ^^
      help: Put the value in quotes.

1 problem in the configuration.
"##,
    },
    Case {
        name: "a list where text belongs",
        change: ("token: abc.def", "token: [a, b]"),
        report: r##"
etc/config.yaml:7:10: this is a list, but text is needed
    7 |   token: *** **
      |          ^

1 problem in the configuration.
"##,
    },
    Case {
        name: "a key that is set twice",
        change: ("token: abc.def", "token: x\n  token: y"),
        report: r##"
etc/config.yaml:8:3: `token` is set twice
    8 |   token: *
      |   ^^^^^
      help: It already stands on line 7; keep one of the two.

1 problem in the configuration.
"##,
    },
    Case {
        name: "an empty value",
        change: ("token: abc.def", "token:"),
        report: r##"
etc/config.yaml:7:8: this is empty, but text is needed
    7 |   token:
      |        ^
      help: Give a value, or take the line out.

1 problem in the configuration.
"##,
    },
    Case {
        name: "a missing key",
        change: ("  token: abc.def", ""),
        report: r##"
etc/config.yaml:6:1: `platform.token` is missing
    6 | platform:
      | ^^^^^^^^
      help: Copy it from the developer portal.

1 problem in the configuration.
"##,
    },
    Case {
        name: "a missing section",
        change: ("platform:\n  token: abc.def\n", ""),
        report: r##"
etc/config.yaml:1:1: `platform.token` is missing
    1 | homeserver:
      | ^^^^^^^^^^
      help: Copy it from the developer portal.

1 problem in the configuration.
"##,
    },
    Case {
        name: "a placeholder token",
        change: ("token: abc.def", "token: CHANGE_ME"),
        report: r##"
etc/config.yaml:7:10: `token` is still a placeholder
    7 |   token: *********
      |          ^^^^^^^^^
      help: Copy it from the developer portal.

1 problem in the configuration.
"##,
    },
    Case {
        name: "a wrong entry in a list",
        change: ("token: abc.def", "token: abc\n  guilds: [1, two, 3]"),
        report: r##"
etc/config.yaml:8:15: this is text, but a whole number from 0 is needed
    8 |   guilds: [1, two, 3]
      |               ^^^

1 problem in the configuration.
"##,
    },
    Case {
        name: "a number where a list belongs",
        change: ("token: abc.def", "token: abc\n  guilds: 7"),
        report: r##"
etc/config.yaml:8:11: this is a number, but a list is needed
    8 |   guilds: 7
      |           ^

1 problem in the configuration.
"##,
    },
    Case {
        name: "two mistakes in a group",
        change: ("token: abc.def", "token: abc\n  proxy: { port: 70000, enabled: maybe }"),
        report: r##"
etc/config.yaml:8:18: this number does not fit: a whole number from 0 to 65535 is needed
    8 |   proxy: { port: 70000, enabled: maybe }
      |                  ^^^^^

etc/config.yaml:8:34: this is text, but true or false is needed
    8 |   proxy: { port: 70000, enabled: maybe }
      |                                  ^^^^^

2 problems in the configuration.
"##,
    },
    Case {
        name: "a mistake and an unknown key in a group",
        change: ("token: abc.def", "token: abc\n  proxy: { port: x, enbled: true }"),
        report: r##"
etc/config.yaml:8:18: this is text, but a whole number from 0 to 65535 is needed
    8 |   proxy: { port: x, enbled: true }
      |                  ^

etc/config.yaml:8:21: unknown setting `enbled`
    8 |   proxy: { port: x, enbled: **** *
      |                     ^^^^^^
      help: Did you mean `enabled`? Allowed here: port, enabled.

2 problems in the configuration.
"##,
    },
    Case {
        name: "text that YAML cannot start",
        change: ("token: abc.def", "token: @abc"),
        report: r##"
etc/config.yaml:7:10: this is not YAML: unexpected character: `@'
    7 |   token: ****
      |          ^
      help: Each line is `key: value`; groups are indented by two spaces, never by tabs; put texts with `: `, `#` or `@` in quotes.

1 problem in the configuration.
"##,
    },
    Case {
        name: "an unclosed quote",
        change: ("token: abc.def", "token: \"abc"),
        report: r##"
etc/config.yaml:7:10: this is not YAML: unclosed quote
    7 |   token: "***
      |          ^
      help: Each line is `key: value`; groups are indented by two spaces, never by tabs; put texts with `: `, `#` or `@` in quotes.

1 problem in the configuration.
"##,
    },
    Case {
        name: "an address without a scheme",
        change: ("http://127.0.0.1:8008", "example.org"),
        report: r##"
etc/config.yaml:2:8: this address has no `http://` or `https://`
    2 |   url: example.org
      |        ^^^^^^^^^^^
      help: Write it in full, such as `https://matrix.example.org` or `http://127.0.0.1:8008`.

1 problem in the configuration.
"##,
    },
    Case {
        name: "an address with a wrong scheme",
        change: ("http://127.0.0.1:8008", "ftp://example.org"),
        report: r##"
etc/config.yaml:2:8: this address must start with `http://` or `https://`
    2 |   url: ftp://example.org
      |        ^^^^^^^^^^^^^^^^^
      help: Write it in full, such as `https://matrix.example.org` or `http://127.0.0.1:8008`.

1 problem in the configuration.
"##,
    },
    Case {
        name: "an address that looks as if its host were a scheme",
        change: ("http://127.0.0.1:8008", "matrix.example.org:8008"),
        report: r##"
etc/config.yaml:2:8: this address must start with `http://` or `https://`
    2 |   url: matrix.example.org:8008
      |        ^^^^^^^^^^^^^^^^^^^^^^^
      help: Write it in full, such as `https://matrix.example.org` or `http://127.0.0.1:8008`.

1 problem in the configuration.
"##,
    },
    Case {
        name: "addresses of programs that watch over bridges",
        change: ("bridge:", "  status_endpoint: status.example.org/x\n  message_send_checkpoint_endpoint: unix:/run/x\nbridge:"),
        report: r##"
etc/config.yaml:4:20: this address has no `http://` or `https://`
    4 |   status_endpoint: status.example.org/x
      |                    ^^^^^^^^^^^^^^^^^^^^
      help: Write it in full, such as `https://matrix.example.org` or `http://127.0.0.1:8008`.

etc/config.yaml:5:37: this address must start with `http://` or `https://`
    5 |   message_send_checkpoint_endpoint: unix:/run/x
      |                                     ^^^^^^^^^^^
      help: Write it in full, such as `https://matrix.example.org` or `http://127.0.0.1:8008`.

2 problems in the configuration.
"##,
    },
    Case {
        name: "an address with a password",
        change: ("http://127.0.0.1:8008", "http://me:pw@example.org"),
        report: r##"
etc/config.yaml:2:8: this address holds a user name or password
    2 |   url: http://*****@example.org
      |        ^^^^^^^^^^^^^^^^^^^^^^^^
      help: Take out everything before the `@`.

1 problem in the configuration.
"##,
    },
    Case {
        name: "an address with a path",
        change: ("http://127.0.0.1:8008", "http://example.org/_matrix"),
        report: r##"
etc/config.yaml:2:8: this address goes on after the host and port
    2 |   url: http://example.org/_matrix
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^
      help: End it there; the bridge adds the paths itself.

1 problem in the configuration.
"##,
    },
    Case {
        name: "an address with a query",
        change: ("http://127.0.0.1:8008", "http://example.org?x=1"),
        report: r##"
etc/config.yaml:2:8: this address goes on with `?` or `#`
    2 |   url: http://example.org?x=1
      |        ^^^^^^^^^^^^^^^^^^^^^^
      help: End it before that.

1 problem in the configuration.
"##,
    },
    Case {
        name: "an empty server name",
        change: ("server_name: example.org", "server_name: ''"),
        report: r##"
etc/config.yaml:3:16: `homeserver.server_name` is missing
    3 |   server_name: ''
      |                ^^
      help: It is the part of your Matrix ids after the colon: `example.org` in `@alice:example.org`.

1 problem in the configuration.
"##,
    },
    Case {
        name: "a server name with a space",
        change: ("server_name: example.org", "server_name: ex ample"),
        report: r##"
etc/config.yaml:3:16: `ex ample` is not a server name
    3 |   server_name: ex ample
      |                ^^^^^^^^
      help: It is the part of your Matrix ids after the colon: `example.org` in `@alice:example.org`.

1 problem in the configuration.
"##,
    },
    Case {
        name: "a number as server name",
        change: ("server_name: example.org", "server_name: 12"),
        report: r##"
etc/config.yaml:3:16: this is a number, but text is needed
    3 |   server_name: 12
      |                ^^
      help: Put the value in quotes.

1 problem in the configuration.
"##,
    },
    Case {
        name: "four mistakes in one line",
        change: ("bridge:", "appservice: { listen: localhost:1, bot: discord_bot, public_url: a.b, id: 'A B' }\nbridge:"),
        report: r##"
etc/config.yaml:4:23: this is not an IP address with a port
    4 | appservice: { listen: localhost:1, bot: discord_bot, public_url: a.b, id: 'A B' }
      |                       ^^^^^^^^^^^
      help: Allowed: `127.0.0.1:29334` for this machine only, `0.0.0.0:29334` or `[::]:29334` for all.

etc/config.yaml:4:41: the bot's name `discord_bot` would also be read as a ghost, because it starts with `discord_`
    4 | appservice: { listen: localhost:1, bot: discord_bot, public_url: a.b, id: 'A B' }
      |                                         ^^^^^^^^^^^
      help: Choose a `bot` that does not start with `ghost_prefix`.

etc/config.yaml:4:66: this address has no `http://` or `https://`
    4 | appservice: { listen: localhost:1, bot: discord_bot, public_url: a.b, id: 'A B' }
      |                                                                  ^^^
      help: Write it in full, such as `https://matrix.example.org` or `http://127.0.0.1:8008`.

etc/config.yaml:4:75: this cannot name a registration
    4 | appservice: { listen: localhost:1, bot: discord_bot, public_url: a.b, id: 'A B' }
      |                                                                           ^^^^^
      help: Allowed: letters a to z, digits, `_` and `-`.

4 problems in the configuration.
"##,
    },
    Case {
        name: "a key that could be guessed",
        change: ("bridge:", "database: { encryption_key: a-short-one }\nbridge:"),
        report: r##"
etc/config.yaml:4:29: this has fewer than 32 characters
    4 | database: { encryption_key: *********** *
      |                             ^^^^^^^^^^^
      help: Make one up: `openssl rand -hex 32`.

1 problem in the configuration.
"##,
    },
    Case {
        name: "a provisioning secret that could be guessed, and a limit that lets nothing through",
        change: ("bridge:", "provisioning: { secret: a-short-one, requests_per_second_max: 0 }\nbridge:"),
        report: r##"
etc/config.yaml:4:25: this has fewer than 32 characters
    4 | provisioning: { secret: ************ ************************ * *
      |                         ^^^^^^^^^^^
      help: Make one up: `openssl rand -hex 32`.

etc/config.yaml:4:63: with 0 nothing would be answered
    4 | provisioning: { secret: ************ ************************ * *
      |                                                               ^
      help: Leave `secret` out to switch the API off.

2 problems in the configuration.
"##,
    },
    Case {
        name: "provisioning without a secret",
        change: ("bridge:", "provisioning:\n  openid: true\nbridge:"),
        report: r##"
etc/config.yaml:4:1: `provisioning.secret` is missing
    4 | provisioning:
      | ^^^^^^^^^^^^
      help: Make one up: `openssl rand -hex 32`.

1 problem in the configuration.
"##,
    },
    Case {
        name: "a database of another kind and an unknown choice",
        change: ("bridge:", "database: { url: mysql://x, durability: ful }\nbridge:"),
        report: r##"
etc/config.yaml:4:18: this is neither an SQLite file nor a PostgreSQL address
    4 | database: { url: mysql://x, durability: ful }
      |                  ^^^^^^^^^
      help: Allowed: `sqlite:` and a file name, or `postgres://user:password@host/database`.

etc/config.yaml:4:41: this is not one of the choices
    4 | database: { url: mysql://x, durability: ful }
      |                                         ^^^
      help: Did you mean `full`? Allowed here: full, normal.

2 problems in the configuration.
"##,
    },
    Case {
        name: "a database in memory and a list as a choice",
        change: ("bridge:", "database: { url: 'sqlite::memory:' }\nlogging: { level: loud, format: [] }\nbridge:"),
        report: r##"
etc/config.yaml:4:18: this names no file, so nothing would outlive the process
    4 | database: { url: 'sqlite::memory:' }
      |                  ^^^^^^^^^^^^^^^^^
      help: Allowed: `sqlite:` and a file name, or `postgres://user:password@host/database`.

etc/config.yaml:5:19: this is not one of the choices
    5 | logging: { level: loud, format: [] }
      |                   ^^^^
      help: Allowed here: error, warn, info, debug, trace.

etc/config.yaml:5:33: this is a list, but one of its words is needed
    5 | logging: { level: loud, format: [] }
      |                                 ^
      help: Allowed here: text, json.

3 problems in the configuration.
"##,
    },
    Case {
        name: "an unknown level",
        change: ("admin", "boss"),
        report: r##"
etc/config.yaml:5:40: this is not one of the choices
    5 |   permissions: { "@alice:example.org": boss }
      |                                        ^^^^
      help: Allowed here: none, relay, commands, user, admin.

1 problem in the configuration.
"##,
    },
    Case {
        name: "permissions for nobody",
        change: ("\"@alice:example.org\": admin", "\"@alice\": admin, \"*\": none, \"a b\": user"),
        report: r##"
etc/config.yaml:5:18: `@alice` is neither a person nor a server
    5 |   permissions: { "@alice": admin, "*": none, "a b": user }
      |                  ^^^^^^^^
      help: Allowed: a Matrix id in quotes, a server's name, or "*" for everybody.

etc/config.yaml:5:46: `a b` is neither a person nor a server
    5 |   permissions: { "@alice": admin, "*": none, "a b": user }
      |                                              ^^^^^
      help: Allowed: a Matrix id in quotes, a server's name, or "*" for everybody.

2 problems in the configuration.
"##,
    },
    Case {
        name: "a bad prefix and a bad invitation",
        change: ("  permissions: { \"@alice:example.org\": admin }", "  command_prefix: /x\n  invite: [bob]"),
        report: r##"
etc/config.yaml:4:1: nobody may use the bridge
    4 | bridge:
      | ^^^^^^
      help: Name yourself: `permissions: { "@you:example.org": admin }`.

etc/config.yaml:5:19: this cannot start a command
    5 |   command_prefix: /x
      |                   ^^
      help: Use one word that does not start with `/`, which Matrix clients keep for themselves: `!discord`.

etc/config.yaml:6:12: `bob` is not a Matrix user id
    6 |   invite: [bob]
      |            ^^^
      help: Write it in full: "@alice:example.org".

3 problems in the configuration.
"##,
    },
    Case {
        name: "who cannot be ignored",
        change: ("bridge:\n", "bridge:\n  ignore: [telegram, \"@a*:example.org\"]\n"),
        report: r##"
etc/config.yaml:5:12: no Matrix user id looks like `telegram`
    5 |   ignore: [telegram, "@a*:example.org"]
      |            ^^^^^^^^
      help: Write whole ids, with `*` for any characters: "@telegram_*:example.org".

etc/config.yaml:5:22: this would ignore @alice:example.org, whom `permissions` name
    5 |   ignore: [telegram, "@a*:example.org"]
      |                      ^^^^^^^^^^^^^^^^^
      help: Make it fit fewer ids, or take them out of `permissions`.

2 problems in the configuration.
"##,
    },
    Case {
        name: "other homeservers that cannot be reached",
        change: ("server_name: example.org\n", "server_name: example.org\n  double_puppet_servers: { \"a b\": \"https://a.example\", b.example: \"http://b.example\" }\n"),
        report: r##"
etc/config.yaml:4:28: `a b` is not a server name
    4 |   double_puppet_servers: { "a b": "https://a.example", b.example: "http://b.example" }
      |                            ^^^^^
      help: Name the server as in its people's ids: `example.org`.

etc/config.yaml:4:56: access tokens would travel to b.example for everybody to read
    4 |   double_puppet_servers: { "a b": "https://a.example", b.example: "http://b.example" }
      |                                                        ^^^^^^^^^
      help: Give an `https://` address.

2 problems in the configuration.
"##,
    },
    Case {
        name: "an empty file",
        change: ("", ""),
        report: r##"
etc/config.yaml:1:1: `homeserver.url` is missing
    1 |
      | ^
      help: Give the address of the client API, such as `http://127.0.0.1:8008`.

etc/config.yaml:1:1: `homeserver.server_name` is missing
    1 |
      | ^
      help: It is the part of your Matrix ids after the colon: `example.org` in `@alice:example.org`.

etc/config.yaml:1:1: nobody may use the bridge
    1 |
      | ^
      help: Name yourself: `permissions: { "@you:example.org": admin }`.

etc/config.yaml:1:1: `platform.token` is missing
    1 |
      | ^
      help: Copy it from the developer portal.

4 problems in the configuration.
"##,
    },
    Case {
        name: "a file of one text",
        change: ("", "just text"),
        report: r##"
etc/config.yaml:1:1: the file must be made of `section:` lines with settings below them
    1 | just text
      | ^^^^^^^^^
      help: Look at a fresh file: run `init` with another --config.

1 problem in the configuration.
"##,
    },
    Case {
        name: "a file of a list",
        change: ("", "- a\n- b\n"),
        report: r##"
etc/config.yaml:1:1: the file must be made of `section:` lines with settings below them
    1 | - a
      | ^
      help: Look at a fresh file: run `init` with another --config.

1 problem in the configuration.
"##,
    },
    Case {
        name: "sections that are no groups",
        change: ("", "homeserver: 12\nplatform: []\n"),
        report: r##"
etc/config.yaml:1:1: nobody may use the bridge
    1 | homeserver: 12
      | ^^^^^^^^^^
      help: Name yourself: `permissions: { "@you:example.org": admin }`.

etc/config.yaml:1:13: this is a number, but a group of `key: value` lines is needed
    1 | homeserver: 12
      |             ^^

etc/config.yaml:2:11: this is a list, but a group of `key: value` lines is needed
    2 | platform: []
      |           ^

3 problems in the configuration.
"##,
    },
    Case {
        name: "mistakes in every section",
        change: ("", "homeserver:\n  url: 1\n  server_name: 2\nbridge: {permissions: 3}\nplatform: {token: 4}\nfoo: {a: 1, a: 2}\n"),
        report: r##"
etc/config.yaml:2:8: this is a number, but text is needed
    2 |   url: 1
      |        ^
      help: Put the value in quotes.

etc/config.yaml:3:16: this is a number, but text is needed
    3 |   server_name: 2
      |                ^
      help: Put the value in quotes.

etc/config.yaml:4:23: this is a number, but a group of `key: value` lines is needed
    4 | bridge: {permissions: 3}
      |                       ^

etc/config.yaml:5:19: this is a number, but text is needed
    5 | platform: {token: **
      |                   ^
      help: Put the value in quotes.

etc/config.yaml:6:1: unknown section `foo`
    6 | foo: *** ** ** **
      | ^^^
      help: Allowed here: homeserver, appservice, database, bridge, provisioning, logging, platform.

etc/config.yaml:6:13: `a` is set twice
    6 | foo: {a: 1, a: 2}
      |             ^
      help: It already stands on line 6; keep one of the two.

6 problems in the configuration.
"##,
    },
    Case {
        name: "templates that are none",
        change: (
            "platform:",
            "  relay_templates:\n    text: '**{nam}**: {message}'\n    emote: '{name}'\n    edit: '{name}'\n    file: '**{name}'\n    \
             stikcer: '{name}'\nplatform:",
        ),
        report: r##"
etc/config.yaml:7:11: `{nam}` is not a placeholder here
    7 |     text: '**{nam}**: {message}'
      |           ^^^^^^^^^^^^^^^^^^^^^^
      help: Allowed here: {name}, {user_id}, {message}.

etc/config.yaml:8:12: `{message}` is missing
    8 |     emote: '{name}'
      |            ^^^^^^^^
      help: As it is without this line: `* **{name}** {message}`.

etc/config.yaml:9:11: `{message}` is missing
    9 |     edit: '{name}'
      |           ^^^^^^^^
      help: For example: `**{name}** (edited): {message}`.

etc/config.yaml:10:11: `**` has no counterpart
   10 |     file: '**{name}'
      |           ^^^^^^^^^^
      help: Where `**` is meant as itself, put a `\` before it and the template in single quotes.

etc/config.yaml:11:5: unknown setting `stikcer`
   11 |     stikcer: '*******
      |     ^^^^^^^
      help: Did you mean `sticker`? Allowed here: text, notice, emote, edit, file, sticker, location, reaction.

5 problems in the configuration.
"##,
    },
    Case {
        name: "a choice that there is not, and a list of templates",
        change: ("platform:", "  relay_reactions: emoji\n  relay_templates: ['{name}']\nplatform:"),
        report: r##"
etc/config.yaml:6:20: this is not one of the choices
    6 |   relay_reactions: emoji
      |                    ^^^^^
      help: Allowed here: off, words.

etc/config.yaml:7:20: this is a list, but a group of `key: value` lines is needed
    7 |   relay_templates: ['{name}']
      |                    ^

2 problems in the configuration.
"##,
    },
    Case {
        name: "a merge key",
        change: ("token: abc.def", "<<: {token: abc}"),
        report: r##"
etc/config.yaml:6:1: `platform.token` is missing
    6 | platform:
      | ^^^^^^^^
      help: Copy it from the developer portal.

etc/config.yaml:7:3: unknown setting `<<`
    7 |   <<: ******* ****
      |   ^^
      help: Allowed here: token, guilds, proxy.

2 problems in the configuration.
"##,
    },
    Case {
        name: "unknown sections with anchors",
        change: ("bridge:", "x: &a 1\ny: *a\nbridge:"),
        report: r##"
etc/config.yaml:4:1: unknown section `x`
    4 | x: ** *
      | ^
      help: Allowed here: homeserver, appservice, database, bridge, provisioning, logging, platform.

etc/config.yaml:5:1: unknown section `y`
    5 | y: **
      | ^
      help: Allowed here: homeserver, appservice, database, bridge, provisioning, logging, platform.

2 problems in the configuration.
"##,
    },
];
