//! The judge itself: it is silent about what is right and names everything that is not.

use super::*;

fn input(number: u64, chat: &str) -> Input {
    let (way, voice, id) = (Way::ToMatrix, "ada".to_owned(), format!("m{number}"));
    Input { number, way, chat: chat.to_owned(), voice, id }
}

fn effect(number: u64, chat: &str) -> Effect {
    Effect { way: Way::ToMatrix, chat: chat.to_owned(), voice: "ada".to_owned(), text: words(number) }
}

fn inputs() -> Vec<Input> {
    vec![input(1, "lobby"), input(2, "cellar"), input(3, "lobby")]
}

fn violations(effects: &[Effect], fates: &[(u64, Fate)]) -> Vec<Violation> {
    judge(&inputs(), effects, &fates.iter().copied().collect(), Order::Kept).violations
}

#[test]
fn each_message_once_and_each_doubt_told_is_right() {
    let all = [effect(2, "cellar"), effect(1, "lobby"), effect(3, "lobby")];
    assert_eq!(violations(&all, &[]), [], "lanes may overtake each other");
    assert_eq!(violations(&all[..2], &[(3, Fate::Failed)]), []);
    assert_eq!(violations(&all[..2], &[(3, Fate::Uncertain)]), []);
    assert_eq!(violations(&all, &[(3, Fate::Uncertain)]), [], "it may have arrived");
    let verdict = judge(&inputs(), &all[..2], &BTreeMap::from([(3, Fate::Uncertain)]), Order::Kept);
    assert_eq!((verdict.messages, verdict.uncertain, verdict.lost(), verdict.doubled()), (3, 1, 0, 0));
    assert_eq!(verdict.uncertain_arrived, 0);
    let verdict = judge(&inputs(), &all, &BTreeMap::from([(3, Fate::Uncertain)]), Order::Kept);
    assert_eq!((verdict.uncertain, verdict.uncertain_arrived), (1, 1));
}

#[test]
fn everything_wrong_is_named_by_its_number() {
    let (one, two, three) = (effect(1, "lobby"), effect(2, "cellar"), effect(3, "lobby"));
    let found = |effects: &[&Effect]| {
        let effects: Vec<_> = effects.iter().map(|effect| (*effect).clone()).collect();
        violations(&effects, &[])
    };
    assert_eq!(found(&[&one, &two]), [Violation::Lost(3)]);
    assert_eq!(found(&[&one, &two, &three, &one]), [Violation::Doubled { number: 1, times: 2 }]);
    assert_eq!(
        found(&[&three, &one, &two]),
        [Violation::Overtaken { way: Way::ToMatrix, number: 1, after: 3 }]
    );
    let elsewhere = Effect { chat: "cellar".to_owned(), ..three.clone() };
    let misplaced = Violation::Misplaced { number: 3, chat: "cellar".to_owned() };
    assert_eq!(found(&[&one, &two, &elsewhere]), [misplaced]);
    let ben = Effect { voice: "ben".to_owned(), ..three.clone() };
    assert_eq!(found(&[&one, &two, &ben]), [Violation::WrongVoice { number: 3, voice: "ben".to_owned() }]);
    let echoed = Effect { way: Way::ToNetwork, ..one.clone() };
    let unasked = Violation::Unasked(words(1));
    assert_eq!(found(&[&one, &two, &three, &echoed]), [unasked], "nobody wrote it on that side");
    let all = [one, two, three];
    assert_eq!(violations(&all, &[(3, Fate::Failed)]), [Violation::FailedAndArrived(3)]);
}

#[test]
fn where_no_order_is_promised_only_the_way_to_the_network_keeps_one() {
    let judged = |way: Way| {
        let inputs: Vec<Input> = inputs().into_iter().map(|input| Input { way, ..input }).collect();
        let effects = [3, 1].map(|number| Effect { way, ..effect(number, "lobby") });
        judge(&inputs, &effects, &BTreeMap::from([(2, Fate::Failed)]), Order::ToNetwork).violations
    };
    assert_eq!(judged(Way::ToMatrix), []);
    assert_eq!(judged(Way::ToNetwork), [Violation::Overtaken { way: Way::ToNetwork, number: 1, after: 3 }]);
}
