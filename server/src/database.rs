//! The database: SQLite in a file of ours, or PostgreSQL by URL, behind one SQL text.

#[cfg(test)]
mod tests;

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
    str::FromStr,
    sync::Once,
    time::Duration,
};

use anyhow::{Context as _, bail};
use myrelay_domain::ids::{IdError, TypedId};
use sqlx::{
    Any, AnyConnection, AnyPool, Connection as _, Executor, Transaction,
    any::{AnyConnectOptions, AnyPoolOptions},
};

/// A transaction that may write.
pub(crate) type Write = Transaction<'static, Any>;

/// Which engine answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// The portal's memory: many readers, and on SQLite one writer.
#[derive(Clone)]
pub struct Database {
    engine: Engine,
    readers: AnyPool,
    writer: AnyPool,
    #[cfg(test)]
    pub(crate) steps: crate::testing::Steps,
}

/// How long a request waits for a connection before it is told that the service is busy.
const PATIENCE: Duration = Duration::from_secs(5);

/// When a write is acknowledged.
#[cfg(not(test))]
macro_rules! synchronous {
    () => {
        "FULL"
    };
}

/// No story cuts the power, and a disk that is busy with something else is no reason to fail.
#[cfg(test)]
macro_rules! synchronous {
    () => {
        "OFF"
    };
}

fn install_drivers() {
    static DRIVERS: Once = Once::new();
    DRIVERS.call_once(sqlx::any::install_default_drivers);
}

impl Database {
    /// Opens `sqlite:<path>` or `postgres://…` and brings the tables up to date.
    ///
    /// A SQLite file is made with mode 0600, and one that others can read is refused. WAL with
    /// `synchronous=FULL`: an acknowledged write survives a power cut
    /// (<https://sqlite.org/pragma.html#pragma_synchronous>).
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        install_drivers();
        let database = if let Some(path) = url.strip_prefix("sqlite:") {
            let path = Path::new(path.trim_start_matches("//"));
            prepare_file(path).with_context(|| format!("database file {}", path.display()))?;
            Self::open_sqlite(path).await?
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::open_postgres(url).await?
        } else {
            bail!("database-url: expected `sqlite:<path>` or `postgres://…`");
        };
        sqlx::migrate!().run(&database.writer).await.context("bring the tables up to date")?;
        Ok(database)
    }

    /// Whether there is a database with the tables of this program, so that opening it brings nothing
    /// up to date. Nothing is made or changed by asking.
    pub(crate) async fn is_current(url: &str) -> bool {
        install_drivers();
        let url = match url.strip_prefix("sqlite:") {
            Some(path) => format!("sqlite://{}?mode=ro", path.trim_start_matches("//")),
            None => url.to_owned(),
        };
        let Ok(mut connection) = AnyConnection::connect(&url).await else { return false };
        let applied = sqlx::query_scalar("SELECT COUNT(*) FROM _sqlx_migrations");
        let applied: sqlx::Result<i64> = applied.fetch_one(&mut connection).await;
        let ours = i64::try_from(sqlx::migrate!().iter().count());
        applied.ok().is_some_and(|it| ours == Ok(it))
    }

    /// Whether there is a database of this program's: a file, or on PostgreSQL its tables. Nothing is
    /// made or changed by asking.
    ///
    /// # Errors
    /// When PostgreSQL does not answer, or does not let us look.
    pub(crate) async fn is_made(url: &str) -> anyhow::Result<bool> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return Ok(Path::new(path.trim_start_matches("//")).exists());
        }
        install_drivers();
        let look = async {
            let mut connection = AnyConnection::connect(url).await?;
            let applied = sqlx::query_scalar("SELECT COUNT(*) FROM _sqlx_migrations");
            let applied: sqlx::Result<i64> = applied.fetch_one(&mut connection).await;
            connection.close().await?;
            applied
        };
        match tokio::time::timeout(PATIENCE, look).await.context("database-url: no answer")? {
            Ok(applied) => Ok(0 < applied),
            Err(error) if is_no_table(&error) => Ok(false),
            Err(error) => Err(error).context("database-url: look for the portal's tables"),
        }
    }

    async fn open_sqlite(path: &Path) -> anyhow::Result<Self> {
        let path = path.to_str().context("the path is not UTF-8")?;
        let options = AnyConnectOptions::from_str(&format!("sqlite://{path}?mode=rw"))?;
        let pool = |size, set_up: &'static str| {
            AnyPoolOptions::new()
                .max_connections(size)
                .min_connections(1)
                .acquire_timeout(PATIENCE)
                .idle_timeout(None)
                .max_lifetime(None)
                .after_connect(move |connection: &mut AnyConnection, _| {
                    Box::pin(async move { connection.execute(set_up).await.map(drop) })
                })
        };
        // The writer comes first: it is the one that turns the file to WAL.
        let writer = pool(
            1,
            concat!(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=",
                synchronous!(),
                "; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=5000; PRAGMA secure_delete=ON"
            ),
        );
        let writer = writer.connect_with(options.clone()).await.context("open for writing")?;
        let readers =
            pool(4, "PRAGMA query_only=ON; PRAGMA busy_timeout=5000; PRAGMA mmap_size=268435456");
        let readers = readers.connect_with(options).await.context("open for reading")?;
        Ok(Self {
            engine: Engine::Sqlite,
            readers,
            writer,
            #[cfg(test)]
            steps: crate::testing::Steps::default(),
        })
    }

    async fn open_postgres(url: &str) -> anyhow::Result<Self> {
        let options = AnyConnectOptions::from_str(url).context("database-url")?;
        let pool = AnyPoolOptions::new().max_connections(16).acquire_timeout(PATIENCE);
        let pool = pool.connect_with(options).await.context("connect to PostgreSQL")?;
        Ok(Self {
            engine: Engine::Postgres,
            readers: pool.clone(),
            writer: pool,
            #[cfg(test)]
            steps: crate::testing::Steps::default(),
        })
    }

    /// Which engine this is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// For reading outside a transaction.
    pub(crate) fn read(&self) -> &AnyPool {
        &self.readers
    }

    /// Starts a transaction that may write. On SQLite it holds the one write lock from the start,
    /// so it never fails half way with `SQLITE_BUSY`.
    pub(crate) async fn write(&self) -> sqlx::Result<Write> {
        #[cfg(test)]
        self.steps.step().await;
        match self.engine {
            Engine::Sqlite => self.writer.begin_with("BEGIN IMMEDIATE").await,
            Engine::Postgres => self.writer.begin().await,
        }
    }

    /// Starts a transaction that reads everything as of one moment.
    pub(crate) async fn snapshot(&self) -> sqlx::Result<Write> {
        match self.engine {
            Engine::Sqlite => self.readers.begin().await,
            Engine::Postgres => {
                self.readers.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
            }
        }
    }

    /// Whether the database answers.
    pub async fn ensure_ready(&self) -> sqlx::Result<()> {
        sqlx::query("SELECT 1").execute(&self.readers).await.map(drop)
    }

    /// Finishes what runs and closes every connection.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// The most rows that one statement is about.
const TOGETHER: usize = 64;

/// Cuts what is to be written into what one statement is about each. There are few sizes, all of
/// them powers of two: a connection keeps each statement that it saw prepared.
pub(crate) fn portions<T>(mut all: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = 1 << all.len().min(TOGETHER).checked_ilog2()?;
        let portion;
        (portion, all) = all.split_at(size);
        Some(portion)
    })
}

/// The places of so many rows' values, numbered on from `first`: `($3, $4), ($5, $6)`. Nothing else
/// comes into a statement by it.
pub(crate) fn places(first: usize, rows: usize, columns: usize) -> String {
    let place = |at: usize| format!("${at}");
    let row = |row: usize| {
        let from = first + row * columns;
        format!("({})", (from..from + columns).map(place).collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// Whether nobody else writes until this transaction ends, so that no row has to be held: so it is
/// on SQLite.
pub(crate) fn is_only_writer(tx: &Write) -> bool {
    tx.backend_name() == "SQLite"
}

/// Whether a write was refused because the row's key is taken.
pub(crate) fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// Whether PostgreSQL has no table of this name (appendix A: `undefined_table`).
fn is_no_table(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|it| it == "42P01")
}

/// Whether the database gave a transaction up for another one, and it may well succeed now: a
/// serialisation failure or a deadlock (PostgreSQL appendix A, class 40).
pub(crate) fn is_beaten(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|it| matches!(&*it, "40001" | "40P01"))
}

/// Makes the file readable by us alone, or sees that it is. WAL and shared-memory files take
/// their mode from it (SQLite's `findCreateFileMode` in os_unix.c).
fn prepare_file(path: &Path) -> anyhow::Result<()> {
    if let Some(folder) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let created = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match created {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let facts = fs::symlink_metadata(path)?;
            if !facts.is_file() {
                bail!("it is not a regular file");
            }
            for suffix in ["", "-wal", "-shm"] {
                let mut name = path.as_os_str().to_owned();
                name.push(suffix);
                // Those two come and go with the connections.
                let Ok(facts) = fs::symlink_metadata(&name) else { continue };
                if facts.mode() & 0o077 != 0 {
                    let name = name.to_string_lossy();
                    bail!("others can read {name}: run `chmod 600` on it and look who may have");
                }
            }
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// An id as it stands in a column.
pub(crate) fn read_id<T: TypedId>(text: &str) -> sqlx::Result<T> {
    text.parse().map_err(|error| sqlx::Error::Decode(Box::<IdError>::new(error)))
}

/// Any other text that was checked when it was written.
pub(crate) fn read_text<T: FromStr>(text: &str) -> sqlx::Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse().map_err(|error| sqlx::Error::Decode(Box::<T::Err>::new(error)))
}

/// A count, a port or a generation: never negative, and in range when it was written.
pub(crate) fn read_number<T: TryFrom<i64>>(number: i64) -> sqlx::Result<T>
where
    T::Error: std::error::Error + Send + Sync + 'static,
{
    T::try_from(number).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// One number of a test's own query.
#[cfg(test)]
pub(crate) async fn count(database: &Database, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(database.read()).await.unwrap()
}

/// Everything that peers, pods, nodes and events hold as text.
#[cfg(test)]
pub(crate) async fn texts(database: &Database) -> String {
    let mut all = String::new();
    for sql in [
        "SELECT name || public_key FROM peers",
        "SELECT interface || COALESCE(fault, '') || COALESCE(public_key, '') FROM pods",
        "SELECT name || COALESCE(boot_id, '') || COALESCE(backend, '') FROM nodes",
        "SELECT kind || payload FROM outbox",
    ] {
        let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(database.read()).await.unwrap();
        all.extend(rows);
    }
    all
}
