//! How often, and until when, an account may write to somebody.
//!
//! <https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html>

use super::{OfficialSim, errors::Code, world::Follower};

/// How long an account may write after somebody wrote.
pub const SAID_MS: i64 = 48 * 60 * 60 * 1000;
/// How often.
pub const SAID_MAX: u32 = 5;
/// How long after somebody pressed something in the menu, followed or scanned a code.
pub const PRESSED_MS: i64 = 60 * 1000;
/// How often.
pub const PRESSED_MAX: u32 = 3;

/// Both windows of a person.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Windows {
    said: Option<(i64, u32)>,
    pressed: Option<(i64, u32)>,
    paid_ms: Option<i64>,
}

impl Windows {
    pub fn wrote(&mut self, now_ms: i64) {
        self.said = Some((now_ms, SAID_MAX));
    }

    pub fn pressed(&mut self, now_ms: i64) {
        self.pressed = Some((now_ms, PRESSED_MAX));
    }

    pub fn paid(&mut self, now_ms: i64) {
        self.paid_ms = Some(now_ms);
    }

    /// How many messages may go.
    pub fn left(&self, now_ms: i64) -> u32 {
        let left = |window: Option<(i64, u32)>, length_ms: i64| match window {
            Some((since_ms, left)) if now_ms < since_ms + length_ms => left,
            _ => 0,
        };
        left(self.said, SAID_MS) + left(self.pressed, PRESSED_MS)
    }

    /// One message goes, or why it does not.
    pub fn spend(&mut self, now_ms: i64) -> Result<(), Code> {
        if self.paid_ms.is_some_and(|paid_ms| now_ms < paid_ms + SAID_MS) {
            return Ok(());
        }
        let is_running = |window: Option<(i64, u32)>, length_ms: i64| {
            window.is_some_and(|(since_ms, _)| now_ms < since_ms + length_ms)
        };
        let running = [is_running(self.pressed, PRESSED_MS), is_running(self.said, SAID_MS)].into_iter();
        let windows = [&mut self.pressed, &mut self.said].into_iter().zip(running);
        let mut is_over = true;
        for (window, _) in windows.filter(|(_, is_running)| *is_running) {
            is_over = false;
            if let Some((_, left)) = window
                && *left > 0
            {
                *left -= 1;
                return Ok(());
            }
        }
        Err(Code(if is_over { 45_015 } else { 45_047 }))
    }
}

impl OfficialSim {
    /// How many messages the account may still send somebody now.
    pub fn left(&self, follower: &Follower) -> u32 {
        let state = self.inner.lock();
        state.person(follower).windows.left(state.now_ms())
    }

    /// Somebody pays, which lets the account write as much as it wants for 48 hours. No callback tells of it.
    pub fn person_pays(&self, follower: &Follower) {
        self.inner.change(|state| {
            let now_ms = state.now_ms();
            state.person_mut(follower).windows.paid(now_ms);
        });
    }
}
