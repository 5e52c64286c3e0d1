//! What crash tests and load tests are held to: everything that goes in is numbered, and everything that comes out is judged.
//!
//! [`judge`] is pure: from numbered inputs, the effects on the other side and the failures that people were told of, to a [`Verdict`] that
//! names every violation by its number. Each accepted input has exactly one effect, or one visible failure or uncertain state; no effect
//! without input; the order of each lane is kept where the network promises one; nobody speaks for another. [`scene`] brings a bridge between a fake homeserver and a
//! [`Network`] into trouble and collects what there is to judge.

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use self::{
    discord::DiscordNetwork,
    network::{Heard, LineNetwork, Network, Order, Rooms},
    scene::{NETWORK_PEOPLE, Scene, Setting},
    telegram::{Hearing, TelegramNetwork},
    wechat_ilink::WeChatILinkNetwork,
    wechat_official::WeChatOfficialNetwork,
    wechat_wecom::WeComNetwork,
    wechaty::WechatyNetwork,
    whatsapp_cloud::WhatsAppCloudNetwork,
    whatsapp_linked::WhatsAppLinkedNetwork,
};

mod discord;
mod network;
mod reading;
mod scene;
mod telegram;
mod wechat_ilink;
mod wechat_official;
mod wechat_wecom;
mod wechaty;
mod whatsapp_cloud;
mod whatsapp_linked;

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// Written in Matrix.
    ToNetwork,
    /// Written on the network.
    ToMatrix,
}

/// A message that somebody wrote.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its number: later messages have higher ones.
    pub number: u64,
    /// Where it goes.
    pub way: Way,
    /// In which chat.
    pub chat: String,
    /// As whom it must appear on the other side.
    pub voice: String,
    /// Its id where it was written.
    pub id: String,
}

/// A message that appeared on the other side.
#[derive(Clone, Debug)]
pub struct Effect {
    /// Where it went.
    pub way: Way,
    /// In which chat it appeared.
    pub chat: String,
    /// As whom.
    pub voice: String,
    /// Its words, which begin with its number.
    pub text: String,
}

/// What a person was told of a message that did not simply arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It did not get through.
    Failed,
    /// It may or may not have got through.
    Uncertain,
}

/// One thing that must not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Accepted, and nothing came of it.
    #[error("n{0} is lost: no effect, and nobody was told")]
    Lost(u64),
    /// Said more than once.
    #[error("n{number} was said {times} times")]
    Doubled {
        /// Which.
        number: u64,
        /// How often.
        times: usize,
    },
    /// Reported as failed, though it arrived.
    #[error("n{0} was reported as failed and arrived all the same")]
    FailedAndArrived(u64),
    /// Said without an input.
    #[error("nobody wrote `{0}`")]
    Unasked(String),
    /// In another chat than it was written.
    #[error("n{number} appeared in {chat}")]
    Misplaced {
        /// Which.
        number: u64,
        /// Where.
        chat: String,
    },
    /// After a message that was written later.
    #[error("{way:?} n{number} came after n{after}")]
    Overtaken {
        /// Where to.
        way: Way,
        /// Which.
        number: u64,
        /// The later one that came first.
        after: u64,
    },
    /// Under another's name.
    #[error("n{number} was said by {voice}, who did not write it")]
    WrongVoice {
        /// Which.
        number: u64,
        /// By whom.
        voice: String,
    },
    /// A chat has two rooms.
    #[error("{0} has more than one room")]
    SecondRoom(String),
}

/// The judgement.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// How many messages were written.
    pub messages: usize,
    /// How many of them nobody knows about, and a person was told so.
    pub uncertain: usize,
    /// How many of these have arrived: a network that can be asked leaves none.
    pub uncertain_arrived: usize,
    /// How many failed, and a person was told so.
    pub failed: usize,
    /// All that must not be.
    pub violations: Vec<Violation>,
}

impl Verdict {
    /// How many messages were lost.
    pub fn lost(&self) -> usize {
        self.all_lost().count()
    }

    /// The numbers of the messages that were lost.
    pub fn all_lost(&self) -> impl Iterator<Item = u64> {
        self.violations.iter().filter_map(|violation| match violation {
            Violation::Lost(number) => Some(*number),
            _ => None,
        })
    }

    /// How many messages were said more than once.
    pub fn doubled(&self) -> usize {
        self.violations.iter().filter(|violation| matches!(violation, Violation::Doubled { .. })).count()
    }
}

/// The words of a message.
pub fn words(number: u64) -> String {
    format!("n{number} magpies")
}

/// The number that the words of a message begin with.
pub fn number(text: &str) -> Option<u64> {
    text.strip_prefix('n')?.split_whitespace().next()?.parse().ok()
}

/// Holds effects, in the order in which they appeared, and fates against the inputs, as far as the network promises an order.
pub fn judge(inputs: &[Input], effects: &[Effect], fates: &BTreeMap<u64, Fate>, order: Order) -> Verdict {
    let by_number: HashMap<u64, &Input> = inputs.iter().map(|input| (input.number, input)).collect();
    let mut violations = Vec::new();
    let mut times: BTreeMap<u64, usize> = BTreeMap::new();
    let mut newest: BTreeMap<(Way, &str), u64> = BTreeMap::new();
    for effect in effects {
        let input = number(&effect.text).and_then(|number| by_number.get(&number));
        let Some(input) = input.filter(|input| input.way == effect.way) else {
            violations.push(Violation::Unasked(effect.text.clone()));
            continue;
        };
        let number = input.number;
        let seen = times.entry(number).or_default();
        *seen += 1;
        if effect.chat != input.chat {
            violations.push(Violation::Misplaced { number, chat: effect.chat.clone() });
        }
        if effect.voice != input.voice {
            violations.push(Violation::WrongVoice { number, voice: effect.voice.clone() });
        }
        let newest = newest.entry((effect.way, &effect.chat)).or_default();
        // What is said again is doubled, and that is said once.
        let is_ordered = order == Order::Kept || input.way == Way::ToNetwork;
        if is_ordered && number < *newest && *seen == 1 {
            violations.push(Violation::Overtaken { way: effect.way, number, after: *newest });
        }
        *newest = number.max(*newest);
    }
    violations.extend(
        times
            .iter()
            .filter(|(_, times)| **times > 1)
            .map(|(&number, &times)| Violation::Doubled { number, times }),
    );
    let arrived: BTreeSet<u64> = times.into_keys().collect();
    for Input { number, .. } in inputs {
        match (arrived.contains(number), fates.get(number)) {
            (false, None) => violations.push(Violation::Lost(*number)),
            (true, Some(Fate::Failed)) => violations.push(Violation::FailedAndArrived(*number)),
            _ => {}
        }
    }
    let is_needless = |(number, fate): &(&u64, &Fate)| **fate == Fate::Uncertain && arrived.contains(*number);
    let uncertain_arrived = fates.iter().filter(is_needless).count();
    let count = |wanted| fates.values().filter(|fate| **fate == wanted).count();
    Verdict {
        messages: inputs.len(),
        uncertain: count(Fate::Uncertain),
        uncertain_arrived,
        failed: count(Fate::Failed),
        violations,
    }
}

#[cfg(test)]
mod tests;
