//! A bot API like Telegram's: messages, and people who press Start or block the bot.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    routing::post,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::serve::{Fake, Server, bind};

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub chat: i64,
    pub text: String,
    /// Whether it makes no sound.
    pub silent: bool,
}

/// The API of one bot.
pub struct Telegram {
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    token: String,
    bot: Mutex<Bot>,
}

#[derive(Default)]
struct Bot {
    chats: BTreeSet<i64>,
    blocked: BTreeSet<i64>,
    updates: Vec<Value>,
    started: u64,
    sent: Vec<Sent>,
}

type Answer = (StatusCode, Json<Value>);

impl Fake for Telegram {
    fn server(&self) -> &Server {
        &self.server
    }
}

impl Telegram {
    /// Starts at a port of loopback, at any free one where it is 0.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(port: u16, token: &str) -> Result<Self> {
        let shared = Arc::new(Shared { token: token.to_owned(), bot: Mutex::default() });
        let router = Router::new().route("/{bot}/{method}", post(call)).with_state(shared.clone());
        Ok(Self { server: Server::start(bind(port).await?, router)?, shared })
    }

    /// Somebody follows `https://t.me/<bot>?start=<code>` and presses Start.
    pub fn press_start(&self, chat: i64, code: &str) {
        let mut bot = self.shared.bot();
        bot.chats.insert(chat);
        let message = json!({
            "message_id": 1, "chat": { "id": chat, "type": "private" },
            "text": format!("/start {code}"),
        });
        bot.started += 1;
        let id = 100 + bot.started;
        bot.updates.push(json!({ "update_id": id, "message": message }));
    }

    /// Somebody blocks the bot.
    pub fn block(&self, chat: i64) {
        self.shared.bot().blocked.insert(chat);
    }

    /// The messages that it took.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.shared.bot().sent.clone()
    }
}

impl Shared {
    fn bot(&self) -> MutexGuard<'_, Bot> {
        self.bot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(status: StatusCode, description: &str) -> Answer {
    let code = status.as_u16();
    (status, Json(json!({ "ok": false, "error_code": code, "description": description })))
}

fn done(result: &Value) -> Answer {
    (StatusCode::OK, Json(json!({ "ok": true, "result": result })))
}

async fn call(
    State(shared): State<Arc<Shared>>,
    Path((bot, method)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    if bot.strip_prefix("bot") != Some(&shared.token) {
        return refused(StatusCode::UNAUTHORIZED, "Unauthorized");
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut state = shared.bot();
    match method.as_str() {
        "getMe" => done(&json!({ "id": 1, "is_bot": true, "username": "fake_bot" })),
        "getUpdates" => {
            let from = body["offset"].as_u64().unwrap_or_default();
            // What comes before the offset is confirmed, and gone.
            state.updates.retain(|it| it["update_id"].as_u64().is_some_and(|id| from <= id));
            let most = usize::try_from(body["limit"].as_u64().unwrap_or(100)).unwrap_or(100);
            done(&state.updates.iter().take(most).cloned().collect())
        }
        "sendMessage" => send(&mut state, &body),
        _ => refused(StatusCode::NOT_FOUND, "Not Found"),
    }
}

fn send(bot: &mut Bot, body: &Value) -> Answer {
    let chat = &body["chat_id"];
    let chat = chat.as_i64().or_else(|| chat.as_str()?.parse().ok()).unwrap_or_default();
    let text = body["text"].as_str().unwrap_or_default();
    if !bot.chats.contains(&chat) {
        return refused(StatusCode::BAD_REQUEST, "Bad Request: chat not found");
    }
    if bot.blocked.contains(&chat) {
        return refused(StatusCode::FORBIDDEN, "Forbidden: bot was blocked by the user");
    }
    if text.is_empty() || 4096 < text.encode_utf16().count() {
        return refused(StatusCode::BAD_REQUEST, "Bad Request: message is too long or empty");
    }
    let silent = body["disable_notification"].as_bool().unwrap_or_default();
    bot.sent.push(Sent { chat, text: text.to_owned(), silent });
    done(&json!({ "message_id": 6 + bot.sent.len(), "chat": { "id": chat } }))
}
