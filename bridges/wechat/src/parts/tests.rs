//! What becomes of a message of which a part does not go.

use std::time::Duration;

use magpie_common::platform::InDoubt;

use super::*;

const IN_DOUBT: &str = "Nobody knows what became of it.";

/// A network of which a test says what it answers.
#[derive(Default)]
struct Fake {
    parts: Vec<&'static str>,
    /// What the next parts meet; all others go.
    answers: Mutex<Vec<Option<DeliverError>>>,
    /// What the next question whether the rest fits meets.
    unfit: Mutex<Option<DeliverError>>,
    sent: Mutex<Vec<&'static str>>,
    /// Whether the network can tell what it has.
    tells: bool,
}

impl Fake {
    fn of(parts: &[&'static str]) -> Self {
        Self { parts: parts.to_vec(), ..Self::default() }
    }

    /// The next parts go this often, and then this happens.
    fn fails_behind(&self, count: usize, error: DeliverError) {
        let mut answers = vec![None; count];
        answers.push(Some(error));
        *self.answers.lock().unwrap() = answers;
    }

    fn sent(&self) -> Vec<&'static str> {
        self.sent.lock().unwrap().clone()
    }
}

#[async_trait]
impl Parted for Fake {
    type Part = &'static str;

    fn parts(&self) -> &[&'static str] {
        &self.parts
    }

    async fn should_fit(&self, _count: usize) -> Result<(), DeliverError> {
        self.unfit.lock().unwrap().take().map_or(Ok(()), Err)
    }

    async fn send(
        &self,
        part: &&'static str,
        before: &[RemoteMessageId],
    ) -> Result<RemoteMessageId, DeliverError> {
        let mut answers = self.answers.lock().unwrap();
        if !answers.is_empty()
            && let Some(error) = answers.remove(0)
        {
            return Err(error);
        }
        self.sent.lock().unwrap().push(*part);
        Ok(id(before.len()))
    }

    async fn resolve(&self, _known: Vec<RemoteMessageId>) -> Result<Vec<RemoteMessageId>, DeliverError> {
        match self.tells {
            true => Ok((0..self.sent().len()).map(id).collect()),
            false => Err(DeliverError::Uncertain(IN_DOUBT.to_owned())),
        }
    }
}

fn id(nth: usize) -> RemoteMessageId {
    RemoteMessageId::new(format!("part-{nth}"))
}

fn key() -> DeliveryKey {
    DeliveryKey { key: "a-key".to_owned(), in_doubt: None }
}

fn in_doubt() -> DeliveryKey {
    DeliveryKey { in_doubt: Some(InDoubt { after: None, accepted_ms: 1 }), ..key() }
}

fn retry(reason: &str) -> DeliverError {
    DeliverError::Retry { after: Some(Duration::from_secs(5)), reason: reason.to_owned() }
}

fn uncertain(words: &str) -> DeliverError {
    DeliverError::Uncertain(words.to_owned())
}

/// Every verdict on a part behind the first: what is said of the message, and what becomes of the rest.
#[test]
fn what_a_part_behind_the_first_meets_is_told_of_the_whole() {
    const ONLY: &str = "Only the beginning of the message has gone. Why.";
    const NOBODY: &str = "The beginning of the message has gone; of what comes behind it nobody knows. Why.";
    let over = |words: &str| Rest::IsOver(words.to_owned());
    let why = || "Why.".to_owned();
    for (is_in_doubt, error, expected) in [
        (false, retry("Why."), (uncertain(ONLY), Rest::GoesOn)),
        (true, retry("Why."), (retry("Why."), Rest::GoesOn)),
        (false, DeliverError::LoggedOut(why()), (uncertain(ONLY), Rest::GoesOn)),
        (true, DeliverError::LoggedOut(why()), (uncertain(ONLY), Rest::GoesOn)),
        (false, DeliverError::Rejected(why()), (uncertain(ONLY), over(ONLY))),
        (true, DeliverError::Rejected(why()), (uncertain(ONLY), over(ONLY))),
        (false, DeliverError::Unsupported(why()), (uncertain(ONLY), over(ONLY))),
        (true, DeliverError::Unsupported(why()), (uncertain(ONLY), over(ONLY))),
        (false, uncertain("Why."), (uncertain(NOBODY), over(NOBODY))),
        (true, uncertain("Why."), (uncertain(NOBODY), over(NOBODY))),
    ] {
        assert_eq!(behind_first(is_in_doubt, error.clone()), expected, "{error:?}, {is_in_doubt}");
    }
}

#[tokio::test]
async fn what_the_first_part_meets_is_told_as_it_is() {
    for error in [
        retry("later"),
        DeliverError::LoggedOut("out".to_owned()),
        DeliverError::Rejected("no".to_owned()),
        DeliverError::Unsupported("no".to_owned()),
        uncertain("perhaps"),
    ] {
        let (unfinished, end, message) = (Unfinished::default(), End::new(None), Fake::of(&["one", "two"]));
        message.fails_behind(0, error.clone());
        assert_eq!(unfinished.send(&key(), &end, &message).await, Err(error.clone()));
        *message.unfit.lock().unwrap() = Some(error.clone());
        assert_eq!(unfinished.send(&key(), &end, &message).await, Err(error));
        assert_eq!(*end.borrow(), None, "whoever gave the verdict sees it");
        assert_eq!(message.sent(), <[&str; 0]>::default());
        let whole = unfinished.send(&key(), &end, &message).await.expect("nothing stands of it");
        assert_eq!((whole.ids, message.sent()), (vec![id(0), id(1)], vec!["one", "two"]));
    }
}

#[tokio::test]
async fn what_surely_did_not_go_goes_on_where_it_ended() {
    let (lasting, login) = (Lasting::default(), LoginId::new("official-1"));
    let message = Fake::of(&["one", "two", "three"]);
    message.fails_behind(1, retry("The network is away."));
    let first = lasting.of(&login).send(&key(), &End::new(None), &message).await;
    assert!(matches!(first, Err(DeliverError::Uncertain(_))), "{first:?}");
    // By another session, as often as it takes.
    message.fails_behind(1, retry("The network is away."));
    let second = lasting.of(&login).send(&in_doubt(), &End::new(None), &message).await;
    assert_eq!(second, Err(retry("The network is away.")));
    let third = lasting.of(&login).send(&in_doubt(), &End::new(None), &message).await;
    assert_eq!(third.expect("it is whole").ids, [id(0), id(1), id(2)]);
    assert_eq!(message.sent(), ["one", "two", "three"]);
    // Another account has messages of its own.
    let other = Fake::of(&["one"]);
    lasting.of(&LoginId::new("official-2")).send(&key(), &End::new(None), &other).await.expect("it goes");
    assert_eq!(other.sent(), ["one"]);
}

#[tokio::test]
async fn a_rest_that_is_over_is_sent_only_when_a_person_asks_and_its_reason_is_said_again() {
    for error in [DeliverError::Rejected("Used up.".to_owned()), uncertain("Cut off.")] {
        let (unfinished, end, message) = (Unfinished::default(), End::new(None), Fake::of(&["one", "two"]));
        message.fails_behind(1, error);
        let first = unfinished.send(&key(), &end, &message).await;
        assert!(matches!(&first, Err(DeliverError::Uncertain(words)) if !words.contains(IN_DOUBT)));
        for _ in 0..2 {
            assert_eq!(unfinished.send(&in_doubt(), &end, &message).await, first);
        }
        assert_eq!(message.sent(), ["one"]);
        let asked = unfinished.send(&key(), &end, &message).await.expect("the rest goes");
        assert_eq!((asked.ids.len(), message.sent()), (2, vec!["one", "two"]));
    }
}

#[tokio::test]
async fn a_rest_that_does_not_fit_any_more_is_told_as_a_rest() {
    let (unfinished, end, message) = (Unfinished::default(), End::new(None), Fake::of(&["one", "two"]));
    message.fails_behind(1, retry("later"));
    unfinished.send(&key(), &end, &message).await.expect_err("the second part waits");
    *message.unfit.lock().unwrap() = Some(DeliverError::Rejected("Time is over.".to_owned()));
    let words = "Only the beginning of the message has gone. Time is over.";
    assert_eq!(unfinished.send(&in_doubt(), &end, &message).await, Err(uncertain(words)));
    assert_eq!(message.sent(), ["one"]);
}

#[tokio::test]
async fn an_account_that_is_signed_out_in_the_middle_ends_its_session_and_goes_on_later() {
    let (unfinished, end, message) = (Unfinished::default(), End::new(None), Fake::of(&["one", "two"]));
    message.fails_behind(1, DeliverError::LoggedOut("Sign in again.".to_owned()));
    let words = "Only the beginning of the message has gone. Sign in again.";
    assert_eq!(unfinished.send(&key(), &end, &message).await, Err(uncertain(words)));
    assert_eq!(*end.borrow(), Some(ConnectError::BadCredentials("Sign in again.".to_owned())));
    let whole = unfinished.send(&in_doubt(), &End::new(None), &message).await.expect("the rest goes");
    assert_eq!((whole.ids.len(), message.sent()), (2, vec!["one", "two"]));
}

#[tokio::test]
async fn after_a_restart_only_what_the_network_tells_is_known() {
    let (end, forgetful) = (End::new(None), Fake::of(&["one", "two"]));
    let told = Unfinished::default().send(&in_doubt(), &end, &forgetful).await;
    assert_eq!((told, forgetful.sent()), (Err(uncertain(IN_DOUBT)), Vec::new()));
    let knowing = Fake { tells: true, ..Fake::of(&["one", "two"]) };
    knowing.sent.lock().unwrap().push("one");
    let whole = Unfinished::default().send(&in_doubt(), &end, &knowing).await.expect("the rest goes");
    assert_eq!((whole.ids, knowing.sent()), (vec![id(0), id(1)], vec!["one", "two"]));
}

#[test]
fn a_message_is_something_and_not_too_much() {
    let refused = |count| match check(count, 5) {
        Err(DeliverError::Rejected(words)) => Some(words),
        Ok(()) => None,
        other => panic!("{other:?}"),
    };
    assert_eq!((refused(1), refused(5)), (None, None));
    assert!(refused(0).is_some_and(|words| words.contains("nothing")));
    assert!(refused(6).is_some_and(|words| words.contains("more than 5")));
}
