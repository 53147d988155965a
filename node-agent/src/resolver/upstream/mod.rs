//! The resolvers that are asked, one after the other.

mod plain;
mod tls;

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hickory_proto::op::{Message, ResponseCode};
use myrelay_node_protocol::ResolverUpstream;
use rustls::RootCertStore;
use tokio::time::{Instant, timeout};

pub(super) use self::tls::TlsError;
use self::{plain::Plain, tls::Tls};
use super::question::Question;
use crate::system::System;

/// How long one upstream has for an answer, at least.
const ATTEMPT: Duration = Duration::from_millis(1500);
/// How long all together have. Devices ask again after five seconds (resolv.conf(5), `timeout`).
const ALL: Duration = Duration::from_millis(4000);
/// For so long, one that failed is asked last.
const REST: Duration = Duration::from_secs(15);
/// For so long, one that could not be reached is not asked at all (RFC 9520 section 3.2).
const PAUSE: Duration = Duration::from_secs(1);

/// Why an upstream gave no answer. The words name the upstream's faults, never what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error("it cannot be reached: {0}")]
    Reach(io::Error),
    #[error("it did not answer in time")]
    Late,
    #[error("it closed the connection")]
    Closed,
    #[error("it answered what was not asked")]
    Nonsense,
    #[error("it answers that it cannot or will not: {0}")]
    Unwilling(ResponseCode),
}

/// Those who are asked, in the order of the settings.
#[derive(Debug)]
pub(super) struct Upstreams(Vec<Upstream>);

#[derive(Debug)]
struct Upstream {
    named: ResolverUpstream,
    way: Way,
    trouble: Mutex<Option<Trouble>>,
}

#[derive(Debug)]
enum Way {
    Tls(Tls),
    Plain(Plain),
}

#[derive(Clone, Debug)]
struct Trouble {
    since: Instant,
    unreachable: bool,
    words: String,
}

impl Upstreams {
    /// Opens nothing yet.
    pub(super) fn new(
        named: &[ResolverUpstream],
        roots: &Arc<RootCertStore>,
        system: &Arc<dyn System>,
    ) -> Result<Self, TlsError> {
        let upstream = |it: &ResolverUpstream| -> Result<Upstream, TlsError> {
            let way = match &it.tls_name {
                Some(name) => Way::Tls(Tls::new(it.address, name, roots, system)?),
                None => Way::Plain(Plain::new(it.address, system.clone())),
            };
            Ok(Upstream { named: it.clone(), way, trouble: Mutex::default() })
        };
        Ok(Self(named.iter().map(upstream).collect::<Result<_, _>>()?))
    }

    /// Asks until one answers. None: nobody did, within the time that a device waits.
    pub(super) async fn ask(&self, question: &Question) -> Option<Message> {
        let now = Instant::now();
        let mut order: Vec<&Upstream> = self.0.iter().filter(|it| !it.pauses(now)).collect();
        // The sort is stable: among equals the settings' order holds.
        order.sort_by_key(|it| it.rests(now));
        let count = u32::try_from(order.len()).unwrap_or(u32::MAX);
        let attempt = ATTEMPT.max(ALL / count.max(1));
        let asking = async {
            for upstream in order {
                if let Some(answer) = upstream.ask(question, attempt).await {
                    return Some(answer);
                }
            }
            None
        };
        timeout(ALL, asking).await.ok().flatten()
    }

    /// What is wrong, in words for the operator, when no upstream is well.
    pub(super) fn trouble(&self) -> Option<String> {
        let troubles: Option<Vec<_>> = self
            .0
            .iter()
            .map(|it| Some(format!("{}: {}", it.named, it.trouble().as_ref()?.words)))
            .collect();
        troubles.map(|it| it.join("; "))
    }
}

impl Upstream {
    async fn ask(&self, question: &Question, attempt: Duration) -> Option<Message> {
        let answer = match &self.way {
            Way::Tls(tls) => timeout(attempt, tls.ask(question)).await,
            Way::Plain(plain) => timeout(attempt, plain.ask(question)).await,
        };
        let answer = answer.unwrap_or(Err(AskError::Late)).and_then(|it| match it.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain => Ok(it),
            code => Err(AskError::Unwilling(code)),
        });
        match answer {
            Ok(answer) => {
                *self.trouble() = None;
                Some(answer)
            }
            // That may be about one name, and says nothing about the others.
            Err(AskError::Unwilling(ResponseCode::ServFail)) => None,
            Err(error) => {
                let unreachable = matches!(error, AskError::Reach(_));
                let since = Instant::now();
                let words = error.to_string();
                *self.trouble() = Some(Trouble { since, unreachable, words });
                None
            }
        }
    }

    fn pauses(&self, now: Instant) -> bool {
        let recent = |it: &Trouble| now.saturating_duration_since(it.since) < PAUSE;
        self.trouble().as_ref().is_some_and(|it| it.unreachable && recent(it))
    }

    fn rests(&self, now: Instant) -> bool {
        let recent = |it: &Trouble| now.saturating_duration_since(it.since) < REST;
        self.trouble().as_ref().is_some_and(recent)
    }

    fn trouble(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A random id for a question.
fn random_id(system: &dyn System) -> io::Result<u16> {
    let mut bytes = [0; 2];
    system.fill_random(&mut bytes)?;
    Ok(u16::from_ne_bytes(bytes))
}
