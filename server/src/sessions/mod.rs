//! Sessions: who is signed in, kept in tables of ours as hashes of the cookies.

mod store;
#[cfg(test)]
mod tests;

use std::fmt;

use async_trait::async_trait;
use myrelay_domain::ids::{AccountId, OperatorId};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tower_sessions::{
    Session, SessionStore,
    session::{Id, Record},
    session_store,
};

use crate::{
    Error, Result, accounts,
    context::{Caller, Context},
    database::{Write, is_taken},
    operators,
    outbox::{self, Event},
};

/// The session's key for the account that is signed in.
pub const ACCOUNT: &str = "account";
/// The session's key for the operator that is signed in.
pub const OPERATOR: &str = "operator";

/// A session that is not used for so long ends (ASVS 5.0 7.3.1).
pub const IDLE_MS: i64 = 60 * 60 * 1000;
/// A session ends after so long in any case (ASVS 5.0 7.3.2).
pub const ABSOLUTE_MS: i64 = 24 * 60 * 60 * 1000;
/// The idle time is written down again after so long, so that not every page is a write.
const TOUCH_MS: i64 = 60 * 1000;

/// Whose session a cookie is: customers and operators have cookies of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Account,
    Operator,
}

/// What is signed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SignedIn {
    account: Option<AccountId>,
    operator: Option<OperatorId>,
}

/// The store behind `tower_sessions`. What a session may hold is an account or an operator;
/// times are the context's clock's, never the cookie's.
#[derive(Clone)]
pub struct Sessions(Context);

impl Sessions {
    /// A store over the context's database.
    pub fn new(context: Context) -> Self {
        Self(context)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

/// Who asks, by the session: somebody whose account is suspended or gone is a visitor.
pub async fn caller(context: &Context, kind: Kind, session: &Session) -> Result<Caller> {
    let read = |key| async move {
        session.get::<String>(key).await.map_err(|error| Error::Internal(anyhow::anyhow!(error)))
    };
    match kind {
        Kind::Account => {
            let account = read(ACCOUNT).await?.and_then(|it| it.parse().ok());
            match account {
                Some(it) if accounts::is_active(context, it).await? => Ok(Caller::Account(it)),
                _ => Ok(Caller::Visitor),
            }
        }
        Kind::Operator => {
            let operator = read(OPERATOR).await?.and_then(|it| it.parse().ok());
            match operator {
                Some(it) if operators::exists(context, it).await? => Ok(Caller::Operator(it)),
                _ => Ok(Caller::Visitor),
            }
        }
    }
}

/// Ends every session of an account.
pub(crate) async fn end_all(tx: &mut Write, account: AccountId) -> Result<()> {
    Ok(store::delete_of_account(tx, account).await?)
}

/// Forgets sessions that are over. Answers how many.
pub async fn prune(context: &Context) -> Result<u64> {
    let mut tx = context.database.write().await?;
    let gone = store::delete_expired(&mut tx, context.now()).await?;
    tx.commit().await?;
    Ok(gone)
}

/// Tells that a customer signed in.
async fn tell(context: &Context, tx: &mut Write, signed_in: SignedIn) -> Result<()> {
    let Some(account) = signed_in.account else { return Ok(()) };
    let payload = json!({ "account": account });
    outbox::record(context, tx, Event::SessionStarted, Some(account), payload).await
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let signed_in = signed_in(record)?;
        let now = self.0.now();
        loop {
            let mut tx = self.0.database.write().await.map_err(backend)?;
            match store::insert(&mut tx, &hash(&record.id), signed_in, now).await {
                Ok(()) => {
                    tell(&self.0, &mut tx, signed_in).await.map_err(backend)?;
                    return tx.commit().await.map_err(backend);
                }
                Err(error) if is_taken(&error) => record.id = Id::default(),
                Err(error) => return Err(backend(error)),
            }
        }
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let mut tx = self.0.database.write().await.map_err(backend)?;
        let (hash, signed_in) = (hash(&record.id), signed_in(record)?);
        store::update(&mut tx, &hash, signed_in, self.0.now()).await.map_err(backend)?;
        tx.commit().await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let (hash, now) = (hash(id), self.0.now());
        let found = store::find(self.0.database.read(), &hash, now).await.map_err(backend)?;
        let Some((signed_in, expires_at)) = found else { return Ok(None) };
        if expires_at < now + IDLE_MS - TOUCH_MS {
            let mut tx = self.0.database.write().await.map_err(backend)?;
            store::touch(&mut tx, &hash, now).await.map_err(backend)?;
            tx.commit().await.map_err(backend)?;
        }
        let data = [
            (ACCOUNT, signed_in.account.map(|it| it.to_string())),
            (OPERATOR, signed_in.operator.map(|it| it.to_string())),
        ];
        let data =
            data.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value?))));
        // The cookie lives as long as the browser does; the row decides.
        let expiry_date = OffsetDateTime::from_unix_timestamp((now + ABSOLUTE_MS) / 1000)
            .map_err(|error| session_store::Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data: data.collect(), expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let mut tx = self.0.database.write().await.map_err(backend)?;
        store::delete(&mut tx, &hash(id)).await.map_err(backend)?;
        tx.commit().await.map_err(backend)
    }
}

/// What a session is known by where something is kept for it alone.
pub(crate) fn mark(session: &Session) -> Result<String> {
    session.id().map(|it| hash(&it)).ok_or(Error::SignedOut)
}

/// What is stored of a cookie: the SHA-256 of its 128 random bits, as hexadecimal.
fn hash(id: &Id) -> String {
    Sha256::digest(id.0.to_be_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn signed_in(record: &Record) -> session_store::Result<SignedIn> {
    let read = |key: &str| record.data.get(key).and_then(Value::as_str);
    let bad = |_error| session_store::Error::Encode("a session holds ids only".to_owned());
    Ok(SignedIn {
        account: read(ACCOUNT).map(str::parse).transpose().map_err(bad)?,
        operator: read(OPERATOR).map(str::parse).transpose().map_err(bad)?,
    })
}

fn backend(error: impl fmt::Display) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}
