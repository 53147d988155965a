//! One call from beginning to end: a fresh store, an instance, and what came of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::io::Errno;
use tokio::time::timeout;
use wasmtime::{Store, Trap, WasmBacktrace};

use crate::{
    answers,
    limits::{
        CONFIG_BYTES, FIBER_STACK, HANDLES, HOSTCALL_BYTES, INPUT_BYTES, LimitName, WASM_STACK,
    },
    messages::{Answer, Call, CallRequest, Failure, Outcome, Used},
    meter::{Meter, Metered},
    runner::{Exports, Prepared, Work},
    state::{CallState, Stop},
    text,
};

/// What an export gave: an answer, or the plugin's own error.
type Given = Result<Answer, crate::bindings::types::Error>;

/// How much of a trap's text and of its backtrace is kept.
const TRAP_BYTES: usize = 500;
const BACKTRACE_LINES: usize = 40;

/// Whether a request is one that can be run.
pub(crate) fn check(request: &CallRequest) -> Result<(), Failure> {
    let invalid = |why: &str| Err(Failure::Invalid(why.to_owned()));
    let is_id = |id: &str| (1..=200).contains(&id.len()) && !id.chars().any(text::is_hostile);
    if !is_id(&request.delivery_id) || request.attempt == 0 {
        return invalid("a delivery has an id, and its first try is 1");
    }
    if request.installation_key.expose().len() < 32 {
        return invalid("the installation's key has at least 32 characters");
    }
    if request.trace_parent.as_deref().is_some_and(|it| !is_id(it)) {
        return invalid("a traceparent is one line");
    }
    if CONFIG_BYTES < request.config.len() {
        return invalid("the settings are too long");
    }
    let bytes = answers::input_size(&request.call);
    if INPUT_BYTES < bytes {
        let detail = format!("{bytes} bytes for the plugin, and {INPUT_BYTES} are allowed");
        return Err(Failure::Limit { name: LimitName::Input, detail });
    }
    Ok(())
}

/// Runs a call.
pub(crate) async fn run(prepared: Arc<Prepared>, work: Work) -> Outcome {
    let (start, meter) = (Instant::now(), Arc::new(Meter::default()));
    let (wall, call) = (prepared.limits.wall(&work.request.call), work.request.call.clone());
    let state = CallState::new(prepared.clone(), work, meter.clone());
    let mut store = Store::new(prepared.pre.engine(), state);
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(HOSTCALL_BYTES);
    store.set_max_component_handles(HANDLES);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| store.data_mut().tick());
    let work = perform(&mut store, &prepared, call);
    let given = Metered::new(timeout(wall, work), meter.clone()).await;
    let state = store.into_data();
    let result = match given {
        Ok(Ok(Ok(answer))) => answers::check(&answer, &prepared.manifest).map(|()| answer),
        Ok(Ok(Err(error))) => Err(Failure::Reported(answers::cleaned(error, &state.scrubber))),
        Ok(Err(error)) => Err(failure(&error, &state)),
        Err(_) => Err(Failure::Limit { name: LimitName::Wall, detail: late(wall) }),
    };
    let used = Used {
        cpu_us: u64::try_from(meter.spent().as_micros()).unwrap_or(u64::MAX),
        wall_us: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
        memory_peak: state.memory.peak(),
        http_requests: state.http_sent,
    };
    outcome(result, state, used)
}

fn late(wall: Duration) -> String {
    format!("no answer within {} ms", wall.as_millis())
}

/// Without an answer, nothing is left behind.
fn outcome(result: Result<Answer, Failure>, mut state: CallState, used: Used) -> Outcome {
    let http = state.traces();
    let kept = result.is_ok();
    Outcome {
        kv: if kept { state.kv.into_changes() } else { Vec::new() },
        secret_puts: if kept { state.secret_puts } else { Vec::new() },
        logs: state.log.lines,
        logs_dropped: state.log.dropped,
        http,
        random: state.random,
        used,
        result,
    }
}

fn failure(error: &wasmtime::Error, state: &CallState) -> Failure {
    let limit = |name, detail: String| Failure::Limit { name, detail };
    if let Some(Stop { name, detail }) = error.downcast_ref() {
        return limit(*name, detail.clone());
    }
    if let Some(Missing(interface)) = error.downcast_ref() {
        return Failure::NotExported((*interface).to_owned());
    }
    let clean = |it: &str| text::line(&state.scrubber.text(it), TRAP_BYTES);
    let what = error.root_cause().to_string();
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::StackOverflow) {
        return limit(LimitName::Stack, format!("{WASM_STACK} of {FIBER_STACK} bytes of stack"));
    }
    // These have no types of their own; tests see that they still read so.
    if what.contains("fuel allocated for hostcalls has been exhausted") {
        return limit(LimitName::Hostcall, format!("{HOSTCALL_BYTES} bytes in one host call"));
    }
    if what.contains("store handle limit exceeded") {
        return limit(LimitName::Handles, format!("{HANDLES} handles alive"));
    }
    if what.contains("resource limit exceeded") {
        return limit(LimitName::Instances, clean(&what));
    }
    if error.chain().any(is_out_of_memory) {
        return Failure::Host(
            "the host has no memory for it: the next call may have it".to_owned(),
        );
    }
    let backtrace = error.downcast_ref::<WasmBacktrace>().map(ToString::to_string);
    let lines = backtrace.iter().flat_map(|it| it.lines()).take(BACKTRACE_LINES);
    let backtrace = lines.map(|it| text::line(it, TRAP_BYTES)).collect::<Vec<_>>().join("\n");
    Failure::Trap { what: clean(&what), backtrace }
}

/// Whether the kernel gave no memory. It is not the plugin's fault that others have it.
pub(crate) fn is_out_of_memory(error: &(dyn std::error::Error + 'static)) -> bool {
    let kernels = error.downcast_ref::<Errno>();
    kernels.copied().or_else(|| Errno::from_io_error(error.downcast_ref()?)) == Some(Errno::NOMEM)
}

/// That a component does not export what is called.
#[derive(Debug, thiserror::Error)]
#[error("the component does not export {0}")]
struct Missing(&'static str);

fn missing(interface: &'static str) -> wasmtime::Error {
    wasmtime::Error::new(Missing(interface))
}

/// Instantiates the component and calls the export.
async fn perform(
    store: &mut Store<CallState>,
    prepared: &Prepared,
    call: Call,
) -> wasmtime::Result<Given> {
    let instance = prepared.pre.instantiate_async(&mut *store).await?;
    let Exports { lifecycle, jobs, events, notifier, invoicing, .. } = &prepared.exports;
    match call {
        Call::Describe
        | Call::Activate { .. }
        | Call::Deactivate
        | Call::ValidateConfig(_)
        | Call::Migrate { .. }
        | Call::Health => {
            let guest = lifecycle.load(&mut *store, &instance)?;
            live(store, &guest, call).await
        }
        Call::Job(name) => {
            let guest = jobs.as_ref().ok_or_else(|| missing("jobs"))?;
            let guest = guest.load(&mut *store, &instance)?;
            Ok(guest.call_run(store, &name).await?.map(done))
        }
        Call::Event(event) => {
            let guest = events.as_ref().ok_or_else(|| missing("events"))?;
            let guest = guest.load(&mut *store, &instance)?;
            Ok(guest.call_handle(store, &event).await?.map(done))
        }
        Call::BeginVerification { account, address } => {
            let guest = notifier.as_ref().ok_or_else(|| missing("notifier"))?;
            let guest = guest.load(&mut *store, &instance)?;
            let given = guest.call_begin_verification(store, &account, &address).await?;
            Ok(given.map(Answer::Verification))
        }
        Call::Deliver { to, message } => {
            let guest = notifier.as_ref().ok_or_else(|| missing("notifier"))?;
            let guest = guest.load(&mut *store, &instance)?;
            Ok(guest.call_deliver(store, &to, &message).await?.map(Answer::Delivered))
        }
        Call::ComposeInvoice(invoice) => {
            let guest = invoicing.as_ref().ok_or_else(|| missing("invoicing"))?;
            let guest = guest.load(&mut *store, &instance)?;
            Ok(guest.call_compose(store, &invoice).await?.map(Answer::Document))
        }
        Call::Webhook(request) => {
            let guest = prepared.exports.webhooks.as_ref().ok_or_else(|| missing("webhooks"))?;
            let guest = guest.load(&mut *store, &instance)?;
            Ok(guest.call_handle(store, &request).await?.map(Answer::Webhook))
        }
        call => {
            let guest = prepared.exports.billing.as_ref().ok_or_else(|| missing("billing"))?;
            let guest = guest.load(&mut *store, &instance)?;
            bill(store, &guest, call).await
        }
    }
}

fn done((): ()) -> Answer {
    Answer::Done
}

async fn live(
    store: &mut Store<CallState>,
    guest: &crate::bindings::lifecycle::Guest,
    call: Call,
) -> wasmtime::Result<Given> {
    Ok(match call {
        Call::Describe => Ok(Answer::Described(guest.call_describe(store).await?)),
        Call::Activate { webhook_url } => {
            guest.call_activate(store, webhook_url.as_deref()).await?.map(done)
        }
        Call::Deactivate => guest.call_deactivate(store).await?.map(done),
        Call::ValidateConfig(candidate) => {
            guest.call_validate_config(store, &candidate).await?.map(Answer::Problems)
        }
        Call::Migrate { from_version } => guest.call_migrate(store, &from_version).await?.map(done),
        Call::Health => guest.call_health(store).await?.map(Answer::Health),
        _ => return Err(missing("lifecycle")),
    })
}

async fn bill(
    store: &mut Store<CallState>,
    guest: &crate::bindings::billing::Guest,
    call: Call,
) -> wasmtime::Result<Given> {
    Ok(match call {
        Call::Capabilities => guest.call_get_capabilities(store).await?.map(Answer::Capabilities),
        Call::PriceQuote(request) => {
            guest.call_price_quote(store, &request).await?.map(Answer::Quote)
        }
        Call::BeginCheckout(request) => {
            guest.call_begin_checkout(store, &request).await?.map(Answer::Checkout)
        }
        Call::ChargeSaved(invoice) => {
            guest.call_charge_saved(store, &invoice).await?.map(Answer::Effects)
        }
        Call::Refund { payment, amount, reason } => {
            let given = guest.call_refund(store, &payment, &amount, &reason).await?;
            given.map(Answer::Effects)
        }
        Call::CancelSubscription { subscription, at_period_end } => {
            let given = guest.call_cancel_subscription(store, &subscription, at_period_end);
            given.await?.map(Answer::Effects)
        }
        Call::ReportUsage(batch) => guest.call_report_usage(store, &batch).await?.map(done),
        Call::Reconcile(id) => guest.call_reconcile(store, &id).await?.map(Answer::Effects),
        Call::CustomerPortalUrl { account, return_url } => {
            let given = guest.call_customer_portal_url(store, &account, &return_url).await?;
            given.map(Answer::Url)
        }
        _ => return Err(missing("billing")),
    })
}
