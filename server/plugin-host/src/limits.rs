//! Every number that bounds a plugin, with its unit and its reason.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{manifest::Manifest, messages::Call};

pub(crate) const KIB: usize = 1024;
pub(crate) const MIB: usize = 1024 * KIB;

// ------------------------------------------------------------------ the component itself

/// A component's bytes. Rust makes 50 KB, QuickJS 1.1 MB, SpiderMonkey 12 MB, Python 18.5 MB.
pub const ARTIFACT_BYTES: usize = 48 * MIB;
/// The interfaces a component may import, and those it may export: ours are about twenty.
pub(crate) const COMPONENT_NAMES: usize = 64;
/// The core modules in a component: Python has 38.
pub(crate) const CORE_MODULES: usize = 128;
/// CPU time of one compilation. Python takes 13 s, SpiderMonkey 16 s.
pub(crate) const COMPILE_CPU: Duration = Duration::from_secs(60);
/// The clock's time of one compilation: a busy machine is slower than its CPU.
pub(crate) const COMPILE_WALL: Duration = Duration::from_secs(240);
/// Address space of one compilation.
pub(crate) const COMPILE_MEMORY: u64 = 2 << 30;
/// What a compilation may write: Python becomes 35 MB, SpiderMonkey 37 MB.
pub(crate) const COMPILED_BYTES: usize = 256 * MIB;

// ------------------------------------------------------------------ the process

/// One tick of the engines' clock: how exact the CPU budget is, and how long a plugin holds a
/// worker before the others get their turn.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// Threads of the runtime that plugins run on. It is not the portal's, so that a plugin that
/// spins delays plugins only.
pub(crate) const WORKERS: usize = 2;
/// Calls at a time in the process: as many as the pool has places, so that it never runs out.
pub(crate) const CALLS_AT_A_TIME: usize = 64;
/// Memory that the process of plugins may write to, all together: what so many calls have by the
/// usual limit, and half a GiB for the pool's own, the code and the process. The pool's addresses,
/// about a terabyte, do not count as long as nobody has them.
pub(crate) const PROCESS_MEMORY: usize = CALLS_AT_A_TIME * MEMORY + 512 * MIB;
/// Calls at a time of one installation.
pub(crate) const CALLS_OF_ONE: usize = 8;
/// Calls that wait for their turn, for each installation.
pub(crate) const CALLS_WAITING: usize = 64;
/// How long a call waits for its turn.
pub(crate) const TURN: Duration = Duration::from_secs(10);
/// Calls a second of one installation that strangers cause, and how many may come at once. The
/// portal paces itself.
pub(crate) const CALLS_A_SECOND: u32 = 50;

// ------------------------------------------------------------------ one call: machine

/// The most that a call gets which somebody waits for at a page, or a provider that reports: with a
/// turn waited for it ends before the portal gives up the request.
const WAITED_FOR: Duration = Duration::from_secs(18);

/// Linear memory, summed over all memories of the call. Start sizes: Rust 1.1, QuickJS 1.4,
/// SpiderMonkey 9.1, Python 12.4 MiB.
const MEMORY: usize = 64 * MIB;
/// What an operator may raise it to: one slot of the pool.
pub(crate) const MEMORY_CAP: usize = 256 * MIB;
/// CPU time where someone waits, or nothing is to be done: prices, webhooks, names.
const CPU_QUICK: Duration = Duration::from_millis(200);
/// CPU time of everything else.
const CPU: Duration = Duration::from_secs(1);
/// What an operator may raise it to, in milliseconds.
const CPU_CAP: u32 = 5_000;
/// What an operator may raise the clock's time to, in milliseconds.
const WALL_CAP: u32 = 60_000;
/// A guest's own stack; what is left of the fiber's is for host calls.
pub(crate) const WASM_STACK: usize = 512 * KIB;
/// The stack of a call's fiber.
pub(crate) const FIBER_STACK: usize = 2 * MIB;
/// Elements of one table, and of all tables together. SpiderMonkey has 7,705, Python 5,688.
pub(crate) const TABLE_ELEMENTS: usize = 20_000;
/// Core instances, memories and tables of one call. Python has 38 modules.
pub(crate) const CORE_INSTANCES: usize = 256;
/// Memories of one call: QuickJS has 3.
pub(crate) const MEMORIES: usize = 8;
/// Tables of one call.
pub(crate) const TABLES: usize = 64;
/// Handles that are alive at a time. Our interfaces have none; a plugin's own may.
pub(crate) const HANDLES: usize = 1_000;

// ------------------------------------------------------------------ one call: data

/// What the host hands in: an invoice with hundreds of lines, or a webhook's body.
pub(crate) const INPUT_BYTES: usize = 2 * MIB;
/// What a plugin may answer.
pub(crate) const OUTPUT_BYTES: usize = MIB;
/// What a plugin may hand to the host in one call of an import.
pub(crate) const HOSTCALL_BYTES: usize = 4 * MIB;
/// The settings of an installation.
pub(crate) const CONFIG_BYTES: usize = 64 * KIB;
/// Random bytes in one call. They are recorded.
pub(crate) const RANDOM_BYTES: usize = 4 * KIB;
/// A label of an idempotency key.
pub(crate) const LABEL_BYTES: usize = 256;

/// Lines of the log in one call; what is beyond them is counted.
pub(crate) const LOG_LINES: usize = 100;
/// One line of the log.
pub(crate) const LOG_LINE_BYTES: usize = 2 * KIB;
/// All lines of one call.
pub(crate) const LOG_BYTES: usize = 16 * KIB;
/// Lines after which a plugin is not chatty but hostile, and is ended.
pub(crate) const LOG_FLOOD: u64 = 10_000;

/// A key of the store.
pub(crate) const KV_KEY_BYTES: usize = 256;
/// A value of the store.
pub(crate) const KV_VALUE_BYTES: usize = 64 * KIB;
/// Entries of one installation.
pub(crate) const KV_KEYS: u64 = 10_000;
/// Keys and values of one installation: what a plugin gets that names no number, and the most that
/// one may ask for. It is read as a whole where it is exported.
pub(crate) const KV_BYTES: u64 = 16 << 20;
/// Reads and writes in one call.
pub(crate) const KV_OPS: u32 = 100;
/// Entries of one page.
pub(crate) const KV_PAGE: u32 = 100;
/// Bytes of one page; it ends early rather than be larger.
pub(crate) const KV_PAGE_BYTES: usize = MIB;

/// Secrets that a plugin may put away in one call.
pub(crate) const SECRET_PUTS: usize = 8;
/// A secret's text.
pub(crate) const SECRET_BYTES: usize = 8 * KIB;

// ------------------------------------------------------------------ one call: requests

/// Requests in one call.
const HTTP_REQUESTS: u32 = 10;
/// What an operator may raise it to.
const HTTP_REQUESTS_CAP: u32 = 50;
/// Requests at a time of one installation.
pub(crate) const HTTP_AT_A_TIME: usize = 4;
/// A URL.
pub(crate) const URL_BYTES: usize = 4 * KIB;
/// A request's body.
pub(crate) const HTTP_BODY_BYTES: usize = MIB;
/// An answer's body.
pub(crate) const HTTP_ANSWER_BYTES: usize = 4 * MIB;
/// What is kept of the answers of one call, all together, so that it can be replayed.
pub(crate) const RECORDED_BYTES: usize = 128 * KIB;
/// Headers of a request, and of an answer.
pub(crate) const HTTP_HEADERS: usize = 64;
/// All headers of a request, and of an answer.
pub(crate) const HTTP_HEADER_BYTES: usize = 16 * KIB;
/// Until a connection is there, TLS included.
pub(crate) const HTTP_CONNECT: Duration = Duration::from_secs(5);
/// Until the answer is there as a whole.
pub(crate) const HTTP_TOTAL: Duration = Duration::from_secs(10);
/// Until a server says that it has a mail. Some let a client wait before they greet it.
pub(crate) const MAIL_TOTAL: Duration = Duration::from_secs(15);
/// Addresses of one name that are tried.
pub(crate) const HTTP_ADDRESSES: usize = 4;

/// The limits that an operator may change for one installation. Nothing goes beyond its cap,
/// whatever is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Linear memory in bytes, all memories together.
    pub memory_bytes: usize,
    /// CPU time of every call in milliseconds; by the kind of call where it is none.
    pub cpu_ms: Option<u32>,
    /// The clock's time of every call in milliseconds; by the kind of call where it is none.
    pub wall_ms: Option<u32>,
    /// Requests in one call.
    pub http_requests: u32,
    /// Keys and values in the store, in bytes.
    pub kv_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: MEMORY,
            cpu_ms: None,
            wall_ms: None,
            http_requests: HTTP_REQUESTS,
            kv_bytes: KV_BYTES,
        }
    }
}

impl Limits {
    /// The hard caps: the most that an operator may set.
    pub const CAPS: Self = Self {
        memory_bytes: MEMORY_CAP,
        cpu_ms: Some(CPU_CAP),
        wall_ms: Some(WALL_CAP),
        http_requests: HTTP_REQUESTS_CAP,
        kv_bytes: KV_BYTES,
    };

    /// The least that an operator may set: with less than that nothing runs. CPU time is one tick.
    pub const LEAST: Self = Self {
        memory_bytes: MIB,
        cpu_ms: Some(10),
        wall_ms: Some(100),
        http_requests: 1,
        kv_bytes: 1024,
    };

    /// The usual limits, with as much memory and as much of the store as a manifest asks for: what
    /// an operator grants.
    #[must_use]
    pub fn asked(manifest: &Manifest) -> Self {
        let usual = Self::default();
        let memory = manifest.memory_mib.and_then(|it| usize::try_from(it).ok());
        let memory_bytes = memory.map_or(usual.memory_bytes, |it| it.saturating_mul(MIB));
        let kv_bytes = manifest.kv_bytes().unwrap_or(usual.kv_bytes);
        Self { memory_bytes, kv_bytes, ..usual }.capped()
    }

    /// These limits, or their caps where those are lower.
    #[must_use]
    pub fn capped(self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.min(MEMORY_CAP),
            cpu_ms: self.cpu_ms.map(|it| it.min(CPU_CAP)),
            wall_ms: self.wall_ms.map(|it| it.min(WALL_CAP)),
            http_requests: self.http_requests.min(HTTP_REQUESTS_CAP),
            kv_bytes: self.kv_bytes.min(KV_BYTES),
        }
    }

    /// How much CPU time a call gets.
    #[must_use]
    pub fn cpu(&self, call: &Call) -> Duration {
        let usual = match call {
            Call::Describe | Call::PriceQuote(_) | Call::Webhook(_) => CPU_QUICK,
            _ => CPU,
        };
        self.cpu_ms.map_or(usual, |it| Duration::from_millis(it.min(CPU_CAP).into()))
    }

    /// How much of the clock's time a call gets.
    #[must_use]
    pub fn wall(&self, call: &Call) -> Duration {
        let usual = match call {
            Call::PriceQuote(_) => Duration::from_millis(500),
            Call::Describe | Call::ValidateConfig(_) | Call::Capabilities => Duration::from_secs(2),
            // Providers wait about ten seconds for our answer, and we write it down after this.
            Call::Webhook(_) => Duration::from_secs(5),
            Call::Deliver { .. } => Duration::from_secs(15),
            Call::Activate { .. } | Call::Deactivate | Call::Migrate { .. } => {
                Duration::from_secs(30)
            }
            _ => Duration::from_secs(10),
        };
        let chosen = self.wall_ms.map(|it| Duration::from_millis(it.min(WALL_CAP).into()));
        let waited_for = matches!(
            call,
            Call::BeginCheckout(_)
                | Call::Refund { .. }
                | Call::Webhook(_)
                | Call::CustomerPortalUrl { .. }
                | Call::BeginVerification { .. }
        );
        match chosen {
            Some(chosen) if waited_for => chosen.min(WAITED_FOR),
            chosen => chosen.unwrap_or(usual),
        }
    }
}

/// A limit that a call can die of, by the name that operators and authors read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitName {
    /// CPU time of the call.
    Cpu,
    /// The clock's time of the call.
    Wall,
    /// Linear memory, all memories together.
    Memory,
    /// Elements of tables.
    TableElements,
    /// Core instances, memories or tables.
    Instances,
    /// Handles alive at a time.
    Handles,
    /// The guest's stack.
    Stack,
    /// Bytes handed to the host at once.
    Hostcall,
    /// Bytes handed to the guest.
    Input,
    /// Bytes of the answer.
    Output,
    /// Random bytes.
    Random,
    /// Lines of the log, far beyond what is kept.
    Log,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types;

    #[test]
    fn nothing_goes_beyond_its_cap() {
        let greedy = Limits {
            memory_bytes: usize::MAX,
            cpu_ms: Some(u32::MAX),
            wall_ms: Some(u32::MAX),
            http_requests: u32::MAX,
            kv_bytes: u64::MAX,
        };
        assert_eq!(greedy.capped(), Limits::CAPS);
        assert_eq!(greedy.cpu(&Call::Describe), Duration::from_secs(5));
        assert_eq!(greedy.wall(&Call::Describe), Duration::from_secs(60));
        assert_eq!(Limits::LEAST.capped(), Limits::LEAST);
        assert_eq!(Limits::default().capped(), Limits::default());
    }

    #[test]
    fn nobody_waits_longer_at_a_page_than_the_portal_does() {
        let amount = types::Money { minor: 1, currency: "EUR".to_owned() };
        let account =
            types::AccountRef { id: "acc_1".to_owned(), locale: "en".to_owned(), country: None };
        let reason = String::new();
        let waited_for = [
            Call::Refund { payment: "pi_1".to_owned(), amount, reason },
            Call::CustomerPortalUrl { account: account.clone(), return_url: String::new() },
            Call::BeginVerification { account, address: "ana".to_owned() },
        ];
        let wall = |ms: u32, call: &Call| {
            Limits { wall_ms: Some(ms), ..Limits::default() }.wall(call).as_millis()
        };
        for call in waited_for {
            assert_eq!((wall(18_001, &call), wall(60_000, &call)), (18_000, 18_000), "{call:?}");
            assert_eq!(wall(7_000, &call), 7_000, "{call:?}");
        }
        for call in [Call::Health, Call::Job("nightly".to_owned()), Call::Reconcile(String::new())]
        {
            assert_eq!(wall(60_000, &call), 60_000, "{call:?}");
        }
    }

    #[test]
    fn a_plugin_gets_what_it_asks_for_up_to_the_cap() {
        let manifest = |more: &str| {
            let text = format!(
                "manifest = 1\n[plugin]\nid = \"org.example.mail\"\nname = \"Mail\"\n\
                 version = \"0.1.0\"\nkind = [\"event\"]\napi = \"1.0\"\n{more}"
            );
            Manifest::parse(&text).unwrap()
        };
        assert_eq!(Limits::asked(&manifest("")), Limits::default());
        let asked = Limits::asked(&manifest("[limits]\nmemory_mib = 100\n"));
        assert_eq!(asked, Limits { memory_bytes: 100 * MIB, ..Limits::default() });
        let asked = Limits::asked(&manifest("[limits]\nmemory_mib = 256\n"));
        assert_eq!(asked.memory_bytes, MEMORY_CAP);
        let kv = |table: &str| Limits::asked(&manifest(&format!("[capabilities]\nkv = {table}\n")));
        assert_eq!(kv("{}"), Limits::default());
        assert_eq!(kv("{ max_bytes = 1000 }"), Limits { kv_bytes: 1000, ..Limits::default() });
        // Whatever a manifest may say is given as a whole.
        let most = format!("{{ max_bytes = {KV_BYTES} }}");
        assert_eq!(kv(&most).kv_bytes, KV_BYTES);
    }
}
