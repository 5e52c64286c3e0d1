//! What people do with the codes that clients show: scan them, read a number off their phone, agree, or let them run out.
//!
//! A code is named by its text or by the link that is shown as a QR code.

use super::{
    ILinkSim,
    model::{Bot, BotId, Code, Door, PersonId, Stage},
    state::State,
};

impl ILinkSim {
    /// Somebody has scanned it.
    ///
    /// # Panics
    /// When no client asked for that code; so do the others here.
    pub fn person_scans(&self, code: &str) {
        self.turn(code, Stage::Scanned);
    }

    /// The phone shows a number, which the client must tell.
    pub fn phone_shows_number(&self, code: &str, number: &str) {
        self.turn(code, Stage::AsksCode(number.to_owned()));
    }

    /// WeChat takes no more numbers for this code.
    pub fn code_is_blocked(&self, code: &str) {
        self.turn(code, Stage::Blocked);
    }

    /// The code has run out.
    pub fn code_expires(&self, code: &str) {
        self.turn(code, Stage::Expired);
    }

    /// Somebody has scanned it who belongs to the other address.
    pub fn code_is_redirected(&self, code: &str) {
        self.turn(code, Stage::Redirected);
    }

    /// The same, but the client is told to go to a host that is none of WeChat's.
    pub fn code_is_redirected_to(&self, code: &str, host: &str) {
        self.inner.change(|state| found(state, code).strange_host = Some(host.to_owned()));
        self.code_is_redirected(code);
    }

    /// Somebody agrees: gives the bot that is bound to them now. It is an old one where the client has named its token.
    pub fn person_confirms(&self, code: &str, person: PersonId) -> BotId {
        self.confirm(code, person, Door::First)
    }

    /// The same, and a new bot is served at the other address.
    pub fn person_confirms_elsewhere(&self, code: &str, person: PersonId) -> BotId {
        self.confirm(code, person, Door::Second)
    }

    /// A bot that was bound before anybody looked, without a code.
    pub fn has_bound(&self, person: PersonId) -> BotId {
        self.inner.change(|state| bind(state, person, Door::First))
    }

    /// The texts of all codes so far.
    pub fn codes(&self) -> Vec<String> {
        self.inner.lock().records.codes.iter().map(|code| code.text.clone()).collect()
    }

    /// How somebody is called, which the API tells nobody.
    pub fn name(&self, person: PersonId) -> String {
        self.inner.lock().records.names.get(&person).cloned().unwrap_or_default()
    }

    /// A bot's token.
    pub fn token(&self, bot: BotId) -> String {
        self.inner.lock().records.bot(bot).token.clone()
    }

    /// The newest living bot of somebody.
    pub fn bot_of(&self, person: PersonId) -> Option<BotId> {
        let state = self.inner.lock();
        let mut bots = state.records.bots.values().rev();
        bots.find(|bot| bot.person == person && bot.is_alive).map(|bot| bot.id)
    }

    fn confirm(&self, code: &str, person: PersonId, door: Door) -> BotId {
        self.inner.change(|state| {
            let tokens = found(state, code).local_tokens.clone();
            let mut bots = state.records.bots.values();
            let is_known = |bot: &&Bot| bot.person == person && bot.is_alive && tokens.contains(&bot.token);
            let known = bots.find(is_known).map(|bot| bot.id);
            let stage =
                known.map_or_else(|| Stage::Confirmed(bind(state, person, door)), |_| Stage::BoundAlready);
            let code = found(state, code);
            (code.stage, code.is_told) = (stage.clone(), false);
            match (known, stage) {
                (Some(bot), _) | (None, Stage::Confirmed(bot)) => bot,
                (None, _) => unreachable!("whoever is not known is bound anew"),
            }
        })
    }

    fn turn(&self, code: &str, stage: Stage) {
        self.inner.change(|state| {
            let code = found(state, code);
            (code.stage, code.is_told) = (stage, false);
        });
    }
}

fn found<'a>(state: &'a mut State, code: &str) -> &'a mut Code {
    let text = match code.split_once("qrcode=") {
        Some((_, rest)) => rest.split('&').next().unwrap_or_default(),
        None => code,
    };
    state.records.code_mut(text).expect("a client asked for this code")
}

fn bind(state: &mut State, person: PersonId, door: Door) -> BotId {
    let id = BotId(u32::try_from(state.records.bots.len() + 1).unwrap_or(u32::MAX));
    let token = format!("{id}:{}", state.secret(""));
    let bot = Bot {
        id,
        person,
        token,
        is_alive: true,
        door,
        updates: Vec::new(),
        forgotten: 0,
        heard: 0,
        is_started: false,
        is_cut_off: false,
        contexts: Vec::new(),
        said: 0,
        typing_ticket: None,
        is_typing: false,
    };
    state.records.bots.insert(id, bot);
    id
}
