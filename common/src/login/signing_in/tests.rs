//! Sign-ins as whoever drives them sees them, on a network in memory.

use ruma::user_id;

use super::*;
use crate::{
    login::{AccountsParts, Logins, SignedOut},
    message::SessionState,
    platform::{EventSink, SavedLogin},
    store::{Durability, Feed, OpenRow, Store, StoreSettings},
    testkit::{
        fake_network::{FakeNetwork, password},
        platform_suite::Recorder,
    },
};

struct NoFeed;

impl Feed for NoFeed {
    fn stored(&self, _rows: Vec<OpenRow>) {}
}

/// One person may have two accounts, all together three.
struct Place {
    network: FakeNetwork,
    signing_in: SigningIn,
    store: Store,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let settings = StoreSettings { url, durability: Durability::Normal, key: Secret::new("k") };
        let (clock, stop) = (Clock::fixed(1_000, 1), CancellationToken::new());
        let store = Store::open(&settings, clock.clone(), Arc::new(NoFeed)).await.unwrap();
        let network = FakeNetwork::new(name);
        let accounts = Accounts::new(AccountsParts {
            logins: Logins::new(clock.clone(), stop.clone()),
            store: store.clone(),
            network: Arc::new(network.clone()),
            per_user_max: 2,
            all_max: 3,
        });
        accounts.set_sinks(|login| EventSink::new(login.clone(), Arc::new(Recorder::default())));
        let signing_in = SigningIn::new(accounts, clock, stop);
        Self { network, signing_in, store, _folder: folder }
    }

    /// Begins with a password, and answers; gives back how it stands then.
    async fn signs_in(&self, owner: &UserId, account: &str, renewed: Option<&str>) -> Result<Stage, Refused> {
        let mut progress = self.signing_in.begin(owner, "password", renewed.map(LoginId::new)).await?;
        let asked = until(&mut progress, |stage| matches!(stage, Stage::Ask(_))).await;
        self.signing_in.answer(owner, &asked.id, asked.step, answers(account, &password(account)))?;
        let after =
            |stage: &Stage| stage.is_last() || matches!(stage, Stage::Ask(Ask { problem: Some(_), .. }));
        Ok(until(&mut progress, after).await.stage)
    }
}

fn answers(name: &str, password: &str) -> Vec<(String, Secret)> {
    vec![("name".to_owned(), Secret::new(name)), ("password".to_owned(), Secret::new(password))]
}

async fn until(progress: &mut watch::Receiver<Progress>, wanted: impl Fn(&Stage) -> bool) -> Progress {
    let found =
        tokio::time::timeout(Duration::from_secs(10), progress.wait_for(|it| wanted(&it.stage))).await;
    found.expect("it comes in time").expect("the sign-in goes on").clone()
}

fn is_done(stage: &Stage, account: &str) -> bool {
    matches!(stage, Stage::Done { login, .. } if login.as_str() == account)
}

fn failure(stage: &Stage) -> &str {
    match stage {
        Stage::Failed(words) => words,
        other => panic!("it did not fail, but {other:?}"),
    }
}

#[tokio::test]
async fn only_what_is_asked_now_is_taken() {
    let place = Place::new("asked").await;
    let (alice, bob) = (user_id!("@alice:example.org"), user_id!("@bob:example.org"));
    let signing_in = &place.signing_in;
    assert!(matches!(signing_in.answer(alice, "x", 1, Vec::new()), Err(Refused::None)));
    assert!(matches!(signing_in.cancel(alice), Err(Refused::None)));
    assert!(matches!(signing_in.begin(alice, "by post", None).await, Err(Refused::NoSuchFlow)));
    let mut progress = signing_in.begin(alice, "password", None).await.unwrap();
    let asked = until(&mut progress, |stage| matches!(stage, Stage::Ask(_))).await;
    assert!(matches!(signing_in.begin(alice, "qr", None).await, Err(Refused::UnderWay)));
    let answer = |id: &str, step, given| signing_in.answer(alice, id, step, given);
    let good = || answers("ally", &password("ally"));
    assert!(matches!(answer("another", asked.step, good()), Err(Refused::None)));
    assert!(matches!(answer(&asked.id, asked.step + 1, good()), Err(Refused::NotAsked)));
    assert!(matches!(signing_in.answer(bob, &asked.id, asked.step, good()), Err(Refused::None)));
    let only_name = good().into_iter().take(1).collect();
    let extra = good().into_iter().chain([("more".to_owned(), Secret::new("x"))]).collect();
    let twice = good().into_iter().chain(good()).collect();
    let long = answers("ally", &"x".repeat(ANSWER_BYTES_MAX + 1));
    for (given, words) in [
        (only_name, "“Password” is missing."),
        (extra, "There is an answer to something that is not asked."),
        (twice, "“Name” is answered twice."),
        (answers("ally", ""), "An answer is empty."),
        (long, "An answer is far too long."),
    ] {
        assert_eq!(answer(&asked.id, asked.step, given).unwrap_err().to_string(), words);
    }
    answer(&asked.id, asked.step, good()).unwrap();
    let done = until(&mut progress, Stage::is_last).await;
    assert!(is_done(&done.stage, "ally"), "{done:?}");
    // What was answered cannot be answered again.
    assert!(matches!(answer(&asked.id, asked.step, good()), Err(Refused::None)));
}

#[tokio::test]
async fn nobody_gets_more_accounts_than_allowed_or_somebody_elses() {
    let place = Place::new("limits").await;
    let (alice, bob) = (user_id!("@alice:example.org"), user_id!("@bob:example.org"));
    assert!(is_done(&place.signs_in(alice, "one", None).await.unwrap(), "one"));
    let taken = place.signs_in(bob, "one", None).await.unwrap();
    assert!(failure(&taken).starts_with("Somebody else has signed in here with that account."));
    assert!(is_done(&place.signs_in(alice, "two", None).await.unwrap(), "two"));
    let refused = place.signs_in(alice, "three", None).await.unwrap_err().to_string();
    assert!(refused.starts_with("You have signed in with 2 accounts already"), "{refused}");
    assert!(is_done(&place.signs_in(bob, "three", None).await.unwrap(), "three"));
    let refused = place.signs_in(bob, "four", None).await.unwrap_err().to_string();
    assert!(refused.starts_with("This bridge has as many accounts as its owner allows (3)."), "{refused}");
    assert_eq!(place.store.logins().await.unwrap().len(), 3);
}

#[tokio::test]
async fn an_account_is_renewed_by_itself_only() {
    let place = Place::new("renewed").await;
    let alice = user_id!("@alice:example.org");
    let unknown = place.signs_in(alice, "one", Some("one")).await.unwrap_err().to_string();
    assert_eq!(unknown, "You have no account with that id here.");
    assert!(is_done(&place.signs_in(alice, "one", None).await.unwrap(), "one"));
    assert!(is_done(&place.signs_in(alice, "one", Some("one")).await.unwrap(), "one"));
    let other = place.signs_in(alice, "two", Some("one")).await.unwrap();
    assert!(failure(&other).starts_with("That is another account than the one"));
    assert_eq!(place.store.logins().await.unwrap().len(), 1);
    let accounts = place.signing_in.accounts();
    let one = LoginId::new("one");
    let mut changes = accounts.logins().changes();
    while accounts.logins().session(&one).is_none() {
        changes.changed().await.unwrap();
    }
    assert_eq!(accounts.sign_out(alice, &one).await.unwrap(), SignedOut::There);
    assert_eq!(place.network.signed_out(), ["one"]);
    assert!(place.store.logins().await.unwrap().is_empty());
}

#[tokio::test]
async fn saved_accounts_are_connected_at_the_next_start_and_one_fault_touches_no_other() {
    let place = Place::new("restart").await;
    let alice = user_id!("@alice:example.org");
    let accounts = place.signing_in.accounts();
    for account in ["one", "two"] {
        assert!(is_done(&place.signs_in(alice, account, None).await.unwrap(), account));
        accounts.logins().remove(&LoginId::new(account)).await;
    }
    // The password of one was changed meanwhile.
    let mut row = place.store.login(&LoginId::new("one")).await.unwrap().unwrap();
    row.secret = Some(Secret::new("an old one"));
    place.store.save_login(&row).await.unwrap();
    // The configuration names two, one of which Alice had signed in with before.
    let configured = ["fake", "two"].map(|account| SavedLogin {
        id: LoginId::new(account),
        name: account.to_owned(),
        secret: Secret::new(password(account)),
    });
    let announced = accounts.announce(configured.into()).await.unwrap();
    assert_eq!(announced.len(), 3, "each account is connected once");
    assert_eq!(accounts.logins().of(alice), [LoginId::new("one")], "known before it is connected");
    assert!(["fake", "two"].iter().all(|id| accounts.logins().is_configured(&LoginId::new(*id))));
    accounts.start(announced);
    let mut changes = accounts.logins().changes();
    let states = || {
        let all = accounts.logins().statuses().into_iter();
        all.map(|login| (login.id.to_string(), login.state)).collect::<Vec<_>>()
    };
    let is_settled = |states: &[(String, SessionState)]| {
        let is_refused = |state: &SessionState| matches!(state, SessionState::BadCredentials { .. });
        states.iter().all(|(id, state)| match id.as_str() {
            "one" => is_refused(state),
            _ => *state == SessionState::Connected,
        })
    };
    let waiting = async {
        while !is_settled(&states()) {
            changes.changed().await.unwrap();
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), waiting).await.is_ok(), "{:?}", states());
    // One that is not connected is forgotten all the same.
    assert_eq!(accounts.sign_out(alice, &LoginId::new("one")).await.unwrap(), SignedOut::HereOnly);
    assert_eq!(place.network.forgotten(), ["one"]);
}
