//! Takes the wrappers off a message, and finds what every sort of message has in a place of its own.

use wacore::proto_helpers::MessageExt;
use waproto::whatsapp as wa;

/// A message wraps others not deeper than this.
const DEPTH_MAX: usize = 8;

/// Parts that bring no message: keys, and what stands beside every message.
const SILENT: [&str; 5] = [
    "sender_key_distribution_message",
    "fast_ratchet_key_sender_key_distribution_message",
    "message_context_info",
    "messageContextInfo",
    "senderKeyDistributionMessage",
];

/// A message without wrappers.
pub(super) struct Unwrapped<'a> {
    pub(super) message: &'a wa::Message,
    /// Whether it may be seen once.
    pub(super) view_once: bool,
}

/// Takes the wrappers off.
pub(super) fn unwrap(message: &wa::Message) -> Unwrapped<'_> {
    let mut current = message;
    let mut view_once = message.is_view_once();
    for _ in 0..DEPTH_MAX {
        let base = current.get_base_message();
        let wrappers = [
            &base.group_mentioned_message,
            &base.lottie_sticker_message,
            &base.associated_child_message,
            &base.bot_invoke_message,
            &base.spoiler_message,
            &base.question_message,
            &base.group_status_message,
            &base.event_cover_image,
            &base.limit_sharing_message,
            &base.poll_creation_message_v4,
            &base.bot_forwarded_message,
            &base.question_reply_message,
        ];
        let inner = wrappers.into_iter().find_map(|it| it.as_option().and_then(|it| it.message.as_option()));
        match inner {
            Some(inner) => current = inner,
            None if std::ptr::eq(base, current) => break,
            None => current = base,
        }
        view_once |= current.is_view_once();
    }
    Unwrapped { message: current, view_once }
}

/// The poll of a message, whatever its version.
pub(super) fn poll(message: &wa::Message) -> Option<&wa::message::PollCreationMessage> {
    let versions = [
        &message.poll_creation_message,
        &message.poll_creation_message_v2,
        &message.poll_creation_message_v3,
        &message.poll_creation_message_v5,
        &message.poll_creation_message_v6,
    ];
    versions.into_iter().find_map(|poll| poll.as_option())
}

/// What is answered and mentioned.
pub(super) fn context(message: &wa::Message) -> Option<&wa::ContextInfo> {
    macro_rules! first {
        ($($field:ident),+ $(,)?) => {
            $(if let Some(part) = message.$field.as_option() { return part.context_info.as_option(); })+
        };
    }
    first!(
        extended_text_message,
        image_message,
        video_message,
        ptv_message,
        audio_message,
        document_message,
        sticker_message,
        location_message,
        live_location_message,
        contact_message,
        contacts_array_message,
        group_invite_message,
        list_message,
        list_response_message,
        buttons_message,
        buttons_response_message,
        template_message,
        template_button_reply_message,
        interactive_message,
        interactive_response_message,
        product_message,
        order_message,
        event_message,
        album_message,
    );
    None
}

/// What the first part of a message is called that could be shown.
pub(super) fn first_field(message: &wa::Message) -> Option<String> {
    let fields = serde_json::to_value(message).ok()?;
    let is_there = |value: &serde_json::Value| match value {
        serde_json::Value::Null => false,
        serde_json::Value::Array(items) => !items.is_empty(),
        serde_json::Value::String(text) => !text.is_empty(),
        _ => true,
    };
    let mut names = fields.as_object()?.iter().filter(|(_, value)| is_there(value)).map(|(name, _)| name);
    names.find(|name| !SILENT.contains(&name.as_str())).cloned()
}
