//! The plugin host: wasmtime, narrowed to what `plugins/wit` publishes.
//!
//! A plugin is a component without WASI. What it may do is which interfaces its installation's
//! [`Grants`] put in front of it. Every call gets a store and an instance of its own; what it wants
//! done comes back as an [`Outcome`], and the caller does it, or nothing. The host reaches no
//! database and answers no requests: it only sees what it is handed.

mod answers;
mod bindings;
mod call;
mod capabilities;
mod compile;
mod crypto;
mod egress;
mod engine;
mod host;
mod imports;
mod limits;
mod manifest;
mod memory;
mod messages;
mod meter;
mod pool;
mod process;
mod queue;
mod rights;
mod runner;
mod scrub;
mod secret;
mod stamp;
mod state;
mod text;
mod ticker;
#[cfg(test)]
mod versions;
mod workers;

pub use answers::check as judge_answer;
pub use bindings::{
    billing, billing_types, events, invoicing, lifecycle, log, notifier, types, webhooks,
};
pub use capabilities::{undeclared, unused};
pub use compile::{CompileError, Compiled, Compiler, main as compile_main};
pub use egress::addresses::{Verdict, judge as judge_address};
pub use egress::client::{Method, Network, mozillas_roots};
pub use egress::line::{Line, LineAnswer, LineRequest, Unanswered};
pub use egress::policy::{Denied, Target, judge as judge_url, judge_mail_server, judge_server};
pub use egress::resolve::{Resolve, SystemResolver};
pub use egress::rules::{HostPattern, HttpGrant, HttpRule, PrivateNet, Scheme};
pub use host::{InProcess, InstallError, Installation, Options, PluginHost};
pub use limits::{ARTIFACT_BYTES, LimitName, Limits};
pub use manifest::{
    AskedHttp, Job, Kind, Manifest, ManifestError, Place, Secret, SecretUse, Webhooks,
};
pub use messages::{
    Answer, Call, CallRequest, Failure, HttpAnswer, HttpTrace, KvChange, KvCondition, KvEntry,
    KvReader, KvUnavailable, KvUsage, KvWrite, LogLine, Outcome, Refusal, SecretPut, Used,
};
pub use pool::PoolUse;
pub use process::{
    Confined, HostProcess, Process, User, confine, confine_compiler, main as host_main,
};
pub use rights::{Grants, SecretGrant};
pub use secret::PluginSecret;
pub use stamp::{StampError, check_stamp, stamp, stamped};
