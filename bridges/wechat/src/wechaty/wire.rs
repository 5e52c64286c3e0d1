//! What goes over the wire to a gateway and back: the few messages of the puppet service that are used here.
//!
//! Names and field numbers are those of the npm package `wechaty-grpc` 1.5.2 (package `wechaty.puppet`), frozen since 2023. Fields that it calls
//! deprecated are left out but for those that older gateways alone fill. Kinds of messages are numbers of the gateway's own, not those of the
//! published list, so they are read as they stand.

use bytes::Bytes;
use prost::Message;

/// What asks for something and names nothing: events, lists, a start, a farewell.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Nothing {}

/// What names one thing by its id; the answers of uploads and cards do so, too.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Id {
    #[prost(string, tag = "1")]
    pub id: String,
}

/// A list of ids.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Ids {
    #[prost(string, repeated, tag = "1")]
    pub ids: Vec<String>,
}

/// Something that happened (`EventResponse`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Event {
    #[prost(int32, tag = "1")]
    pub kind: i32,
    /// JSON.
    #[prost(string, tag = "2")]
    pub payload: String,
}

/// A moment (`google.protobuf.Timestamp`).
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct Moment {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// A text that may be missing (`google.protobuf.StringValue`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Text {
    #[prost(string, tag = "1")]
    pub value: String,
}

/// A message (`MessagePayloadResponse`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Said {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub filename: String,
    #[prost(string, tag = "3")]
    pub text: String,
    #[prost(uint64, tag = "4")]
    pub timestamp: u64,
    #[prost(int32, tag = "5")]
    pub kind: i32,
    #[prost(string, tag = "6")]
    pub talker_id: String,
    #[prost(string, tag = "7")]
    pub room_id: String,
    #[prost(string, tag = "8")]
    pub listener_id: String,
    #[prost(string, repeated, tag = "9")]
    pub mention_ids: Vec<String>,
    #[prost(message, optional, tag = "10")]
    pub receive_time: Option<Moment>,
}

/// Which size of a picture is asked for (`MessageImageRequest`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct ImageOf {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(int32, tag = "2")]
    pub size: i32,
}

/// A file as a box, which is JSON (`MessageFileResponse`, `MessageImageResponse`, `RoomAvatarResponse`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Boxed {
    #[prost(string, tag = "1")]
    pub file_box: String,
}

/// The picture of a person (`ContactAvatarResponse`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct ContactAvatar {
    #[prost(string, tag = "2")]
    pub file_box: String,
}

/// A link with a preview (`UrlLinkPayload`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct UrlLink {
    #[prost(string, tag = "1")]
    pub description: String,
    #[prost(string, tag = "3")]
    pub title: String,
    #[prost(string, tag = "4")]
    pub url: String,
}

/// The answer that bears one (`MessageUrlResponse`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct UrlLinkOf {
    #[prost(message, optional, tag = "2")]
    pub link: Option<UrlLink>,
}

/// A mini program (`MiniProgramPayload`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct MiniProgram {
    #[prost(string, tag = "2")]
    pub description: String,
    #[prost(string, tag = "7")]
    pub title: String,
}

/// The answer that bears one (`MessageMiniProgramResponse`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct MiniProgramOf {
    #[prost(message, optional, tag = "2")]
    pub program: Option<MiniProgram>,
}

/// A place (`LocationPayload`).
#[derive(Clone, PartialEq, Message)]
pub(super) struct Place {
    #[prost(float, tag = "1")]
    pub accuracy: f32,
    #[prost(string, tag = "2")]
    pub address: String,
    #[prost(double, tag = "3")]
    pub latitude: f64,
    #[prost(double, tag = "4")]
    pub longitude: f64,
    #[prost(string, tag = "5")]
    pub name: String,
}

/// The answer that bears one (`MessageLocationResponse`).
#[derive(Clone, PartialEq, Message)]
pub(super) struct PlaceOf {
    #[prost(message, optional, tag = "1")]
    pub place: Option<Place>,
}

/// Words to be sent (`MessageSendTextRequest`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct SendText {
    #[prost(string, tag = "1")]
    pub conversation_id: String,
    #[prost(string, tag = "2")]
    pub text: String,
    #[prost(string, repeated, tag = "3")]
    pub mentional_ids: Vec<String>,
}

/// A file to be sent (`MessageSendFileRequest`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct SendFile {
    #[prost(string, tag = "1")]
    pub conversation_id: String,
    #[prost(string, tag = "2")]
    pub file_box: String,
}

/// What became of something that was sent. The id may be missing, and older gateways tell it in the first field alone.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Sent {
    #[prost(message, optional, tag = "1")]
    pub old_id: Option<Text>,
    #[prost(string, tag = "2")]
    pub id: String,
}

/// Whether a message was taken back (`MessageRecallResponse`).
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct Recalled {
    #[prost(bool, tag = "1")]
    pub success: bool,
}

/// A person (`ContactPayloadResponse`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Contact {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(int32, tag = "3")]
    pub kind: i32,
    #[prost(string, tag = "4")]
    pub name: String,
    #[prost(string, tag = "5")]
    pub avatar: String,
    /// What the account's owner calls them.
    #[prost(string, tag = "7")]
    pub alias: String,
    #[prost(bool, tag = "9")]
    pub friend: bool,
    /// The WeChat ID that people tell each other.
    #[prost(string, tag = "13")]
    pub weixin: String,
}

/// A group (`RoomPayloadResponse`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Room {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub topic: String,
    #[prost(string, tag = "3")]
    pub avatar: String,
    #[prost(string, tag = "4")]
    pub owner_id: String,
    #[prost(string, repeated, tag = "6")]
    pub member_ids: Vec<String>,
}

/// Another name for a group (`RoomTopicRequest`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct RoomTopic {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, optional, tag = "3")]
    pub topic: Option<String>,
}

/// Who is asked into a group (`RoomAddRequest`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct RoomAdd {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub contact_id: String,
}

/// Who is sent out of a group (`RoomDelRequest`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct RoomDel {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub contact_id: String,
}

/// Who is asked about in a group (`RoomMemberPayloadRequest`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct MemberOf {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub member_id: String,
}

/// Somebody in a group (`RoomMemberPayloadResponse`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Member {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub room_alias: String,
    #[prost(string, tag = "4")]
    pub avatar: String,
    #[prost(string, tag = "5")]
    pub name: String,
}

/// What somebody who is, was or wants to be a friend says (`FriendshipPayloadResponse`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Friendship {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub contact_id: String,
    #[prost(string, tag = "3")]
    pub hello: String,
    #[prost(int32, tag = "4")]
    pub kind: i32,
}

/// An invitation to a group (`RoomInvitationPayloadResponse`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Invitation {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub inviter_id: String,
    #[prost(string, tag = "3")]
    pub topic: String,
    #[prost(int32, tag = "4")]
    pub member_count: i32,
    #[prost(message, optional, tag = "10")]
    pub receive_time: Option<Moment>,
}

/// A piece of a file (`UploadRequest`, `DownloadResponse`).
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Chunk {
    #[prost(bytes = "bytes", tag = "1")]
    pub chunk: Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_fields_of_the_published_package() {
        // Written by hand from the numbers there: id, text, kind 7, talker, mention.
        let raw = b"\x0a\x01m\x1a\x02hi\x28\x07\x32\x01a\x4a\x01b\x52\x02\x08\x05";
        let said = Said::decode(&raw[..]).expect("it is one");
        let receive_time = Some(Moment { seconds: 5, nanos: 0 });
        let (talker_id, mention_ids) = ("a".to_owned(), vec!["b".to_owned()]);
        let (id, text) = ("m".to_owned(), "hi".to_owned());
        assert_eq!(said, Said { id, text, kind: 7, talker_id, mention_ids, receive_time, ..Said::default() });
        let text = SendText {
            conversation_id: "c".to_owned(),
            text: "t".to_owned(),
            mentional_ids: vec!["m".to_owned()],
        };
        assert_eq!(text.encode_to_vec(), b"\x0a\x01c\x12\x01t\x1a\x01m");
        let topic = RoomTopic { id: "r".to_owned(), topic: Some("t".to_owned()) };
        assert_eq!(topic.encode_to_vec(), b"\x0a\x01r\x1a\x01t");
        let add = RoomAdd { id: "r".to_owned(), contact_id: "c".to_owned() };
        assert_eq!(add.encode_to_vec(), b"\x0a\x01r\x12\x01c");
        let sent = Sent::decode(&b"\x0a\x03\x0a\x01x"[..]).expect("an older answer");
        assert_eq!(sent.old_id.map(|id| id.value).as_deref(), Some("x"));
        // An unknown kind stays a number.
        assert_eq!(Event::decode(&b"\x08\x63"[..]).map(|event| event.kind), Ok(99));
    }
}
