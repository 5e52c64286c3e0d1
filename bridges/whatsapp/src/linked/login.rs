//! Linking the bridge to a phone: by a picture that the phone scans, or by a code that is typed into it.
//!
//! The line is given up as soon as the phone has agreed: WhatsApp closes it then anyway, and the session opens it again with the keys that
//! were agreed on. Nothing that arrives is taken in before there is a session which stores it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use magpie_common::{
    clock::Clock,
    config::Secret,
    ids::LoginId,
    platform::{LoginField, LoginFlow, LoginProcess, LoginStep, PlatformError, SavedLogin},
};
use tokio::{sync::mpsc, time::timeout};
use wacore::types::events::{Event, EventKind, PairSuccess};
use whatsapp_rust::{
    bot::BotHandle,
    pair_code::{PairCodeOptions, PairCodeRejection},
};

use super::{
    http::Http,
    identity::Person,
    line::{self, Ears},
    seed::Seed,
    store::Kept,
    verdict,
};
use crate::config::WhatsAppConfig;

/// By a picture.
pub(super) const QR: LoginFlow = LoginFlow {
    id: "qr",
    description: "with a QR code that you scan with WhatsApp on your phone (Settings, Linked devices)",
};

/// By a code.
pub(super) const CODE: LoginFlow = LoginFlow {
    id: "code",
    description: "with a code that you type into WhatsApp on your phone (Settings, Linked devices); you tell the bridge your number",
};

const PHONE_FIELD: &str = "phone";

/// WhatsApp answers faster, or not at all.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// How long a line may take to close; what it leaves is kept in any case.
const CLOSE_WITHIN: Duration = Duration::from_secs(15);
/// A person has this long to agree; WhatsApp's own codes last shorter.
const AGREE_WITHIN: Duration = Duration::from_secs(5 * 60);
/// What is still on its way when the line has closed.
const LATE_WITHIN: Duration = Duration::from_secs(5);
/// What may happen before the person is shown the next thing.
const EVENTS_MAX: usize = 64;

const HEARD: &[EventKind] = &[
    EventKind::PairingQrCode,
    EventKind::PairingQrCodesExhausted,
    EventKind::PairingCode,
    EventKind::PairingCodeError,
    EventKind::PairingCodeRefresh,
    EventKind::PairSuccess,
    EventKind::PairError,
    EventKind::PairPasskeyRequest,
    EventKind::PairPasskeyError,
    EventKind::QrScannedWithoutMultidevice,
    EventKind::ClientOutdated,
    EventKind::ConnectFailure,
    EventKind::TemporaryBan,
    EventKind::LoggedOut,
];

/// What goes on when a code is no longer good.
const TOO_LATE: &str = "No phone was linked in time. Begin again: `login`.";

/// Which way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Qr,
    Code,
}

/// Links a device, step by step.
pub(super) struct Linking {
    config: Arc<WhatsAppConfig>,
    clock: Clock,
    way: Way,
    line: Option<Line>,
}

struct Line {
    handle: BotHandle,
    is_closed: bool,
    store: Kept,
    heard: mpsc::Receiver<Arc<Event>>,
}

impl Line {
    /// What happens next; `None` when nothing does for so long, or nothing can any more.
    async fn next(&mut self, within: Duration) -> Option<Arc<Event>> {
        if !self.is_closed {
            tokio::select! {
                biased;
                heard = timeout(within, self.heard.recv()) => return heard.ok().flatten(),
                () = &mut self.handle => self.is_closed = true,
            }
        }
        // WhatsApp closes the line as soon as the phone has agreed, and that may be heard before the agreement.
        timeout(LATE_WITHIN, self.heard.recv()).await.ok().flatten()
    }
}

impl Linking {
    pub(super) fn new(config: Arc<WhatsAppConfig>, clock: Clock, way: Way) -> Self {
        Self { config, clock, way, line: None }
    }

    async fn open(&mut self, phone: Option<String>) -> Result<(), PlatformError> {
        let (heard_in, heard) = mpsc::channel(EVENTS_MAX);
        let ears = Ears {
            kinds: HEARD,
            // When nobody listens for so long, the codes are old anyway.
            hear: Box::new(move |event| drop(heard_in.try_send(event))),
            // The person waits for a minute; until then it is tried again.
            unreached: Arc::new(|_| ()),
        };
        let http = Http::new(&self.config)
            .map_err(|error| PlatformError(format!("The bridge cannot start a client: {error}.")))?;
        let store = Kept::in_memory(self.clock.clone());
        let pair_code =
            phone.map(|phone_number| PairCodeOptions { phone_number, ..PairCodeOptions::default() });
        let setup =
            line::Setup { config: &self.config, store: store.clone(), http, ears, hook: None, pair_code };
        let bot = line::build(setup).await?;
        // After the phone has agreed, the next one to connect is the session.
        bot.client().enable_auto_reconnect.store(false, std::sync::atomic::Ordering::Relaxed);
        self.line = Some(Line { handle: bot.spawn(), is_closed: false, store, heard });
        Ok(())
    }

    async fn next(&mut self) -> Result<LoginStep, PlatformError> {
        let way = self.way;
        let Some(line) = &mut self.line else { return Err(PlatformError(TOO_LATE.to_owned())) };
        let mut wait = ANSWER_WITHIN;
        loop {
            let Some(event) = line.next(wait).await else {
                return Err(PlatformError(
                    "WhatsApp could not be reached, or gave no answer in time. Try again later.".to_owned(),
                ));
            };
            match (way, react(&event)) {
                (Way::Qr, Reaction::ShowQr(code, valid_for)) => return Ok(show_qr(code, valid_for)),
                (Way::Code, Reaction::ShowCode(code, valid_for)) => return Ok(show_code(&code, valid_for)),
                (Way::Qr, Reaction::QrsAreOver) => return Err(PlatformError(TOO_LATE.to_owned())),
                (_, Reaction::Failed(words)) => return Err(PlatformError(words)),
                (_, Reaction::Linked(linked)) => return self.finish(&linked).await,
                (_, Reaction::Wait) => wait = AGREE_WITHIN,
                // Both kinds of codes are given out; the person asked for one.
                (Way::Code, Reaction::ShowQr(..) | Reaction::QrsAreOver) => wait = AGREE_WITHIN,
                (Way::Qr, Reaction::ShowCode(..)) => {}
            }
        }
    }

    async fn finish(&mut self, linked: &PairSuccess) -> Result<LoginStep, PlatformError> {
        let Some(line) = self.line.take() else { return Err(PlatformError(TOO_LATE.to_owned())) };
        let _ = timeout(CLOSE_WITHIN, line.handle.shutdown()).await;
        let addresses = [&linked.id, &linked.lid].into_iter().filter(|jid| !jid.user.is_empty());
        let me = Person::told(addresses);
        let id = me.id().ok_or_else(|| {
            PlatformError("WhatsApp linked the device, but did not say to which account.".to_owned())
        })?;
        let name =
            me.phone.as_ref().map_or_else(|| id.to_string(), |phone| format!("+{}", phone.user_base()));
        let secret = Seed::new(line.store.in_hand().await).to_secret();
        Ok(LoginStep::Done(SavedLogin {
            id: LoginId::new(format!("{}{id}", super::LOGIN_PREFIX)),
            name,
            secret,
        }))
    }
}

#[async_trait]
impl LoginProcess for Linking {
    async fn step(&mut self, answers: Vec<(String, Secret)>) -> Result<LoginStep, PlatformError> {
        if self.line.is_none() {
            let phone = match self.way {
                Way::Qr => None,
                Way::Code => {
                    let Some((_, number)) = answers.into_iter().find(|(name, _)| name == PHONE_FIELD) else {
                        return Ok(ask_for_phone());
                    };
                    Some(phone_number(number.expose())?)
                }
            };
            self.open(phone).await?;
        }
        let step = self.next().await;
        if step.is_err() {
            // The codes of this line are over with it.
            if let Some(line) = self.line.take() {
                let _ = timeout(CLOSE_WITHIN, line.handle.shutdown()).await;
            }
        }
        step
    }
}

/// What an event means while a device is being linked.
enum Reaction {
    ShowQr(String, Duration),
    ShowCode(String, Duration),
    QrsAreOver,
    Linked(PairSuccess),
    Failed(String),
    Wait,
}

fn react(event: &Event) -> Reaction {
    match event {
        Event::PairingQrCode(qr) => Reaction::ShowQr(qr.code.clone(), qr.timeout),
        Event::PairingCode(code) => Reaction::ShowCode(code.code.clone(), code.timeout),
        Event::PairingQrCodesExhausted(_) => Reaction::QrsAreOver,
        Event::PairSuccess(linked) => Reaction::Linked(linked.clone()),
        Event::PairError(error) => {
            Reaction::Failed(format!("The phone agreed, but the device could not be linked: {}.", verdict::told(&error.error)))
        }
        Event::PairingCodeError(error) => Reaction::Failed(code_refused(error.rejection.as_ref())),
        Event::PairPasskeyRequest(_) | Event::PairPasskeyError(_) => Reaction::Failed(
            "WhatsApp asks for the passkey of your account, which the bridge cannot give. Switch the passkey off on your phone (Settings, \
             Account, Passkeys) while you link the bridge."
                .to_owned(),
        ),
        Event::QrScannedWithoutMultidevice(_) => Reaction::Failed(
            "The WhatsApp on your phone is too old to link devices. Update it, and begin again.".to_owned(),
        ),
        other => match verdict::end(other) {
            Some(why) => Reaction::Failed(why.to_string()),
            None => Reaction::Wait,
        },
    }
}

fn code_refused(rejection: Option<&PairCodeRejection>) -> String {
    let words = match rejection {
        Some(PairCodeRejection::BadRequest | PairCodeRejection::RateOverlimit) => {
            "WhatsApp gives no code for this number just now: it is no number with WhatsApp, or codes were asked for too often. Check the \
             number, wait an hour, or use the QR code: `login qr`."
        }
        Some(PairCodeRejection::FeatureNotAvailable | PairCodeRejection::Forbidden) => {
            "WhatsApp does not let this account link devices by a code. Use the QR code: `login qr`."
        }
        _ => "WhatsApp gave no code. Try again later, or use the QR code: `login qr`.",
    };
    words.to_owned()
}

fn ask_for_phone() -> LoginStep {
    let label = "The phone number of the account, with its country code (+49…)";
    LoginStep::Ask(vec![LoginField { name: PHONE_FIELD, label, secret: false }])
}

/// A number as WhatsApp wants it: digits, with the country code.
fn phone_number(typed: &str) -> Result<String, PlatformError> {
    let typed = typed.trim();
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    let is_clean =
        typed.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.' | '/'));
    if !is_clean || !(7..=15).contains(&digits.len()) || digits.starts_with('0') {
        let words = "That is no phone number with a country code. Write it like +49 151 23456789.";
        return Err(PlatformError(words.to_owned()));
    }
    Ok(digits)
}

fn show_qr(code: String, valid_for: Duration) -> LoginStep {
    let instructions = "Open WhatsApp on your phone, go to Settings, Linked devices, Link a device, and scan this code. A new one follows \
        when it gets old.";
    LoginStep::Show { code, qr: true, link: None, instructions: instructions.to_owned(), valid_for }
}

fn show_code(code: &str, valid_for: Duration) -> LoginStep {
    let instructions = "Open WhatsApp on your phone, go to Settings, Linked devices, Link a device, Link with phone number instead, and type \
        this code.";
    let code = match code.split_at_checked(code.len() / 2) {
        Some((first, second)) if code.len() == 8 => format!("{first}-{second}"),
        _ => code.to_owned(),
    };
    LoginStep::Show { code, qr: false, link: None, instructions: instructions.to_owned(), valid_for }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_as_people_write_them() {
        for (typed, wanted) in [("+49 151 234-567", "49151234567"), ("1 (555) 123.4567", "15551234567")] {
            assert_eq!(phone_number(typed).expect("a number"), wanted);
        }
        for bad in ["", "0151 234567", "+49", "+49 151 23456789012345", "alice", "+49x151234567"] {
            assert!(phone_number(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_code_is_shown_in_two_halves() {
        let LoginStep::Show { code, qr, .. } = show_code("ABCD1234", Duration::from_secs(1)) else {
            panic!("a step to show")
        };
        assert_eq!((code.as_str(), qr), ("ABCD-1234", false));
    }
}
