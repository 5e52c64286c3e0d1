//! Stories of the smaller tables, and of tracing.

use ruma::OwnedMxcUri;

use super::{NOON_MS, chat, event_id, message, open, room, templates, to_remote};
use crate::{
    ids::{LoginId, RemoteChatId},
    message::{ChatKind, RoomTemplates, TemplateKind},
    store::{MediaRow, MessageState, Outcome, PortalRow, PortalState, Relay, StoreSettings},
};

pub(super) async fn portals_are_found_by_chat_and_by_room(settings: &StoreSettings) {
    let store = open(settings).await.store;
    assert_eq!(store.portal_by_chat(&chat()).await, Ok(None));
    let mut portal = PortalRow {
        chat: chat(),
        room_id: None,
        parent: Some(RemoteChatId::new("guild")),
        login: Some(LoginId::new("me")),
        kind: ChatKind::Broadcast,
        name: Some("News".to_owned()),
        topic: Some(String::new()),
        avatar_mxc: Some("mxc://example.org/a".to_owned()),
        info_fingerprint: Some("f".to_owned()),
        state: PortalState::Active,
        private: false,
        relay: Relay::Login(LoginId::new("me")),
        plumbed: true,
        relay_templates: templates(&[(TemplateKind::Text, "<{name}>\n\"{message}\"")]),
    };
    store.save_portal(&portal).await.expect("the portal is stored");
    assert_eq!(store.portal_by_chat(&chat()).await, Ok(Some(portal.clone())));
    assert_eq!(store.portal_by_room(&room()).await, Ok(None));
    portal.room_id = Some(room());
    portal.name = None;
    portal.state = PortalState::Gone;
    portal.relay = Relay::Off;
    portal.relay_templates = RoomTemplates::default();
    store.save_portal(&portal).await.expect("the portal is stored");
    assert_eq!(store.portal_by_room(&room()).await, Ok(Some(portal.clone())));
    for kind in [ChatKind::Direct, ChatKind::Group, ChatKind::Space] {
        let chat = RemoteChatId::new(format!("d{kind:?}"));
        let other = PortalRow { chat, room_id: None, kind, ..portal.clone() };
        store.save_portal(&other).await.expect("the portal is stored");
        assert_eq!(store.portal_by_chat(&other.chat).await, Ok(Some(other.clone())));
    }
    let page = store.portals(2, None).await.expect("portals can be read");
    assert_eq!((page.len(), &page[0]), (2, &portal));
    let rest = store.portals(10, Some(&page[1].chat)).await.expect("portals can be read");
    assert_eq!(rest.len(), 2);
    store.close().await;
}

pub(super) async fn small_values_are_kept(settings: &StoreSettings) {
    let store = open(settings).await.store;
    let (me, you) = (LoginId::new("me"), LoginId::new("you"));
    for (login, key, value) in [(&me, "b", "1"), (&me, "a", "2"), (&you, "a", "3"), (&me, "b", "4")] {
        store.kv_set(login, key, value).await.expect("the value is stored");
    }
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(store.kv_all(&me).await, Ok(vec![pair("a", "2"), pair("b", "4")]));
    assert_eq!(store.kv_get(&you, "b").await, Ok(None));

    assert_eq!(store.media("file").await, Ok(None));
    for mxc in ["mxc://example.org/1", "mxc://example.org/2"] {
        let info = Some("{}".to_owned()).filter(|_| mxc.ends_with('2'));
        let file = MediaRow { mxc: OwnedMxcUri::from(mxc), size_bytes: 7, info };
        store.save_media("file", &file).await.expect("the file is remembered");
        assert_eq!(store.media("file").await, Ok(Some(file.clone())));
        assert_eq!(store.media_keys(&file.mxc).await, Ok(vec!["file".to_owned()]));
    }
    store.close().await;
}

pub(super) async fn a_trace_tells_everything(settings: &StoreSettings) {
    let opened = open(settings).await;
    let ids = opened.accept(&["$1"]).await;
    opened.store.note_attempt(ids[0]).await.expect("there is room");
    opened.settled().await;
    let open_row = opened.store.trace("$1").await.expect("the rows can be read").remove(0);
    let journal = open_row.journal.expect("the work is open");
    assert_eq!((&*journal.lane, journal.attempts, journal.parked), ("!room:example.org", 1, false));
    assert_eq!((open_row.accepted_ms, open_row.done_ms), (NOON_MS, None));
    opened.clock.advance_ms(10);
    opened.finish(ids[0], Outcome::Delivered, to_remote(&["a", "b"])).await;
    let rows = opened.store.trace("b").await.expect("the rows can be read");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].message.event_id, Some(event_id("$1")));
    assert_eq!(rows[0].message.remote_id, Some(message("b")));
    assert_eq!(rows[0].message.state, MessageState::Delivered);
    assert_eq!((rows[0].done_ms, &rows[0].journal), (Some(NOON_MS + 10), &None));
    // What failed before is told when the work is over, too.
    let first = opened.store.trace("a").await.expect("the rows can be read").remove(0);
    assert_eq!((first.tries, rows[0].tries), (1, 0), "the further part was never tried by itself");
    assert_eq!(opened.store.trace("$1").await.map(|rows| rows.len()), Ok(2));
    assert_eq!(opened.store.trace("nothing").await, Ok(Vec::new()));
    opened.store.close().await;
}
