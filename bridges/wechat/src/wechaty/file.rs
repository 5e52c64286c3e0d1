//! How files of an account are called here: what is asked for at the gateway, and whose picture it is.

use magpie_common::ids::RemoteFileId;
use sha1::{Digest, Sha1};

/// A file that the gateway can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum File<'a> {
    /// The picture of a message.
    Image(&'a str),
    /// The file of a message.
    Message(&'a str),
    /// How somebody looks.
    Contact(&'a str),
    /// How a group looks.
    Room(&'a str),
}

const IMAGE: &str = "image";
const MESSAGE: &str = "message";
const CONTACT: &str = "contact";
const ROOM: &str = "room";

/// The picture of a message.
pub(super) fn image(me: &str, message: &str) -> RemoteFileId {
    RemoteFileId::new(format!("{me}/{IMAGE}/{message}"))
}

/// The file of a message.
pub(super) fn message(me: &str, message: &str) -> RemoteFileId {
    RemoteFileId::new(format!("{me}/{MESSAGE}/{message}"))
}

/// How somebody looks; another picture is another file.
pub(super) fn contact(me: &str, contact: &str, picture: &str) -> RemoteFileId {
    RemoteFileId::new(format!("{me}/{CONTACT}/{contact}/{}", tag(picture)))
}

/// The same of a group.
pub(super) fn room(me: &str, room: &str, picture: &str) -> RemoteFileId {
    RemoteFileId::new(format!("{me}/{ROOM}/{room}/{}", tag(picture)))
}

/// What is asked for; `None` where it is no file of this account.
pub(super) fn read<'a>(me: &str, file: &'a RemoteFileId) -> Option<File<'a>> {
    let (sort, rest) = file.as_str().strip_prefix(me)?.strip_prefix('/')?.split_once('/')?;
    let pictured = || rest.split_once('/').map(|(native, _)| native).filter(|native| !native.is_empty());
    match sort {
        IMAGE if !rest.is_empty() => Some(File::Image(rest)),
        MESSAGE if !rest.is_empty() => Some(File::Message(rest)),
        CONTACT => pictured().map(File::Contact),
        ROOM => pictured().map(File::Room),
        _ => None,
    }
}

/// A few letters that stand for a picture's address.
fn tag(picture: &str) -> String {
    Sha1::digest(picture.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    #[test]
    fn files_are_asked_for_as_they_were_called() {
        assert_eq!(read("me", &image("me", "a/b")), Some(File::Image("a/b")));
        assert_eq!(read("me", &message("me", "1")), Some(File::Message("1")));
        let (old, new) = (contact("me", "wxid_a", "http://a"), contact("me", "wxid_a", "http://b"));
        assert_ne!(old, new, "another picture is another file");
        assert_eq!(read("me", &old), Some(File::Contact("wxid_a")));
        assert_eq!(read("me", &room("me", "7@chatroom", "")), Some(File::Room("7@chatroom")));
        assert_eq!(read("other", &message("me", "1")), None);
        for bad in ["", "me", "me/", "me/image/", "me/contact/x", "me/contact//x", "me/else/x", "mee/image/x"]
        {
            assert_eq!(read("me", &RemoteFileId::new(bad)), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_message_leads_back(id in "[!-~]{1,40}", strange in any::<String>()) {
            assert_eq!(read("me", &image("me", &id)), Some(File::Image(&id)));
            let _ = read("me", &RemoteFileId::new(strange));
        }
    }
}
