//! The clock of all engines: one thread for the process, however many engines there are.

use std::{
    sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
};

use wasmtime::{Engine, EngineWeak};

use crate::limits::TICK;

struct Ticker {
    engines: Mutex<Vec<EngineWeak>>,
    came: Condvar,
}

impl Ticker {
    fn engines(&self) -> MutexGuard<'_, Vec<EngineWeak>> {
        self.engines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ticks every engine that is still there, and sleeps while there is none.
    fn run(&self) {
        loop {
            let engines = self.engines();
            let mut engines = self
                .came
                .wait_while(engines, |it| it.is_empty())
                .unwrap_or_else(PoisonError::into_inner);
            engines.retain(|engine| {
                let engine = engine.upgrade();
                engine.inspect(Engine::increment_epoch).is_some()
            });
            drop(engines);
            thread::sleep(TICK);
        }
    }
}

static TICKER: OnceLock<Ticker> = OnceLock::new();

/// Lets the clock tick for this engine until it is dropped.
///
/// # Errors
/// When the clock's thread cannot be started: without it no plugin could be stopped.
pub(crate) fn watch(engine: &Engine) -> std::io::Result<()> {
    let mut first = false;
    let ticker = TICKER.get_or_init(|| {
        first = true;
        Ticker { engines: Mutex::default(), came: Condvar::new() }
    });
    if first {
        thread::Builder::new().name("plugin-ticker".to_owned()).spawn(|| {
            if let Some(ticker) = TICKER.get() {
                ticker.run();
            }
        })?;
    }
    ticker.engines().push(engine.weak());
    ticker.came.notify_one();
    Ok(())
}
