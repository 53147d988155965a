//! Upgrades: tables that are in use are brought up to date, and mean what they meant.

use std::borrow::Cow;

use sqlx::{
    AnyConnection, Connection, Executor,
    any::AnyPoolOptions,
    migrate::{MigrateError, Migrator},
};
use tempfile::TempDir;

use crate::{database::Database, testing::empty_postgres};

/// The tables of the first portal whose nodes told usage, in use: pod 1 stands on node a and stood
/// on node b, pod 2 is to be forgotten by a, pod 3 is long gone from b after it told two hours.
const IN_USE: &str = "
    INSERT INTO plans (id, name, pods, devices_per_pod, created_at) VALUES ('plan', 'P', 3, 5, 1);
    INSERT INTO accounts (id, email, password_hash, plan_id, created_at)
        VALUES ('ana', 'ana@example.org', 'hash', 'plan', 1);
    INSERT INTO locations (id, name, created_at) VALUES ('loc', 'Oslo', 1);
    INSERT INTO nodes (id, name, location_id, endpoint, generation, applied_epoch,
            applied_generation, sequence, instance, previous_instance, created_at)
        VALUES ('a', 'a', 'loc', 'a.example', 5, 1, 5, 9, 'now', 'before', 70),
            ('b', 'b', 'loc', 'b.example', 5, 1, 5, 9, 'now', NULL, 80);
    INSERT INTO pod_ranges (number, pod_id) VALUES (0, '1');
    INSERT INTO pods (id, account_id, node_id, location_id, interface, port, range_number,
            changed_generation, created_at)
        VALUES ('1', 'ana', 'a', 'loc', 'wg-1', 51820, 0, 3, 10);
    INSERT INTO former_placements (pod_id, node_id, port, changed_generation, moved_at, ends_at)
        VALUES ('1', 'b', 51820, 3, 11, 99);
    INSERT INTO pod_tombstones (pod_id, node_id, port, deleted_generation, created_at)
        VALUES ('2', 'a', 51821, 4, 12);
    INSERT INTO usage_placements (pod_id, node_id, account_id, location_id, placed_at)
        VALUES ('1', 'a', 'ana', 'loc', 10), ('1', 'b', 'ana', 'loc', 11),
            ('2', 'a', 'ana', 'loc', 12), ('3', 'b', 'ana', 'loc', 13), ('4', 'b', 'ana', 'loc', 14);
    INSERT INTO usage_counters (node_id, counter, first_at) VALUES ('a', 'c', 20), ('b', 'd', 30);
    INSERT INTO usage_hours (pod_id, node_id, counter, hour_at, account_id, location_id, received,
            sent)
        VALUES ('3', 'b', 'd', 3600000, 'ana', 'loc', 1, 2),
            ('3', 'b', 'd', 7200000, 'ana', 'loc', 3, 4);
    INSERT INTO outbox (id, kind, account_id, payload, created_at)
        VALUES ('evt', 'pod.created', 'ana', '{}', 40);
";

/// A plugin as it was before its component had a table of its own, and what belongs to it.
const WITH_A_PLUGIN: &str = "
    INSERT INTO plugins (id, plugin, name, version, manifest, component, component_hash, settings,
            grants, limits, sealed, revision, writes, failures, created_at)
        VALUES ('desk', 'org.example.desk', 'Desk', '1.0.0', 'text', 'AGFzbQ==', 'hash', '{}', '{}',
            '{}', 'sealed', 3, 4, 0, 1);
    INSERT INTO plugin_secrets (plugin_id, name, sealed, created_at)
        VALUES ('desk', 'key', 'sealed', 1);
";

/// What a program knows of the tables that was made when they had this version.
fn earlier(version: i64) -> Migrator {
    let all = sqlx::migrate!();
    let earlier = all.iter().filter(|it| it.version <= version).cloned().collect();
    Migrator { migrations: Cow::Owned(earlier), ..Migrator::DEFAULT }
}

/// Brings an empty database up to this version, and puts it to use.
async fn in_use(url: &str, version: i64, rows: &'static str) {
    sqlx::any::install_default_drivers();
    let pool = AnyPoolOptions::new().max_connections(1).connect(url).await.unwrap();
    earlier(version).run(&pool).await.unwrap();
    pool.close().await;
    let mut connection = AnyConnection::connect(url).await.unwrap();
    for statement in rows.split(';').map(str::trim).filter(|it| !it.is_empty()) {
        connection.execute(sqlx::AssertSqlSafe(statement.to_owned())).await.unwrap();
    }
    connection.close().await.unwrap();
}

async fn means_what_it_meant(url: &str) {
    let database = Database::open(url).await.unwrap();
    let stays: Vec<(String, String, i64, Option<i64>)> = sqlx::query_as(
        "SELECT pod_id, node_id, began_at, ended_at FROM usage_stays ORDER BY pod_id, node_id",
    )
    .fetch_all(database.read())
    .await
    .unwrap();
    let stay = |pod: &str, node: &str, end| (pod.to_owned(), node.to_owned(), 0, end);
    let expected = [
        stay("1", "a", None),
        stay("1", "b", None),
        stay("2", "a", None),
        stay("3", "b", Some(7_200_000)),
        stay("4", "b", Some(14)),
    ];
    assert_eq!(stays, expected);
    let told: Vec<(String, i64)> =
        sqlx::query_as("SELECT counter, told_at FROM usage_counters ORDER BY counter")
            .fetch_all(database.read())
            .await
            .unwrap();
    assert_eq!(told, [("c".to_owned(), 20), ("d".to_owned(), 30)]);
    let runs: Vec<(String, String, i64)> =
        sqlx::query_as("SELECT node_id, instance, replaced_at FROM node_runs")
            .fetch_all(database.read())
            .await
            .unwrap();
    assert_eq!(runs, [("a".to_owned(), "before".to_owned(), 70)]);
    let tombs = crate::database::count(&database, "SELECT COUNT(*) FROM pod_tombstones").await;
    assert_eq!(tombs, 1);
    database.close().await;
}

async fn the_plugin_is_as_it_was(url: &str) {
    let database = Database::open(url).await.unwrap();
    let component: Vec<(String, String)> =
        sqlx::query_as("SELECT plugin_id, component FROM plugin_components")
            .fetch_all(database.read())
            .await
            .unwrap();
    assert_eq!(component, [("desk".to_owned(), "AGFzbQ==".to_owned())]);
    for (what, number) in [
        ("SELECT COUNT(*) FROM plugin_secrets WHERE plugin_id = 'desk'", 1),
        ("SELECT revision FROM plugins WHERE id = 'desk'", 3),
    ] {
        assert_eq!(crate::database::count(&database, what).await, number, "{what}");
    }
    let mut tx = database.write().await.unwrap();
    tx.execute("DELETE FROM plugins").await.unwrap();
    tx.commit().await.unwrap();
    let left = "SELECT COUNT(*) FROM plugin_components";
    assert_eq!(crate::database::count(&database, left).await, 0, "it goes with its plugin");
    database.close().await;
}

/// A program from before does not start on tables that a later one changed.
async fn is_nothing_for_an_earlier_program(url: &str) {
    Database::open(url).await.unwrap().close().await;
    let url = url.replacen("sqlite:", "sqlite://", 1);
    let pool = AnyPoolOptions::new().max_connections(1).connect(&url).await.unwrap();
    let refused = earlier(11).run(&pool).await.unwrap_err();
    assert!(matches!(refused, MigrateError::VersionMissing(12)), "{refused}");
    pool.close().await;
}

mod on_sqlite {
    use super::*;

    /// A database in a file of ours.
    async fn file_in_use(folder: &TempDir, version: i64, rows: &'static str) -> String {
        let path = folder.path().join("myrelay.db");
        let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        file.set_permissions(private).unwrap();
        in_use(&format!("sqlite://{}", path.display()), version, rows).await;
        format!("sqlite:{}", path.display())
    }

    #[tokio::test]
    async fn tables_in_use_are_brought_up_to_date() {
        let folder = TempDir::new().unwrap();
        means_what_it_meant(&file_in_use(&folder, 2, IN_USE).await).await;
    }

    #[tokio::test]
    async fn a_plugin_keeps_its_component() {
        let folder = TempDir::new().unwrap();
        let url = file_in_use(&folder, 11, WITH_A_PLUGIN).await;
        assert!(!Database::is_current(&url).await, "looking brings nothing up to date");
        the_plugin_is_as_it_was(&url).await;
        assert!(Database::is_current(&url).await);
        is_nothing_for_an_earlier_program(&url).await;
        let nothing = folder.path().join("nothing.db");
        assert!(!Database::is_current(&format!("sqlite:{}", nothing.display())).await);
        assert!(!nothing.exists(), "looking makes nothing");
    }
}

mod on_postgres {
    use super::*;

    #[tokio::test]
    async fn tables_in_use_are_brought_up_to_date() {
        let Some(url) = empty_postgres().await else { return };
        in_use(&url, 2, IN_USE).await;
        means_what_it_meant(&url).await;
    }

    #[tokio::test]
    async fn a_plugin_keeps_its_component() {
        let Some(url) = empty_postgres().await else { return };
        in_use(&url, 11, WITH_A_PLUGIN).await;
        assert!(!Database::is_current(&url).await, "looking brings nothing up to date");
        the_plugin_is_as_it_was(&url).await;
        assert!(Database::is_current(&url).await);
        is_nothing_for_an_earlier_program(&url).await;
    }
}
