use super::*;

fn record(time_ns: u64, operation: Operation, path: &str) -> Record<'_> {
    Record { time_ns, operation, path, priority: None, bytes: time_ns, error: None, duration_ns: None }
}

fn times(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|e| e.time_ns).collect()
}

fn everything() -> LogQuery {
    LogQuery { limit: usize::MAX, ..LogQuery::default() }
}

#[test]
fn a_log_that_is_off_keeps_nothing() {
    let log = OpLog::new(0, 4);
    assert!(!log.is_on());
    assert_eq!(log.record(1, &record(1, Operation::Read, "/a")), 0);
    assert_eq!(log.query(&everything()), []);
    assert_eq!(log.stats(), LogStats::default());
    assert_eq!(log.take_unwritten(), []);
}

#[test]
fn the_last_entries_of_all_shards_are_kept_in_order() {
    let log = OpLog::new(5, 3);
    for t in 1..=20 {
        log.record(t as usize % 2, &record(t, Operation::Write, "/a"));
    }
    assert_eq!(times(&log.query(&everything())), [16, 17, 18, 19, 20]);
    for t in 21..=23 {
        log.record(2, &record(t, Operation::Write, "/b"));
    }
    assert_eq!(times(&log.query(&everything())), [19, 20, 21, 22, 23]);
    assert_eq!(log.stats().total_entries, 5);
    assert_eq!(log.stats().logged, 23);
}

#[test]
fn every_condition_of_a_query_counts() {
    let log = OpLog::new(100, 2);
    for t in 1..=10 {
        let path = if t % 2 == 0 { "/even/x" } else { "/odd/x" };
        let operation = if t <= 5 { Operation::Read } else { Operation::SetPriority };
        log.record(t as usize, &record(t, operation, path));
    }
    let ask = |query: LogQuery| times(&log.query(&query));
    assert_eq!(ask(LogQuery { limit: 3, ..LogQuery::default() }), [8, 9, 10]);
    assert_eq!(ask(LogQuery { since_ns: Some(4), until_ns: Some(6), ..LogQuery::default() }), [4, 5, 6]);
    assert_eq!(ask(LogQuery { operation: Some(Operation::SetPriority), ..LogQuery::default() }), [6, 7, 8, 9, 10]);
    let odd = LogQuery { path_contains: Some("odd".into()), since_ns: Some(4), ..LogQuery::default() };
    assert_eq!(ask(odd), [5, 7, 9]);
    assert_eq!(LogQuery::default().limit, 100);
}

#[test]
fn statistics_count_outcomes_and_operations_and_clear_forgets() {
    let log = OpLog::new(100, 1);
    log.record(0, &record(1, Operation::Read, "/a"));
    log.record(0, &Record { error: Some(&Kind::NotFound), ..record(2, Operation::Read, "/b") });
    log.record(0, &record(3, Operation::Gc, "/"));
    let stats = log.stats();
    assert_eq!((stats.total_entries, stats.successful, stats.failed), (3, 2, 1));
    assert_eq!(stats.by_operation, [(Operation::Read, 2), (Operation::Gc, 1)]);
    assert_eq!(log.query(&everything())[1].error, Some("NotFound"));
    log.clear();
    assert_eq!(log.query(&everything()), []);
    let stats = log.stats();
    assert_eq!((stats.total_entries, stats.logged), (0, 3));
    log.record(0, &record(4, Operation::Read, "/a"));
    assert_eq!(times(&log.query(&everything())), [4]);
}

#[test]
fn the_file_gets_each_entry_once_and_overwritten_ones_are_counted() {
    let log = OpLog::new(10, 1);
    log.record(0, &record(1, Operation::Read, "/before"));
    log.follow();
    let more = |times: std::ops::Range<u64>| {
        for t in times {
            log.record(0, &record(t, Operation::Read, "/a"));
        }
    };
    more(2..5);
    log.clear();
    assert_eq!(times(&log.take_unwritten()), [2, 3, 4]);
    assert_eq!(log.take_unwritten(), []);
    more(5..20);
    assert_eq!(log.stats().file_missed, 5);
    assert_eq!(times(&log.take_unwritten()), (10..=19).collect::<Vec<_>>());
    log.refused(2);
    assert_eq!(log.stats().file_missed, 7);
}

#[test]
fn much_is_taken_in_several_parts() {
    let log = OpLog::new(10_000, 1);
    log.follow();
    for t in 0..5000 {
        log.record(0, &record(t, Operation::Read, "/a"));
    }
    let mut all = Vec::new();
    loop {
        let part = log.take_unwritten();
        if part.is_empty() {
            break;
        }
        all.extend(part);
    }
    assert_eq!(times(&all), (0..5000).collect::<Vec<_>>());
}

#[test]
fn a_ring_that_has_gone_round_takes_no_more_memory() {
    let log = OpLog::new(8, 1);
    let taken: usize = (0..8).map(|t| log.record(0, &record(t, Operation::Read, "/a/b/c"))).sum();
    assert!(taken >= 8 * size_of::<Entry>());
    assert_eq!((8..100).map(|t| log.record(0, &record(t, Operation::Read, "/a/b/d"))).sum::<usize>(), 0);
}

#[test]
fn names_are_those_of_the_log() {
    let names: Vec<&str> = Operation::ALL.into_iter().map(Operation::name).collect();
    let of_old =
        ["READ", "WRITE", "DELETE", "MKDIR", "RMDIR", "RENAME", "SWAP_OUT", "SWAP_IN", "GC", "PRELOAD", "SET_PRIORITY"];
    assert_eq!(names[..of_old.len()], of_old);
    for (i, operation) in Operation::ALL.into_iter().enumerate() {
        assert_eq!(operation as usize, i);
    }
}
