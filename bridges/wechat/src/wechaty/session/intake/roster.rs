//! How a group looks and who is in it, told once in a session: it may have changed while nobody listened.

use std::collections::BTreeSet;

use magpie_common::{
    ids::{RemoteChatId, RemoteUserId},
    message::{ChatChange, MemberChange, RemoteEvent},
    platform::{Cursor, NotStored},
};

use super::Intake;

/// So many are brought into a room without a word; the others come when they first speak.
const COMING_MAX: usize = 50;

/// More people are not remembered: the largest groups of WeChat have as many.
const PEOPLE_MAX: usize = 500;

impl Intake {
    /// Tells what has changed in a group since it was last looked at, behind a message of it: then it has a room.
    pub(super) async fn look_at(&self, room: &str, chat: &RemoteChatId) -> Result<(), NotStored> {
        if !self.told.lock().await.insert(room.to_owned()) {
            return Ok(());
        }
        let Some(info) = self.world.chat(room).await else { return Ok(()) };
        let change = ChatChange::Info(Box::new(info));
        self.push(RemoteEvent::ChatChanged { chat: chat.clone(), change }, None).await?;
        let Some(told) = self.world.room(room).await else { return Ok(()) };
        let own = &self.world.own;
        let others = told.member_ids.iter().filter(|native| !own.is_me(native));
        let is_whole = others.clone().count() <= PEOPLE_MAX;
        let now: BTreeSet<String> = others.take(PEOPLE_MAX).cloned().collect();
        let key = format!("people/{room}");
        let stored = self.world.sink.remembered(&key).await?;
        let before = stored.and_then(|stored| serde_json::from_str(&stored).ok()).unwrap_or_default();
        let changes: Vec<(RemoteUserId, MemberChange)> = changed(&before, &now, is_whole)
            .into_iter()
            .filter_map(|(native, change)| Some((own.user(native)?, change)))
            .collect();
        if changes.is_empty() {
            return Ok(());
        }
        let value = serde_json::to_string(&now).map_err(|error| NotStored(error.to_string()))?;
        let event = RemoteEvent::MembersChanged { chat: chat.clone(), changes };
        self.push(event, Some(Cursor { key, value })).await
    }
}

/// Who has come and who has gone. A gateway that lists nobody does not know them; whoever is not in a list that was cut may be there all the
/// same.
fn changed<'a>(
    before: &'a BTreeSet<String>,
    now: &'a BTreeSet<String>,
    is_whole: bool,
) -> Vec<(&'a str, MemberChange)> {
    if now.is_empty() {
        return Vec::new();
    }
    let gone =
        before.difference(now).filter(|_| is_whole).map(|native| (native.as_str(), MemberChange::Left));
    let come = now.difference(before).map(|native| (native.as_str(), MemberChange::Joined));
    gone.chain(come.take(COMING_MAX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(natives: &[&str]) -> BTreeSet<String> {
        natives.iter().map(|native| (*native).to_owned()).collect()
    }

    #[test]
    fn who_came_and_went_is_told() {
        use MemberChange::{Joined, Left};
        for (before, now, told) in [
            (vec![], vec!["a", "b"], vec![("a", Joined), ("b", Joined)]),
            (vec!["a", "b"], vec!["b", "c"], vec![("a", Left), ("c", Joined)]),
            (vec!["a"], vec!["a"], vec![]),
            (vec!["a"], vec![], vec![]),
        ] {
            assert_eq!(changed(&people(&before), &people(&now), true), told, "{before:?} {now:?}");
        }
        let crowd: BTreeSet<String> = (0..200).map(|nth| nth.to_string()).collect();
        assert_eq!(changed(&BTreeSet::new(), &crowd, true).len(), COMING_MAX);
        assert_eq!(changed(&crowd, &people(&["0"]), true).len(), 199, "whoever has gone is gone");
        assert_eq!(changed(&crowd, &people(&["new"]), false), [("new", Joined)], "they may be there");
    }
}
