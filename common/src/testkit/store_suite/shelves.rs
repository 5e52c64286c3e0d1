//! Stories of the bytes that sessions keep.

use super::open;
use crate::{
    config::Secret,
    ids::LoginId,
    store::{ShelfChange, ShelfRow, Store, StoreSettings},
};

fn put(shelf: &str, key: &str, mark: i64, value: &[u8]) -> ShelfChange {
    ShelfChange::Put {
        shelf: shelf.to_owned(),
        row: ShelfRow { key: key.to_owned(), mark, value: value.to_vec() },
    }
}

async fn change(store: &Store, login: &LoginId, changes: Vec<ShelfChange>) {
    store.change_shelves(login, changes).await.expect("the changes are stored");
}

async fn keys(store: &Store, login: &LoginId, shelf: &str) -> Vec<String> {
    let rows = store.shelf(login, shelf).await.expect("the shelf can be read");
    rows.into_iter().map(|row| row.key).collect()
}

pub(super) async fn rows_of_bytes_are_kept_sealed(settings: &StoreSettings) {
    let store = open(settings).await.store;
    let (one, two) = (LoginId::new("one"), LoginId::new("two"));
    let bytes: Vec<u8> = (0..=255).collect();
    change(&store, &one, vec![put("keys", "a\0b", 5, &bytes), put("keys", "empty", 1, b"")]).await;
    change(&store, &two, vec![put("keys", "a\0b", 0, b"of another login")]).await;
    let read = store.shelf_row(&one, "keys", "a\0b").await.expect("the row can be read");
    assert_eq!(read, Some(bytes));
    assert_eq!(store.shelf_row(&one, "other", "a\0b").await, Ok(None));
    let rows = store.shelf(&one, "keys").await.expect("the shelf can be read");
    assert_eq!(rows.iter().map(|row| (row.mark, row.value.len())).collect::<Vec<_>>(), [(1, 0), (5, 256)]);
    store.remove_login(&one).await.expect("the login goes");
    assert!(keys(&store, &one, "keys").await.is_empty(), "they go with the login");
    store.close().await;
    let other = StoreSettings { key: Secret::new("another key"), ..settings.clone() };
    let store = open(&other).await.store;
    assert!(store.shelf_row(&two, "keys", "a\0b").await.is_err(), "they open only with their key");
    store.close().await;
}

pub(super) async fn changes_are_made_together_and_in_order(settings: &StoreSettings) {
    let store = open(settings).await.store;
    let login = LoginId::new("one");
    let marks = ["a", "b", "c", "d"].into_iter().zip(1..).map(|(key, mark)| put("sent", key, mark, b"x"));
    change(&store, &login, marks.collect()).await;
    let mixed = vec![
        ShelfChange::RemoveBelow { shelf: "sent".to_owned(), mark: 2 },
        put("sent", "e", 9, b"first"),
        put("sent", "e", 0, b"second"),
        ShelfChange::Remove { shelf: "sent".to_owned(), key: "c".to_owned() },
        ShelfChange::Remove { shelf: "sent".to_owned(), key: "never there".to_owned() },
        put("other", "z", 0, b"x"),
    ];
    change(&store, &login, mixed).await;
    assert_eq!(keys(&store, &login, "sent").await, ["e", "b", "d"]);
    assert_eq!(store.shelf_row(&login, "sent", "e").await, Ok(Some(b"second".to_vec())));
    change(&store, &login, vec![ShelfChange::Clear { shelf: "sent".to_owned() }]).await;
    assert!(keys(&store, &login, "sent").await.is_empty());
    assert_eq!(keys(&store, &login, "other").await, ["z"]);
    change(&store, &login, vec![ShelfChange::ClearAll]).await;
    assert!(keys(&store, &login, "other").await.is_empty());
    store.close().await;
}
