//! `dev`: an author at work, with a plugin that is right, wrong and right again.

use std::{
    fs,
    io::{self, Write},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use myrelay_plugin_tools::{Portal, command, dev};
use tokio::{runtime, sync::oneshot};

use crate::desk::{Desk, events};

/// How long a round may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(180);

/// What an author sees, as it is written.
struct Screen(Sender<String>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _gone = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Says what it was handed.
struct Told(Sender<String>);

#[async_trait]
impl Portal for Told {
    async fn put(&mut self, folder: &std::path::Path) -> anyhow::Result<String> {
        let component = fs::read(folder.join("plugin.wasm"))?;
        let _gone = self.0.send(myrelay_plugin_package::Package::digest(&component));
        Ok("it runs".to_owned())
    }
}

/// `dev` at work, until it is stopped.
struct Working {
    screen: Receiver<String>,
    stop: oneshot::Sender<()>,
    ended: thread::JoinHandle<anyhow::Result<()>>,
}

impl Working {
    fn start(desk: &Desk, portal: Option<Sender<String>>) -> Self {
        let line = ["plugin", "dev", &desk.folder(), "--compiler", desk.compiler()];
        let line = line.map(str::to_owned);
        let (sender, screen) = channel();
        let (stop, stopped) = oneshot::channel();
        let ended = thread::spawn(move || {
            let matches = command().try_get_matches_from(line).unwrap();
            let (_, matches) = matches.subcommand().unwrap();
            let mut portal = portal.map(Told);
            let portal = portal.as_mut().map(|it| it as &mut dyn Portal);
            let mut screen = Screen(sender);
            let events = events();
            let stopped = async { stopped.await.unwrap_or_default() };
            let threads = runtime::Builder::new_current_thread().enable_all().build()?;
            threads.block_on(dev(matches, &events, (&mut screen, portal), stopped))
        });
        Self { screen, stop, ended }
    }

    /// What is written until it waits for changes.
    fn round(&self) -> String {
        let (end, mut told) = (Instant::now() + PATIENCE, String::new());
        while !told.contains("waiting for changes") {
            let left = end.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(more) => told.push_str(&more),
                Err(why) => panic!("{why}: {told}"),
            }
        }
        told
    }
}

#[test]
fn an_author_at_work_sees_every_change_and_keeps_what_ran() {
    let Some(desk) = Desk::new("notification", "develops") else { return };
    let (portal, got) = channel();
    let working = Working::start(&desk, Some(portal));
    let told = working.round();
    let all = "checked  it is sound\nportal   it runs\ntests    13 passed, 0 failed\n";
    assert!(told.contains(all), "{told}");
    let first = got.try_recv().unwrap();

    // What does not compile is told, and nothing takes the place of what ran.
    desk.edit("src/lib.rs", "\"subject\": message.subject", "\"subject\": message.subjct");
    let told = working.round();
    assert!(told.starts_with("\nchanged  src/lib.rs\nnot built: cargo build ended with"), "{told}");
    assert!(told.contains("what ran before goes on\n"), "{told}");
    got.try_recv().unwrap_err();
    assert!(!desk.path("plugin.wasm").exists(), "nobody packs what is not of these sources");

    // What compiles and breaks a rule is in the portal, and the author reads which.
    desk.edit("src/lib.rs", "message.subjct", "message.template");
    let told = working.round();
    for line in [
        "portal   it runs\n",
        "failed   case deliver\n",
        "failed   rule a message arrives whole\n",
        "tests    11 passed, 2 failed\n",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    let second = got.try_recv().unwrap();
    assert_ne!(first, second);

    // What an installation would refuse is not.
    desk.edit("plugin.toml", "id = \"dev.example.develops\"", "id = \"dev.example.other\"");
    let told = working.round();
    assert!(told.starts_with("\nchanged  plugin.toml\n"), "{told}");
    assert!(told.contains("not sound: ") && told.contains("what ran before goes on\n"), "{told}");
    got.try_recv().unwrap_err();

    desk.edit("plugin.toml", "id = \"dev.example.other\"", "id = \"dev.example.develops\"");
    desk.edit("src/lib.rs", "\"subject\": message.template", "\"subject\": message.subject");
    let mut told = working.round();
    if !told.contains("tests    13 passed") {
        // It saw the first of the two files alone.
        told = working.round();
    }
    assert!(told.contains("tests    13 passed, 0 failed\n"), "{told}");
    assert_eq!(got.try_iter().last(), Some(first));

    working.stop.send(()).unwrap();
    working.ended.join().unwrap().unwrap();
}
