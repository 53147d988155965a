//! From a component's bytes to code that runs: validated here, compiled in a process of its own.

mod cache;
mod child;
mod validate;

pub(crate) use cache::digest;
pub use child::main;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::sync::Semaphore;
use wasmtime::{Engine, component::Component};

use crate::{
    compile::{cache::Cache, child::Child},
    engine,
    limits::{COMPILE_CPU, COMPILE_MEMORY},
    process::User,
};

/// Why a component does not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// It is no component, or made of what this host does not take.
    #[error("the component is not valid: {0}")]
    Invalid(String),
    /// It is larger than it may be, or takes more to compile than it may.
    #[error("the component is beyond the limits: {0}")]
    Limit(String),
    /// Something here is in the way.
    #[error("the component could not be compiled: {0}")]
    Failed(String),
}

/// A component that is compiled and stands in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub digest: String,
    /// The interfaces it imports.
    pub imports: Vec<String>,
    /// The interfaces it exports.
    pub exports: Vec<String>,
    /// The compiled code.
    pub artifact: PathBuf,
}

/// Compiles components, one at a time, and keeps what came of it.
pub struct Compiler {
    engine: Engine,
    cache: Cache,
    child: Child,
    turn: Semaphore,
}

impl Compiler {
    /// A compiler whose cache is this folder. The program is called with the arguments and two or
    /// four more, and has to hand them to [`main`].
    ///
    /// # Errors
    /// When the folder is another user's or cannot be made, or wasmtime cannot compile here.
    pub fn new(
        program: PathBuf,
        arguments: Vec<String>,
        cache: &Path,
    ) -> Result<Self, CompileError> {
        let engine = engine::for_compiling();
        let engine = engine.map_err(|error| CompileError::Failed(format!("{error:#}")))?;
        let (cpu, memory) = (COMPILE_CPU, COMPILE_MEMORY);
        let child = Child { program, arguments, cpu, memory, user: None };
        Ok(Self { cache: Cache::open(cache)?, engine, child, turn: Semaphore::new(1) })
    }

    /// The same with other limits for one compilation.
    #[must_use]
    pub fn with_limits(mut self, cpu: Duration, memory: u64) -> Self {
        self.child = Child { cpu, memory, ..self.child };
        self
    }

    /// The same whose program becomes this user; only root can have that.
    #[must_use]
    pub fn as_user(mut self, user: Option<User>) -> Self {
        self.child.user = user;
        self
    }

    /// What a valid component imports.
    ///
    /// # Errors
    /// When it is not valid, or beyond the limits.
    pub(crate) fn imports(&self, wasm: &[u8]) -> Result<Vec<String>, CompileError> {
        validate::validate(wasm).map(|it| it.imports)
    }

    /// Validates a component, and compiles it where that was not done before.
    ///
    /// # Errors
    /// When it is not valid, or beyond the limits.
    pub async fn compile(&self, wasm: &[u8]) -> Result<Compiled, CompileError> {
        let shape = validate::validate(wasm)?;
        let closed = |_| CompileError::Failed("the compiler is closed".to_owned());
        let _turn = self.turn.acquire().await.map_err(closed)?;
        let digest = cache::digest(wasm);
        let artifact = self.cache.place(&self.engine, &digest);
        if !Cache::has(&artifact) {
            let code = self.child.compile(wasm).await?;
            self.cache.keep(&artifact, &code)?;
        }
        Ok(Compiled { digest, imports: shape.imports, exports: shape.exports, artifact })
    }

    /// The code that this compiler made.
    ///
    /// # Errors
    /// When the file is gone, damaged, or not ours alone.
    pub(crate) fn code(&self, compiled: &Compiled) -> Result<Vec<u8>, CompileError> {
        self.cache.read(&compiled.artifact)
    }
}

/// Loads code that a [`Compiler`] made.
///
/// # Errors
/// When it is for another engine.
pub(crate) fn load(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    #[expect(unsafe_code, reason = "the code is our own compiler's, as the cache has checked")]
    // SAFETY: the bytes were written by `keep` from our own child's output into a folder that is
    // ours alone, and are unchanged: the cache has checked them in this process, or in the one that
    // handed them over together with their digest. Code for another engine is refused.
    unsafe {
        Component::deserialize(engine, code)
    }
}
