//! How people sign in to the network: with a name and a password, or with a QR code that another device scans.

use std::time::Duration;

use async_trait::async_trait;

use super::FakeNetwork;
use crate::{
    config::Secret,
    ids::LoginId,
    platform::{LoginField, LoginFlow, LoginProcess, LoginStep, PlatformError, SavedLogin},
};

/// A code that is shown somewhere.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) code: String,
    pub(super) fate: Option<Fate>,
}

#[derive(Clone, Debug)]
pub(super) enum Fate {
    Scanned(String),
    Expired,
    Refused,
}

/// The password of an account.
pub fn password(account: &str) -> String {
    format!("the-password-of-{account}")
}

pub(super) const FLOWS: [LoginFlow; 2] = [
    LoginFlow { id: "password", description: "with a name and a password" },
    LoginFlow { id: "qr", description: "with a code that you scan" },
];

impl FakeNetwork {
    /// The codes that can be scanned.
    pub fn codes(&self) -> Vec<String> {
        let state = self.state();
        state.codes.iter().filter(|code| code.fate.is_none()).map(|code| code.code.clone()).collect()
    }

    /// Somebody scans a code with their device.
    pub fn scans(&self, code: &str, account: &str) {
        self.decide(code, Fate::Scanned(account.to_owned()));
    }

    /// A code is not scanned in time; the next one is shown.
    pub fn expires(&self, code: &str) {
        self.decide(code, Fate::Expired);
    }

    /// Somebody says no on their device.
    pub fn denies(&self, code: &str) {
        self.decide(code, Fate::Refused);
    }

    /// The accounts that were signed out on the network.
    pub fn signed_out(&self) -> Vec<String> {
        self.state().signed_out.clone()
    }

    /// The accounts that the bridge said to forget.
    pub fn forgotten(&self) -> Vec<String> {
        self.state().forgotten.clone()
    }

    fn decide(&self, code: &str, fate: Fate) {
        self.change(|state| {
            if let Some(known) = state.codes.iter_mut().find(|known| known.code == code) {
                known.fate = Some(fate);
            }
        });
    }

    pub(super) fn sign_in(&self, flow: &str) -> Result<Box<dyn LoginProcess>, PlatformError> {
        match flow {
            "password" => Ok(Box::new(ByPassword)),
            "qr" => Ok(Box::new(ByCode { network: self.clone(), shown: None })),
            other => Err(PlatformError(format!("There is no way to sign in called `{other}`."))),
        }
    }
}

fn saved(account: &str) -> SavedLogin {
    let name = format!("{account} on Fake");
    SavedLogin { id: LoginId::new(account), name, secret: Secret::new(password(account)) }
}

struct ByPassword;

#[async_trait]
impl LoginProcess for ByPassword {
    async fn step(&mut self, answers: Vec<(String, Secret)>) -> Result<LoginStep, PlatformError> {
        let answer =
            |field: &str| answers.iter().find(|(name, _)| name == field).map(|(_, answer)| answer.clone());
        let (Some(name), Some(given)) = (answer("name"), answer("password")) else {
            return Ok(LoginStep::Ask(vec![
                LoginField { name: "name", label: "Name", secret: false },
                LoginField { name: "password", label: "Password", secret: true },
            ]));
        };
        match given.expose() == password(name.expose()) {
            true => Ok(LoginStep::Done(saved(name.expose()))),
            false => Err(PlatformError("The password is wrong.".to_owned())),
        }
    }
}

struct ByCode {
    network: FakeNetwork,
    shown: Option<String>,
}

#[async_trait]
impl LoginProcess for ByCode {
    async fn step(&mut self, _answers: Vec<(String, Secret)>) -> Result<LoginStep, PlatformError> {
        let Some(shown) = self.shown.clone() else { return Ok(self.show()) };
        let fate = self.network.wait_until_decided(&shown).await;
        match fate {
            Fate::Scanned(account) => Ok(LoginStep::Done(saved(&account))),
            Fate::Expired => Ok(self.show()),
            Fate::Refused => Err(PlatformError("The other device said no.".to_owned())),
        }
    }
}

impl ByCode {
    fn show(&mut self) -> LoginStep {
        let code = self.network.change(|state| {
            let code = format!("fake:code-{}", state.codes.len() + 1);
            state.codes.push(Code { code: code.clone(), fate: None });
            code
        });
        self.shown = Some(code.clone());
        LoginStep::Show {
            code,
            qr: true,
            link: None,
            instructions: "Scan this with your other device.".to_owned(),
            valid_for: Duration::from_secs(60),
        }
    }
}

impl FakeNetwork {
    /// As long as somebody watches a sign-in it may take.
    async fn wait_until_decided(&self, code: &str) -> Fate {
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let fate =
                self.state().codes.iter().find(|known| known.code == code).and_then(|it| it.fate.clone());
            if let Some(fate) = fate {
                return fate;
            }
            if changed.changed().await.is_err() {
                return Fate::Refused;
            }
        }
    }
}
