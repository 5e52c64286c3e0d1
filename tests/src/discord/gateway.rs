//! The gateway: a websocket that tells a bot what happens.
//!
//! [`connection`] is one socket and speaks the opcodes; [`session`] outlives sockets and remembers what can be replayed;
//! [`dispatch`] decides who is told; [`payloads`] writes down what only the gateway sends. Nothing here changes messages.

pub mod connection;
pub mod dispatch;
pub mod payloads;
pub mod session;

/// What goes wrong with the next event of a name. Asked for through [`super::DiscordSim::gateway_fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayFault {
    /// The event comes twice, each with a sequence number of its own.
    Duplicate,
    /// The event is never sent and cannot be replayed.
    Drop,
    /// The event comes after the one that follows it.
    SwapWithNext,
    /// The event's data is not what clients know: objects have become numbers.
    Malformed,
    /// The frame is not JSON.
    Garbage,
}
