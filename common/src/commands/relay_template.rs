//! What a room says for people without an account, where the network shows no names beside messages: `relay-template`.

use futures_util::FutureExt;

use super::{
    Asked, Command, Desk, NAME_CHARS_MAX, Place, Section,
    arguments::{Argument, Kind, Needed},
    bridging::connected,
    said,
};
use crate::{
    config::{Level, nearest},
    homeserver::Deed,
    message::{Authors, RoomTemplates, Template, TemplateKind, is_visible},
    portal::{Effect, Reply},
    store::{PortalRow, Relay},
};

const KIND: Argument = Argument { name: "kind", kind: Kind::Word, needed: Needed::No };
const TEMPLATE: Argument = Argument { name: "template", kind: Kind::Rest, needed: Needed::No };

/// In the place of a kind or of a template: the bridge's serve again.
const RESET: &str = "reset";

pub(super) const RELAY_TEMPLATE: Command = Command {
    name: "relay-template",
    aliases: &["relay-templates"],
    section: Section::Rooms,
    arguments: &[KIND, TEMPLATE],
    help: "Shows what is said in this room for people without an account, or changes it for one kind of message; `reset` in the place of \
           either brings back what the bridge says elsewhere.",
    example: "relay-template text <{name}> {message}",
    level: Level::User,
    place: Place::Portal,
    effect: |desk, asked| async move { Ok(obey(desk, asked).await) }.boxed(),
};

/// What is asked for.
enum Wish<'a> {
    ShowAll,
    Show(TemplateKind),
    ResetAll,
    Reset(TemplateKind),
    Set(TemplateKind, &'a str),
}

async fn obey(desk: &Desk, asked: Asked<'_>) -> Reply {
    let Some(portal) = asked.portal else { return said("This room is joined to no chat.".to_owned()) };
    let wish = match read(asked) {
        Ok(wish) => wish,
        Err(words) => return said(words),
    };
    let mut templates = portal.relay_templates.clone();
    match wish {
        Wish::ShowAll => return said(shown(desk, asked, portal)),
        Wish::Show(kind) => return said(line(desk, &templates, kind)),
        Wish::ResetAll => templates = RoomTemplates::default(),
        Wish::Reset(kind) => templates.reset(kind),
        Wish::Set(kind, text) => match Template::read(kind, text) {
            Ok(template) => templates.set(kind, template),
            Err(error) => return said(format!("That is no template: {error}. {}", error.help())),
        },
    }
    if let Err(words) = may_change(desk, asked, portal).await {
        return said(words);
    }
    let words = match wish {
        Wish::Set(kind, _) | Wish::Reset(kind) => {
            format!("From now on in this room:\n{}{}", line(desk, &templates, kind), unused(desk, asked))
        }
        _ => "This room has no templates of its own any more; the bridge's are used.".to_owned(),
    };
    Reply { words, effect: Some(Effect::RelayTemplates(templates)) }
}

fn read(asked: Asked<'_>) -> Result<Wish<'_>, String> {
    let Some(word) = asked.given.word() else { return Ok(Wish::ShowAll) };
    let text = asked.given.behind_word();
    if word.eq_ignore_ascii_case(RESET) && text.is_none() {
        return Ok(Wish::ResetAll);
    }
    let Some(kind) = TemplateKind::of_key(&word.to_lowercase()) else { return Err(unknown(word)) };
    Ok(match text {
        None => Wish::Show(kind),
        Some(text) if text.eq_ignore_ascii_case(RESET) => Wish::Reset(kind),
        Some(text) => Wish::Set(kind, text),
    })
}

fn unknown(word: &str) -> String {
    let word: String = word.chars().filter(|c| is_visible(*c)).take(NAME_CHARS_MAX).collect();
    let kinds = TemplateKind::ALL.map(TemplateKind::key);
    let hint = nearest(&word, kinds).map(|meant| format!(" Did you mean `{meant}`?")).unwrap_or_default();
    format!("There is no kind of message “{word}”.{hint} There are: {}.", kinds.join(", "))
}

/// Whoever lends their account chooses its words, since they are said in its name. Where it is the bridge's own, whoever may change the
/// room's settings does. An admin of the bridge may always.
async fn may_change(desk: &Desk, asked: Asked<'_>, portal: &PortalRow) -> Result<(), String> {
    if asked.level >= Level::Admin {
        return Ok(());
    }
    if let Relay::Login(id) = &portal.relay {
        return match desk.logins.of(asked.sender).contains(id) {
            true => Ok(()),
            false => Err(
                "The account that speaks here for others is not yours. Ask its owner, or an admin of the bridge."
                    .to_owned(),
            ),
        };
    }
    let powers = desk.homeserver.bot().powers(asked.room_id).await;
    let powers = powers.map_err(|error| format!("I could not see who may do what here: {error}"))?;
    let state = Deed::SetState("m.bridge");
    match powers.allows(asked.sender, state) {
        true => Ok(()),
        false => Err(format!(
            "You may not change this room's settings, so you may not change what is said in it for others. That needs the power level {}.",
            powers.needed(state)
        )),
    }
}

fn shown(desk: &Desk, asked: Asked<'_>, portal: &PortalRow) -> String {
    let lines = TemplateKind::ALL.map(|kind| line(desk, &portal.relay_templates, kind));
    format!(
        "What is said in this room for people without an account:\n{}{}",
        lines.join("\n"),
        unused(desk, asked)
    )
}

/// What is said for one kind of message.
fn line(desk: &Desk, room: &RoomTemplates, kind: TemplateKind) -> String {
    let (key, whose) = match room.get(kind) {
        Some(_) => (kind.key(), " (this room's own)"),
        None => (kind.key(), ""),
    };
    match room.get(kind).or_else(|| desk.relay_templates.get(kind)) {
        Some(template) => format!("- {key}: `{}`{whose}", template.text().replace('\n', "↵")),
        None => format!("- {key}: as it looked before it was changed"),
    }
}

/// Where names stand beside messages, nothing of this is seen.
fn unused(desk: &Desk, asked: Asked<'_>) -> String {
    let is_shown = connected(desk, asked)
        .is_some_and(|(portal, _, session)| session.limits(&portal.chat).authors == Authors::Shown);
    match is_shown {
        true => format!(
            "\n{} shows names beside messages, so templates are not used in this room.",
            desk.about.name
        ),
        false => String::new(),
    }
}
