//! How much of the pool of places for calls is in use.

use serde::{Deserialize, Serialize};
use wasmtime::Engine;

/// What of wasmtime's pool is in use, and what it keeps for whoever comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolUse {
    /// Calls that have an instance.
    pub components: u64,
    /// The modules that those are made of.
    pub modules: u64,
    pub memories: usize,
    pub tables: usize,
    pub stacks: usize,
    /// Places for memories that were used and are not now.
    pub warm_memories: u32,
    /// What is kept in the machine's memory though no call has it, in bytes.
    pub kept_bytes: usize,
}

/// The use of an engine's pool; none where it has none.
pub(crate) fn of(engine: &Engine) -> Option<PoolUse> {
    let pool = engine.pooling_allocator_metrics()?;
    let stacks = pool.unused_stack_bytes_resident().unwrap_or_default();
    Some(PoolUse {
        components: pool.component_instances(),
        modules: pool.core_instances(),
        memories: pool.memories(),
        tables: pool.tables(),
        stacks: pool.stacks(),
        warm_memories: pool.unused_warm_memories(),
        kept_bytes: pool
            .unused_memory_bytes_resident()
            .saturating_add(pool.unused_table_bytes_resident())
            .saturating_add(stacks),
    })
}
