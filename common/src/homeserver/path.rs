//! Paths and queries, written once into one string: this runs for every message.

use std::fmt::Write as _;

/// A path under construction. What is named by others goes in through [`Path::segment`] and [`Path::query`] only.
pub(super) struct Path {
    text: String,
    has_query: bool,
}

impl Path {
    pub(super) fn new(prefix: &str, route: &'static str) -> Self {
        let mut text = String::with_capacity(256);
        text.push_str(prefix);
        text.push_str(route);
        Self { text, has_query: false }
    }

    /// Adds a piece of our own, slashes included.
    pub(super) fn raw(mut self, piece: &'static str) -> Self {
        self.text.push_str(piece);
        self
    }

    /// Adds one path segment, escaped.
    pub(super) fn segment(mut self, value: &str) -> Self {
        push_escaped(&mut self.text, value);
        self
    }

    /// Adds a query parameter, escaped.
    pub(super) fn query(mut self, name: &'static str, value: &str) -> Self {
        self.start_parameter(name);
        push_escaped(&mut self.text, value);
        self
    }

    /// Adds a query parameter that is a number.
    pub(super) fn query_number(mut self, name: &'static str, value: i64) -> Self {
        self.start_parameter(name);
        let _ = write!(self.text, "{value}");
        self
    }

    pub(super) fn into_string(self) -> String {
        self.text
    }

    fn start_parameter(&mut self, name: &'static str) {
        self.text.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        self.text.push_str(name);
        self.text.push('=');
    }
}

/// Escapes all but what RFC 3986 allows in both a segment and a query value. `+` is escaped too, because some servers
/// read it as a space.
fn push_escaped(out: &mut String, value: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'!'
            | b'$'
            | b'@'
            | b':' => {
                out.push(char::from(byte));
            }
            other => {
                out.push('%');
                out.push(char::from(HEX[usize::from(other >> 4)]));
                out.push(char::from(HEX[usize::from(other & 15)]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_cannot_leave_their_segment() {
        let path = Path::new("/prefix", "/rooms/")
            .segment("!a/../b?c#d%:x")
            .raw("/send")
            .query("user_id", "@a+b&c=d:é")
            .query_number("ts", -5);
        assert_eq!(
            path.into_string(),
            "/prefix/rooms/!a%2F..%2Fb%3Fc%23d%25:x/send?user_id=@a%2Bb%26c%3Dd:%C3%A9&ts=-5"
        );
    }
}
