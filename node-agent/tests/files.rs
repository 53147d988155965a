//! Nobody else on the machine reads what the agent keeps, at no moment.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::{
    os::unix::fs::{MetadataExt, symlink},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use myrelay_agent::{enrol::JoinError, private_dir::FileError};
use support::{machine::Machine, pods::state, portal::Portal};

/// What under a folder others could read, and how many entries were looked at.
fn too_open(folder: &Path) -> (Vec<String>, usize) {
    let (mut open, mut seen) = (Vec::new(), 0);
    let mut look = |path: &Path| {
        // Gone again: it was a temporary file.
        let Ok(meta) = std::fs::symlink_metadata(path) else { return };
        let wanted = if meta.is_dir() { 0o700 } else { 0o600 };
        seen += 1;
        if meta.mode() & 0o7777 != wanted {
            open.push(format!("{} {:o}", path.display(), meta.mode()));
        }
    };
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        look(&folder);
        for entry in entries.flatten() {
            look(&entry.path());
            if entry.path().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    (open, seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn p28_files_are_ours_alone_from_their_first_moment_whatever_the_umask() {
    rustix::process::umask(rustix::fs::Mode::empty());
    let portal = Portal::start().await;
    portal.set(state(1, &[(1, 2)]));
    let mut machine = Machine::new();
    let (folder, done) = (machine.state_dir(), Arc::new(AtomicBool::new(false)));
    let ended = done.clone();
    let watcher = std::thread::spawn(move || {
        let mut open = Vec::new();
        while !ended.load(Ordering::SeqCst) {
            open.extend(too_open(&folder).0);
        }
        open
    });
    machine.join(&portal, portal.invite(), false).await.unwrap();
    machine.start();
    machine.has(&[(1, 2)]).await;
    for generation in 2..30 {
        let pods = [(1, 2), (generation, 1)];
        portal.want(state(generation.into(), &pods));
        machine.has(&pods).await;
    }
    machine.stop().await;
    done.store(true, Ordering::SeqCst);
    assert_eq!(watcher.join().unwrap(), Vec::<String>::new());
    let (open, seen) = too_open(&machine.state_dir());
    assert!(open.is_empty() && 7 < seen, "{open:?} of {seen}");
}

#[tokio::test]
async fn p28_a_link_in_place_of_the_folder_is_refused_before_the_token_is_sent() {
    let portal = Portal::start().await;
    let machine = Machine::new();
    let elsewhere = tempfile::tempdir().unwrap();
    symlink(elsewhere.path(), machine.state_dir()).unwrap();
    let refused = machine.join(&portal, portal.invite(), false).await;
    assert!(matches!(refused, Err(JoinError::File(FileError::NotPlain(_)))));
    assert!(portal.records().requests.is_empty());
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn p28_links_in_the_folder_are_not_followed() {
    let portal = Portal::start().await;
    portal.set(state(1, &[(1, 2)]));
    let mut machine = Machine::joined(&portal).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let victim = elsewhere.path().join("victim");
    std::fs::write(&victim, "theirs").unwrap();
    for name in ["status.json", "status.json.new", "state.json.new", "sequence.new"] {
        symlink(&victim, machine.state_dir().join(name)).unwrap();
    }
    machine.start();
    machine.has(&[(1, 2)]).await;
    machine.stop().await;
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "theirs");
}
