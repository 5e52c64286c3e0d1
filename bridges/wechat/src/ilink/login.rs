//! Signing in: a code that WeChat on the phone scans, and polls that tell how far it has come.
//!
//! Nothing is bound before the person agrees on their phone. Next: `login/status`, what a poll tells.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    config::Secret,
    platform::{LoginField, LoginFlow, LoginProcess, LoginStep, PlatformError},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use self::status::Status;
use super::{
    account::Account,
    api::{ANSWER_WITHIN, Api, ApiError},
    hosts::Hosts,
    known::Known,
};
use crate::{config::WeChatConfig, json::text};

pub(super) mod diagnosis;
mod status;

/// The one way in.
pub(super) const QR: LoginFlow = LoginFlow {
    id: "ilink",
    description: "with a QR code that you scan with WeChat on your phone: you get a bot there, and what you say to it comes here",
};

const NUMBER: LoginField =
    LoginField { name: "verify_code", label: "The number that WeChat shows on your phone", secret: false };

/// WeChat holds a poll for about so long.
const POLL_WITHIN: Duration = Duration::from_secs(35);

/// Between two polls.
const PAUSE: Duration = Duration::from_secs(1);

/// For so long a code holds.
const CODE_HOLDS: Duration = Duration::from_secs(5 * 60);

/// So many codes are shown, and so long it may take in all.
const CODES_MAX: u32 = 3;
const ALL_WITHIN: Duration = Duration::from_secs(8 * 60);

/// A longer code, link or number is not WeChat's.
const WORDS_BYTES_MAX: usize = 2_048;
const NUMBER_CHARS_MAX: usize = 16;

const SCAN: &str = "Open WeChat on your phone and scan this code (+, Scan), then agree there. A new one follows when it gets old.";
const SCAN_ANEW: &str = "Too many numbers were wrong, so the last code is over. Scan this one with WeChat on your phone, then agree there.";
const SCANNED: &str = "WeChat has scanned the code. Now agree on your phone.";
const LATE: &str = "No phone has scanned a code and agreed in time. Begin again: `login ilink`.";
const BLOCKED: &str =
    "WeChat takes no more numbers: too many were wrong. Wait a while, then begin again: `login ilink`.";

/// Binds a bot, step by step.
pub(super) struct QrLogin {
    api: Api,
    hosts: Hosts,
    known: Known,
    shown: Option<Shown>,
}

/// A code that is shown.
struct Shown {
    code: String,
    link: String,
    /// Where is asked how far it has come.
    base: String,
    /// The bots that WeChat was told of.
    told: Vec<Account>,
    /// How many codes were shown, this one among them.
    count: u32,
    over_at: Instant,
    number: Option<String>,
    /// Whether WeChat waits for the number.
    is_asked: bool,
    is_scanned: bool,
}

/// Why a step was not gone.
enum Failed {
    /// The same step may be tried again.
    Again(&'static str),
    /// The sign-in is over.
    Over(String),
}

impl QrLogin {
    /// Asks for no code yet.
    pub fn new(config: &Arc<WeChatConfig>, clock: Clock, known: Known) -> Result<Self, PlatformError> {
        let api = Api::new(config, clock)
            .map_err(|error| PlatformError(format!("The bridge cannot start a client: {error}.")))?;
        Ok(Self { api, hosts: Hosts::new(config), known, shown: None })
    }

    /// `POST /ilink/bot/get_bot_qrcode?bot_type=3`: the next code.
    async fn show(
        &mut self,
        (count, over_at): (u32, Instant),
        instructions: &str,
    ) -> Result<LoginStep, Failed> {
        let told = self.known.newest();
        let tokens = told.iter().map(|account| json!(account.token.expose()));
        let body = json!({"local_token_list": tokens.collect::<Vec<Value>>()});
        let answer = self.api.post_bare("ilink/bot/get_bot_qrcode?bot_type=3", &body, ANSWER_WITHIN).await;
        let answer = answer
            .map_err(|error| Failed::Over(format!("WeChat gives no code: {error}. Try again later.")))?;
        let [code, link] = ["qrcode", "qrcode_img_content"].map(|name| text(&answer[name]).trim().to_owned());
        if [&code, &link].iter().any(|words| !(1..=WORDS_BYTES_MAX).contains(&words.len())) {
            return Err(Failed::Over(
                "WeChat gives no code that could be shown. Try again later.".to_owned(),
            ));
        }
        let base = self.api.base().to_owned();
        let shown = Shown {
            code,
            link,
            base,
            told,
            count,
            over_at,
            number: None,
            is_asked: false,
            is_scanned: false,
        };
        let step = shown.step(instructions);
        self.shown = Some(shown);
        Ok(step)
    }

    async fn go_on(&mut self, answers: Vec<(String, Secret)>) -> Result<LoginStep, Failed> {
        let Some(shown) = &mut self.shown else {
            return self.show((1, Instant::now() + ALL_WITHIN), SCAN).await;
        };
        let answered = answers.into_iter().find(|(name, _)| name == NUMBER.name);
        let is_answered = answered.is_some();
        if let Some((_, number)) = answered {
            shown.number = Some(read_number(number.expose())?);
        } else if shown.is_asked && Instant::now() < shown.over_at {
            // WeChat says nothing new before it is told the number.
            return Ok(LoginStep::Ask(vec![NUMBER]));
        }
        loop {
            if Instant::now() >= shown.over_at {
                return Err(Failed::Over(LATE.to_owned()));
            }
            let told = poll(&self.api, shown).await;
            let status = Status::read(&told);
            shown.is_asked = matches!(status, Status::NumberWanted);
            match status {
                Status::Wait => {}
                Status::Scanned => {
                    shown.number = None;
                    if !std::mem::replace(&mut shown.is_scanned, true) {
                        return Ok(shown.step(SCANNED));
                    }
                }
                Status::NumberWanted if is_answered => {
                    // It is not told again by itself: WeChat counts.
                    shown.number = None;
                    return Err(Failed::Again("WeChat on your phone shows another number."));
                }
                Status::NumberWanted => return Ok(LoginStep::Ask(vec![NUMBER])),
                Status::Expired if shown.count < CODES_MAX => {
                    let next = shown.following();
                    return self.show(next, SCAN).await;
                }
                Status::Blocked if shown.count < CODES_MAX => {
                    let next = shown.following();
                    return self.show(next, SCAN_ANEW).await;
                }
                Status::Expired => return Err(Failed::Over(LATE.to_owned())),
                Status::Blocked => return Err(Failed::Over(BLOCKED.to_owned())),
                Status::Redirected(host) => {
                    shown.base = self.hosts.redirect(&host).ok_or_else(|| {
                        let words = "WeChat sends the bridge to a host that is not on the list `platform.ilink_hosts`, so it does not go there.";
                        Failed::Over(words.to_owned())
                    })?;
                }
                Status::BoundAlready(bot_id) => return bound_already(&shown.told, &bot_id),
                Status::Confirmed => {
                    let account = Account::confirmed(&told, self.api.base(), &self.hosts);
                    let account = account.map_err(|problem| Failed::Over(format!("{problem}.")))?;
                    return Ok(LoginStep::Done(account.saved()));
                }
            }
            sleep(PAUSE).await;
        }
    }
}

#[async_trait]
impl LoginProcess for QrLogin {
    async fn step(&mut self, answers: Vec<(String, Secret)>) -> Result<LoginStep, PlatformError> {
        self.go_on(answers).await.map_err(|failed| match failed {
            Failed::Again(words) => PlatformError(words.to_owned()),
            Failed::Over(words) => {
                self.shown = None;
                PlatformError(words)
            }
        })
    }
}

impl Shown {
    /// Which code the next one is, and until when.
    fn following(&self) -> (u32, Instant) {
        (self.count + 1, self.over_at)
    }

    /// Where is asked how far it has come.
    fn path(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("qrcode", &self.code);
        if let Some(number) = &self.number {
            query.append_pair("verify_code", number);
        }
        format!("ilink/bot/get_qrcode_status?{}", query.finish())
    }

    fn step(&self, instructions: &str) -> LoginStep {
        LoginStep::Show {
            code: self.link.clone(),
            qr: true,
            link: None,
            instructions: instructions.to_owned(),
            valid_for: CODE_HOLDS.min(self.over_at.saturating_duration_since(Instant::now())),
        }
    }
}

/// `GET /ilink/bot/get_qrcode_status`. Whatever goes wrong counts as no news: the person is still at their phone.
async fn poll(api: &Api, shown: &Shown) -> Value {
    let told: Result<Value, ApiError> = api.get(&shown.base, &shown.path(), POLL_WITHIN).await;
    if let Err(error) = &told {
        tracing::debug!(%error, "How far a code has come could not be asked.");
    }
    told.unwrap_or_default()
}

fn read_number(typed: &str) -> Result<String, Failed> {
    let number: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let is_one =
        (1..=NUMBER_CHARS_MAX).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    is_one.then_some(number).ok_or(Failed::Again("That is no number as WeChat shows them: digits only."))
}

/// One of the bots that WeChat was told of is bound to that person still, so what is stored holds.
fn bound_already(told: &[Account], bot_id: &str) -> Result<LoginStep, Failed> {
    let found = match (told, bot_id) {
        ([account], "") => Some(account),
        (_, bot_id) => told.iter().find(|account| account.bot_id == bot_id),
    };
    let words = "This WeChat is connected to the bridge already, and stays so; nothing was changed. `list-logins` shows the accounts.";
    found.map(|account| LoginStep::Done(account.saved())).ok_or_else(|| Failed::Over(words.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(bot_id: &str) -> Account {
        let base = "https://weixin.qq.com".to_owned();
        Account { bot_id: bot_id.to_owned(), token: Secret::new("t"), base, user_id: None }
    }

    #[test]
    fn who_is_bound_already_is_never_guessed() {
        let done = |told: &[Account], bot_id: &str| match bound_already(told, bot_id) {
            Ok(LoginStep::Done(saved)) => Some(saved.id.to_string()),
            _ => None,
        };
        let two = [account("a@im.bot"), account("b@im.bot")];
        assert_eq!(done(&two[..1], "").as_deref(), Some("ilink-a@im.bot"));
        assert_eq!(done(&two, "b@im.bot").as_deref(), Some("ilink-b@im.bot"));
        assert_eq!(done(&two, ""), None);
        assert_eq!(done(&[], ""), None);
        assert_eq!(done(&two[..1], "c@im.bot"), None);
    }

    #[test]
    fn a_poll_names_the_code_and_the_number() {
        let mut shown = Shown {
            code: "a&b=c".to_owned(),
            link: String::new(),
            base: String::new(),
            told: Vec::new(),
            count: 1,
            over_at: Instant::now(),
            number: None,
            is_asked: false,
            is_scanned: false,
        };
        assert_eq!(shown.path(), "ilink/bot/get_qrcode_status?qrcode=a%26b%3Dc");
        shown.number = Some("1234".to_owned());
        assert_eq!(shown.path(), "ilink/bot/get_qrcode_status?qrcode=a%26b%3Dc&verify_code=1234");
    }

    #[test]
    fn numbers_are_digits() {
        assert!(matches!(read_number(" 12 34 ").as_deref(), Ok("1234")));
        for bad in ["", "12a", "&x=1", "12345678901234567"] {
            assert!(matches!(read_number(bad), Err(Failed::Again(_))), "{bad}");
        }
    }
}
