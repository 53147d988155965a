//! The import `smtp`: handed on, and cleaned once more of what only the call itself knows.

use std::time::Instant;

use crate::{
    bindings::smtp::{Error, Host, Login, Mail, Reply, Server},
    egress::mail::{Posted, clean_error},
    state::CallState,
};

impl Host for CallState {
    async fn send(
        &mut self,
        server: Server,
        login: Option<Login>,
        mail: Mail,
        timeout_ms: Option<u32>,
    ) -> wasmtime::Result<Result<Reply, Error>> {
        let left = self.deadline.saturating_duration_since(Instant::now()).as_millis();
        let left = u32::try_from(left).unwrap_or(u32::MAX);
        let timeout_ms = timeout_ms.map_or(left, |it| it.min(left));
        let began = self.began.elapsed();
        let posted = Posted { server, login, mail, timeout_ms };
        let carried = self.egress.mail(posted).await;
        self.keep_trace(carried.trace, began);
        Ok(match carried.result {
            Ok(reply) => Ok(Reply { text: self.scrubber.text(&reply.text), ..reply }),
            Err(error) => Err(clean_error(error, &self.scrubber)),
        })
    }
}
