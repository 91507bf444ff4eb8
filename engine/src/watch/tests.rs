use super::*;
use crate::id::Ino;

fn id(n: u32) -> InoGen {
    InoGen { ino: Ino(n), generation: 0 }
}

fn report<'a>(n: u32, path: &'a str, what: Told<'a>) -> Report<'a> {
    Report { id: id(n), is_dir: false, time_ns: 7, path, what }
}

fn all(subscription: &Subscription) -> Vec<(u64, u64, String, Change)> {
    std::iter::from_fn(|| subscription.poll().unwrap_or(None))
        .map(|e| (e.seq, e.order, e.path.to_string(), e.change))
        .collect()
}

fn kinds(kinds: Kinds) -> WatchOptions {
    WatchOptions { kinds, ..WatchOptions::default() }
}

#[test]
fn nobody_wants_anything_before_the_first_and_after_the_last_subscription() {
    let hub = Arc::new(Hub::default());
    assert!(!hub.wants(Kinds::ALL));
    let writes = hub.subscribe("/", kinds(Kinds::WRITE)).unwrap();
    let deletes = hub.subscribe("/", kinds(Kinds::DELETE)).unwrap();
    assert!(hub.wants(Kinds::WRITE) && hub.wants(Kinds::DELETE) && !hub.wants(Kinds::CREATE));
    drop(writes);
    assert!(hub.wants(Kinds::DELETE) && !hub.wants_after(Kinds::WRITE));
    drop(deletes);
    assert!(!hub.wants(Kinds::ALL));
}

#[test]
fn each_gets_its_own_kinds_and_place_with_numbers_of_its_own() {
    let hub = Arc::new(Hub::default());
    let everything = hub.subscribe("/", WatchOptions::default()).unwrap();
    let some = hub.subscribe("/s", kinds(Kinds::WRITE)).unwrap();
    let mut turn = hub.turn();
    turn.tell(&report(2, "/a", Told::Write));
    turn.tell(&report(3, "/s/a", Told::Create));
    turn.tell(&report(3, "/s/a", Told::Write));
    drop(turn);
    let path = |p: &str| p.to_owned();
    assert_eq!(all(&some), [(1, 3, path("/s/a"), Change::Write)]);
    assert_eq!(
        all(&everything),
        [(1, 1, path("/a"), Change::Write), (2, 2, path("/s/a"), Change::Create), (3, 3, path("/s/a"), Change::Write)]
    );
}

fn hub_that_names_swaps() -> Arc<Hub> {
    let hub = Arc::new(Hub::default());
    hub.on_swaps(false, |turn, swaps| {
        for swap in swaps {
            let what = match swap.direction {
                Direction::Out => Told::SwapOut(swap.bytes),
                Direction::In => Told::SwapIn(swap.bytes),
            };
            turn.tell(&report(swap.id.ino.0, "/a", what));
        }
    });
    hub
}

#[test]
fn swaps_are_told_at_once_or_after_the_turn_under_way() {
    let hub = hub_that_names_swaps();
    let all_of_it = hub.subscribe("/", WatchOptions::default()).unwrap();
    hub.swapped(Direction::Out, id(2), 10);
    let turn = hub.turn();
    hub.swapped(Direction::In, id(2), 10);
    assert_eq!(all(&all_of_it).len(), 1);
    drop(turn);
    assert_eq!(all(&all_of_it), [(2, 2, "/a".to_owned(), Change::SwapIn { bytes: 10 })]);
}

#[test]
fn swaps_beyond_what_can_be_set_aside_are_counted() {
    let hub = hub_that_names_swaps();
    let swaps = WatchOptions { kinds: Kinds::SWAP_IN, capacity: 2 * SWAPS_MAX, recursive: true };
    let reader = hub.subscribe("/", swaps).unwrap();
    let turn = hub.turn();
    for _ in 0..SWAPS_MAX + 5 {
        hub.swapped(Direction::In, id(2), 1);
    }
    drop(turn);
    let events = all(&reader);
    assert_eq!(events.len(), SWAPS_MAX + 1);
    assert_eq!(events[SWAPS_MAX].3, Change::Overflow { missed: 5 });
}

#[test]
fn closing_ends_everything() {
    let hub = Arc::new(Hub::default());
    let subscription = hub.subscribe("/", WatchOptions::default()).unwrap();
    hub.turn().tell(&report(2, "/a", Told::Delete));
    hub.close();
    assert_eq!(all(&subscription).len(), 1);
    assert_eq!(subscription.wait(), Err(Closed));
    assert!(hub.subscribe("/", WatchOptions::default()).is_err());
    assert!(!hub.wants(Kinds::ALL));
}

#[test]
fn events_of_other_threads_wake_a_waiting_reader() {
    let hub = Arc::new(Hub::default());
    let subscription = hub.subscribe("/", WatchOptions::default()).unwrap();
    let teller = {
        let hub = hub.clone();
        std::thread::spawn(move || {
            for n in 2..102 {
                hub.turn().tell(&report(n, "/a", Told::Write));
            }
        })
    };
    let inodes: Vec<u64> = (0..100).map(|_| subscription.wait().unwrap().inode).collect();
    assert_eq!(inodes, (2..102).collect::<Vec<u64>>());
    teller.join().unwrap();
}
