//! What the server tells of what happens, as it happens.
//!
//! Each event is JSON with its kind in `event`.
//!
//! Of connections: `connect` (`isNew`, `user`, `device`, `version`), `code-shown` and `code-refused` (`phone`), `paired` (`phone`, `device`,
//! `lid`), `login` and `closed` (`device`).
//!
//! Of what clients send: `message` (`from` device, `to`, `id`, `type`, `edit`, `category`, `encs`: for how many devices), `receipt` (`from`, `to`,
//! `participant`, `ids`, `type`: `delivered`, `inactive`, `read`, `played`, `retry`, `sender`, ...), `chatstate` (`from`, `to`, `state`, `media`),
//! `presence` (`from`, `type`, `to`), `call` (`from`, `to`, `sign`, `callId`), `query` (`from`, `xmlns`, `type`, `child`), `app-state` (`from`,
//! `name`, `version`), `upload` and `download` (`path`, `found`, `refused`), `group` and `newsletter` (`id`: a new one).
//!
//! Of what reaches them: `delivered` (`to` device, `tag`, `id`, `from`, `participant`, `type`, `online`), `acked` (`by` device, `tag`, `id`: it will
//! not come again).
//!
//! Of the phones: `phone-message` (`phone`, `id`, `from`, `participant`, `recipient`, `sender` number, `own`, `edit`, `text`, `message`: what it
//! decrypted), `phone-receipt` (`phone`, `from`, `participant`, `type`, `ids`), `phone-chatstate`, `phone-call`, `peer-request` (`device`,
//! `type`: what a device asks its phone for), `phone-error` (could not be read, or done).
//!
//! `server-error` is a mistake of the simulator.

use serde_json::Value;

use super::LinkedSim;

impl LinkedSim {
    /// Waits for the first event of a kind that fits and was not taken by an earlier call.
    ///
    /// # Errors
    /// When none comes in time.
    pub async fn expect(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        self.node.expect(kind, fits).await
    }

    /// All events of a kind so far.
    pub fn seen(&self, kind: &str) -> Vec<Value> {
        self.node.seen(kind)
    }

    /// All events from the `from`-th on, and how many there are.
    pub fn seen_from(&self, from: usize) -> (Vec<Value>, usize) {
        self.node.seen_from(from)
    }

    /// Waits until there are not `count` events any more but others.
    pub async fn changed(&self, count: usize) {
        self.node.changed(count).await;
    }

    /// How often a stanza with this id was given to a device.
    pub fn deliveries(&self, device: &str, id: &str) -> usize {
        let all = self.seen("delivered");
        all.iter().filter(|event| event["to"] == device && event["id"] == id).count()
    }

    /// Waits until a device has acknowledged a message for good.
    ///
    /// # Errors
    /// When it does not.
    pub async fn expect_acked(&self, device: &str, id: &str) -> anyhow::Result<()> {
        self.expect("acked", |event| event["by"] == device && event["id"] == id).await.map(drop)
    }

    /// Mistakes of the simulator itself, of which there must be none.
    pub fn errors(&self) -> Vec<Value> {
        self.seen("server-error")
    }
}
