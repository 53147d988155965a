//! Password hashing on a bounded number of threads behind a bounded queue.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::anyhow;
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use myrelay_domain::password::Password;
use tokio::sync::Semaphore;

use crate::{Error, Result};

/// argon2id with 19 MiB, two passes and one lane (OWASP Password Storage Cheat Sheet; ASVS 5.0
/// appendix C).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// What is compared with when nobody has the address: it costs the same and fits no password.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and compares passwords. At most `workers` at once, each with 19 MiB; at most `queue`
/// wait; the rest is told to come back, so a flood of sign-ins takes neither memory nor the other
/// pages' time.
#[derive(Clone)]
pub struct Passwords {
    workers: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    queue: usize,
}

impl Passwords {
    /// A pool of so many workers with so many waiting.
    pub fn new(workers: usize, queue: usize) -> Self {
        Self { workers: Arc::new(Semaphore::new(workers)), waiting: Arc::default(), queue }
    }

    /// The PHC string of a new password, with a salt of its own.
    pub(crate) async fn hash(&self, password: Password, salt: [u8; 16]) -> Result<String> {
        self.run(move || {
            let hash = hasher()?.hash_password_with_salt(password.expose(), &salt);
            Ok(hash.map_err(|error| anyhow!("argon2: {error}"))?.to_string())
        })
        .await
    }

    /// Whether the password is the one of this PHC string. Without one it takes as long and is not.
    pub(crate) async fn verify(&self, password: Password, hash: Option<String>) -> Result<bool> {
        self.run(move || {
            let stored = hash.as_deref().unwrap_or(NOBODY);
            let stored =
                PasswordHash::new(stored).map_err(|error| anyhow!("stored hash: {error}"))?;
            Ok(hasher()?.verify_password(password.expose(), &stored).is_ok() && hash.is_some())
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T> {
        let _waiting = Waiting::enter(&self.waiting, self.queue)?;
        let permit = Arc::clone(&self.workers).acquire_owned().await;
        let permit = permit.map_err(|error| anyhow!(error))?;
        let done = tokio::task::spawn_blocking(move || {
            // Held by the thread: a caller who hangs up frees no worker that still works.
            let _permit = permit;
            work()
        });
        Ok(done.await.map_err(|error| anyhow!(error))??)
    }
}

/// A place in the queue, given back on the way out.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn enter(count: &Arc<AtomicUsize>, limit: usize) -> Result<Self> {
        if limit <= count.fetch_add(1, Ordering::SeqCst) {
            count.fetch_sub(1, Ordering::SeqCst);
            return Err(Error::Busy { retry_after_s: 2 });
        }
        Ok(Self(Arc::clone(count)))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn hasher() -> anyhow::Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|error| anyhow!("{error}"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Password {
        Password::typed(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let passwords = Passwords::new(1, 8);
        let hash = passwords.hash(typed("correct horse battery"), [1; 16]).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let fits =
            |text: &str, hash: Option<&str>| passwords.verify(typed(text), hash.map(str::to_owned));
        assert!(fits("correct horse battery", Some(&hash)).await.unwrap());
        assert!(!fits("correct horse batterx", Some(&hash)).await.unwrap());
        assert!(!fits("correct horse battery", None).await.unwrap());
    }

    #[tokio::test]
    async fn a_full_queue_says_so_at_once() {
        let passwords = Passwords::new(1, 2);
        let busy = Arc::clone(&passwords.workers).acquire_owned().await.unwrap();
        let start = |passwords: Passwords| async move { passwords.verify(typed("x"), None).await };
        let (one, two) = (start(passwords.clone()), start(passwords.clone()));
        let both = futures::future::join(one, two);
        tokio::pin!(both);
        assert!(futures::poll!(&mut both).is_pending());
        let third = start(passwords.clone()).await;
        assert!(matches!(third, Err(Error::Busy { .. })), "{third:?}");
        drop(busy);
        let (one, two) = both.await;
        assert!(!one.unwrap() && !two.unwrap());
    }
}
