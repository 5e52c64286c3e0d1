//! Customers who open the chat are welcomed, rooms show how often they may be answered, and what went to them is taken back for two minutes.

use magpie_common::{
    message::{Action, ChatChange, Outgoing, RemoteEvent, Support, Tone},
    platform::DeliverError,
    testkit::platform_suite::Recorder,
};
use magpie_tests::wechat_wecom::Fault;
use magpie_wechat::WeChatConfig;

use super::{Stage, config, ids, key, refused, said, user};

const WELCOME: &str = "/cgi-bin/kf/send_msg_on_event";
const HOUR_MS: i64 = 60 * 60 * 1000;

impl Stage {
    fn welcoming(&self) -> WeChatConfig {
        WeChatConfig { wecom_welcome: Some("Welcome, 你好!".to_owned()), ..config(&self.sim) }
    }

    /// Waits until the newest topic of Carol's room has these words.
    async fn topic(&self, words: &str) {
        let of = |event: RemoteEvent| match event {
            RemoteEvent::ChatChanged { chat, change: ChatChange::Info(info) } if chat == self.carol() => {
                info.topic
            }
            _ => None,
        };
        let seen = |recorder: &Recorder| {
            let newest = recorder.events().into_iter().filter_map(|it| of(it.event)).next_back()?;
            newest.contains(words).then_some(())
        };
        self.recorder.wait_for(words, seen).await;
    }
}

#[tokio::test]
async fn whoever_opens_the_chat_is_welcomed_once() {
    let stage = Stage::standing().await;
    let session = stage.connect_with(stage.welcoming()).await;
    let carol = &stage.small.carol;
    assert!(stage.sim.customer_opens(carol));
    let shown = stage.arrived("Welcome, 你好!").await;
    let sent = stage.sim.sent_to(&stage.to_carol());
    assert_eq!((sent.len(), sent[0].words()), (1, "Welcome, 你好!"));
    assert_eq!(shown.id.as_str(), sent[0].id, "our id is the one that WeCom repeats");
    assert_eq!(shown.sender.ids.primary, session.me());
    let words: Vec<String> = stage.recorder.messages().iter().map(|it| it.message.text.to_plain()).collect();
    assert_eq!(words, ["Opened the chat.", "Welcome, 你好!"]);
    // Whoever comes again within 48 hours brings no code.
    assert!(!stage.sim.customer_opens(carol));
    stage.carol_writes("hello").await;
    assert_eq!(stage.sim.request_count(WELCOME), 1);
    session.close().await;
}

#[tokio::test]
async fn whoever_came_long_ago_is_not_welcomed_and_nobody_is_without_words() {
    let stage = Stage::standing().await;
    let (carol, dave) = (&stage.small.carol, &stage.small.dave);
    assert!(stage.sim.customer_opens(carol));
    stage.sim.advance_ms(2 * 60 * 1000);
    let session = stage.connect_with(stage.welcoming()).await;
    stage.carol_writes("here I am").await;
    session.close().await;
    let session = stage.connect().await;
    assert!(stage.sim.customer_opens(dave));
    stage.sim.customer_says(dave, "hello");
    stage.arrived("hello").await;
    assert_eq!(stage.sim.request_count(WELCOME), 0);
    session.close().await;
}

#[tokio::test]
async fn a_welcome_that_does_not_go_is_told() {
    let stage = Stage::standing().await;
    let session = stage.connect_with(stage.welcoming()).await;
    stage.sim.fault("POST /cgi-bin/kf/send_msg_on_event", Fault::Refuse(95_017));
    stage.sim.customer_opens(&stage.small.carol);
    let told = stage.arrived("WeCom takes no words of welcome now.").await;
    assert_eq!(told.message.tone, Tone::Notice);
    stage.sim.fault("POST /cgi-bin/kf/send_msg_on_event", Fault::CutAfter);
    stage.sim.customer_opens(&stage.small.dave);
    let told = stage.arrived("WeCom did not confirm").await;
    assert_eq!(told.sender.ids.primary, user("agent:1000002"));
    session.close().await;
}

#[tokio::test]
async fn rooms_of_customers_show_how_often_they_may_be_answered() {
    let stage = Stage::standing().await;
    let session = stage.connect().await;
    stage.carol_writes("a question").await;
    stage.topic("up to five messages").await;
    for nth in 0..3 {
        session.deliver(&stage.carol(), &said("an answer"), &key(nth)).await.expect("it is delivered");
    }
    stage.topic("only two more messages").await;
    session.deliver(&stage.carol(), &said("an answer"), &key(3)).await.expect("it is delivered");
    stage.topic("only one more message").await;
    session.deliver(&stage.carol(), &said("the last"), &key(4)).await.expect("it is delivered");
    stage.topic("no messages here until the person writes").await;
    stage.sim.advance_ms(HOUR_MS);
    stage.carol_writes("another question").await;
    stage.topic("up to five messages").await;
    let info = session.chat(&stage.carol()).await.expect("it can be asked").expect("it is there");
    assert!(info.topic.is_some_and(|topic| topic.contains("up to five messages")));
    // What was counted elsewhere counts too.
    stage.sim.fault("POST /cgi-bin/kf/send_msg", Fault::Refuse(95_001));
    let words = refused(session.deliver(&stage.carol(), &said("too many"), &key(5)).await);
    assert!(words.contains("only five"), "{words}");
    stage.topic("no messages here until the person writes").await;
    session.close().await;
}

#[tokio::test]
async fn what_went_to_a_customer_is_taken_back_for_two_minutes() {
    let stage = Stage::standing().await;
    let session = stage.connect().await;
    let id = stage.carol_writes("a question").await;
    assert_eq!(session.limits(&stage.carol()).support(Action::Redact), Some(&Support::Until(120_000)));
    let gone = |ids: Vec<String>| Outgoing::Redact {
        parts: ids.into_iter().map(magpie_common::ids::RemoteMessageId::new).collect(),
        reason: None,
    };
    let sent = ids(session.deliver(&stage.carol(), &said("an answer"), &key(1)).await);
    session.deliver(&stage.carol(), &gone(sent), &key(2)).await.expect("it is taken back");
    assert!(stage.sim.sent_to(&stage.to_carol()).is_empty());
    let sent = ids(session.deliver(&stage.carol(), &said("another"), &key(3)).await);
    stage.sim.advance_ms(3 * 60 * 1000);
    for parts in [sent, vec![id]] {
        let outcome = session.deliver(&stage.carol(), &gone(parts), &key(4)).await;
        let Err(DeliverError::Rejected(words)) = &outcome else { panic!("it is not refused: {outcome:?}") };
        assert!(words.contains("two minutes"), "{words}");
    }
    assert_eq!(stage.sim.sent_to(&stage.to_carol()).len(), 1);
    session.close().await;
}
