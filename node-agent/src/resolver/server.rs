//! The loop that takes questions in and gives answers.

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hickory_proto::op::ResponseCode;
use myrelay_domain::ids::PodId;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{
    Config,
    askers::{Askers, Place, Pods},
    cache::{Cache, Key},
    names::Wire,
    question::{self, Question, Reading},
    socket::{Asker, Socket},
    special,
    totals::Counters,
};

/// After the socket failed, it is tried again after this long.
const RETRY: Duration = Duration::from_secs(1);

/// What is remembered.
#[derive(Default)]
pub(super) struct Answers(Mutex<Cache>);

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers")
    }
}

impl Answers {
    /// Forgets all.
    pub(super) fn forget(&self) {
        self.held().clear();
    }

    fn held(&self) -> MutexGuard<'_, Cache> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The parts of a resolver that answer.
pub(super) struct Server {
    socket: Arc<Socket>,
    config: watch::Receiver<Arc<Config>>,
    pods: watch::Receiver<Arc<Pods>>,
    askers: Askers,
    answers: Arc<Answers>,
    counters: Arc<Counters>,
    answering: JoinSet<()>,
}

/// What to do about a packet.
enum Verdict {
    Drop,
    Answer(Option<Vec<u8>>),
    Forward(Forward),
}

/// A question that waits for an upstream.
struct Forward {
    question: Question,
    key: Key,
    config: Arc<Config>,
    _place: Place,
}

impl Server {
    pub(super) fn new(
        socket: Arc<Socket>,
        config: watch::Receiver<Arc<Config>>,
        pods: watch::Receiver<Arc<Pods>>,
        answers: Arc<Answers>,
        counters: Arc<Counters>,
    ) -> Self {
        let (askers, answering) = (Askers::default(), JoinSet::new());
        Self { socket, config, pods, askers, answers, counters, answering }
    }

    /// Answers until it is dropped.
    pub(super) async fn run(mut self) {
        let mut packet = Vec::new();
        loop {
            tokio::select! {
                received = self.socket.receive(&mut packet) => {
                    self.received(received, &packet).await;
                }
                Some(_ended) = self.answering.join_next() => {}
            }
        }
    }

    async fn received(&mut self, received: io::Result<Option<Asker>>, packet: &[u8]) {
        let asker = match received {
            Ok(Some(asker)) => asker,
            Ok(None) => return self.counters.dropped.count(),
            Err(error) => {
                tracing::warn!(%error, "the resolver's socket");
                return sleep(RETRY).await;
            }
        };
        match self.judge(packet, asker) {
            Verdict::Drop => self.counters.dropped.count(),
            Verdict::Answer(text) => reply(&self.socket, asker, text).await,
            Verdict::Forward(forward) => {
                let (socket, answers) = (self.socket.clone(), self.answers.clone());
                let counters = self.counters.clone();
                self.answering.spawn(async move {
                    let text = forward.answer(&answers, &counters).await;
                    reply(&socket, asker, text).await;
                });
            }
        }
    }

    fn judge(&mut self, packet: &[u8], asker: Asker) -> Verdict {
        if self.pods.has_changed().unwrap_or(false) {
            self.askers.become_pods(self.pods.borrow_and_update().clone());
        }
        let now = Instant::now();
        let Some(pod) = self.askers.admit(asker.address(), now) else { return Verdict::Drop };
        match question::read(packet) {
            Reading::Drop => Verdict::Drop,
            Reading::Refuse(text) => {
                self.counters.refused.count();
                Verdict::Answer(Some(text))
            }
            Reading::Ask(question) => self.consider(question, pod, now),
        }
    }

    fn consider(&self, question: Question, pod: PodId, now: Instant) -> Verdict {
        let config = self.config.borrow().clone();
        let name = Wire::of(question.query().name());
        if config.blocks(&name) {
            self.counters.blocked.count();
            return Verdict::Answer(question.no(ResponseCode::NXDomain));
        }
        if let Some(code) = special::answer(&name) {
            self.counters.local.count();
            return Verdict::Answer(question.no(code));
        }
        let kind = question.query().query_type().into();
        let key = Key { pod, name, kind, dnssec: question.dnssec() };
        if let Some((answer, age)) = self.answers.held().get(&key, now) {
            self.counters.remembered.count();
            return Verdict::Answer(question.answer(&answer, age));
        }
        match self.askers.place(pod) {
            Some(place) => Verdict::Forward(Forward { question, key, config, _place: place }),
            None => Verdict::Drop,
        }
    }
}

impl Config {
    fn blocks(&self, name: &Wire) -> bool {
        if self.blocked.is_empty() && self.list.is_empty() {
            return false;
        }
        self.blocked.have(name) || self.list.have(name) || special::is_canary(name)
    }
}

impl Forward {
    async fn answer(self, answers: &Answers, counters: &Counters) -> Option<Vec<u8>> {
        match self.config.upstreams.ask(&self.question).await {
            Some(answer) => {
                counters.forwarded.count();
                answers.held().put(self.key, &answer, Instant::now());
                self.question.answer(&answer, 0)
            }
            None => {
                counters.failed.count();
                self.question.no(ResponseCode::ServFail)
            }
        }
    }
}

async fn reply(socket: &Socket, asker: Asker, text: Option<Vec<u8>>) {
    if let Some(text) = text {
        // An error says that this device is not there; who it is stands in no log.
        drop(socket.send(&text, asker).await);
    }
}
