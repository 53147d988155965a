//! SQL, the schema, and who may write what.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    nouns::noun_of,
    tree::{File, files, rust, rust_in, words},
};

/// The tables that each noun writes. Others may read them in a join.
const TABLES: &[(&str, &[&str])] = &[
    ("outbox", &["outbox"]),
    ("deployment", &["deployment"]),
    (
        "plugins",
        &[
            "plugins",
            "plugin_calls",
            "plugin_components",
            "plugin_kv",
            "plugin_publishers",
            "plugin_revocations",
            "plugin_secrets",
            "plugin_uploads",
            "plugin_versions",
        ],
    ),
    ("deliveries", &["deliveries"]),
    ("jobs", &["plugin_jobs"]),
    ("plans", &["plans"]),
    ("accounts", &["accounts"]),
    ("ledger", &["ledger_entries", "ledger_lines"]),
    ("subscriptions", &["invoices", "subscriptions"]),
    ("operators", &["operators", "operator_invites"]),
    ("sessions", &["sessions"]),
    ("nodes", &["locations", "nodes", "node_runs", "join_tokens"]),
    (
        "usage",
        &[
            "quota_marks",
            "usage_counters",
            "usage_days",
            "usage_hours",
            "usage_placements",
            "usage_refusals",
            "usage_stays",
        ],
    ),
    ("pods", &["former_placements", "pod_ranges", "pods", "pod_tombstones"]),
    ("peers", &["peers"]),
    ("tokens", &["pod_tokens"]),
    ("payments", &["checkouts", "hook_events", "payments", "provider_tasks", "refunds"]),
    ("channels", &["channels", "channel_codes", "quiet_hours"]),
    ("messages", &["messages"]),
];

const WRITES: [&str; 3] = ["INSERT INTO ", "UPDATE ", "DELETE FROM "];

/// Columns that name a key, a token or a password, and hold none that anybody could use.
const PUBLIC: [&str; 5] =
    ["key_hash", "password_hash", "previous_key_hash", "public_key", "token_hash"];

fn is_store(file: &File) -> bool {
    file.path.ends_with("/store.rs") || file.path.contains("/store/")
}

#[test]
fn sql_is_only_in_stores() {
    let asks = ["sqlx::query", "sqlx::raw_sql", "QueryBuilder", "SELECT ", "DELETE FROM "];
    for file in rust() {
        let excepted = is_store(file)
            || file.path == "server/src/database.rs"
            || file.path.starts_with("tests/")
            || file.is_test();
        let code = file.code();
        let found = asks.iter().find(|ask| code.contains(**ask)).filter(|_| !excepted);
        assert!(found.is_none(), "{}: SQL outside a store: {found:?}", file.path);
    }
}

#[test]
fn only_the_portal_reaches_a_database() {
    for folder in ["app", "node-agent", "server/domain"] {
        for file in rust_in(folder) {
            assert!(!file.code().contains("sqlx"), "{}: a database here", file.path);
        }
    }
}

#[test]
fn a_nouns_tables_are_written_by_its_own_store_alone() {
    let owners: BTreeMap<&str, &str> =
        TABLES.iter().flat_map(|(noun, tables)| tables.iter().map(|it| (*it, *noun))).collect();
    for file in rust_in("server/src").filter(|file| is_store(file)) {
        let noun = noun_of(file).unwrap();
        let code = file.code();
        for write in WRITES {
            for rest in code.split(write).skip(1) {
                let table = words(rest).next().unwrap();
                // `ON CONFLICT … DO UPDATE SET` writes the table that was named before.
                let Some(owner) = owners.get(table) else {
                    assert_eq!(table, "SET", "{}: {write}{table}: whose is it?", file.path);
                    continue;
                };
                assert_eq!(*owner, noun, "{}: {write}{table}", file.path);
            }
        }
    }
}

#[test]
fn every_table_has_one_owner() {
    let ours: BTreeSet<&str> = columns().into_iter().map(|(table, _)| table).collect();
    let owned: Vec<&str> = TABLES.iter().flat_map(|(_, tables)| tables.iter().copied()).collect();
    assert_eq!(ours, owned.iter().copied().collect(), "a table came or went: give it to a noun");
    assert_eq!(ours.len(), owned.len(), "a table has two owners");
}

/// Neither a customer's nor a node's: a private key has no place in the schema.
#[test]
fn p30_no_column_for_a_private_key() {
    let columns = columns();
    assert!(columns.contains(&("peers", "public_key")), "the schema was read");
    for (table, column) in columns {
        assert!(!column.contains("private"), "{table}.{column}");
        let names = ["key", "secret", "seed", "psk"].iter().any(|it| column.contains(it));
        assert!(!names || PUBLIC.contains(&column), "{table}.{column}: what does it hold?");
    }
}

/// Bytes are kept by pod and hour, and by nothing finer.
#[test]
fn p46_no_table_counts_anything_finer_than_a_pod_and_an_hour() {
    let columns = columns();
    let of = |table: &str| -> BTreeSet<&str> {
        columns.iter().filter(|it| it.0 == table).map(|it| it.1).collect()
    };
    let bytes = ["account_id", "location_id", "pod_id", "received", "sent"];
    let hours: BTreeSet<_> = bytes.into_iter().chain(["counter", "hour_at", "node_id"]).collect();
    assert_eq!(of("usage_hours"), hours);
    assert_eq!(of("usage_days"), bytes.into_iter().chain(["day_at"]).collect());
    for (table, column) in &columns {
        let counts = ["bytes", "received", "rx", "sent", "tx"];
        let counts = column.split('_').any(|it| counts.contains(&it));
        let known = ["plans", "usage_hours", "usage_days", "usage_placements"];
        assert!(!counts || known.contains(table), "{table}.{column}: whose traffic is it?");
    }
}

#[test]
fn p25_every_credential_in_the_schema_is_a_hash() {
    for (table, column) in columns() {
        let names = ["cookie", "credential", "password", "token"];
        let credential = names.iter().any(|it| column.contains(it));
        assert!(!credential || column.ends_with("_hash"), "{table}.{column} is no hash");
    }
}

#[test]
fn the_schema_fits_both_engines() {
    for file in files().iter().filter(|it| it.path.starts_with("server/migrations/")) {
        assert!(file.text.starts_with("-- "), "{}: say what it does and why", file.path);
        let upper = statements(&file.text).to_uppercase();
        for word in words(&upper) {
            let one_engine = ["AUTOINCREMENT", "BLOB", "BOOLEAN", "BYTEA", "JSONB", "SERIAL"];
            assert!(!one_engine.contains(&word), "{}: {word} is not in both", file.path);
            assert_ne!(word, "INTEGER", "{}: 32 bits on one of them; BIGINT", file.path);
        }
    }
}

fn statements(sql: &str) -> String {
    let lines = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Every column of every table, from the migrations: `ALTER TABLE … ADD COLUMN` too.
fn columns() -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    let mut table = None;
    for file in files().iter().filter(|it| it.path.starts_with("server/migrations/")) {
        for line in file.text.lines().map(str::trim) {
            let mut parts = words(line);
            let (first, second, third) = (parts.next(), parts.next(), parts.next());
            match (first, second, third) {
                _ if line.starts_with("--") => {}
                (Some("CREATE"), Some("TABLE"), Some(name)) => table = Some(name),
                (Some("ALTER"), Some("TABLE"), Some(name)) => {
                    let column = line.split("ADD COLUMN ").nth(1).and_then(|it| words(it).next());
                    found.extend(column.map(|it| (name, it)));
                }
                _ if line.starts_with(')') => table = None,
                (Some(name), _, _) if !is_constraint(name) => found.extend(table.zip(Some(name))),
                _ => {}
            }
        }
    }
    found
}

fn is_constraint(word: &str) -> bool {
    ["CHECK", "CONSTRAINT", "CREATE", "FOREIGN", "PRIMARY", "UNIQUE"].contains(&word)
}
