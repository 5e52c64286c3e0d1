//! Checks of the power to find people.

use super::{Recorder, Subject, assert_words, connected, within};
use crate::{
    ids::RemoteUserId,
    message::{ChatKind, UserInfo},
};

const COUNT_MAX: usize = 10;

/// What names nobody, and must be neither found nor an error.
const NOBODY: [&str; 4] = ["", "   ", "zzyzx-nobody-is-called-so", "\u{0}\n<@>&?#%/../"];

/// A network with a directory finds its people by what others call them, finds nobody else, and opens one direct chat with each.
pub async fn people_are_found_and_chats_with_them_open_once<S: Subject>(subject: &S) {
    let recorder = Recorder::default();
    let session = connected(subject, &recorder).await;
    let Some(directory) = session.directory() else { return };
    let person = subject.person();
    let known = session.user(&person).await.expect("the network can be asked").expect("the person is found");
    let name = known.name.expect("the person has a name");

    for spelling in subject.spellings().into_iter().chain([person.to_string()]) {
        let found = within("whom an identifier means", directory.resolve(&spelling)).await;
        let found = found.expect("the network can be asked");
        assert!(is_among(&person, &found), "{spelling:?} does not lead to {person}: {found:?}");
    }
    let found = within("a search", directory.search(&name, COUNT_MAX)).await.expect("it can be asked");
    assert!(is_among(&person, &found), "a search for {name:?} does not find {person}: {found:?}");
    assert!(!is_among(&session.me(), &found), "a search finds ourselves");
    assert!(found.len() <= COUNT_MAX, "a search finds more than was asked for");
    let one = within("a search", directory.search(&name, 1)).await.expect("it can be asked");
    assert_eq!(one.len(), 1, "a search for one finds {one:?}");

    for nobody in NOBODY {
        let found = within("a search", directory.search(nobody, COUNT_MAX)).await;
        assert_eq!(found, Ok(Vec::new()), "somebody is called {nobody:?}");
        let found = within("whom an identifier means", directory.resolve(nobody)).await;
        assert_eq!(found, Ok(None), "{nobody:?} means somebody");
    }

    let chat = within("a direct chat", directory.direct_chat(&person)).await.expect("the person can be met");
    let again = within("a direct chat", directory.direct_chat(&person)).await;
    assert_eq!(again.as_ref(), Ok(&chat), "there are two direct chats with one person");
    let info = session.chat(&chat).await.expect("it can be asked").expect("a chat that is open is found");
    assert_eq!((info.kind, info.with.as_ref()), (ChatKind::Direct, Some(&person)), "{info:?}");
    if let Some(nobody) = subject.no_person() {
        let found = within("whom an id means", directory.resolve(nobody.as_str())).await;
        assert_eq!(found, Ok(None), "a person who does not exist is found");
        let refused = within("a direct chat", directory.direct_chat(&nobody)).await;
        let error = refused.expect_err("there is a chat with a person who does not exist");
        assert_words("the refusal of a direct chat", &error.to_string(), &subject.login());
    }
    assert!(
        subject.heard().await.is_empty() && recorder.messages().is_empty(),
        "looking around says something"
    );
    session.close().await;
}

fn is_among<'a>(person: &RemoteUserId, found: impl IntoIterator<Item = &'a UserInfo>) -> bool {
    found.into_iter().any(|info| info.ids.contains(person))
}
