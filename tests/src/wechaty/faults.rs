//! What goes wrong: with one call of the bridge, or with all its connections.

use serde_json::json;

use super::Gateway;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Nothing: the next fault is for the call behind it.
    Pass,
    /// It is refused as puppets refuse: with an error that says nothing.
    Refuse,
    /// The same, after it had its effect.
    RefuseAfter,
    /// All connections break before it has its effect.
    CutBefore,
    /// All connections break after it had its effect, before the answer.
    CutAfter,
}

/// A call that goes wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `send` for all that is sent; otherwise the name of what is asked: `messagePayload`, `messageFile`, `recall`, `friendshipAccept`, ...
    pub call: &'static str,
    /// What happens to it.
    pub kind: FaultKind,
}

impl Fault {
    /// Of the next send.
    pub fn of_send(kind: FaultKind) -> Self {
        Self { call: "send", kind }
    }
}

impl Gateway {
    /// The next such call goes wrong.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn fault(&self, fault: Fault) -> anyhow::Result<()> {
        let kind = match fault.kind {
            FaultKind::Pass => "pass",
            FaultKind::Refuse => "refuse",
            FaultKind::RefuseAfter => "refuseAfter",
            FaultKind::CutBefore => "cutBefore",
            FaultKind::CutAfter => "cutAfter",
        };
        self.command("fault", json!({"call": fault.call, "kind": kind})).await.map(drop)
    }

    /// Nothing goes wrong any more.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn clear_faults(&self) -> anyhow::Result<()> {
        self.command("clearFaults", json!({})).await.map(drop)
    }

    /// Cuts all connections, as a network does.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn cut(&self) -> anyhow::Result<()> {
        self.command("cut", json!({})).await.map(drop)
    }
}
