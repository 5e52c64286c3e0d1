//! Messages that take several, of which a later one meets trouble.

use magpie_tests::{
    harness::tools::{Component, need},
    wechaty::{Fault, FaultKind, Habits, JUDGE, people::Echo},
};

use super::{BOT, LI, chat::Chat};

#[tokio::test(flavor = "multi_thread")]
async fn real_a_part_of_which_nobody_knows_is_said_at_most_once_and_that_is_told() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin().await?;
    // So nobody ever learns what became of it.
    chat.gateway().has(Habits { echo: Echo::Never, ..Habits::default() }).await?;
    for (nth, kind, times) in [(0, FaultKind::RefuseAfter, 1), (1, FaultKind::Refuse, 0)] {
        println!("{kind:?}");
        let (first, last) = (format!("first {nth}"), format!("last {nth}"));
        chat.gateway().fault(Fault::of_send(FaultKind::Pass)).await?;
        chat.gateway().fault(Fault::of_send(kind)).await?;
        let event = chat.admin.sends(&chat.room, &format!("{first} {}{last}", "bird ".repeat(1500)));
        let told = chat
            .event(|found| {
                found.sender == BOT
                    && found.content()["m.relates_to"]["m.in_reply_to"]["event_id"] == event.as_str()
            })
            .await
            .body();
        assert!(told.contains("beginning of the message has gone"), "{told}");
        chat.says(&format!("later {nth}")).await?;
        let texts = chat.gateway().texts(LI);
        let count = |words: &str| texts.iter().filter(|(_, said)| said.contains(words)).count();
        assert_eq!((count(&first), count(&last)), (1, times), "{kind:?}");
    }
    chat.end().await
}
