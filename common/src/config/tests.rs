//! Bad configurations and the exact report for each.

use std::path::Path;

use serde::Deserialize;

use super::{about::DISCORD, *};

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

#[test]
fn probe() {
    for (from, to) in include!("/tmp/probe_cases.rs") {
        let text = if from.is_empty() { to.to_owned() } else { GOOD.replace(from, to) };
        println!("=== {from:?} -> {to:?}");
        match read(&text, &[]) {
            Ok(_) => println!("OK"),
            Err(report) => println!("{report}"),
        }
    }
}
