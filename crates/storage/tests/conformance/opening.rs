//! Starts, restarts, and what is refused at the start.

use std::os::unix::fs::PermissionsExt;

use crosspoint_storage::{Error, Storage};
use sqlx::Row;

use crate::lab::Lab;
use crate::samples::{account, other_tenant};

pub(crate) async fn what_was_written_is_there_after_opening_again(lab: Lab) {
    lab.storage.tenants().insert(&other_tenant()).await.unwrap();
    lab.storage.accounts().insert(&account(1)).await.unwrap();
    let lab = lab.reopen().await;
    lab.storage.ping().await.unwrap();
    assert_eq!(lab.storage.accounts().all().await.unwrap(), [account(1)]);
    assert_eq!(lab.storage.settings().revision().await.unwrap(), 1);
    let tenants = lab.storage.tenants().all().await.unwrap();
    assert_eq!(tenants.iter().map(|tenant| &*tenant.name).collect::<Vec<_>>(), ["default", "other"]);
}

pub(crate) async fn a_newer_schema_is_refused(lab: Lab) {
    let mut connection = lab.back_door().await;
    sqlx::query("INSERT INTO schema_versions (version) VALUES (999)").execute(&mut connection).await.unwrap();
    let closed = lab.close().await;
    let error = Storage::open(closed.settings).await.unwrap_err();
    assert!(matches!(error, Error::NewerSchema { found: 999, known } if known < 999), "{error}");
    assert!(error.to_string().contains("schema 999"), "{error}");
    let tables = sqlx::query("SELECT COUNT(*) FROM accounts").fetch_one(&mut connection).await.unwrap();
    assert_eq!(tables.get::<i64, _>(0), 0, "nothing was touched");
}

pub(crate) async fn a_second_instance_on_the_directory_is_refused(lab: Lab) {
    let error = Storage::open(lab.settings.clone()).await.unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, Error::Locked { .. }), "{said}");
    assert!(said.contains(&format!("process {}", std::process::id())), "{said}");
    assert!(said.contains(lab.data_dir().to_str().unwrap()), "{said}");
    lab.reopen().await;
}

pub(crate) async fn the_realm_of_the_first_start_stays(lab: Lab) {
    let settings = lab.storage.settings();
    assert_eq!(settings.read("realm").await.unwrap(), None);
    assert_eq!(settings.keep_first("realm", "pbx.example").await.unwrap(), "pbx.example");
    let lab = lab.reopen().await;
    assert_eq!(lab.storage.settings().keep_first("realm", "other.example").await.unwrap(), "pbx.example");
    lab.storage.settings().put("note", "one").await.unwrap();
    lab.storage.settings().put("note", "two").await.unwrap();
    assert_eq!(lab.storage.settings().read("note").await.unwrap().as_deref(), Some("two"));
}

pub(crate) async fn each_start_of_a_node_has_its_epoch(lab: Lab) {
    assert_eq!(lab.storage.next_epoch(1).await.unwrap(), 1);
    assert_eq!(lab.storage.next_epoch(1).await.unwrap(), 2);
    let lab = lab.reopen().await;
    assert_eq!(lab.storage.next_epoch(1).await.unwrap(), 3);
    assert_eq!(lab.storage.next_epoch(2).await.unwrap(), 1);
    lab.storage.settings().put("epoch.1", "65534").await.unwrap();
    assert_eq!(lab.storage.next_epoch(1).await.unwrap(), u16::MAX);
    assert_eq!(lab.storage.next_epoch(1).await.unwrap(), 1, "round again, and never 0");
}

pub(crate) async fn secrets_are_not_readable_in_the_database(lab: Lab) {
    lab.storage.accounts().insert(&account(1)).await.unwrap();
    let mut connection = lab.back_door().await;
    let row = sqlx::query("SELECT secrets FROM accounts").fetch_one(&mut connection).await.unwrap();
    assert!(!row.get::<String, _>(0).contains("md5-user1"));
    let mut files = 0;
    for entry in std::fs::read_dir(lab.data_dir()).unwrap() {
        let path = entry.unwrap().path();
        let entry_mode = std::fs::metadata(&path).unwrap().permissions().mode();
        let bytes = std::fs::read(&path).unwrap();
        let found = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!found(b"md5-user1") && !found(&[b'b'; 64]));
        assert_eq!(entry_mode & 0o077, 0, "only the owner reads what lies there");
        files += usize::from(found(b"user1"));
    }
    // Only SQLite lies in the data directory: its file, or its log beside it, has the name in clear.
    assert_eq!(files > 0, lab.settings.url.is_none());
}

pub(crate) async fn another_key_opens_no_secret(mut lab: Lab) {
    lab.storage.accounts().insert(&account(1)).await.unwrap();
    lab.settings.key = [8; 32];
    let lab = lab.reopen().await;
    let error = lab.storage.accounts().all().await.unwrap_err();
    assert!(matches!(&error, Error::Sealed { account: id } if *id == account(1).id.to_string()), "{error}");
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = crosspoint_storage::Settings::new(dir.path().to_owned(), [0; 32]);
    settings.url = Some("mysql://root@db/x".to_owned());
    assert!(matches!(Storage::open(settings.clone()).await, Err(Error::Url)));
    // Port 1 of loopback: nobody listens.
    settings.url = Some("postgres://me:hush@127.0.0.1:1/cross".to_owned());
    let error = Storage::open(settings).await.unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, Error::Unreachable { .. }), "{said}");
    assert!(said.contains("127.0.0.1:1/cross") && !said.contains("hush"), "{said}");
}

#[tokio::test]
async fn a_path_with_odd_characters_is_a_good_data_directory() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("50% öd?#dir");
    let storage = Storage::open(crosspoint_storage::Settings::new(dir.clone(), [0; 32])).await.unwrap();
    assert_eq!(storage.tenants().all().await.unwrap().len(), 1);
    assert!(dir.join("crosspoint.db").exists());
}
