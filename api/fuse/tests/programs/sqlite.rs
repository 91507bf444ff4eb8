//! SQLite: locks, journals, and in WAL mode an index that processes share by a map.

use std::path::Path;
use std::thread;

use crate::support::{EXCLUSIVE, SHARED, Stage, call, stage, turn};

/// Far more pages than its cache holds are changed at random, undone, and changed for good. The numbers are its own, so
/// that the outcome is known.
const CHANGES: &str = "
    BEGIN;
    CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, v BLOB);
    CREATE INDEX tk ON t(k);
    WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 100000)
        INSERT INTO t SELECT i, i * 7919 % 100003, printf('%0600d', i * 31) FROM c;
    COMMIT;
    BEGIN; UPDATE t SET v = printf('%0650d', k), k = k * 5 % 100003 WHERE k % 5 = 0; COMMIT;
    BEGIN; DELETE FROM t WHERE k % 3 = 0; ROLLBACK;
    BEGIN; DELETE FROM t WHERE k % 7 = 1; COMMIT;
    BEGIN; INSERT INTO t SELECT id + 200000, k + 1, substr(v, 1, 300) FROM t WHERE k % 11 = 0; COMMIT;";

const SUMS: &str = "SELECT count(*), sum(id), sum(k), sum(length(v)), sum(CAST(substr(v, -9) AS INTEGER)) FROM t;";

fn sqlite(database: &Path, commands: &str) -> String {
    call("sqlite3").args("-batch -bail -init /dev/null").arg(database).arg(commands).run()
}

fn works_in_mode(stage: &Stage, mode: &str, name: &str) {
    let database = stage.path(name);
    let settings = format!("PRAGMA journal_mode={mode}; PRAGMA cache_size=-1000;");
    assert!(sqlite(&database, &format!("{settings} {CHANGES}")).starts_with(&mode.to_lowercase()));
    assert_eq!(sqlite(&database, "PRAGMA integrity_check;"), "ok\n");
    assert_eq!(sqlite(&database, SUMS), sqlite(Path::new(":memory:"), &format!("{CHANGES} {SUMS}")));
}

#[test]
fn sqlite_in_rollback_mode_keeps_its_integrity() {
    let _turn = turn();
    let Some(stage) = stage(&["sqlite3"], EXCLUSIVE) else { return };
    works_in_mode(&stage, "DELETE", "rollback.db");
    stage.end();
}

#[test]
fn sqlite_in_wal_mode_keeps_its_integrity() {
    let _turn = turn();
    let Some(stage) = stage(&["sqlite3"], EXCLUSIVE) else { return };
    works_in_mode(&stage, "WAL", "wal.db");
    processes_share(&stage.path("shared.db"));
    stage.end();
}

/// Several processes add to one database, and each sees what the others did.
fn processes_share(database: &Path) {
    sqlite(database, "PRAGMA journal_mode=WAL; CREATE TABLE n(writer INTEGER, turn INTEGER);");
    thread::scope(|scope| {
        for writer in 0..3 {
            scope.spawn(move || {
                let add = format!("INSERT INTO n SELECT {writer}, count(*) FROM n;\n").repeat(200);
                sqlite(database, &format!("PRAGMA busy_timeout=60000; {add}"));
            });
        }
    });
    let sums = sqlite(database, "PRAGMA integrity_check; SELECT count(*), count(DISTINCT turn), max(turn) FROM n;");
    assert_eq!(sums, "ok\n600|600|599\n", "a writer did not see what another had written");
}

/// The index in shared memory is a map: it must not be lost when the kernel asks for attributes each time.
#[test]
fn sqlite_in_wal_mode_works_while_the_library_may_write_as_well() {
    let _turn = turn();
    let Some(stage) = stage(&["sqlite3"], SHARED) else { return };
    processes_share(&stage.path("shared.db"));
    stage.unmount();
}
