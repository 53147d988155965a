//! A host whose plugins are told what to answer, for stories about the portal around them.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, OnceLock},
};

use async_trait::async_trait;
use myrelay_domain::ids::InstallationId;
pub(crate) use myrelay_plugin_host::Outcome;
use myrelay_plugin_host::{
    Answer, Call, CallRequest, Failure, Grants, HttpTrace, InstallError, Installation, KvChange,
    KvReader, LimitName, Limits, Manifest, PluginHost, PluginSecret, billing, lifecycle, notifier,
    types::{Error, ErrorKind},
    webhooks,
};

use tokio::sync::watch;

use super::{Ask, FAILURES_BEFORE_REST, Input, Settled, get, install, settle};
use crate::testing::{BEGIN, Steps, World};

/// What a plugin answers to one call.
type Answering = Box<dyn FnOnce(&CallRequest) -> Outcome + Send>;
/// What a plugin answers whenever it is asked what it can do.
type Able = Box<dyn Fn() -> Outcome + Send>;
/// The memory that each of these plugins needs, in bytes.
const NEEDED: usize = 2 << 20;
/// How many failures in a row make a plugin rest.
pub(crate) const FAILURES: u32 = FAILURES_BEFORE_REST;

/// Answers calls in the order in which it was told; whatever it was not told goes well.
#[derive(Default)]
pub(crate) struct ScriptedHost {
    /// By their ids.
    installed: Mutex<BTreeMap<String, Installation>>,
    answers: Mutex<VecDeque<Answering>>,
    carries: Mutex<VecDeque<Answering>>,
    works: Mutex<VecDeque<Answering>>,
    replays: Mutex<VecDeque<Answering>>,
    replayed: Mutex<Vec<CallRequest>>,
    heard: Mutex<Vec<CallRequest>>,
    /// By the ids of installations.
    able: Mutex<BTreeMap<String, Able>>,
    /// Whose calls do not come back, for as long as the other end is there.
    held: Mutex<BTreeMap<String, watch::Receiver<()>>>,
    steps: OnceLock<Steps>,
}

impl ScriptedHost {
    /// Calls are steps of this portal.
    pub(crate) fn counts(&self, steps: &Steps) {
        self.steps.get_or_init(|| steps.clone());
    }

    async fn step(&self) {
        if let Some(steps) = self.steps.get() {
            steps.step().await;
        }
    }

    /// Calls of this plugin do not come back until what this answers is dropped.
    pub(crate) fn holds(&self, plugin: InstallationId) -> watch::Sender<()> {
        let (held, holds) = watch::channel(());
        self.held.lock().unwrap().insert(plugin.to_string(), holds);
        held
    }

    /// Whenever this plugin is asked what it can do, it is answered so.
    pub(crate) fn able(&self, plugin: InstallationId, said: impl Fn() -> Outcome + Send + 'static) {
        self.able.lock().unwrap().insert(plugin.to_string(), Box::new(said));
    }

    /// How often this plugin was asked what it can do.
    pub(crate) fn asked_able(&self, plugin: InstallationId) -> usize {
        let id = plugin.to_string();
        let is = |it: &&CallRequest| it.installation == id && matches!(it.call, Call::Capabilities);
        self.heard().iter().filter(is).count()
    }

    /// Forgets what plugins heard, and what was to be answered.
    pub(crate) fn forget(&self) {
        self.heard.lock().unwrap().clear();
        for told in [&self.answers, &self.carries, &self.works, &self.replays] {
            told.lock().unwrap().clear();
        }
    }

    /// The next event that a plugin hears, its being another version or how it is, is answered so.
    pub(crate) fn answers(&self, answer: impl FnOnce(&CallRequest) -> Outcome + Send + 'static) {
        self.answers.lock().unwrap().push_back(Box::new(answer));
    }

    /// The next message that a plugin is to carry is answered so.
    pub(crate) fn carries(&self, answer: impl FnOnce(&CallRequest) -> Outcome + Send + 'static) {
        self.carries.lock().unwrap().push_back(Box::new(answer));
    }

    /// The next call that is made once more is answered so.
    pub(crate) fn replays(&self, answer: impl FnOnce(&CallRequest) -> Outcome + Send + 'static) {
        self.replays.lock().unwrap().push_back(Box::new(answer));
    }

    /// The calls that were made once more.
    pub(crate) fn replayed(&self) -> Vec<CallRequest> {
        self.replayed.lock().unwrap().clone()
    }

    /// The messages that plugins carried or were to carry: where to, and what.
    pub(crate) fn messages(&self) -> Vec<(String, notifier::Message)> {
        let message = |it: CallRequest| match it.call {
            Call::Deliver { to, message } => Some((to.address, message)),
            _ => None,
        };
        self.heard().into_iter().filter_map(message).collect()
    }

    /// The code that was sent last.
    pub(crate) fn code(&self) -> String {
        let (_, message) = self.messages().pop().unwrap();
        let data: serde_json::Value = serde_json::from_str(&message.data).unwrap();
        data["code"].as_str().unwrap().to_owned()
    }

    /// A chat takes codes of ours and answers with a link; anything else takes mail addresses.
    fn begin(&self, installation: &str, address: &str) -> Outcome {
        let installed = self.installed.lock().unwrap();
        let manifest = Manifest::parse(&installed[installation].manifest).unwrap();
        let is_chat = manifest.id.ends_with("chat");
        if address.contains('@') == is_chat {
            return failed(ErrorKind::InvalidInput, None);
        }
        let link = is_chat.then(|| format!("https://chat.example/start?{address}"));
        let verification = notifier::Verification { text: "Press\u{202e} Start".to_owned(), link };
        with(Ok(Answer::Verification(verification)), Vec::new())
    }

    /// The next event fails with an error of this kind.
    pub(crate) fn fails(&self, kind: ErrorKind) {
        self.answers(move |_| failed(kind, None));
    }

    /// The events that plugins heard: the plugin's name of each, and the call.
    pub(crate) fn heard(&self) -> Vec<CallRequest> {
        self.heard.lock().unwrap().clone()
    }

    /// The names of the events that plugins heard, and which try it was.
    pub(crate) fn events(&self) -> Vec<(String, u32)> {
        let name = |it: &CallRequest| match &it.call {
            Call::Event(event) => Some((event.type_name.clone(), it.attempt)),
            _ => None,
        };
        self.heard().iter().filter_map(name).collect()
    }

    pub(crate) fn has(&self, plugin: &str) -> bool {
        self.memory(plugin).is_some()
    }

    /// The next job that a plugin is to do is answered so.
    pub(crate) fn works(&self, answer: impl FnOnce(&CallRequest) -> Outcome + Send + 'static) {
        self.works.lock().unwrap().push_back(Box::new(answer));
    }

    /// The jobs that plugins did or were to do: which, under which id, which try, and when.
    pub(crate) fn jobs(&self) -> Vec<(String, String, u32, u64)> {
        let job = |it: CallRequest| match it.call {
            Call::Job(name) => Some((name, it.delivery_id, it.attempt, it.now_ms)),
            _ => None,
        };
        self.heard().into_iter().filter_map(job).collect()
    }

    /// The memory that a call of the plugin may use, in bytes.
    pub(crate) fn memory(&self, plugin: &str) -> Option<usize> {
        let installed = self.installed.lock().unwrap();
        let is = |it: &&Installation| Manifest::parse(&it.manifest).unwrap().id == plugin;
        installed.values().find(is).map(|it| it.limits.memory_bytes)
    }

    /// What calls of this installation may use.
    pub(crate) fn limits(&self, installation: &str) -> Option<Limits> {
        self.installed.lock().unwrap().get(installation).map(|it| it.limits)
    }
}

/// What a provider of these stories can do.
pub(crate) fn able() -> billing::Capabilities {
    billing::Capabilities {
        one_time: true,
        subscriptions: true,
        saved_methods: false,
        refunds: true,
        partial_refunds: true,
        metered: false,
        hosted_portal: false,
        currencies: vec!["EUR".to_owned(), "USD".to_owned()],
    }
}

/// What is answered where nobody said what.
fn usual(call: &Call) -> Outcome {
    let answer = match call {
        Call::BeginCheckout(request) => Answer::Checkout(billing::Checkout {
            provider_id: format!("cs_{}", request.client_reference),
            expires_at: u64::try_from(BEGIN).unwrap() + 3_600_000,
            step: billing::NextStep::Redirect("https://pay.example.org/c".to_owned()),
        }),
        Call::Refund { .. } | Call::Reconcile(_) | Call::CancelSubscription { .. } => {
            Answer::Effects(Vec::new())
        }
        Call::Health => Answer::Health(lifecycle::HealthReport {
            ok: true,
            detail: "connected to api.example.org".to_owned(),
        }),
        Call::CustomerPortalUrl { account, .. } => {
            Answer::Url(format!("https://pay.example.org/portal/{}", account.id))
        }
        Call::Webhook(_) => {
            Answer::Webhook(webhooks::Outcome::Rejected(webhooks::Rejection::BadSignature))
        }
        _ => Answer::Done,
    };
    with(Ok(answer), Vec::new())
}

/// An answer without anything to remember.
pub(crate) fn done() -> Outcome {
    with(Ok(Answer::Done), Vec::new())
}

/// An answer, and what is to be remembered.
pub(crate) fn with(result: Result<Answer, Failure>, kv: Vec<KvChange>) -> Outcome {
    Outcome { result, kv, ..Outcome::failed(Failure::Unknown) }
}

/// What a plugin says when it could not.
pub(crate) fn failed(kind: ErrorKind, retry_after_ms: Option<u64>) -> Outcome {
    Outcome::failed(Failure::Reported(Error {
        kind,
        message: "the provider said so".to_owned(),
        public_message: None,
        retry_after_ms,
        provider_code: None,
    }))
}

#[async_trait]
impl PluginHost for ScriptedHost {
    async fn install(&self, installation: Installation) -> Result<(), InstallError> {
        let manifest = Manifest::parse(&installation.manifest);
        manifest.map_err(|error| InstallError::Manifest(error.to_string()))?;
        if !installation.wasm.starts_with(b"\0asm") {
            return Err(InstallError::Component("it is no component".to_owned()));
        }
        self.installed.lock().unwrap().insert(installation.id.clone(), installation);
        Ok(())
    }

    async fn remove(&self, id: &str) {
        self.installed.lock().unwrap().remove(id);
    }

    async fn perform(
        &self,
        request: CallRequest,
        recording: Option<Vec<HttpTrace>>,
        _: Arc<dyn KvReader>,
    ) -> Outcome {
        self.step().await;
        let held = self.held.lock().unwrap().get(&request.installation).cloned();
        let outcome = match recording {
            Some(_) => self.again(request),
            None => self.answer(request),
        };
        if let Some(mut held) = held {
            while held.changed().await.is_ok() {}
        }
        self.step().await;
        outcome
    }
}

impl ScriptedHost {
    fn again(&self, request: CallRequest) -> Outcome {
        if !self.installed.lock().unwrap().contains_key(&request.installation) {
            return Outcome::failed(Failure::Unknown);
        }
        self.replayed.lock().unwrap().push(request.clone());
        let answer = self.replays.lock().unwrap().pop_front();
        match (answer, &request.call) {
            (Some(answer), _) => answer(&request),
            (None, Call::Deliver { .. }) => carried(),
            (None, call) => usual(call),
        }
    }

    fn answer(&self, request: CallRequest) -> Outcome {
        if !self.installed.lock().unwrap().contains_key(&request.installation) {
            return Outcome::failed(Failure::Unknown);
        }
        self.heard.lock().unwrap().push(request.clone());
        match request.call.clone() {
            Call::ValidateConfig(_)
                if self
                    .limits(&request.installation)
                    .is_some_and(|it| it.memory_bytes < NEEDED) =>
            {
                let detail = format!("it needs {NEEDED} bytes");
                Outcome::failed(Failure::Limit { name: LimitName::Memory, detail })
            }
            Call::ValidateConfig(settings) => {
                let bad = settings.contains("bad").then(|| lifecycle::ConfigProblem {
                    path: "/word".to_owned(),
                    message: "it is bad".to_owned(),
                });
                with(Ok(Answer::Problems(bad.into_iter().collect())), Vec::new())
            }
            Call::Activate { .. } if !request.secrets.contains_key("api_key") => {
                failed(ErrorKind::Unavailable, None)
            }
            Call::Capabilities => match self.able.lock().unwrap().get(&request.installation) {
                Some(said) => said(),
                None => with(Ok(Answer::Capabilities(able())), Vec::new()),
            },
            Call::Event(_)
            | Call::Health
            | Call::Migrate { .. }
            | Call::BeginCheckout(_)
            | Call::Refund { .. }
            | Call::Reconcile(_)
            | Call::CancelSubscription { .. }
            | Call::CustomerPortalUrl { .. }
            | Call::Webhook(_) => {
                let answer = self.answers.lock().unwrap().pop_front();
                answer.map_or_else(|| usual(&request.call), |it| it(&request))
            }
            Call::BeginVerification { address, .. } => self.begin(&request.installation, &address),
            Call::Deliver { .. } => {
                let answer = self.carries.lock().unwrap().pop_front();
                answer.map_or_else(carried, |it| it(&request))
            }
            Call::Job(_) => {
                let answer = self.works.lock().unwrap().pop_front();
                answer.map_or_else(done, |it| it(&request))
            }
            _ => done(),
        }
    }
}

/// A message was taken.
pub(crate) fn carried() -> Outcome {
    let receipt = notifier::Receipt { provider_id: None };
    with(Ok(Answer::Delivered(notifier::Outcome::Sent(receipt))), Vec::new())
}

/// A message will never be taken there.
pub(crate) fn rejected(why: notifier::Permanent) -> Outcome {
    with(Ok(Answer::Delivered(notifier::Outcome::Rejected(why))), Vec::new())
}

/// What installs another version of it.
pub(crate) fn another_version(id: &str, version: &str, events: &[&str]) -> Input {
    let first = input(id, events);
    let manifest = first.manifest.replace("1.2.3", version);
    Input { manifest, secrets: BTreeMap::new(), ..first }
}

/// The manifest of a plugin that listens to these events.
pub(crate) fn manifest(id: &str, events: &[&str]) -> String {
    format!(
        "manifest = 1\n[plugin]\nid = \"{id}\"\nname = \"Plugin {id}\"\nversion = \"1.2.3\"\n\
         kind = [\"event\"]\napi = \"1.0\"\n[capabilities]\nkv = {{}}\nevents = {events:?}\n\
         [[capabilities.http]]\nhost = \"api.example.org\"\nmethods = [\"POST\"]\n\
         reason = \"Tell them\"\n\
         [[secrets]]\nname = \"api_key\"\nuse = [{{ host = \"api.example.org\", in = [\"auth\"] }}]\n"
    )
}

/// What installs a plugin that takes payments.
pub(crate) fn payer(id: &str) -> Input {
    let first = input(id, &[]);
    let manifest = first.manifest.replace("[\"event\"]", "[\"billing\"]");
    let manifest = format!(
        "{manifest}[capabilities.webhooks]\npath = \"events\"\nmax_body = 2000\n\
         checkout_hosts = [\"pay.example.org\"]\n"
    );
    Input { manifest, ..first }
}

/// What installs a plugin that does something at each of these times.
pub(crate) fn working(id: &str, jobs: &[(&str, &str)]) -> Input {
    let first = input(id, &["account.created.v1"]);
    let job = |(name, cron): &(&str, &str)| format!("[[jobs]]\nname = {name:?}\ncron = {cron:?}\n");
    let manifest = first.manifest.clone() + &jobs.iter().map(job).collect::<String>();
    Input { manifest, ..first }
}

/// What installs it.
pub(crate) fn input(id: &str, events: &[&str]) -> Input {
    let manifest = manifest(id, events);
    let secret = PluginSecret::new("hush-hush".to_owned()).unwrap();
    Input {
        grants: Grants::all_asked(&Manifest::parse(&manifest).unwrap()),
        manifest,
        component: b"\0asm and the rest".to_vec(),
        schema: None,
        settings: None,
        test_mode: false,
        publisher: None,
        secrets: BTreeMap::from([("api_key".to_owned(), secret)]),
    }
}

impl World {
    /// A plugin that is installed and enabled, and carries messages.
    pub(crate) async fn carrier(&self, id: &str) -> InstallationId {
        let mut input = input(id, &[]);
        input.manifest =
            input.manifest.replace("\"event\"", "\"notification\"").replace("events = []\n", "");
        let (id, enabled) = install(&self.context, input).await.unwrap();
        enabled.unwrap();
        id
    }

    /// A plugin that is installed and enabled, and does something at each of these times.
    pub(crate) async fn worker(&self, id: &str, jobs: &[(&str, &str)]) -> InstallationId {
        let (id, enabled) = install(&self.context, working(id, jobs)).await.unwrap();
        enabled.unwrap();
        id
    }

    /// A plugin that is installed and enabled, and takes payments.
    pub(crate) async fn payer(&self, id: &str) -> InstallationId {
        let (id, enabled) = install(&self.context, payer(id)).await.unwrap();
        enabled.unwrap();
        id
    }

    /// Has a plugin fail until it rests.
    pub(crate) async fn tire(&self, plugin: InstallationId) {
        for _ in 0..FAILURES {
            self.settled(plugin, failed(ErrorKind::Unavailable, None)).await;
        }
    }

    /// Has a plugin say that its settings do not work: it is stopped.
    pub(crate) async fn stop(&self, plugin: InstallationId) {
        self.settled(plugin, failed(ErrorKind::InvalidConfig, None)).await;
    }

    async fn settled(&self, plugin: InstallationId, outcome: Outcome) {
        let found = get(&self.context, &plugin.to_string()).await.unwrap();
        let delivery = self.context.new_request_id();
        let (call, at) = (Call::Health, self.context.now());
        let asked = Ask { call, about: None, delivery, attempt: 1, at };
        let mut tx = self.context.database.write().await.unwrap();
        let settled = settle(&self.context, &mut tx, &found, &asked, &outcome).await.unwrap();
        assert_eq!(settled, Settled::Done);
        tx.commit().await.unwrap();
    }

    /// A plugin that is installed and enabled, and listens to these events.
    pub(crate) async fn plugin(&self, id: &str, events: &[&str]) -> InstallationId {
        let (id, enabled) = install(&self.context, input(id, events)).await.unwrap();
        enabled.unwrap();
        id
    }
}
