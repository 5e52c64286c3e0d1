//! The numbered steps that every message takes, in both directions.
//!
//! Production code says here where it stands; crash tests (feature `testkit`) end the process right there and see what is left. In a
//! build without that feature [`reached`] is nothing at all.

#[cfg(feature = "testkit")]
mod crash;

/// A step of a message's way; the number is its place in [`Step::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// From Matrix: a transaction has arrived, nothing is stored.
    TransactionArrived,
    /// From Matrix: its events are stored, the homeserver has no answer yet.
    EventsStored,
    /// From Matrix: an event has reached the head of its lane.
    DeliveryBegins,
    /// From Matrix: the decision to deliver is made, the network knows nothing.
    DeliveryDecided,
    /// From Matrix: the network has it, the map does not.
    Delivered,
    /// From Matrix: the map has it and the journal row is closed.
    DeliveryRecorded,
    /// From the network: an event was pushed, nothing is stored.
    RemoteArrived,
    /// From the network: the event is stored, the bridge does not know it.
    RemoteStored,
    /// From the network: an event has reached the head of its lane.
    SendBegins,
    /// From the network: the portal's room exists in Matrix, the database does not know it.
    RoomCreated,
    /// From the network: the ghost is registered, named and in the room.
    GhostReady,
    /// From the network: Matrix has the message, the map does not.
    Sent,
    /// From the network: the map has it and the journal row is closed.
    SendRecorded,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 13] = [
        Self::TransactionArrived,
        Self::EventsStored,
        Self::DeliveryBegins,
        Self::DeliveryDecided,
        Self::Delivered,
        Self::DeliveryRecorded,
        Self::RemoteArrived,
        Self::RemoteStored,
        Self::SendBegins,
        Self::RoomCreated,
        Self::GhostReady,
        Self::Sent,
        Self::SendRecorded,
    ];
}

/// A message has reached `step`.
#[inline]
pub fn reached(step: Step) {
    #[cfg(feature = "testkit")]
    crash::reached(step);
    #[cfg(not(feature = "testkit"))]
    let _ = step;
}

/// Whether this build carries a fault on purpose, so that a checker can show that it would notice. Never in a shipped binary.
#[inline]
pub fn has_planted(fault: PlantedFault) -> bool {
    #[cfg(feature = "testkit")]
    return crash::has_planted(fault);
    #[cfg(not(feature = "testkit"))]
    {
        let _ = fault;
        false
    }
}

/// A fault that a checker must notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlantedFault {
    /// The homeserver is answered before its events are stored.
    AcknowledgeEarly,
    /// Transaction ids and delivery keys are drawn at random instead of derived.
    RandomKeys,
}
