//! A host with a compiler in a folder of its own, and what is said to it.

use std::{
    collections::BTreeMap,
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use myrelay_plugin_host::{
    Answer, Call, CallRequest, Compiler, Failure, Grants, InstallError, Installation, KvChange,
    KvEntry, KvReader, KvUnavailable, KvUsage, KvWrite, LimitName, Limits, Network, Options,
    Outcome, PluginHost, PluginSecret, Resolve, events, mozillas_roots,
};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use tempfile::TempDir;

/// Two that compile the same at the same time would write the same file.
static INSTALLING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Hands out the addresses it was given, each look-up the next ones.
#[derive(Default)]
pub(crate) struct Names(Mutex<Vec<Vec<IpAddr>>>);

impl Names {
    pub(crate) fn of(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |it: &&[&str]| it.iter().map(|it| it.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().rev().map(parse).collect())))
    }
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let answer = self.0.lock().unwrap().pop();
        answer.ok_or_else(|| io::Error::other("no such name"))
    }
}

/// A store in memory.
#[derive(Default)]
pub(crate) struct Memory(Mutex<BTreeMap<String, KvEntry>>);

impl Memory {
    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(key).map(|it| it.value.clone())
    }

    pub(crate) fn apply(&self, changes: &[KvChange]) {
        let mut entries = self.0.lock().unwrap();
        for KvChange { key, write, .. } in changes {
            match write {
                KvWrite::Delete => drop(entries.remove(key)),
                KvWrite::Put { value, version, .. } => {
                    let (key, value, version) = (key.clone(), value.clone(), *version);
                    entries.insert(key.clone(), KvEntry { key, value, version });
                }
            }
        }
    }
}

#[async_trait]
impl KvReader for Memory {
    async fn get(&self, key: &str) -> Result<Option<KvEntry>, KvUnavailable> {
        Ok(self.0.lock().unwrap().get(key).cloned())
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<KvEntry>, KvUnavailable> {
        let entries = self.0.lock().unwrap();
        let meant = entries.values().filter(|it| it.key.starts_with(prefix));
        let meant = meant.filter(|it| after.is_none_or(|after| after < it.key.as_str()));
        Ok(meant.take(usize::try_from(limit).unwrap()).cloned().collect())
    }

    async fn usage(&self) -> Result<KvUsage, KvUnavailable> {
        let entries = self.0.lock().unwrap();
        let bytes = entries.values().map(|it| it.key.len() + it.value.len()).sum::<usize>();
        let keys = u64::try_from(entries.len()).unwrap();
        Ok(KvUsage { keys, bytes: u64::try_from(bytes).unwrap() })
    }
}

/// A host, and the folder it compiles into.
pub(crate) struct Stage {
    pub(crate) host: Box<dyn PluginHost>,
    pub(crate) store: Arc<Memory>,
    pub(crate) secrets: BTreeMap<String, PluginSecret>,
    pub(crate) delivery: String,
    /// Whether no real money moves.
    pub(crate) test_mode: bool,
    /// What is installed may use this.
    pub(crate) limits: Limits,
    /// Where its compiled code is; none where that stays.
    folder: Option<TempDir>,
}

pub(crate) fn compiler(folder: &TempDir) -> Compiler {
    compiler_in(folder.path())
}

/// Where compiled code stays from test to test.
fn kept_code() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins")
}

fn compiler_in(folder: &Path) -> Compiler {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_myrelay-plugin-compile"));
    Compiler::new(program, Vec::new(), &folder.join("cache")).unwrap()
}

pub(crate) fn options(resolver: Arc<dyn Resolve>, compiler: Compiler) -> Options {
    trusting(mozillas_roots(), resolver, compiler)
}

fn trusting(roots: RootCertStore, resolver: Arc<dyn Resolve>, compiler: Compiler) -> Options {
    let network = Network {
        resolver,
        roots: Arc::new(roots),
        own: vec!["198.20.0.0/24".parse().unwrap()],
        user_agent: "myrelay-test".to_owned(),
    };
    Options { compiler, network }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with_names(Names::of(&[]))
    }

    /// One whose compiled code stays, for plugins that many tests load: whoever installs them waits
    /// for whoever does so already.
    pub(crate) fn that_keeps_code() -> Self {
        Self::on(Names::of(&[]), compiler_in(&kept_code()), None)
    }

    /// One whose plugins take a server for what it says where this certificate vouches for it.
    pub(crate) fn that_trusts(
        resolver: Arc<dyn Resolve>,
        certificate: CertificateDer<'static>,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        let compiler = compiler_in(&kept_code());
        Self::around(crate::host(trusting(roots, resolver, compiler)), None)
    }

    pub(crate) fn with_names(resolver: Arc<dyn Resolve>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::on(resolver, compiler(&folder), Some(folder))
    }

    fn on(resolver: Arc<dyn Resolve>, compiler: Compiler, folder: Option<TempDir>) -> Self {
        Self::around(crate::host(options(resolver, compiler)), folder)
    }

    pub(crate) fn around(host: Box<dyn PluginHost>, folder: Option<TempDir>) -> Self {
        Self {
            host,
            store: Arc::default(),
            secrets: BTreeMap::new(),
            delivery: "delivery-1".to_owned(),
            test_mode: true,
            limits: Limits::default(),
            folder,
        }
    }

    pub(crate) fn secret(&mut self, name: &str, text: &str) {
        self.secrets.insert(name.to_owned(), PluginSecret::new(text.to_owned()).unwrap());
    }

    /// Installs a sample plugin by its manifest, or says that there is none.
    pub(crate) async fn install(
        &self,
        sample: &str,
        manifest: &str,
        grants: Grants,
    ) -> Result<bool, InstallError> {
        let Some(wasm) = guest(sample) else { return Ok(false) };
        self.install_wasm(wasm, manifest, grants).await.map(|()| true)
    }

    pub(crate) async fn install_wasm(
        &self,
        wasm: Vec<u8>,
        manifest: &str,
        grants: Grants,
    ) -> Result<(), InstallError> {
        let installation = Installation {
            id: "one".to_owned(),
            manifest: manifest.to_owned(),
            wasm,
            grants,
            limits: self.limits,
        };
        let _turn = if self.folder.is_none() { Some(INSTALLING.lock().await) } else { None };
        // It is a message: it goes through another process as it is.
        let wire = serde_json::to_vec(&installation).unwrap();
        self.host.install(serde_json::from_slice(&wire).unwrap()).await
    }

    pub(crate) fn request(&self, call: Call, config: &str) -> CallRequest {
        CallRequest {
            installation: "one".to_owned(),
            call,
            delivery_id: self.delivery.clone(),
            attempt: 1,
            now_ms: 1_773_999_000_000,
            started_ms: 1_773_999_000_500,
            test_mode: self.test_mode,
            trace_parent: None,
            config: config.to_owned(),
            secrets: self.secrets.clone(),
            installation_key: PluginSecret::new("k".repeat(32)).unwrap(),
        }
    }

    pub(crate) async fn call(&self, call: Call, config: &str) -> Outcome {
        let outcome = self.host.call(self.request(call, config), self.store.clone()).await;
        let wire = serde_json::to_vec(&outcome).unwrap();
        serde_json::from_slice(&wire).unwrap()
    }

    /// One of the hostile plugin's misdeeds.
    pub(crate) async fn misdeed(&self, deed: &str, data: &str) -> Outcome {
        self.call(deed_call(deed, data), "{}").await
    }
}

pub(crate) fn deed_call(deed: &str, data: &str) -> Call {
    Call::Event(events::Event {
        id: "event".to_owned(),
        type_name: deed.to_owned(),
        account: None,
        sequence: 1,
        occurred_at: 0,
        data: data.to_owned(),
    })
}

/// A sample plugin.
pub(crate) fn guest(name: &str) -> Option<Vec<u8>> {
    component(&format!("myrelay_sample_{name}"))
}

/// A plugin, as `cargo xtask test plugins` built it.
#[expect(clippy::print_stdout, reason = "a test that cannot run says so")]
pub(crate) fn component(name: &str) -> Option<Vec<u8>> {
    let Some(folder) = std::env::var_os("MYRELAY_TEST_PLUGINS") else {
        println!("skipped: no MYRELAY_TEST_PLUGINS; run it by `cargo xtask test plugins`");
        return None;
    };
    let file = PathBuf::from(folder).join(format!("{name}.wasm"));
    Some(fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())))
}

/// The limit that a call died of, without leaving anything to write.
pub(crate) fn died_of(outcome: &Outcome) -> LimitName {
    assert!(outcome.kv.is_empty() && outcome.secret_puts.is_empty(), "it left something behind");
    match &outcome.result {
        Err(Failure::Limit { name, detail }) => {
            assert!(!detail.is_empty());
            *name
        }
        other => panic!("no limit: {other:?}"),
    }
}

/// What the hostile plugin told.
pub(crate) fn told(outcome: &Outcome) -> &str {
    match &outcome.result {
        Err(Failure::Reported(error)) => &error.message,
        other => panic!("it told nothing: {other:?}"),
    }
}

pub(crate) fn is_done(outcome: &Outcome) -> bool {
    outcome.result == Ok(Answer::Done)
}
