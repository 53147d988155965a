//! Stories about the database's files, and tables that are in use.

mod upgrade;

use std::os::unix::fs::PermissionsExt;

use super::*;

#[tokio::test]
async fn p29_the_files_are_ours_alone_and_one_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/for/it/myrelay.db");
    let url = format!("sqlite:{}", path.display());
    let database = Database::open(&url).await.unwrap();
    let tx = database.write().await.unwrap();
    tx.commit().await.unwrap();
    let files: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(Result::unwrap).collect();
    assert!(2 < files.len(), "the database, its WAL and its index: {files:?}");
    for file in files {
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{file:?}");
    }
    assert_eq!(path.parent().unwrap().metadata().unwrap().mode() & 0o777, 0o700);
    database.close().await;

    for mode in [0o640, 0o604, 0o660] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = Database::open(&url).await.err().unwrap();
        assert!(format!("{error:#}").contains("others can read"), "{mode:o}: {error:#}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    Database::open(&url).await.unwrap().close().await;

    let wal = path.with_file_name("myrelay.db-wal");
    fs::write(&wal, "").unwrap();
    fs::set_permissions(&wal, fs::Permissions::from_mode(0o644)).unwrap();
    let error = Database::open(&url).await.err().unwrap();
    assert!(format!("{error:#}").contains("myrelay.db-wal"), "{error:#}");
    fs::remove_file(&wal).unwrap();

    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let error = Database::open(&format!("sqlite:{}", link.display())).await.err().unwrap();
    assert!(format!("{error:#}").contains("not a regular file"), "{error:#}");
}

#[test]
fn what_is_written_is_cut_into_few_sizes_and_nothing_is_left_out() {
    for (count, sizes) in [
        (0, &[][..]),
        (1, &[1]),
        (3, &[2, 1]),
        (63, &[32, 16, 8, 4, 2, 1]),
        (64, &[64]),
        (65, &[64, 1]),
        (200, &[64, 64, 64, 8]),
    ] {
        let all: Vec<u32> = (0..count).collect();
        let cut: Vec<&[u32]> = portions(&all).collect();
        assert_eq!(cut.iter().map(|it| it.len()).collect::<Vec<_>>(), sizes);
        assert_eq!(cut.concat(), all);
    }
    assert_eq!(places(1, 1, 1), "($1)");
    assert_eq!(places(3, 2, 2), "($3, $4), ($5, $6)");
}

#[tokio::test]
async fn whether_there_is_a_database_is_seen_without_making_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("myrelay.db");
    let url = format!("sqlite:{}", path.display());
    assert!(!Database::is_made(&url).await.unwrap() && !path.exists());
    Database::open(&url).await.unwrap().close().await;
    assert!(Database::is_made(&url).await.unwrap());
}
