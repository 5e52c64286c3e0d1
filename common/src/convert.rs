//! Matrix content to [`Message`](crate::message::Message) and back.
//!
//! - [`read_content`]: what somebody wrote in Matrix, with the events it answers, continues or changes, for the portal to look up.
//! - [`write_content`]: what somebody wrote on the network, as the contents to send, each within the size of an event.
//! - [`read_html`] and [`write_html`]: the formatted text alone.
//!
//! Answers about rooms, messages and accounts come in as data ([`Known`]): this room must never do I/O, and never ping anybody
//! who was not named by id. [`content_references`] says beforehand what to look up. Next: [`crate::message`].

pub use self::{
    content::{
        Answers, CONTENT_BYTES_ENCRYPTED_MAX, CONTENT_BYTES_MAX, Edited, Layout, ORIGIN_KEY, Origin, Part,
        Piece, Read, ReadError, Relations, Said, Shortened, WriteError, content_references,
        content_relations, read_content, read_pings, write_content, write_edit,
    },
    from_html::{HTML_BYTES_MAX, html_references, read_html, read_plain},
    known::{FromMatrix, Known, Pings, ToMatrix},
    poll::{Poll, PollDeed, VOTE_TYPE, read_poll, write_vote},
    reaction::{read_reaction, write_reaction},
    to_html::{Formatted, write_html},
    words::clean_words,
};

mod content;
mod from_html;
mod known;
mod poll;
mod reaction;
mod to_html;
mod words;
