//! Stories of logins, of the chats that they see, and of people.

use ruma::{owned_room_id, owned_user_id, room_id, user_id};

use super::{chat, open};
use crate::{
    config::Secret,
    ids::{LoginId, RemoteChatId, RemoteUserId},
    message::ChatKind,
    store::{LoginRow, PortalRow, Relay, SavedLogins, Store, StoreSettings, saved_logins},
};

fn login(id: &str) -> LoginRow {
    LoginRow {
        id: LoginId::new(id),
        owner: owned_user_id!("@alice:example.org"),
        name: format!("{id} of Alice"),
        remote_user: None,
        secret: Some(Secret::new(format!("secret of {id}"))),
        space_room: None,
    }
}

async fn secrets(store: &Store) -> Vec<Option<String>> {
    let rows = store.logins().await.expect("logins can be read");
    rows.into_iter().map(|row| row.secret.map(|secret| secret.expose().to_owned())).collect()
}

pub(super) async fn logins_are_kept_with_their_secrets_sealed(settings: &StoreSettings) {
    let store = open(settings).await.store;
    for id in ["one", "two"] {
        store.save_login(&login(id)).await.expect("the login is stored");
    }
    let renewed = LoginRow { secret: Some(Secret::new("new")), ..login("two") };
    store.save_login(&renewed).await.expect("the login is stored");
    let (id, user) = (LoginId::new("one"), RemoteUserId::new("u1"));
    store.set_login_user(&id, &user).await.expect("the user is stored");
    store.set_login_space(&id, Some(room_id!("!space:example.org"))).await.expect("the space is stored");
    let rows = store.logins().await.expect("logins can be read");
    assert_eq!((rows.len(), &rows[0].id, &rows[0].remote_user), (2, &id, &Some(user)));
    assert_eq!(rows[0].space_room, Some(owned_room_id!("!space:example.org")));
    assert_eq!(secrets(&store).await, [Some("secret of one".to_owned()), Some("new".to_owned())]);
    // The doctor looks beside the running bridge, and tells the right key from another.
    let other = StoreSettings { key: Secret::new("another key"), ..settings.clone() };
    assert_eq!(saved_logins(settings).await, Ok(SavedLogins { all: 2, locked: 0 }));
    assert_eq!(saved_logins(&other).await, Ok(SavedLogins { all: 2, locked: 2 }));
    store.close().await;
    // Under another key they are there, but say nothing.
    let store = open(&other).await.store;
    assert_eq!(secrets(&store).await, [None, None]);
    store.close().await;
}

pub(super) async fn a_login_that_goes_leaves_nothing_behind(settings: &StoreSettings) {
    let store = open(settings).await.store;
    let (one, two) = (LoginId::new("one"), LoginId::new("two"));
    for id in ["one", "two"] {
        store.save_login(&login(id)).await.expect("the login is stored");
        store.note_chat_login(&chat(), &LoginId::new(id)).await.expect("it is stored");
    }
    let portal = PortalRow {
        login: Some(one.clone()),
        relay: Relay::Login(one.clone()),
        ..PortalRow::new(chat(), ChatKind::Group)
    };
    store.save_portal(&portal).await.expect("the portal is stored");
    store.kv_set(&one, "cursor", "7").await.expect("the value is stored");
    assert_eq!(store.login_chats(&one, 10, None).await, Ok(vec![chat()]));
    store.remove_login(&one).await.expect("it is removed");
    let portal = store.portal_by_chat(&chat()).await.expect("portals can be read").expect("it is there");
    assert_eq!((portal.login, portal.relay), (Some(two.clone()), Relay::Configured));
    assert_eq!(store.kv_get(&one, "cursor").await, Ok(None));
    assert_eq!(store.login_chats(&one, 10, None).await, Ok(Vec::new()));
    store.remove_login(&two).await.expect("it is removed");
    let portal = store.portal_by_chat(&chat()).await.expect("portals can be read").expect("it is there");
    assert_eq!((portal.login, store.logins().await.expect("logins can be read").len()), (None, 0));
    store.close().await;
}

pub(super) async fn one_of_somebodys_logins_is_preferred_in_a_chat(settings: &StoreSettings) {
    let store = open(settings).await.store;
    let alice = user_id!("@alice:example.org");
    for id in ["a", "b"] {
        store.save_login(&login(id)).await.expect("the login is stored");
        store.note_chat_login(&chat(), &LoginId::new(id)).await.expect("it is stored");
    }
    let bobs = LoginRow { owner: owned_user_id!("@bob:example.org"), ..login("c") };
    store.save_login(&bobs).await.expect("the login is stored");
    let seeing = async || {
        let rows = store.chat_logins(&chat()).await.expect("they can be read");
        rows.into_iter().map(|row| (row.login.to_string(), row.preferred)).collect::<Vec<_>>()
    };
    let one = |id: &str, preferred| (id.to_owned(), preferred);
    assert_eq!(seeing().await, [one("a", false), one("b", false)]);
    store.prefer_login(&chat(), &LoginId::new("b"), alice).await.expect("it is stored");
    assert_eq!(seeing().await, [one("b", true), one("a", false)]);
    // What Bob prefers is not Alice's business.
    store.prefer_login(&chat(), &bobs.id, &bobs.owner).await.expect("it is stored");
    store.prefer_login(&chat(), &LoginId::new("a"), alice).await.expect("it is stored");
    assert_eq!(seeing().await, [one("a", true), one("c", true), one("b", false)]);
    let other = RemoteChatId::new("other");
    assert_eq!(store.chat_logins(&other).await, Ok(Vec::new()));
    store.close().await;
}

pub(super) async fn what_is_kept_of_people(settings: &StoreSettings) {
    let store = open(settings).await.store;
    let alice = user_id!("@alice:example.org");
    let room = room_id!("!m:example.org");
    assert!(!store.is_management_room(room).await.expect("it can be read"));
    store.set_puppet(alice, Some(&Secret::new("token"))).await.expect("it is stored");
    store.set_management_room(alice, room).await.expect("it is stored");
    let person = store.person(alice).await.expect("it can be read");
    let token = person.puppet.as_ref().map(Secret::expose);
    assert_eq!((person.management_room.as_deref(), token), (Some(room), Some("token")));
    assert!(store.is_management_room(room).await.expect("it can be read"));
    store.set_puppet(alice, None).await.expect("it is stored");
    let person = store.person(alice).await.expect("it can be read");
    assert!(person.puppet.is_none() && person.management_room.is_some());
    store.close().await;
}
