//! The import `http`: handed on, and cleaned once more of what only the call itself knows.

use std::time::{Duration, Instant};

use crate::{
    bindings::http::{Error, Host, Request, Response},
    egress::sender::clean_error,
    messages::HttpTrace,
    state::CallState,
};

/// How many requests are told of. Refused ones are free for the guest, so they are bounded too.
const TRACES: usize = 100;

impl Host for CallState {
    async fn send(&mut self, mut request: Request) -> wasmtime::Result<Result<Response, Error>> {
        let left = self.deadline.saturating_duration_since(Instant::now()).as_millis();
        let left = u32::try_from(left).unwrap_or(u32::MAX);
        request.timeout_ms = Some(request.timeout_ms.map_or(left, |it| it.min(left)));
        let began = self.began.elapsed();
        let sent = self.egress.send(request).await;
        self.keep_trace(sent.trace, began);
        Ok(match sent.result {
            Ok(response) => Ok(self.clean(response)),
            Err(error) => Err(clean_error(error, &self.scrubber)),
        })
    }
}

impl CallState {
    /// Tells of a request that began so long after the call did.
    pub(crate) fn keep_trace(&mut self, mut trace: HttpTrace, began: Duration) {
        trace.began_ms = u64::try_from(began.as_millis()).unwrap_or(u64::MAX);
        self.http_sent += u32::from(trace.sent);
        trace.url = self.scrubber.text(&trace.url);
        if self.http.len() < TRACES {
            self.http.push(trace);
        }
    }

    /// The requests as they may be kept: a secret that the call put away stood in what it got
    /// before.
    pub(crate) fn traces(&mut self) -> Vec<HttpTrace> {
        let mut all = std::mem::take(&mut self.http);
        let answers = all.iter_mut().filter_map(|it| it.answer.as_mut());
        for answer in answers {
            for (name, value) in &mut answer.headers {
                *name = self.scrubber.text(name);
                *value = self.scrubber.text(value);
            }
            answer.body = self.scrubber.bytes(&answer.body).into_owned();
        }
        all
    }

    /// Secrets that this call put away are nobody else's yet.
    fn clean(&self, mut response: Response) -> Response {
        let text = |it: &str| self.scrubber.text(it);
        response.headers =
            response.headers.iter().map(|(name, it)| (text(name), text(it))).collect();
        response.body = self.scrubber.bytes(&response.body).into_owned();
        response
    }
}
