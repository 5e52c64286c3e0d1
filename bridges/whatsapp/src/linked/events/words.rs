//! What is said in words, and what is told in words because Matrix has no other form for it: places, contacts, invitations, buttons.

use magpie_common::{
    ids::RemoteUserId,
    message::{Message, Node, RichText, Tone, clean_line},
};
use wacore_binary::Jid;
use waproto::whatsapp as wa;

use crate::linked::markup;

/// Who is mentioned by an address, and how they are called.
pub(in crate::linked) type Names<'a> = dyn Fn(&Jid) -> (Option<RemoteUserId>, String) + Sync + 'a;

/// More lines than this are not listed.
const LINES_MAX: usize = 40;
/// More people than this are not mentioned; no group is larger.
const MENTIONS_MAX: usize = 2_048;

/// Words with their markup and mentions.
pub(super) fn marked_up(text: &str, context: Option<&wa::ContextInfo>, names: &Names<'_>) -> RichText {
    let mentioned = mentioned(context);
    markup::read(text, &|user| {
        let jid = mentioned.iter().find(|jid: &&Jid| jid.user_base() == user)?;
        let (id, name) = names(jid);
        Some((id?, name))
    })
}

/// Whom words mention.
pub(super) fn mentioned(context: Option<&wa::ContextInfo>) -> Vec<Jid> {
    let jids = context.into_iter().flat_map(|context| &context.mentioned_jid);
    jids.take(MENTIONS_MAX).filter_map(|jid| jid.parse().ok()).collect()
}

/// A poll, which rooms show in words: the question, the answers, and where one can vote.
pub(super) fn poll(question: RichText, answers: &[String]) -> RichText {
    let title = [Node::Text("📊 ".to_owned())].into_iter().chain(question.0).collect();
    let item = |answer: &String| vec![Node::Text(clean_line(answer))];
    RichText(vec![
        Node::Strong(title),
        Node::List { start: Some(1), items: answers.iter().map(item).collect() },
        Node::Emphasis(vec![Node::Text("Vote in WhatsApp.".to_owned())]),
    ])
}

/// The box below a link.
pub(super) fn link_preview(text: &wa::message::ExtendedTextMessage) -> RichText {
    let title = text.title.as_deref().map(clean_line).filter(|title| !title.is_empty());
    let (Some(url), Some(title)) = (text.matched_text.as_deref().filter(|url| is_link(url)), title) else {
        return RichText::default();
    };
    let mut nodes =
        vec![Node::Link { url: url.to_owned(), children: vec![Node::Strong(vec![Node::Text(title)])] }];
    if let Some(description) = text.description.as_deref().map(clean_line).filter(|it| !it.is_empty()) {
        nodes.extend([Node::LineBreak, Node::Text(description)]);
    }
    RichText(vec![Node::Quote(nodes)])
}

/// Words of the bridge itself.
pub(super) fn note(words: &str) -> Message {
    Message { tone: Tone::Notice, ..Message::text(RichText::plain(words)) }
}

/// What stands for a file that cannot be fetched.
pub(super) fn missing_file() -> Vec<Node> {
    vec![Node::Emphasis(vec![Node::Text(
        "A file that WhatsApp did not describe well enough to fetch it.".to_owned(),
    )])]
}

/// What is told in words; `None` when this is no such sort.
pub(super) fn told(message: &wa::Message, names: &Names<'_>) -> Option<Message> {
    let place_or_person = place(message).or_else(|| contacts(message));
    let text = place_or_person
        .or_else(|| invitation(message))
        .or_else(|| business(message))
        .or_else(|| answer(message))
        .or_else(|| others(message, names))?;
    Some(Message::text(text))
}

fn place(message: &wa::Message) -> Option<RichText> {
    if let Some(place) = message.location_message.as_option() {
        let words = [place.name.as_deref(), place.address.as_deref(), place.comment.as_deref()];
        let words: Vec<String> =
            words.into_iter().flatten().map(clean_line).filter(|it| !it.is_empty()).collect();
        let words = if words.is_empty() { "Location".to_owned() } else { words.join(", ") };
        return on_map(place.degrees_latitude?, place.degrees_longitude?, &words);
    }
    let live = message.live_location_message.as_option()?;
    let words = live.caption.as_deref().map(clean_line).filter(|it| !it.is_empty());
    let words = words.unwrap_or_else(|| "Live location. Follow it on your phone.".to_owned());
    on_map(live.degrees_latitude?, live.degrees_longitude?, &words)
}

fn on_map(latitude: f64, longitude: f64, words: &str) -> Option<RichText> {
    if !latitude.is_finite() || !longitude.is_finite() {
        return None;
    }
    let url = format!(
        "https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=16/{latitude}/{longitude}"
    );
    Some(RichText(vec![Node::Link { url, children: vec![Node::Text(format!("📍 {words}"))] }]))
}

fn contacts(message: &wa::Message) -> Option<RichText> {
    let one = message.contact_message.as_option().into_iter();
    let many = message.contacts_array_message.as_option().into_iter().flat_map(|array| &array.contacts);
    let lines: Vec<String> = one.chain(many).take(LINES_MAX).map(contact).collect();
    (!lines.is_empty()).then(|| RichText::plain(&lines.join("\n")))
}

/// A name, and the numbers of its vCard (RFC 6350).
fn contact(contact: &wa::message::ContactMessage) -> String {
    let card = contact.vcard.as_deref().unwrap_or_default();
    let value = |line: &str| line.split_once(':').map(|(_, value)| clean_line(value)).unwrap_or_default();
    let is = |line: &str, property: &str| {
        let name = line.split([':', ';']).next().unwrap_or_default();
        name.rsplit('.').next().unwrap_or_default().eq_ignore_ascii_case(property)
    };
    let name = contact.display_name.as_deref().map(clean_line).filter(|name| !name.is_empty());
    let name = name.or_else(|| card.lines().find(|line| is(line, "FN")).map(value));
    let reach: Vec<String> =
        card.lines().filter(|line| is(line, "TEL") || is(line, "EMAIL")).map(value).take(LINES_MAX).collect();
    let name = name.unwrap_or_else(|| "Contact".to_owned());
    if reach.is_empty() { format!("👤 {name}") } else { format!("👤 {name}: {}", reach.join(", ")) }
}

fn invitation(message: &wa::Message) -> Option<RichText> {
    if let Some(invite) = message.group_invite_message.as_option() {
        let name = clean_line(invite.group_name.as_deref().unwrap_or("a group"));
        let caption = invite.caption.as_deref().map(clean_line).unwrap_or_default();
        return Some(RichText::plain(&format!(
            "✉️ Invitation to the group {name}. Accept it on your phone.\n{caption}"
        )));
    }
    if let Some(event) = message.event_message.as_option() {
        let name = clean_line(event.name.as_deref().unwrap_or("Event"));
        let mut lines = vec![if event.is_canceled == Some(true) {
            format!("📅 Canceled: {name}")
        } else {
            format!("📅 {name}")
        }];
        lines.extend(event.description.as_deref().map(str::to_owned));
        lines.extend(event.location.as_option().and_then(|place| place.name.clone()));
        lines.extend(event.join_link.clone());
        return Some(RichText::plain(&lines.join("\n")));
    }
    if let Some(call) = message.scheduled_call_creation_message.as_option() {
        let title = clean_line(call.title.as_deref().unwrap_or("a call"));
        return Some(RichText::plain(&format!("📞 Planned: {title}")));
    }
    message.newsletter_admin_invite_message.as_option().map(|invite| {
        let name = clean_line(invite.newsletter_name.as_deref().unwrap_or("a channel"));
        RichText::plain(&format!("✉️ Invitation to run the channel {name}. Accept it on your phone."))
    })
}

/// What businesses send; nothing of it can be pressed from here.
fn business(message: &wa::Message) -> Option<RichText> {
    let mut lines: Vec<Option<String>> = Vec::new();
    if let Some(list) = message.list_message.as_option() {
        lines.extend([list.title.clone(), list.description.clone()]);
        for section in &list.sections {
            lines.push(section.title.clone());
            lines.extend(
                section.rows.iter().map(|row| row.title.as_deref().map(|title| format!("• {title}"))),
            );
        }
        lines.push(list.footer_text.clone());
    } else if let Some(buttons) = message.buttons_message.as_option() {
        lines.push(buttons.content_text.clone());
        lines.extend(buttons.buttons.iter().map(|button| {
            button
                .button_text
                .as_option()
                .and_then(|text| text.display_text.as_deref())
                .map(|text| format!("[{text}]"))
        }));
        lines.push(buttons.footer_text.clone());
    } else if let Some(template) = message.template_message.as_option() {
        let template = template.hydrated_template.as_option()?;
        lines.extend([template.hydrated_content_text.clone(), template.hydrated_footer_text.clone()]);
    } else if let Some(interactive) = message.interactive_message.as_option() {
        lines.push(interactive.header.as_option().and_then(|header| header.title.clone()));
        lines.push(interactive.body.as_option().and_then(|body| body.text.clone()));
        lines.push(interactive.footer.as_option().and_then(|footer| footer.text.clone()));
    } else if let Some(product) = message.product_message.as_option() {
        let shown = product.product.as_option();
        lines.push(shown.and_then(|shown| shown.title.as_deref()).map(|title| format!("🛍️ {title}")));
        lines.extend([shown.and_then(|shown| shown.description.clone()), product.body.clone()]);
        lines.extend([shown.and_then(|shown| shown.url.clone()), product.footer.clone()]);
    } else {
        let order = message.order_message.as_option()?;
        let count = order.item_count.unwrap_or_default();
        lines.push(Some(format!("🛒 Order of {count} items")));
        lines.extend([order.order_title.clone(), order.message.clone()]);
    }
    let lines: Vec<String> =
        lines.into_iter().flatten().filter(|it| !it.trim().is_empty()).take(LINES_MAX).collect();
    (!lines.is_empty()).then(|| RichText::plain(&lines.join("\n")))
}

/// What somebody chose.
fn answer(message: &wa::Message) -> Option<RichText> {
    let list = message.list_response_message.as_option().and_then(|list| list.title.clone());
    let template = || message.template_button_reply_message.as_option()?.selected_display_text.clone();
    let buttons = || match message.buttons_response_message.as_option()?.response.as_ref()? {
        wa::message::buttons_response_message::Response::SelectedDisplayText(text) => Some(text.clone()),
    };
    let interactive = || message.interactive_response_message.as_option()?.body.as_option()?.text.clone();
    let chosen = list.or_else(template).or_else(buttons).or_else(interactive)?;
    Some(RichText::plain(&chosen))
}

fn others(message: &wa::Message, names: &Names<'_>) -> Option<RichText> {
    if let Some(comment) = message.comment_message.as_option() {
        let inner = comment.message.as_option()?;
        let text = inner
            .conversation
            .as_deref()
            .or_else(|| inner.extended_text_message.as_option()?.text.as_deref());
        return Some(marked_up(text?, None, names));
    }
    if message.send_payment_message.is_set() || message.request_payment_message.is_set() {
        return Some(RichText::plain("💸 A payment. Look at it on your phone."));
    }
    if let Some(call) = message.call_log_messsage.as_option() {
        let sort = if call.is_video == Some(true) { "Video call" } else { "Call" };
        return Some(RichText::plain(&format!("📞 {sort}")));
    }
    if message.sticker_pack_message.is_set() {
        return Some(RichText::plain("A set of stickers. Look at it on your phone."));
    }
    None
}

fn is_link(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}
