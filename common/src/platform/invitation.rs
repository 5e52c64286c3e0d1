//! Somebody on the network asks somebody in Matrix into a chat's room.
//!
//! The bridge checks that they may do so in the chat; what Matrix has to say is checked behind the sink: whether the bridge
//! is there for the guest, and, by the homeserver, whether the ghost may invite. Next: [`super::EventSink::invite`].

use ruma::OwnedUserId;

use crate::{ids::RemoteChatId, message::Sender};

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Invitation {
    /// Into which chat's room.
    pub chat: RemoteChatId,
    /// Who asks. Their ghost invites.
    pub by: Sender,
    /// Who is to come, as it was written; `@name:server` when it was written rightly.
    pub guest: String,
}

/// How an invitation went well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invited {
    /// They are asked in now.
    Asked(OwnedUserId),
    /// They were in the room, or asked in, before.
    Already(OwnedUserId),
}

/// Why nobody was asked in, in words for whoever asked. Nothing has happened then, and asking again does no harm.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// What was written names nobody.
    #[error("That is not somebody's address in Matrix. It looks like this: @name:example.org")]
    Nobody,
    /// It is a bot or a ghost of this bridge.
    #[error("That is an account of this bridge, which needs no invitation.")]
    OneOfUs,
    /// The settings of the bridge give that person no rights.
    #[error(
        "This bridge is not for {0}. Whoever runs it can change that in its settings (bridge.permissions)."
    )]
    NotForThem(OwnedUserId),
    /// The chat has no room.
    #[error("This chat has no room in Matrix yet.")]
    NoRoom,
    /// The room's own rules, or a ban, stand against it.
    #[error("The room in Matrix does not let you ask {0} in. Its admins can.")]
    Forbidden(OwnedUserId),
    /// They were asked, and did not come or did not stay.
    #[error("{0} was asked in lately, and did not come or did not stay. Ask again another day.")]
    AskedLately(OwnedUserId),
    /// Too much of it.
    #[error("Too many people were asked in just now. Try again in a minute.")]
    TooMany,
    /// The homeserver or the database does not answer.
    #[error("Nobody could be asked in: Matrix does not answer just now. Try again later.")]
    Away,
}
