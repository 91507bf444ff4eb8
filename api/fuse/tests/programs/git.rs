//! `git`: many small files, renames into place, maps of packs.

use std::fs;

use crate::support::{Call, EXCLUSIVE, call, plant, stage, turn};

fn git() -> Call {
    call("git").env("HOME", "/nonexistent").env("GIT_CONFIG_NOSYSTEM", "1").args("-c user.name=a -c user.email=a@b")
}

#[test]
fn git_clones_checks_and_repacks_a_repository() {
    let _turn = turn();
    let Some(stage) = stage(&["git"], EXCLUSIVE) else { return };
    let origin = stage.outside("origin");
    fs::create_dir(&origin).unwrap();
    plant(&origin, 40);
    git().args("init --quiet").dir(&origin).run();
    git().args("add .").dir(&origin).run();
    git().args("commit --quiet -m one").dir(&origin).run();

    let url = format!("file://{}", origin.display());
    git().args("clone --quiet").arg(url).arg("copy").dir(stage.root()).run();
    let copy = stage.path("copy");
    check(&copy);
    git().args("mv d1 moved").dir(&copy).run();
    git().args("rm -r --quiet d2/e3").dir(&copy).run();
    git().args("commit --quiet -m two").dir(&copy).run();
    git().args("checkout --quiet HEAD~1").dir(&copy).run();
    git().args("gc --quiet --prune=now").dir(&copy).run();
    check(&copy);
    let tree = |dir| git().args("rev-parse HEAD^{tree}").dir(dir).run();
    assert_eq!(tree(&copy), tree(&origin));
    stage.end();
}

/// All objects are whole, and the work tree is what they say.
fn check(copy: &std::path::Path) {
    git().args("fsck --full --strict --no-progress").dir(copy).run();
    // Without its index git reads every file again.
    fs::remove_file(copy.join(".git/index")).unwrap();
    git().args("reset --quiet").dir(copy).run();
    assert_eq!(git().args("status --porcelain").dir(copy).run(), "");
}
