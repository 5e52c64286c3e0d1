//! How files are named: by the id under which WhatsApp keeps them for some days. Their addresses expire within minutes, so they are asked for
//! when a file is opened (`session/files`).

use magpie_common::ids::RemoteFileId;

/// What the name of a file begins with.
const MEDIA: &str = "media/";

/// Longer ids are none.
const ID_CHARS_MAX: usize = 64;

/// A file by WhatsApp's id.
pub(super) fn media(id: &str) -> Option<RemoteFileId> {
    is_id(id).then(|| RemoteFileId::new(format!("{MEDIA}{id}")))
}

/// WhatsApp's id of a file.
pub(super) fn id(file: &RemoteFileId) -> Option<&str> {
    file.as_str().strip_prefix(MEDIA).filter(|id| is_id(id))
}

/// It stands in the path of requests.
fn is_id(id: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_were_made() {
        assert_eq!(media("1479537139650973").as_ref().and_then(id), Some("1479537139650973"));
        for bad in ["", "a/b", "..", "a?b", &"1".repeat(65)] {
            assert_eq!(media(bad), None, "{bad}");
        }
        assert_eq!(id(&RemoteFileId::new("else/1")), None);
    }
}
