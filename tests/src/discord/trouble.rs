//! Ordering trouble: on routes, on the gateway, with rate limits.

use serde_json::{Value, json};

use super::{
    DiscordSim, Fault, Gate, GatewayFault, Limit,
    gateway::{dispatch, session::Frame},
    state::State,
};

impl DiscordSim {
    /// The next request that fits the route (`POST /channels/*/messages`) meets this fault.
    pub fn fault(&self, route: &str, fault: Fault) {
        self.inner.change(|state| state.faults.add(route, fault));
    }

    /// The next request that fits the route waits, before it has any effect, until the gate is opened.
    pub fn hold(&self, route: &str) -> Gate {
        let gate = Gate::default();
        self.fault(route, Fault::HoldBefore(gate.clone()));
        gate
    }

    /// Takes back all faults that nobody met yet.
    pub fn clear_faults(&self) {
        self.inner.change(|state| {
            state.faults.clear();
            state.sessions.faults.clear();
        });
    }

    /// Narrows the rate limit of a route.
    pub fn limit(&self, route: &str, limit: Limit) {
        self.inner.change(|state| state.limits.narrow(route, limit));
    }

    /// The next gateway event of this name (`MESSAGE_CREATE`) meets this fault.
    pub fn gateway_fault(&self, event: &str, fault: GatewayFault) {
        self.inner.change(|state| state.sessions.faults.push((event.to_owned(), fault)));
    }

    /// Tells all sessions of an event that this simulator knows nothing about.
    pub fn gateway_event(&self, kind: &str, data: &Value) {
        self.inner.change(|state| dispatch::raw(state, kind, data));
    }

    /// Closes all gateway sockets with a code. Sessions stay resumable unless the code says otherwise.
    pub fn gateway_close(&self, code: u16) {
        self.inner.change(|state| close(state, code));
    }

    /// The owner resets the bot's token in the developer portal: the old one is refused from now on.
    pub fn owner_resets_token(&self) {
        self.inner.change(|state| {
            state.records.application.token = state.secret();
            close(state, 4004);
        });
    }

    /// Cuts all gateway sockets without a close frame.
    pub fn gateway_cut(&self) {
        self.inner.change(|state| to_all(state, &Frame::Cut));
    }

    /// Asks all clients to reconnect (opcode 7).
    pub fn gateway_reconnect(&self) {
        self.inner.change(reconnect);
    }

    /// Tells all clients that their session is over (opcode 9), forgetting it unless it may be resumed.
    pub fn gateway_invalidate(&self, stays: Resumable) {
        self.inner.change(|state| invalidate(state, stays));
    }

    /// Forgets all sessions that nobody serves, so that a RESUME comes too late and what happened meanwhile is lost.
    pub fn gateway_forget_sessions(&self) {
        self.inner.change(|state| state.sessions.by_id.retain(|_, session| session.connection.is_some()));
    }

    /// How often clients are told to beat. Counts for sockets that open later.
    pub fn gateway_heartbeat_ms(&self, interval_ms: u64) {
        self.inner.change(|state| state.sessions.heartbeat_interval_ms = interval_ms);
    }

    /// Stops or starts answering heartbeats; a client that is not answered should take the socket for dead.
    pub fn gateway_heartbeats(&self, answer: Heartbeats) {
        self.inner.change(|state| state.sessions.heartbeats_muted = answer == Heartbeats::Ignored);
    }

    /// How many events a session remembers for replay.
    pub fn gateway_replay_max(&self, events: usize) {
        self.inner.change(|state| state.sessions.replay_max = events);
    }
}

/// Whether a session survives opcode 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumable {
    /// The client may resume.
    Yes,
    /// The client must identify anew.
    No,
}

/// What becomes of heartbeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heartbeats {
    /// They are acknowledged.
    Answered,
    /// They are not.
    Ignored,
}

pub(crate) fn close(state: &mut State, code: u16) {
    to_all(state, &Frame::Close(code));
}

pub(crate) fn reconnect(state: &mut State) {
    to_all(state, &Frame::Payload(json!({"op": 7, "s": null, "t": null, "d": null})));
}

pub(crate) fn invalidate(state: &mut State, stays: Resumable) {
    let is_resumable = stays == Resumable::Yes;
    to_all(state, &Frame::Payload(json!({"op": 9, "s": null, "t": null, "d": is_resumable})));
    for session in state.sessions.by_id.values_mut() {
        session.is_over |= !is_resumable;
    }
}

pub(crate) fn to_all(state: &mut State, frame: &Frame) {
    for session in state.sessions.by_id.values_mut().filter(|session| session.connection.is_some()) {
        session.unsent.push_back(frame.clone());
    }
}
