//! The samples in other languages in a host of their own, under the limits that every plugin has:
//! what they do well, and what becomes of the host when they do not.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use myrelay_plugin_host::{
    Answer, Call, CallRequest, Compiler, Failure, Grants, InProcess, Installation, KvChange,
    KvCondition, KvEntry, KvReader, KvUnavailable, KvUsage, KvWrite, LimitName, Limits, Manifest,
    Network, Options, Outcome, PluginHost as _, PluginSecret, SystemResolver, events,
    mozillas_roots, types::ErrorKind,
};

use crate::{
    desk::{can_build, compiler, copy, parts},
    server::{Server, ok},
};

/// When what every call is about happened: 2026-03-20T08:50:00Z.
const NOW_MS: u64 = 1_773_996_600_000;
const TODAY: &str = "told/2026-03-20";

/// What a plugin remembers.
#[derive(Default)]
struct Memory(Mutex<BTreeMap<String, KvEntry>>);

#[async_trait]
impl KvReader for Memory {
    async fn get(&self, key: &str) -> Result<Option<KvEntry>, KvUnavailable> {
        Ok(self.0.lock().unwrap().get(key).cloned())
    }

    async fn scan(&self, _: &str, _: Option<&str>, _: u32) -> Result<Vec<KvEntry>, KvUnavailable> {
        Ok(self.0.lock().unwrap().values().cloned().collect())
    }

    async fn usage(&self) -> Result<KvUsage, KvUnavailable> {
        Ok(KvUsage { keys: 0, bytes: 0 })
    }
}

/// A sample in a host.
struct Sample {
    host: InProcess,
    server: Server,
    memory: Arc<Memory>,
    /// What its bill names.
    parts: Vec<String>,
}

/// Builds a sample away from the checkout, beside its SDK as there.
fn build(name: &str, sdk: &str) -> PathBuf {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("samples").join(name);
    if root.exists() {
        fs::remove_dir_all(&root).unwrap();
    }
    let folder = root.join("samples").join(name);
    copy(&plugins.join(sdk), &root.join(sdk));
    // Python finds packages in the plugin's folder.
    let modules = plugins.join(sdk).join("myrelay_sdk");
    if modules.is_dir() {
        copy(&modules, &folder.join("myrelay_sdk"));
    }
    copy(&plugins.join("samples").join(name), &folder);
    let line = ["plugin", "build", folder.to_str().unwrap()];
    let matches = myrelay_plugin_tools::command().try_get_matches_from(line).unwrap();
    myrelay_plugin_tools::run_to(&matches, &[], &mut Vec::new()).unwrap();
    folder
}

impl Sample {
    async fn install(name: &str, sdk: &str) -> Option<Self> {
        if !can_build() {
            return None;
        }
        let folder = build(name, sdk);
        let server =
            Server::start(|_, stream| stream.write_all(ok("{\"id\":\"message-7\"}").as_bytes()));
        let port = server.address.port();
        let manifest = fs::read_to_string(folder.join("plugin.toml")).unwrap();
        let manifest = manifest.replace("port = 8025", &format!("port = {port}"));
        let read = Manifest::parse(&manifest).unwrap();
        let mut grants = Grants::all_asked(&read);
        for grant in &mut grants.http {
            grant.private = vec![format!("127.0.0.1/32:{port}").parse().unwrap()];
        }
        // What was compiled once is there for the next time.
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        let network = Network {
            resolver: Arc::new(SystemResolver),
            roots: Arc::new(mozillas_roots()),
            own: Vec::new(),
            user_agent: "myrelay-test".to_owned(),
        };
        let compiler = Compiler::new(compiler(), Vec::new(), &cache).unwrap();
        let host = InProcess::new(Options { compiler, network }).unwrap();
        let installation = Installation {
            id: "one".to_owned(),
            manifest,
            wasm: fs::read(folder.join("plugin.wasm")).unwrap(),
            grants,
            limits: Limits::default(),
        };
        host.install(installation).await.unwrap();
        Some(Self { host, server, memory: Arc::default(), parts: parts(&folder) })
    }

    /// The names in its bill. Of each the version is known.
    fn names(&self) -> Vec<&str> {
        let named = self.parts.iter().map(|it| it.split_once(' ').unwrap());
        named
            .map(|(name, version)| {
                assert!(version.starts_with(|it: char| it.is_ascii_digit()), "{name}: {version}");
                name
            })
            .collect()
    }

    async fn call(&self, call: Call) -> Outcome {
        let secret = PluginSecret::new("token-0123456789".to_owned()).unwrap();
        let request = CallRequest {
            installation: "one".to_owned(),
            call,
            delivery_id: "delivery-1".to_owned(),
            attempt: 1,
            now_ms: NOW_MS,
            started_ms: NOW_MS + 500,
            test_mode: true,
            trace_parent: None,
            config: format!("{{\"room\":\"{}\"}}", self.server.url("/hooks/vpn")),
            secrets: [("token".to_owned(), secret)].into(),
            installation_key: PluginSecret::new("k".repeat(32)).unwrap(),
        };
        self.host.call(request, self.memory.clone()).await
    }

    async fn event(&self, name: &str, data: &str) -> Outcome {
        self.call(Call::Event(events::Event {
            id: "evt_1".to_owned(),
            type_name: name.to_owned(),
            account: Some("acct_1".to_owned()),
            sequence: 1,
            occurred_at: NOW_MS,
            data: data.to_owned(),
        }))
        .await
    }

    fn apply(&self, changes: &[KvChange]) {
        let mut entries = self.memory.0.lock().unwrap();
        for KvChange { key, write, .. } in changes {
            let KvWrite::Put { value, version, .. } = write else { panic!("{write:?}") };
            let (value, version) = (value.clone(), *version);
            entries.insert(key.clone(), KvEntry { key: key.clone(), value, version });
        }
    }

    /// Events are told with the secret that the plugin never sees, and counted.
    async fn tells_the_chat(&self) {
        for count in 1..=2_u8 {
            let data = "{\"peer\":\"peer_ü\",\"pod\":\"pod 1\"}";
            let outcome = self.event("peer.added.v1", data).await;
            assert_eq!(outcome.result, Ok(Answer::Done), "{:?}", outcome.logs);
            self.apply(&outcome.kv);
            let stored = self.memory.0.lock().unwrap()[TODAY].value.clone();
            assert_eq!(stored, count.to_string().into_bytes());
            assert!(outcome.logs[0].message.contains("message-7"), "{:?}", outcome.logs);
        }
        let asked = self.server.asked();
        assert_eq!(asked.len(), 2);
        assert!(asked[0].starts_with("POST /hooks/vpn?pod=pod+1 "), "{}", asked[0]);
        assert!(asked[0].contains("authorization: Bearer token-0123456789\r\n"), "{}", asked[0]);
        assert!(asked[0].contains("A device was added – peer_ü"), "{}", asked[0]);
        let key = |it: &str| it.split("idempotency-key: ").nth(1).unwrap()[..64].to_owned();
        assert_eq!(key(&asked[0]), key(&asked[1]), "one delivery has one key");
        let health = self.call(Call::Health).await.result;
        assert!(format!("{health:?}").contains("2 messages today"), "{health:?}");
    }

    /// Calls that count at the same time count once each: who comes second is called again.
    async fn counts_its_days(&self) {
        let run = || self.call(Call::Job("count".to_owned()));
        let (one, other) = (run().await, run().await);
        for outcome in [&one, &other] {
            assert_eq!(outcome.result, Ok(Answer::Done), "{:?}", outcome.logs);
            // That nothing was counted has to be so still when it is written.
            assert_eq!(outcome.kv[0].condition, KvCondition::Version(None));
        }
        self.apply(&one.kv);
        let again = run().await;
        assert!(matches!(again.kv[0].condition, KvCondition::Version(Some(_))));
        self.apply(&again.kv);
        assert_eq!(self.memory.0.lock().unwrap()["days"].value, b"2");
        let unknown = self.call(Call::Job("other".to_owned())).await;
        assert_eq!(reported(unknown).0, ErrorKind::NotFound);
    }

    /// What an earlier version remembered is brought over, and what a later one did is left alone.
    async fn migrates(&self) {
        let entry = KvEntry { key: "told".to_owned(), value: b"41".to_vec(), version: 1 };
        self.memory.0.lock().unwrap().insert(entry.key.clone(), entry);
        let from = |version: &str| self.call(Call::Migrate { from_version: version.to_owned() });
        assert_eq!(reported(from("0.3.0").await).0, ErrorKind::Conflict);
        let brought = from("0.1.0").await;
        assert_eq!(brought.result, Ok(Answer::Done), "{:?}", brought.logs);
        self.apply(&brought.kv);
        assert_eq!(self.memory.0.lock().unwrap()["told/before"].value, b"41");
        // What stays in the versions to come lets them take the place of this one, and skip some.
        for (known, writes) in [("0.1.9", 1), ("0.2.0-beta.1", 0), ("0.2.0", 0)] {
            let taken = from(known).await;
            assert_eq!(taken.result, Ok(Answer::Done), "{known}: {:?}", taken.logs);
            assert_eq!(taken.kv.len(), writes, "{known}");
        }
        assert_eq!(reported(from("0.10.0").await).0, ErrorKind::Conflict);
    }

    /// What is no room stands beside its field, also where it is no address at all.
    async fn looks_at_settings(&self) {
        let problems = async |room: &str| {
            let candidate = format!("{{\"room\":\"{room}\"}}");
            match self.call(Call::ValidateConfig(candidate)).await.result {
                Ok(Answer::Problems(problems)) => problems,
                other => panic!("{room}: {other:?}"),
            }
        };
        for wrong in ["http://127.0.0.1/other", "https://", "http://["] {
            let told = problems(wrong).await;
            assert_eq!((told.len(), told[0].path.as_str()), (1, "/room"), "{wrong}");
        }
        assert!(problems("http://127.0.0.1/hooks/vpn").await.is_empty());
    }

    /// What the plugin reports of one misdeed.
    async fn reported(&self, deed: &str, data: &str) -> (ErrorKind, String) {
        reported(self.event(deed, data).await)
    }

    /// What is thrown is what the plugin says, or `internal`; the host goes on.
    async fn throws(&self, mistake: &str) {
        let told = self.reported("sample.says", "").await;
        assert_eq!(told, (ErrorKind::Conflict, "it is done already".to_owned()));
        let (kind, message) = self.reported("sample.mistake", "").await;
        assert!(kind == ErrorKind::Internal && message.contains(mistake), "{message}");
        let log = &self.event("sample.mistake", "").await.logs[0].message;
        assert!(log.contains(mistake) && log.contains("mistake"), "where it was: {log}");
        let (kind, message) = self.reported("sample.throws", "not an error").await;
        assert!(kind == ErrorKind::Internal && message.contains("not an error"), "{message}");
    }

    /// Each limit ends the call by its name, and the next call is as good as the first.
    async fn dies(&self, deed: &str, limits: &[LimitName]) {
        let outcome = self.event(deed, "").await;
        let Err(Failure::Limit { name, .. }) = &outcome.result else {
            panic!("{deed}: {:?}", outcome.result)
        };
        assert!(limits.contains(name), "{deed}: {name:?}");
        assert!(outcome.used.memory_peak <= 64 << 20, "{deed}: {:?}", outcome.used);
        assert!(self.call(Call::Health).await.result.is_ok(), "after {deed}");
    }
}

/// What the plugin reports; nothing is left behind.
fn reported(outcome: Outcome) -> (ErrorKind, String) {
    assert!(outcome.kv.is_empty(), "it left something behind");
    match outcome.result {
        Err(Failure::Reported(error)) => (error.kind, error.message),
        other => panic!("{other:?} {:?}", outcome.logs),
    }
}

#[tokio::test]
async fn a_plugin_in_javascript_does_its_work_and_harms_nobody() {
    let Some(sample) = Sample::install("chat-js", "sdk-js").await else { return };
    assert_eq!(sample.names(), ["componentize-qjs", "core-js-pure"]);
    sample.tells_the_chat().await;
    sample.counts_its_days().await;
    sample.migrates().await;
    sample.throws("TypeError").await;
    let (kind, engine) = sample.reported("sample.engine", "").await;
    let expected = concat!(
        r#"{"text":"grün – 木 – 🦀","bytes":22,"marks":"a�A���","#,
        r#""now":["2026-03-20T08:50:00.000Z",1773996600000,"1970-01-01T00:00:00.000Z"],"#,
        r#""chance":true,"absent":[]}"#
    );
    assert_eq!((kind, engine.as_str()), (ErrorKind::NotFound, expected));
    sample.dies("sample.spins", &[LimitName::Cpu]).await;
    sample.dies("sample.grows", &[LimitName::Memory]).await;
    sample.looks_at_settings().await;
}

#[tokio::test]
async fn a_plugin_in_python_does_its_work_and_harms_nobody() {
    let Some(sample) = Sample::install("chat-python", "sdk-python").await else { return };
    assert_eq!(sample.names(), ["componentize-py", "cpython"]);
    sample.tells_the_chat().await;
    sample.counts_its_days().await;
    sample.migrates().await;
    sample.throws("AttributeError").await;
    let (kind, engine) = sample.reported("sample.engine", "").await;
    let expected = r#"{"now": ["2026-03-20T08:50:00+00:00", 1773996600.0], "chance": true}"#;
    assert_eq!((kind, engine.as_str()), (ErrorKind::NotFound, expected));
    sample.dies("sample.spins", &[LimitName::Cpu]).await;
    sample.dies("sample.grows", &[LimitName::Memory]).await;
    sample.looks_at_settings().await;
}
