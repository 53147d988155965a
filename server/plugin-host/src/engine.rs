//! How wasmtime is set up: what a component may be made of, and where its calls live.

use wasmparser::WasmFeatures;
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails,
};

use crate::{
    limits::{
        CALLS_AT_A_TIME, CORE_INSTANCES, FIBER_STACK, KIB, MEMORIES, MEMORY_CAP, MIB,
        TABLE_ELEMENTS, TABLES, WASM_STACK,
    },
    ticker,
};

/// The proposals that compilers of our authors' languages need, each of them tried without, and
/// SIMD. The validation takes exactly these.
pub(crate) const FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::COMPONENT_MODEL);

/// What the engine runs: the same, and modules that copy from one memory into another. wasmtime makes
/// those itself where a component is made of several, as QuickJS is with the stubs for its WASI; a
/// plugin's own module with two memories does not pass the validation.
const RUN: WasmFeatures = FEATURES.union(WasmFeatures::MULTI_MEMORY);

/// What decides how code is made: the same wherever it is compiled and wherever it runs.
fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_features(WasmFeatures::all().difference(RUN), false)
        .wasm_features(RUN, true)
        // Its machinery costs half a microsecond for each call and is a way in of its own.
        .concurrency_support(false)
        .epoch_interruption(true)
        // The same bits of a number on every machine, so that a recorded call can be played again.
        .cranelift_nan_canonicalization(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(FIBER_STACK)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable);
    config
}

/// A pool with a place for every call that may run at a time. Without one, memory is mapped and
/// unmapped for every call under locks of the whole process.
fn pool() -> PoolingAllocationConfig {
    let calls = u32::try_from(CALLS_AT_A_TIME).unwrap_or(u32::MAX);
    let each = |most: usize| u32::try_from(most).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_stacks(calls)
        .total_core_instances(calls * 64)
        .max_core_instances_per_component(each(CORE_INSTANCES))
        .total_memories(calls * 4)
        .max_memories_per_component(each(MEMORIES))
        .max_memories_per_module(2)
        .max_memory_size(MEMORY_CAP)
        .total_tables(calls * 8)
        .max_tables_per_component(each(TABLES))
        .max_tables_per_module(2)
        .table_elements(TABLE_ELEMENTS)
        .max_component_instance_size(4 * MIB)
        .max_core_instance_size(2 * MIB)
        // As much as a Rust plugin touches; more made small plugins slower.
        .linear_memory_keep_resident(128 * KIB)
        .table_keep_resident(16 * KIB)
        .max_unused_warm_slots(32)
        .decommit_batch_size(8);
    pool
}

/// An engine that runs plugins, with the clock that stops them.
///
/// # Errors
/// When wasmtime cannot run here at all.
pub(crate) fn for_calls() -> wasmtime::Result<Engine> {
    let mut pooled = config();
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    let engine = match Engine::new(&pooled) {
        Ok(engine) => engine,
        // The pool wants about a terabyte of addresses, though no memory; `ulimit -v` forbids it.
        Err(error) => {
            tracing::warn!(%error, "no pool for plugins: every call maps memory of its own");
            for_compiling()?
        }
    };
    ticker::watch(&engine)?;
    Ok(engine)
}

/// An engine that only compiles: it reserves nothing, and its code runs on the other.
///
/// # Errors
/// When wasmtime cannot compile for this machine.
pub(crate) fn for_compiling() -> wasmtime::Result<Engine> {
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    Engine::new(&config)
}
