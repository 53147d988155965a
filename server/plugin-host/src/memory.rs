//! What a call takes of the machine, summed over everything it is made of.

use wasmtime::ResourceLimiter;

use crate::{
    call::is_out_of_memory,
    limits::{CORE_INSTANCES, LimitName, MEMORIES, TABLE_ELEMENTS, TABLES},
    state::Stop,
};

/// Counts memory and tables of one call. wasmtime's own limits hold for each memory alone.
pub(crate) struct Memory {
    limit: usize,
    bytes: usize,
    peak: usize,
    elements: usize,
    /// How much was wanted last, which the kernel may not have.
    wanted: usize,
}

impl Memory {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, bytes: 0, peak: 0, elements: 0, wanted: 0 }
    }

    /// The most bytes of linear memory at a time.
    pub(crate) fn peak(&self) -> usize {
        self.peak
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|it| it < desired) {
            return Ok(false);
        }
        let bytes = self.bytes.saturating_add(desired.saturating_sub(current));
        if self.limit < bytes {
            return Err(Stop::limit(
                LimitName::Memory,
                format!("{bytes} bytes of memory, and {} are allowed", self.limit),
            ));
        }
        self.wanted = bytes.saturating_sub(self.bytes);
        self.bytes = bytes;
        self.peak = self.peak.max(bytes);
        Ok(true)
    }

    /// What others have is not the guest's fault: its call ends as the host's failure and is tried
    /// again, where a guest would break at an answer of -1.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        if !error.chain().any(is_out_of_memory) {
            return Ok(());
        }
        self.bytes = self.bytes.saturating_sub(std::mem::take(&mut self.wanted));
        Err(error)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let elements = self.elements.saturating_add(desired.saturating_sub(current));
        // The pool tells its own size as the maximum: that is our limit, not the guest's.
        if maximum.is_some_and(|it| it < desired && it < TABLE_ELEMENTS) {
            return Ok(false);
        }
        if TABLE_ELEMENTS < elements {
            return Err(Stop::limit(
                LimitName::TableElements,
                format!("{elements} elements of tables, and {TABLE_ELEMENTS} are allowed"),
            ));
        }
        self.elements = elements;
        Ok(true)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES
    }

    fn tables(&self) -> usize {
        TABLES
    }

    fn memories(&self) -> usize {
        MEMORIES
    }
}
