//! Stories of portals that get another room, another chat, or an end.

use ruma::OwnedRoomId;

use super::{
    Opened, chat, event_id, message, open, open_bodies, remote, room, templates, to_matrix, to_remote,
};
use crate::{
    ids::{LoginId, RemoteChatId, RemoteUserId},
    message::{ChatKind, Emoji, RoomTemplates, TemplateKind},
    store::{
        Direction, Heir, Links, Outcome, PortalRow, PortalState, PushOrder, ReactionRow, Relay, RemoteRow,
        StoreError, StoreSettings, Stored,
    },
};

fn other_room() -> OwnedRoomId {
    OwnedRoomId::try_from("!other:example.org").expect("a valid room id")
}

fn later() -> RemoteChatId {
    RemoteChatId::new("later")
}

fn portal(chat: RemoteChatId, room_id: Option<OwnedRoomId>) -> PortalRow {
    PortalRow { room_id, name: Some(chat.to_string()), ..PortalRow::new(chat, ChatKind::Group) }
}

fn reaction(chat: RemoteChatId, event: &str) -> ReactionRow {
    ReactionRow {
        chat,
        target: message("a"),
        origin: Direction::FromRemote,
        sender: "bob".to_owned(),
        emoji: Emoji::Unicode("👍".to_owned()),
        room_id: room(),
        event_id: event_id(event),
    }
}

impl Opened {
    async fn save(&self, portal: &PortalRow) {
        self.store.save_portal(portal).await.expect("the portal is stored");
    }

    async fn portal(&self, chat: &RemoteChatId) -> Option<PortalRow> {
        self.store.portal_by_chat(chat).await.expect("the portal can be read")
    }

    /// Who knows a message: its chat and the events that it became.
    async fn events_of(&self, chat: &RemoteChatId, id: &str) -> Vec<String> {
        let rows = self.store.message_by_remote(chat, &message(id)).await.expect("the map can be read");
        rows.into_iter().map(|row| row.event_id.map_or("none".to_owned(), String::from)).collect()
    }
}

pub(super) async fn one_thing_about_a_portal_changes_alone(settings: &StoreSettings) {
    let opened = open(settings).await;
    let before = portal(chat(), Some(room()));
    opened.save(&before).await;
    opened.store.set_portal_state(&chat(), PortalState::Unbridged).await.expect("the state is stored");
    opened.store.set_portal_relay(&chat(), &Relay::Off).await.expect("the relay is stored");
    let relay_templates =
        templates(&[(TemplateKind::Text, "<{name}> {message}"), (TemplateKind::File, "{name}: {file}")]);
    let set = opened.store.set_portal_relay_templates(&chat(), &relay_templates).await;
    set.expect("the templates are stored");
    let looks = PortalRow { name: None, topic: Some("t".to_owned()), private: true, ..before.clone() };
    opened.store.save_portal_looks(&looks).await.expect("the looks are stored");
    let expected =
        PortalRow { state: PortalState::Unbridged, relay: Relay::Off, relay_templates, ..looks.clone() };
    assert_eq!(opened.portal(&chat()).await, Some(expected.clone()));
    // What is late for a room that it has no more is not taken for the new one's.
    assert_eq!(opened.store.move_portal(&room(), &other_room()).await, Ok(true));
    opened.store.save_portal_looks(&before).await.expect("nothing is stored");
    let moved = PortalRow { room_id: Some(other_room()), ..expected };
    assert_eq!(opened.portal(&chat()).await, Some(moved.clone()));
    assert_eq!(opened.store.portal_by_room(&room()).await, Ok(None));
    assert_eq!(opened.store.portal_by_room(&other_room()).await, Ok(Some(moved.clone())));
    let none = RoomTemplates::default();
    opened.store.set_portal_relay_templates(&chat(), &none).await.expect("they are taken back");
    assert_eq!(opened.portal(&chat()).await, Some(PortalRow { relay_templates: none, ..moved }));
    assert_eq!(opened.store.move_portal(&room(), &other_room()).await, Ok(false), "a repeat finds nothing");
    opened.save(&portal(later(), Some(room()))).await;
    let taken = opened.store.move_portal(&other_room(), &room()).await;
    assert!(matches!(taken, Err(StoreError::Refused(_))), "{taken:?}");
    let unknown = RemoteChatId::new("nowhere");
    let nothing = opened.store.set_portal_state(&unknown, PortalState::Gone).await;
    assert_eq!((nothing, opened.portal(&unknown).await), (Ok(()), None));
    opened.store.close().await;
}

pub(super) async fn a_forgotten_portal_is_new_again(settings: &StoreSettings) {
    let opened = open(settings).await;
    opened.save(&portal(chat(), Some(room()))).await;
    opened.save(&portal(later(), Some(other_room()))).await;
    opened.store.note_chat_login(&chat(), &LoginId::new("me")).await.expect("it is noted");
    opened.store.save_reaction(&reaction(chat(), "$r")).await.expect("the reaction is stored");
    let shown = opened.push("a").await;
    opened.finish(shown, Outcome::Delivered, to_matrix(&["$1", "$2"])).await;
    let said = opened.accept(&["$3"]).await;
    opened.finish(said[0], Outcome::Delivered, to_remote(&["b"])).await;
    opened.push("waits").await;
    opened.store.forget_portal(&chat()).await.expect("the portal is forgotten");
    opened.store.forget_portal(&chat()).await.expect("a repeat does no harm");
    assert_eq!(opened.portal(&chat()).await, None);
    assert!(opened.portal(&later()).await.is_some(), "no other is");
    assert_eq!(opened.store.chat_logins(&chat()).await, Ok(Vec::new()));
    assert_eq!(opened.store.reactions(&chat(), &message("a")).await, Ok(Vec::new()));
    assert_eq!(opened.store.message_by_event(&event_id("$3")).await, Ok(Vec::new()));
    // What was shown is new; what is being worked on is not.
    opened.push("a").await;
    let known = opened.store.push(remote("waits"), &PushOrder::default()).await.stored().await;
    assert_eq!(known, Ok(Stored::Known));
    let open = open_bodies(&opened.store, Direction::FromRemote, "chat").await;
    assert_eq!(open, ["body of waits", "body of a"]);
    opened.store.close().await;
}

pub(super) async fn a_chat_goes_on_under_another_id(settings: &StoreSettings) {
    let opened = open(settings).await;
    let former = PortalRow {
        parent: Some(RemoteChatId::new("guild")),
        relay_templates: templates(&[(TemplateKind::Edit, "{name}, edited: {message}")]),
        ..portal(chat(), Some(room()))
    };
    opened.save(&former).await;
    let inner = PortalRow { parent: Some(chat()), ..portal(RemoteChatId::new("inner"), None) };
    opened.save(&inner).await;
    opened.store.note_chat_login(&chat(), &LoginId::new("me")).await.expect("it is noted");
    opened.store.save_reaction(&reaction(chat(), "$r")).await.expect("the reaction is stored");
    let shown = opened.push("a").await;
    opened.finish(shown, Outcome::Delivered, to_matrix(&["$1", "$2"])).await;
    let said = opened.accept(&["$3"]).await;
    opened.finish(said[0], Outcome::Delivered, to_remote(&["b"])).await;
    // Once the portal is gone from the old id, only what is late is left to move.
    for heir in [Heir::Former, Heir::Latter] {
        opened.store.move_chat(&chat(), &later(), heir).await.expect("the chat is moved");
        assert_eq!(opened.portal(&later()).await, Some(PortalRow { chat: later(), ..former.clone() }));
        let by_former_id = opened.portal(&chat()).await.map(|portal| portal.chat);
        assert_eq!(by_former_id, Some(later()), "it is found under the former id, too");
        assert_eq!(opened.portal(&inner.chat).await.and_then(|inner| inner.parent), Some(later()));
        assert_eq!(opened.events_of(&later(), "a").await, ["$1", "$2"]);
        assert_eq!(opened.events_of(&later(), "b").await, ["$3"]);
        assert_eq!(opened.events_of(&chat(), "a").await, [""; 0]);
        let reactions = opened.store.reactions(&later(), &message("a")).await;
        assert_eq!(reactions, Ok(vec![reaction(later(), "$r")]));
        assert_eq!(opened.store.chat_logins(&later()).await.map(|logins| logins.len()), Ok(1));
        assert_eq!(opened.store.moved_chats().await, Ok(vec![(chat(), later())]));
    }
    // On to a third id, and back to the first.
    let last = RemoteChatId::new("last");
    opened.store.move_chat(&later(), &last, Heir::Former).await.expect("the chat is moved");
    let moved = opened.store.moved_chats().await;
    assert_eq!(moved, Ok(vec![(chat(), last.clone()), (later(), last.clone())]));
    opened.store.move_chat(&last, &chat(), Heir::Former).await.expect("the chat is moved");
    let moved = opened.store.moved_chats().await;
    assert_eq!(moved, Ok(vec![(last, chat()), (later(), chat())]));
    opened.store.close().await;
}

pub(super) async fn two_portals_become_one(settings: &StoreSettings) {
    for heir in [Heir::Former, Heir::Latter] {
        let opened = open(settings).await;
        let (first, second) = (chat(), later());
        opened.save(&portal(first.clone(), Some(room()))).await;
        opened.save(&portal(second.clone(), Some(other_room()))).await;
        opened.store.save_reaction(&reaction(first.clone(), "$r1")).await.expect("it is stored");
        opened.store.save_reaction(&reaction(second.clone(), "$r2")).await.expect("it is stored");
        opened.store.note_chat_login(&first, &LoginId::new("me")).await.expect("it is noted");
        opened.store.note_chat_login(&second, &LoginId::new("me")).await.expect("it is noted");
        for (chat, id, event) in [(&first, "a", "$1"), (&first, "b", "$2"), (&second, "b", "$3")] {
            let row = RemoteRow {
                lane: chat.as_str().into(),
                guard: Some((chat.clone(), message(id))),
                sender: Some(RemoteUserId::new("bob")),
                ..remote(id)
            };
            let stored = opened.store.push(row, &PushOrder::default()).await.stored().await;
            assert_eq!(stored, Ok(Stored::New));
            let id = opened.feed.take().pop().expect("it is fed").id;
            let links = Links::Matrix { room_id: room(), event_ids: vec![event_id(event)] };
            opened.finish(id, Outcome::Delivered, links).await;
        }
        opened.store.move_chat(&first, &second, heir).await.expect("the chat is moved");
        let kept = if heir == Heir::Former { room() } else { other_room() };
        let left = opened.portal(&second).await.and_then(|portal| portal.room_id);
        assert_eq!(left, Some(kept), "{heir:?}");
        assert_eq!(opened.events_of(&second, "a").await, ["$1"]);
        assert_eq!(opened.events_of(&second, "b").await, ["$3"], "what is there already stays");
        let reactions = opened.store.reactions(&second, &message("a")).await;
        assert_eq!(reactions, Ok(vec![reaction(second.clone(), "$r2")]));
        assert_eq!(opened.store.chat_logins(&second).await.map(|logins| logins.len()), Ok(1));
        // Another round begins with an empty slate.
        opened.store.forget_portal(&first).await.expect("it is forgotten");
        opened.store.forget_portal(&second).await.expect("it is forgotten");
        opened.store.close().await;
    }
}

pub(super) async fn what_waits_to_be_shown_again_is_known_by_what_was_shown(settings: &StoreSettings) {
    let opened = open(settings).await;
    let shown = opened.push("a").await;
    opened.finish(shown, Outcome::Delivered, to_matrix(&["$1"])).await;
    let under_new_id = |id: &str| RemoteRow {
        lane: later().as_str().into(),
        guard: Some((later(), message(id))),
        ..remote(id)
    };
    for id in ["a", "b"] {
        let stored = opened.store.push(under_new_id(id), &PushOrder::default()).await.stored().await;
        assert_eq!(stored, Ok(Stored::New), "nothing knows {id} there yet");
    }
    let waiting: Vec<_> = opened.feed.take().into_iter().map(|row| row.id).collect();
    opened.store.move_chat(&chat(), &later(), Heir::Former).await.expect("the chat is moved");
    assert_eq!(opened.events_of(&later(), "a").await, ["$1"]);
    assert_eq!(opened.events_of(&later(), "b").await, ["none"], "what is new waits still");
    // Whoever comes to work on it finds its work, and closes it.
    assert_eq!(open_bodies(&opened.store, Direction::FromRemote, "later").await, ["body of a", "body of b"]);
    for id in waiting {
        opened.finish(id, Outcome::Ignored("again".to_owned()), Links::None).await;
    }
    assert_eq!(opened.store.newest_open().await, Ok(None));
    let again = opened.store.push(under_new_id("a"), &PushOrder::default()).await.stored().await;
    assert_eq!(again, Ok(Stored::Known));
    opened.store.close().await;
}

pub(super) async fn no_number_is_given_again_while_its_work_waits(settings: &StoreSettings) {
    let opened = open(settings).await;
    opened.push("a").await;
    let guard = Some((later(), message("a")));
    let repeat = RemoteRow { lane: later().as_str().into(), guard, ..remote("a") };
    let stored = opened.store.push(repeat, &PushOrder::default()).await.stored().await;
    assert_eq!(stored, Ok(Stored::New));
    let waiting = opened.feed.take().pop().expect("it is fed").id;
    opened.store.move_chat(&chat(), &later(), Heir::Former).await.expect("the chat is moved");
    opened.store.close().await;
    // The newest message is gone, and its work is not.
    let opened = open(settings).await;
    assert!(opened.push("b").await > waiting);
    assert_eq!(open_bodies(&opened.store, Direction::FromRemote, "later").await, ["body of a"]);
    opened.store.close().await;
}
