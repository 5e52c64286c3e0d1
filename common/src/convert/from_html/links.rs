//! Where a link leads: to somebody or something in Matrix, or out into the web.
//!
//! Must never let a scheme through that a client could run. Next: `from_html.rs`.

use ruma::{
    OwnedUserId,
    matrix_uri::{MatrixId, MatrixToUri, MatrixUri},
};

use crate::{
    convert::{FromMatrix, words::clean_words},
    message::MentionTarget,
};

const MATRIX_TO: &str = "https://matrix.to/#/";
const SCHEMES: [&str; 5] = ["http", "https", "mailto", "ftp", "magnet"];

/// Where a link leads.
pub(super) enum Destination {
    /// To a person in Matrix.
    User(OwnedUserId),
    /// To a chat, a message or a room, with a name to show when the link has no words.
    Place(MentionTarget, String),
    /// Out into the web.
    Web(String),
    /// To nothing that may be linked.
    Nowhere,
}

pub(super) fn destination(href: &str, context: &FromMatrix<'_>) -> Destination {
    let href = href.trim();
    match matrix_id(href) {
        Some(MatrixId::User(user_id)) => Destination::User(user_id),
        Some(id) => place(&id, context).unwrap_or(Destination::Nowhere),
        None => web_url(href).map_or(Destination::Nowhere, Destination::Web),
    }
}

/// The id behind a `matrix.to` or `matrix:` link. Routing arguments do not matter to us.
pub(super) fn matrix_id(href: &str) -> Option<MatrixId> {
    let (address, _) = href.split_once('?').unwrap_or((href, ""));
    if let Some(path) = address.strip_prefix(MATRIX_TO) {
        let path = path.trim_matches('/');
        // ruma takes the first byte of each part without looking whether there is one.
        if path.split('/').any(str::is_empty) {
            return None;
        }
        return MatrixToUri::parse(&format!("{MATRIX_TO}{path}")).ok().map(|uri| uri.id().clone());
    }
    let scheme = address.get(..7)?;
    scheme
        .eq_ignore_ascii_case("matrix:")
        .then(|| MatrixUri::parse(address).ok().map(|uri| uri.id().clone()))?
}

/// A link that may be shown, without what does not belong into an address; `None` for any other scheme.
pub(in crate::convert) fn web_url(url: &str) -> Option<String> {
    let url = clean_words(url.trim()).replace(char::is_whitespace, "");
    let (scheme, rest) = url.split_once(':')?;
    (SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) && !rest.is_empty()).then_some(url)
}

fn place(id: &MatrixId, context: &FromMatrix<'_>) -> Option<Destination> {
    let (room, event_id) = match id {
        MatrixId::Room(room_id) => (room_id.as_str(), None),
        MatrixId::RoomAlias(alias) => (alias.as_str(), None),
        MatrixId::Event(room, event_id) => (room.as_str(), Some(event_id)),
        _ => return None,
    };
    let address = <&ruma::RoomOrAliasId>::try_from(room).ok()?;
    let name = room.trim_start_matches('#').to_owned();
    if let Some((chat, message)) = event_id.and_then(|event_id| context.known.message(address, event_id)) {
        return Some(Destination::Place(MentionTarget::Message(chat.clone(), message.clone()), name));
    }
    Some(match context.known.chat(address) {
        Some(chat) => Destination::Place(MentionTarget::Chat(chat.clone()), name),
        None => Destination::Place(MentionTarget::Room(room.to_owned()), room.to_owned()),
    })
}
