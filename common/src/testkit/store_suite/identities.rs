//! Stories of people with several ids.

use super::open;
use crate::{
    ids::RemoteUserId,
    store::{Alias, GhostRow, Identity, Store, StoreSettings, Union},
};

fn user(id: &str) -> RemoteUserId {
    RemoteUserId::new(id)
}

fn ghost(id: &str, registered: bool) -> GhostRow {
    GhostRow {
        user: user(id),
        name: Some(format!("the {id}")),
        avatar_source: None,
        avatar_mxc: Some("mxc://example.org/b".to_owned()),
        registered,
    }
}

/// Who somebody is, by their id: `ghost@address alias alias!`, with a mark on aliases that had a ghost of their own.
async fn who(store: &Store, id: &str) -> String {
    let Some(found) = store.identity(&user(id)).await.expect("it can be read") else { return String::new() };
    let Identity { ghost, address, aliases } = found;
    let alias = |Alias { id, spoke }: &Alias| format!(" {id}{}", if *spoke { "!" } else { "" });
    format!("{ghost}@{address}{}", aliases.iter().map(alias).collect::<String>())
}

/// Lets `leaves` be the same as `stays`.
async fn unite(store: &Store, stays: &str, leaves: &str, spoke: bool, address: &str) {
    let (stays, leaves, address) = (&user(stays), &user(leaves), &user(address));
    store.unite(Union { stays, leaves, spoke, address }).await.expect("they are one");
}

pub(super) async fn a_ghost_is_found_by_every_id_of_its_person(settings: &StoreSettings) {
    let store = open(settings).await.store;
    assert_eq!((store.ghost(&user("phone")).await, store.has_aliases().await), (Ok(None), Ok(false)));
    store.save_ghost(&ghost("phone", false)).await.expect("the ghost is stored");
    assert_eq!(who(&store, "phone").await, "phone@phone");
    for _ in 0..2 {
        unite(&store, "phone", "lid", false, "lid").await;
    }
    assert_eq!(store.has_aliases().await, Ok(true));
    let saved = ghost("phone", true);
    store.save_ghost(&saved).await.expect("the ghost is stored");
    for id in ["phone", "lid"] {
        assert_eq!(store.ghost(&user(id)).await, Ok(Some(saved.clone())));
        assert_eq!(who(&store, id).await, "phone@lid lid", "saving a ghost leaves its address alone");
    }
    assert_eq!(who(&store, "nobody").await, "");
    // Two ids of somebody whom nobody has met.
    unite(&store, "a", "b", false, "a").await;
    let unmet = store.ghost(&user("b")).await.expect("it can be read").expect("there is a row");
    assert_eq!((unmet.user, unmet.name, unmet.registered), (user("a"), None, false));
    store.close().await;
}

pub(super) async fn two_people_become_one_and_chains_end_at_one_ghost(settings: &StoreSettings) {
    let store = open(settings).await.store;
    for id in ["a", "b", "c"] {
        store.save_ghost(&ghost(id, true)).await.expect("the ghost is stored");
    }
    unite(&store, "a", "a2", false, "a").await;
    unite(&store, "b", "a", true, "b").await;
    assert_eq!(who(&store, "a2").await, "b@b a! a2");
    assert_eq!(store.ghost(&user("a")).await, Ok(Some(ghost("b", true))), "the other ghost is gone");
    unite(&store, "c", "b", true, "b").await;
    for id in ["a", "a2", "b", "c"] {
        assert_eq!(who(&store, id).await, "c@b a! a2 b!");
    }
    // A ghost that comes back takes its place again.
    unite(&store, "a", "c", true, "a").await;
    assert_eq!(who(&store, "c").await, "a@a a2 b! c!");
    store.close().await;
}

pub(super) async fn somebody_gets_another_address(settings: &StoreSettings) {
    let store = open(settings).await.store;
    store.save_ghost(&ghost("old", true)).await.expect("the ghost is stored");
    unite(&store, "old", "new", false, "new").await;
    assert_eq!(who(&store, "old").await, "old@new new");
    store.set_address(&user("old"), &user("old")).await.expect("it is stored");
    assert_eq!(who(&store, "new").await, "old@old new");
    store.set_address(&user("nobody"), &user("new")).await.expect("nobody is no error");
    store.close().await;
}
