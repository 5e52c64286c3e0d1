//! Votes in polls that the bot has opened.

use std::time::Duration;

use magpie_common::{
    ids::RemoteMessageId,
    message::{Outgoing, RemoteEvent},
    testkit::platform_suite::Recorder,
};
use magpie_tests::telegram::{Fault, Gate};

use super::{Stage, ids, key};

fn poll() -> Outgoing {
    let answers = vec!["yes".to_owned(), "no".to_owned()];
    Outgoing::Poll { question: "tea?".to_owned(), answers, choices_max: 1, author: None }
}

fn voted(recorder: &Recorder) -> Option<(RemoteMessageId, Vec<u32>)> {
    recorder.events().into_iter().find_map(|it| match it.event {
        RemoteEvent::Vote { target, answers, .. } => Some((target, answers)),
        _ => None,
    })
}

#[tokio::test]
async fn votes_in_our_own_polls_are_told() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.id(stage.small.supergroup);
    let poll = ids(session.deliver(&chat, &poll(), &key(1)).await).remove(0);
    let place = (stage.small.supergroup, poll.parse().expect("it is a number"));
    assert!(stage.sim.person_votes(place, stage.small.alice, &[1]));
    assert_eq!(stage.recorder.wait_for("a vote", voted).await, (RemoteMessageId::new(poll), vec![1]));
    session.close().await;
}

#[tokio::test]
async fn votes_in_polls_of_an_earlier_session_are_told() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let poll = ids(session.deliver(&stage.id(stage.small.group), &poll(), &key(1)).await).remove(0);
    session.close().await;
    let number = poll.split('@').next().and_then(|number| number.parse().ok()).expect("it is a number");
    assert!(stage.sim.person_votes((stage.small.group, number), stage.small.alice, &[0]));
    let session = stage.connect().await;
    assert_eq!(stage.recorder.wait_for("a vote", voted).await, (RemoteMessageId::new(poll), vec![0]));
    session.close().await;
}

#[tokio::test]
async fn a_vote_that_is_faster_than_the_answer_is_told() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let gate = Gate::default();
    stage.sim.fault("sendPoll", Fault::HoldAfter(gate.clone()));
    let chat = stage.id(stage.small.supergroup);
    let (poll, key) = (poll(), key(1));
    let vote = async {
        gate.arrived().await;
        let found = stage.sim.wait_for_message(stage.small.supergroup, |it| it.poll.is_some()).await;
        let place = (stage.small.supergroup, found.expect("it is there").id);
        assert!(stage.sim.person_votes(place, stage.small.alice, &[1]));
        // Whoever has taken the vote in already asks for more, and has lost it.
        let said = "poll_answer";
        let taken = stage
            .sim
            .wait_for_request(|it| it.method == "getupdates" && it.answer.to_string().contains(said));
        taken.await.expect("the vote is asked for");
        let count = || stage.sim.requests().iter().filter(|it| it.method == "getupdates").count();
        let before = count();
        let goes_on = async {
            while count() == before {
                tokio::task::yield_now().await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_millis(300), goes_on).await;
        gate.release();
    };
    let (delivered, ()) = tokio::join!(session.deliver(&chat, &poll, &key), vote);
    let poll = ids(delivered).remove(0);
    assert_eq!(stage.recorder.wait_for("a vote", voted).await, (RemoteMessageId::new(poll), vec![1]));
    session.close().await;
}
