//! What wasmtime alone takes for a call of a plugin: the floor under the plugin host.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use wasmtime::{
    Config, Engine, Error, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    component::{Component, ComponentExportIndex, ComponentType, InstancePre, Lift, Linker},
};

const LIFECYCLE: &str = "myrelay:plugin/lifecycle@1.0.0";

/// Who a plugin is.
#[derive(ComponentType, Lift)]
#[component(record)]
struct Info {
    id: String,
    version: String,
    #[component(name = "api-version")]
    api_version: String,
}

/// The engine of the plugin host, as far as a stranger can set it up: without its clock.
fn engine() -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(64)
        .total_stacks(64)
        .total_core_instances(64 * 64)
        .max_core_instances_per_component(256)
        .total_memories(64 * 4)
        .max_memories_per_component(8)
        .max_memories_per_module(2)
        .max_memory_size(256 << 20)
        .total_tables(64 * 8)
        .max_tables_per_component(64)
        .max_tables_per_module(2)
        .table_elements(20_000)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(2 << 20)
        .linear_memory_keep_resident(128 << 10)
        .table_keep_resident(16 << 10)
        .max_unused_warm_slots(32)
        .decommit_batch_size(8);
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        .max_wasm_stack(512 << 10)
        .async_stack_size(2 << 20)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

/// How long it takes to make a store, instantiate a component, call `describe` and drop all of it.
pub(crate) fn describe(wasm: &[u8], times: usize) -> Result<Vec<Duration>> {
    describe_times(wasm, times).map_err(|error| anyhow!("{error:#}"))
}

fn describe_times(wasm: &[u8], times: usize) -> wasmtime::Result<Vec<Duration>> {
    let missing = |what: &str| Error::msg(format!("the component exports no {what}"));
    let engine = engine()?;
    let component = Component::new(&engine, wasm)?;
    let lifecycle = component.get_export_index(None, LIFECYCLE);
    let lifecycle = lifecycle.ok_or_else(|| missing(LIFECYCLE))?;
    let describe = component.get_export_index(Some(&lifecycle), "describe");
    let describe = describe.ok_or_else(|| missing("describe"))?;
    let mut linker = Linker::<()>::new(&engine);
    linker.define_unknown_imports_as_traps(&component)?;
    let pre = linker.instantiate_pre(&component)?;
    for _warm_up in 0..times.div_ceil(20) {
        call(&engine, &pre, &describe)?;
    }
    let mut all = Vec::with_capacity(times);
    for _ in 0..times {
        let started = Instant::now();
        call(&engine, &pre, &describe)?;
        all.push(started.elapsed());
    }
    Ok(all)
}

fn call(
    engine: &Engine,
    pre: &InstancePre<()>,
    describe: &ComponentExportIndex,
) -> wasmtime::Result<()> {
    let mut store = Store::new(engine, ());
    store.set_epoch_deadline(1);
    let instance = pre.instantiate(&mut store)?;
    let describe = instance.get_typed_func::<(), (Info,)>(&mut store, describe)?;
    let (Info { id, version, api_version },) = describe.call(&mut store, ())?;
    if [&*id, &*version, &*api_version].contains(&"") {
        return Err(Error::msg("the component does not say who it is"));
    }
    Ok(())
}
