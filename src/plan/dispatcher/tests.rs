//! The dispatcher against its own promises. Step-by-step equality with Locust is
//! `tests/property/test_dispatch_golden.py`'s.

use proptest::prelude::*;

use super::*;

fn class(name: &str, weight: f64, fixed_count: i64) -> UserClass {
    UserClass {
        name: name.to_owned(),
        weight,
        fixed_count,
    }
}

fn workers(count: usize) -> Vec<String> {
    (1..=count).map(|number| number.to_string()).collect()
}

/// The counts by worker and class, flattened.
fn counts(dispatcher: &Dispatcher) -> Vec<u32> {
    dispatcher
        .spread()
        .table()
        .rows()
        .flat_map(|(_, counts)| counts.to_vec())
        .collect()
}

/// The next thing shown, and whether a pause came before it; none at the end.
fn shown(dispatcher: &mut Dispatcher) -> Option<(bool, Vec<u32>)> {
    let decision = dispatcher.decide();
    if matches!(decision, Decision::Step | Decision::PauseThenStep) {
        dispatcher.step().unwrap();
    }
    (decision != Decision::End).then(|| (decision == Decision::PauseThenStep, counts(dispatcher)))
}

fn run(dispatcher: &mut Dispatcher, target: usize, rate: f64) -> Vec<Vec<u32>> {
    dispatcher.begin(target, rate).unwrap();
    std::iter::from_fn(|| shown(dispatcher))
        .map(|(_, counts)| counts)
        .collect()
}

#[test]
fn first_step_is_at_once_and_nothing_waits_after_the_last() {
    let mut dispatcher = Dispatcher::new(&workers(2), vec![class("A", 1.0, 0)]);
    dispatcher.begin(3, 1.0).unwrap();
    assert!(!dispatcher.is_in_progress());
    assert_eq!(shown(&mut dispatcher), Some((false, vec![1, 0])));
    assert!(dispatcher.is_in_progress());
    assert_eq!(shown(&mut dispatcher), Some((true, vec![1, 1])));
    assert_eq!(shown(&mut dispatcher), Some((true, vec![2, 1])));
    assert_eq!(shown(&mut dispatcher), None);
    assert!(!dispatcher.is_in_progress());
    assert_eq!(shown(&mut dispatcher), None);
}

#[test]
fn nothing_happens_before_the_first_dispatch() {
    assert_eq!(shown(&mut Dispatcher::new(&workers(1), vec![class("A", 1.0, 0)])), None);
}

#[test]
fn reached_target_is_shown_once() {
    let mut dispatcher = Dispatcher::new(&workers(1), vec![class("A", 1.0, 0)]);
    assert_eq!(run(&mut dispatcher, 0, 1.0), [[0]]);
    run(&mut dispatcher, 2, 2.0);
    assert_eq!(run(&mut dispatcher, 2, 1.0), [[2]]);
}

#[test]
fn bad_rate_changes_nothing() {
    let mut dispatcher = Dispatcher::new(&workers(1), vec![class("A", 1.0, 0)]);
    dispatcher.begin(1, 1.0).unwrap();
    assert_eq!(dispatcher.begin(5, f64::NAN), Err(RateError::NotFinite));
    assert_eq!(shown(&mut dispatcher), Some((false, vec![1])));
}

#[test]
fn met_fixed_counts_end_the_dispatch_early() {
    let mut dispatcher = Dispatcher::new(&workers(1), vec![class("A", 1.0, 2), class("B", 1.0, 1)]);
    assert_eq!(run(&mut dispatcher, 10, 2.0), [[1, 1], [2, 1]]);
    assert!(!dispatcher.is_in_progress());
    assert_eq!(run(&mut dispatcher, 1, 1.0), [[1, 1], [1, 0]]);
}

#[test]
fn new_worker_is_shown_at_once_and_the_ramp_goes_on() {
    let mut dispatcher = Dispatcher::new(&workers(1), vec![class("A", 1.0, 0)]);
    dispatcher.begin(6, 2.0).unwrap();
    assert_eq!(shown(&mut dispatcher), Some((false, vec![2])));
    dispatcher.add_worker("2".to_owned()).unwrap();
    assert!(dispatcher.is_rebalanced());
    assert_eq!(shown(&mut dispatcher), Some((false, vec![1, 1])));
    assert!(!dispatcher.is_rebalanced());
    assert_eq!(shown(&mut dispatcher), Some((true, vec![2, 2])));
    dispatcher.remove_worker("1").unwrap();
    assert_eq!(shown(&mut dispatcher), Some((false, vec![4])));
    assert_eq!(shown(&mut dispatcher), Some((true, vec![6])));
    assert_eq!(shown(&mut dispatcher), None);
}

#[test]
fn new_worker_after_the_end_is_shown_by_the_next_dispatch() {
    let mut dispatcher = Dispatcher::new(&workers(1), vec![class("A", 1.0, 0)]);
    run(&mut dispatcher, 4, 4.0);
    dispatcher.add_worker("2".to_owned()).unwrap();
    assert_eq!(run(&mut dispatcher, 4, 4.0), [[2, 2]]);
    assert!(!dispatcher.is_in_progress());
    dispatcher.add_worker("3".to_owned()).unwrap();
    assert_eq!(run(&mut dispatcher, 6, 4.0), [[2, 1, 1], [2, 2, 2]]);
}

#[test]
fn last_worker_leaves_its_users_until_another_comes() {
    let mut dispatcher = Dispatcher::new(&workers(1), vec![class("A", 1.0, 0)]);
    run(&mut dispatcher, 4, 4.0);
    dispatcher.remove_worker("1").unwrap();
    assert!(!dispatcher.is_rebalanced());
    assert_eq!(dispatcher.users(), 4);
    dispatcher.add_worker("2".to_owned()).unwrap();
    let rows: Vec<_> = dispatcher.spread().table().rows().collect();
    assert_eq!(rows, [("2", &[4][..])]);
}

#[test]
fn other_classes_leave_existing_users_alone() {
    let mut dispatcher = Dispatcher::new(&workers(1), vec![class("A", 1.0, 0), class("B", 1.0, 0)]);
    run(&mut dispatcher, 2, 2.0);
    dispatcher.replace(vec![class("B", 1.0, 0)]);
    assert_eq!(run(&mut dispatcher, 4, 2.0), [[1, 3]]);
    dispatcher.replace(vec![class("Z", 1.0, 0)]);
    dispatcher.begin(5, 1.0).unwrap();
    assert_eq!(dispatcher.decide(), Decision::Step);
    assert_eq!(dispatcher.step(), Err(UnknownClass("Z".to_owned())));
    assert_eq!(dispatcher.decide(), Decision::End);
}

#[test]
fn no_worker_means_nobody() {
    let mut dispatcher = Dispatcher::new(&[], vec![class("A", 1.0, 0)]);
    assert_eq!(run(&mut dispatcher, 4, 2.0), [[0_u32; 0]]);
}

fn any_classes() -> impl Strategy<Value = Vec<UserClass>> {
    let numbers = (0.1_f64..10.0, prop_oneof![3 => Just(0_i64), 1 => 1_i64..10]);
    prop::collection::vec(numbers, 1..6).prop_map(|numbers| {
        let name = |index: usize| char::from(b'A' + index as u8).to_string();
        let indexed = numbers.into_iter().enumerate();
        indexed
            .map(|(index, (weight, fixed_count))| UserClass {
                name: name(index),
                weight,
                fixed_count,
            })
            .collect()
    })
}

/// How many users can exist at most: unlimited as soon as one class has no fixed count.
fn limit(classes: &[UserClass]) -> usize {
    let is_open = classes.iter().any(|class| class.fixed_count == 0);
    let fixed: i64 = classes.iter().map(|class| class.fixed_count).sum();
    if is_open { usize::MAX } else { fixed as usize }
}

proptest! {
    #[test]
    fn ramps_are_monotone_even_and_arrive(
        classes in any_classes(),
        worker_count in 1_usize..8,
        targets in prop::collection::vec((0_usize..80, 0.3_f64..30.0), 1..5),
    ) {
        let limit = limit(&classes);
        let mut dispatcher = Dispatcher::new(&workers(worker_count), classes);
        for (target, rate) in targets {
            let before = dispatcher.users();
            let step = Ramp::new(0, 0, rate).unwrap().users_per_step() as u32;
            let mut previous = before as u32;
            for counts in run(&mut dispatcher, target, rate) {
                let users: u32 = counts.iter().sum();
                prop_assert!(users.abs_diff(previous) <= step);
                let is_monotone = if before <= target { users >= previous } else { users <= previous };
                prop_assert!(is_monotone);
                previous = users;
            }
            prop_assert_eq!(dispatcher.users(), target.min(limit.max(before.min(target))));
            prop_assert!(!dispatcher.is_in_progress());
        }
    }

    #[test]
    fn workers_never_differ_by_more_than_one_while_ramping_up(
        classes in any_classes(), worker_count in 1_usize..8, target in 1_usize..80,
    ) {
        let width = classes.len();
        let mut dispatcher = Dispatcher::new(&workers(worker_count), classes);
        for counts in run(&mut dispatcher, target, 3.0) {
            let loads: Vec<u32> = counts.chunks(width).map(|row| row.iter().sum()).collect();
            prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1);
        }
    }

    #[test]
    fn ramp_down_walks_back_through_the_ramp_up(
        classes in any_classes(), worker_count in 1_usize..8, target in 1_usize..60,
    ) {
        let mut dispatcher = Dispatcher::new(&workers(worker_count), classes);
        let up = run(&mut dispatcher, target, 1.0);
        let down = run(&mut dispatcher, 0, 1.0);
        let reached = dispatcher.spread().table().columns().len() * worker_count;
        let mut expected: Vec<Vec<u32>> = up;
        expected.dedup();
        expected.reverse();
        expected.remove(0);
        expected.push(vec![0; reached]);
        prop_assert_eq!(down, expected);
    }

    #[test]
    fn fixed_counts_are_met_before_anyone_else(classes in any_classes(), target in 0_usize..80, dip in 0_usize..80) {
        let fixed: i64 = classes.iter().map(|class| class.fixed_count).sum();
        let mut dispatcher = Dispatcher::new(&workers(3), classes.clone());
        for goal in [target, dip.min(target), target] {
            run(&mut dispatcher, goal, 7.0);
        }
        if target >= 2 * fixed as usize {
            for class in classes.iter().filter(|class| class.fixed_count > 0) {
                prop_assert_eq!(dispatcher.spread().users_of(&class.name), class.fixed_count as usize);
            }
        }
    }

    #[test]
    fn rebalancing_is_the_same_as_starting_there(
        classes in any_classes(), target in 0_usize..80, worker_count in 1_usize..6,
    ) {
        let mut grown = Dispatcher::new(&workers(worker_count), classes.clone());
        run(&mut grown, target, 4.0);
        grown.add_worker("9".to_owned()).unwrap();
        let mut ids = workers(worker_count);
        ids.push("9".to_owned());
        let mut fresh = Dispatcher::new(&ids, classes);
        run(&mut fresh, target, 100.0);
        prop_assert_eq!(counts(&grown), counts(&fresh));
    }
}
