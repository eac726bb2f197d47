//! Bindings.

use std::time::Duration;

use crosspoint_storage::Write;
use model::{Binding, BindingKey, TenantId};

use crate::lab::{Lab, PATIENCE};
use crate::samples::{NOW, OTHER, account, binding, refreshed};

fn full() -> Binding {
    Binding {
        id: BindingKey::outbound("<urn:uuid:00000000-0000-1000-8000-000A95A0E128>", 2),
        contact: "sip:user1@[2001:db8::7]:5061;transport=tls;+x=\"é\"".to_owned(),
        instance: Some("<urn:uuid:00000000-0000-1000-8000-000A95A0E128>".to_owned()),
        reg_id: Some(2),
        transport: "tls".to_owned(),
        local: "[2001:db8::1]:5061".parse().unwrap(),
        remote: "[2001:db8::7]:40123".parse().unwrap(),
        path: vec!["<sip:edge1.example;lr>".to_owned(), "<sip:\"x,y\"@edge2.example;lr>".to_owned()],
        user_agent: None,
        cseq: u32::MAX,
        q_milli: 0,
        ..binding(&account(1), 5_062)
    }
}

pub(crate) async fn a_binding_reads_as_it_was_written(lab: Lab) {
    lab.storage.accounts().insert(&account(1)).await.unwrap();
    let (writer, heard) = lab.writer();
    let connected = Binding { connection: Some(77), ..full() };
    writer.submit(Write::BindingPut(Box::new(connected)), None).unwrap();
    writer.submit(Write::BindingPut(Box::new(binding(&account(1), 5_070))), None).unwrap();
    writer.flush().await.unwrap();
    // A connection does not outlive its process.
    assert_eq!(lab.storage.bindings().live(NOW).await.unwrap(), [full(), binding(&account(1), 5_070)]);
    let changed = Binding { remote: "192.0.2.9:1024".parse().unwrap(), ..refreshed(&full(), 5) };
    writer.submit(Write::BindingPut(Box::new(changed.clone())), None).unwrap();
    writer.flush().await.unwrap();
    let stored = lab.storage.bindings().of_account(TenantId::DEFAULT, account(1).id).await.unwrap();
    assert_eq!(stored, [changed, binding(&account(1), 5_070)]);
    assert!(lab.storage.bindings().of_account(OTHER, account(1).id).await.unwrap().is_empty());
    assert!(heard.so_far().is_empty());
}

pub(crate) async fn only_live_bindings_of_existing_accounts_are_loaded(lab: Lab) {
    lab.storage.accounts().insert(&account(1)).await.unwrap();
    let (writer, _) = lab.writer();
    let live = binding(&account(1), 5_062);
    let expired = Binding { expires_at: NOW, ..binding(&account(1), 5_063) };
    for binding in [live.clone(), expired, binding(&account(2), 5_064)] {
        writer.submit(Write::BindingPut(Box::new(binding)), None).unwrap();
    }
    writer.flush().await.unwrap();
    assert_eq!(lab.storage.bindings().live(NOW).await.unwrap(), [live]);
}

pub(crate) async fn expired_bindings_are_forgotten(lab: Lab) {
    lab.storage.accounts().insert(&account(1)).await.unwrap();
    let (writer, _) = lab.writer();
    for n in 0..5 {
        let expires_at = NOW + Duration::from_secs(n);
        let of_second = Binding { expires_at, ..binding(&account(1), 5_062 + u16::try_from(n).unwrap()) };
        writer.submit(Write::BindingPut(Box::new(of_second)), None).unwrap();
    }
    writer.flush().await.unwrap();
    assert_eq!(lab.storage.bindings().remove_expired(NOW + Duration::from_secs(2)).await.unwrap(), 3);
    assert_eq!(lab.storage.bindings().of_account(TenantId::DEFAULT, account(1).id).await.unwrap().len(), 2);
}

pub(crate) async fn ten_thousand_bindings_are_written_in_sets(lab: Lab) {
    let accounts: Vec<_> = (0..10_000).map(account).collect();
    lab.storage.accounts().insert_each(&accounts).await.unwrap();
    let (writer, _) = lab.writer();
    for of in &accounts {
        writer.submit(Write::BindingRefresh(Box::new(binding(of, 5_062))), None).unwrap();
    }
    tokio::time::timeout(PATIENCE, writer.flush()).await.expect("sets are quick").unwrap();
    let counts = writer.counts();
    assert_eq!((counts.rows, counts.waiting, counts.failures, counts.refused), (10_000, 0, 0, 0));
    assert!(counts.commits <= 5, "{counts:?}");
    let stored = lab.storage.bindings().live(NOW).await.unwrap();
    assert_eq!(stored.len(), 10_000);
    assert!(stored.iter().zip(&accounts).all(|(stored, of)| *stored == binding(of, 5_062)));
}
