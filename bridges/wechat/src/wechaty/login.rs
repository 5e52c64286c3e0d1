//! Signing in: the gateway's address and token, then a code that the phone scans, as often as the gateway makes a new one.
//!
//! The line is given up as soon as the account is signed in at the gateway; the session opens it again.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use magpie_common::{
    config::Secret,
    message::clean_name,
    platform::{LoginField, LoginFlow, LoginProcess, LoginStep, PlatformError},
};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    account::{Account, Own},
    gateway::{Gateway, Where, call},
    happening::{Happening, Scan},
    line::Line,
    verdict::{connect_verdict, not_answered},
    wire::Contact,
};
use crate::config::{WeChatConfig, is_fit};

pub(super) mod diagnosis;

/// The one way in.
pub(super) const GATEWAY: LoginFlow = LoginFlow {
    id: "wechaty",
    description: "with your own WeChat account, by a Wechaty gateway that you run. WARNING: WeChat does not allow this and may limit or close \
                  the account; do not use one that you cannot do without",
};

const ENDPOINT: LoginField = LoginField {
    name: "endpoint",
    label: "The address of the Wechaty gateway (gateway.example.org:8788). WARNING: WeChat does not allow programs on personal accounts and \
            may limit or close yours. Go on only with an account that you can do without",
    secret: false,
};

const TOKEN: LoginField =
    LoginField { name: "token", label: "The token with which the gateway was started", secret: true };

/// What stands beside the code.
const INSTRUCTIONS: &str = "WARNING: WeChat does not allow programs on personal accounts. It may limit or close the account without a word. \
    To go on all the same: scan this with WeChat on your phone (Discover, Scan), and confirm there.";

/// A code holds for some minutes; the gateway makes another one then.
const CODE_VALID_FOR: Duration = Duration::from_secs(4 * 60);

/// How long a gateway may take until it shows a code or an account.
const ANSWER_WITHIN: Duration = Duration::from_secs(90);

/// How long a person has to scan and confirm.
const AGREE_WITHIN: Duration = Duration::from_secs(5 * 60);

/// How long a line that was hung up may take to be gone: a gateway that is called again too soon mixes the two up.
const HANG_UP_WITHIN: Duration = Duration::from_secs(1);

/// So many codes are shown, then somebody must begin again.
const CODES_MAX: usize = 5;

/// Signs in, step by step.
pub(super) struct GatewayLogin {
    config: Arc<WeChatConfig>,
    open: Option<Open>,
}

struct Open {
    endpoint: String,
    token: Secret,
    gateway: Gateway,
    line: Line,
    /// What is shown.
    code: Option<String>,
    codes: usize,
}

impl GatewayLogin {
    pub fn new(config: Arc<WeChatConfig>) -> Self {
        Self { config, open: None }
    }

    /// What the settings do not tell.
    fn missing(&self) -> Vec<LoginField> {
        let told = [self.config.wechaty_endpoint.is_some(), self.config.wechaty_token.is_some()];
        [ENDPOINT, TOKEN].into_iter().zip(told).filter(|(_, told)| !told).map(|(field, _)| field).collect()
    }

    async fn begin(&self, answers: &[(String, Secret)]) -> Result<Open, PlatformError> {
        let answer = |wanted: &LoginField| {
            let found = answers.iter().find(|(name, _)| name == wanted.name);
            found.map(|(_, secret)| Secret::new(secret.expose().trim())).filter(is_fit)
        };
        let absent = |field: &LoginField| {
            PlatformError(format!("What is missing or cannot be right: {}.", field.label))
        };
        let endpoint = match &self.config.wechaty_endpoint {
            Some(endpoint) => endpoint.clone(),
            None => answer(&ENDPOINT).ok_or_else(|| absent(&ENDPOINT))?.expose().to_owned(),
        };
        let token = match &self.config.wechaty_token {
            Some(token) => token.clone(),
            None => answer(&TOKEN).ok_or_else(|| absent(&TOKEN))?,
        };
        let place = Where::read(&endpoint, &token, &self.config).map_err(PlatformError)?;
        let gateway =
            Gateway::connect(&place, &token).await.map_err(|error| PlatformError(error.to_string()))?;
        let line = Line::open(&gateway)
            .await
            .map_err(|status| PlatformError(connect_verdict(&status).to_string()))?;
        Ok(Open { endpoint, token, gateway, line, code: None, codes: 0 })
    }
}

impl Open {
    /// Waits for what the person must see, or for the end.
    async fn next(&mut self) -> Result<LoginStep, PlatformError> {
        let mut until = Instant::now() + if self.code.is_some() { AGREE_WITHIN } else { ANSWER_WITHIN };
        loop {
            let happening = match timeout_at(until, self.line.next()).await {
                Ok(Ok(happening)) => happening,
                Ok(Err(status)) => return Err(PlatformError(connect_verdict(&status).to_string())),
                Err(_) => return Err(PlatformError(self.late())),
            };
            match happening {
                Happening::LoggedIn(me) => return self.finish(me).await,
                // The same one comes again when a gateway starts.
                Happening::Scan(Scan::Code(code)) if self.code.as_ref() != Some(&code) => {
                    self.codes += 1;
                    if self.codes > CODES_MAX {
                        return Err(PlatformError(self.late()));
                    }
                    self.code = Some(code.clone());
                    return Ok(LoginStep::Show {
                        code,
                        qr: true,
                        link: None,
                        instructions: INSTRUCTIONS.to_owned(),
                        valid_for: CODE_VALID_FOR,
                    });
                }
                Happening::Scan(Scan::Scanned | Scan::Confirmed) => until = Instant::now() + AGREE_WITHIN,
                Happening::Scan(Scan::Code(_) | Scan::Over)
                | Happening::Heartbeat
                | Happening::Nothing
                | Happening::Message(_)
                | Happening::Friendship(_)
                | Happening::Invited(_)
                | Happening::Joined { .. }
                | Happening::Left { .. }
                | Happening::Topic { .. }
                | Happening::LoggedOut
                | Happening::Dirty(_)
                | Happening::Fault
                | Happening::Unknown { .. } => {}
            }
        }
    }

    fn late(&self) -> String {
        match self.code {
            Some(_) => "Nobody scanned the code in time. Begin again: `login wechaty`.".to_owned(),
            None => "The gateway shows neither a code nor an account. Look what it says by itself, and begin again."
                .to_owned(),
        }
    }

    async fn finish(&self, me: String) -> Result<LoginStep, PlatformError> {
        if Own(me.clone()).user(&me).is_none() {
            let words = "The gateway names the account in a way that this bridge does not know.";
            return Err(PlatformError(words.to_owned()));
        }
        let contact: Contact = self
            .gateway
            .about(call::CONTACT, &me)
            .await
            .map_err(|status| not_answered("The account could not be looked up", &status))?;
        let name = Some(clean_name(&contact.name)).filter(|name| !name.is_empty());
        let account = Account { endpoint: self.endpoint.clone(), token: self.token.clone(), me };
        Ok(LoginStep::Done(account.saved(name)))
    }
}

#[async_trait]
impl LoginProcess for GatewayLogin {
    async fn step(&mut self, answers: Vec<(String, Secret)>) -> Result<LoginStep, PlatformError> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => {
                let missing = self.missing();
                if answers.is_empty() && !missing.is_empty() {
                    return Ok(LoginStep::Ask(missing));
                }
                self.begin(&answers).await?
            }
        };
        let step = open.next().await?;
        // Whatever is over is hung up: the session is the next one to listen.
        if matches!(step, LoginStep::Show { .. }) {
            self.open = Some(open);
        } else {
            drop(open);
            sleep(HANG_UP_WITHIN).await;
        }
        Ok(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_the_settings_do_not_tell_is_asked_and_the_risk_is_told() {
        let config =
            WeChatConfig { wechaty_token: Some(Secret::new("insecure_1")), ..WeChatConfig::default() };
        for (config, asked) in
            [(WeChatConfig::default(), vec!["endpoint", "token"]), (config, vec!["endpoint"])]
        {
            let mut login = GatewayLogin::new(Arc::new(config));
            let Ok(LoginStep::Ask(fields)) = login.step(Vec::new()).await else { panic!("it must ask") };
            assert_eq!(fields.iter().map(|field| field.name).collect::<Vec<_>>(), asked);
        }
        for words in [GATEWAY.description, ENDPOINT.label, INSTRUCTIONS] {
            assert!(words.contains("WARNING") && words.contains("close"), "{words}");
        }
    }

    #[tokio::test]
    async fn a_gateway_that_would_be_spoken_to_in_the_open_is_refused() {
        let mut login = GatewayLogin::new(Arc::new(WeChatConfig::default()));
        let given = [("endpoint", "http://192.0.2.1:8788"), ("token", "insecure_1")];
        let answers = given.map(|(name, words)| (name.to_owned(), Secret::new(words))).to_vec();
        let refused = login.step(answers).await.expect_err("it has no TLS");
        assert!(refused.0.contains("TLS"), "{refused}");
    }
}
