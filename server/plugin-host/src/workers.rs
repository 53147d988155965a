//! The threads that plugins run on, and nothing else does.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    runtime::Runtime,
    task::{AbortHandle, JoinHandle},
};

use crate::{host::InstallError, limits::WORKERS};

/// Threads for plugins alone.
pub(crate) struct Workers(
    /// Only taken when it is dropped.
    Option<Runtime>,
);

impl Drop for Workers {
    fn drop(&mut self) {
        // Dropping a runtime waits for it, which is not allowed inside another.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A task that ends when nobody waits for it any more.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|it| it.map_err(|error| error.to_string()))
    }
}

impl Workers {
    pub(crate) fn new() -> Result<Self, InstallError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("plugins")
            .enable_all()
            .build();
        runtime.map(|it| Self(Some(it))).map_err(|error| InstallError::Host(error.to_string()))
    }

    /// Does work on these threads, until it is done or not waited for any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, String> {
        let runtime = self.0.as_ref().ok_or("the host is being closed")?;
        Task(runtime.spawn(work)).await
    }

    /// Begins work that goes on by itself.
    pub(crate) fn begin(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Option<AbortHandle> {
        self.0.as_ref().map(|runtime| runtime.spawn(work).abort_handle())
    }
}
