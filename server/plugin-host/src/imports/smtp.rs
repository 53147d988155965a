//! The import `smtp`: handed on, and cleaned once more of what only the call itself knows.

use std::time::{Duration, Instant};

use crate::{
    bindings::smtp::{Error, Host, Login, Mail, Receipt, Server},
    egress::mail::{Posted, clean_error, clean_reply},
    state::CallState,
};

/// What is left of a call's time when a mail's is over: whoever is ended instead of told tries again.
const TO_SAY_SO: Duration = Duration::from_secs(1);

impl Host for CallState {
    async fn send(
        &mut self,
        server: Server,
        login: Option<Login>,
        mail: Mail,
        timeout_ms: Option<u32>,
    ) -> wasmtime::Result<Result<Receipt, Error>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let left = left.saturating_sub(TO_SAY_SO).as_millis();
        let left = u32::try_from(left).unwrap_or(u32::MAX);
        let timeout_ms = timeout_ms.map_or(left, |it| it.min(left));
        let began = self.began.elapsed();
        let posted = Posted { server, login, mail, timeout_ms };
        let carried = self.egress.mail(posted).await;
        self.keep_trace(carried.trace, began);
        Ok(match carried.result {
            Ok(Receipt { message_id, reply }) => {
                Ok(Receipt { message_id, reply: clean_reply(reply, &self.scrubber) })
            }
            Err(error) => Err(clean_error(error, &self.scrubber)),
        })
    }
}
