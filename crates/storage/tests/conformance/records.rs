//! Call records.

use std::time::Duration;

use crosspoint_storage::{CdrFilter, CdrTotals, Write};
use model::{AccountId, CallUid, Cdr, CdrState, Direction, Fault, HangupCause, Page, TenantId, Termination};

use crate::lab::Lab;
use crate::samples::{NOW, OTHER, closed, open_call, uid};

async fn write(lab: &Lab, records: &[Cdr]) {
    let (writer, _) = lab.writer();
    for record in records {
        let write = match record.state {
            CdrState::Open => Write::CdrOpen(Box::new(record.clone())),
            CdrState::Closed => Write::CdrClose(Box::new(record.clone())),
        };
        writer.submit(write, None).unwrap();
    }
    writer.flush().await.unwrap();
}

pub(crate) async fn a_record_reads_as_it_was_written(lab: Lab) {
    let open = Cdr {
        account: Some(AccountId(uid(1))),
        callee_account: Some(AccountId(uid(2))),
        external_id: Some("crm/4711".to_owned()),
        direction: Direction::Outbound,
        ..open_call(1, None)
    };
    let unanswered = Cdr {
        ringing_at: None,
        answered_at: None,
        sip_status: Some(486),
        termination: Some(Termination::new(Fault::Callee, HangupCause::USER_BUSY, "busy")),
        legs: Vec::new(),
        codec: None,
        ..closed(&open_call(2, None))
    };
    write(&lab, &[open.clone(), unanswered.clone()]).await;
    let cdrs = lab.storage.cdrs();
    assert_eq!(cdrs.find(TenantId::DEFAULT, open.uid).await.unwrap(), Some(open.clone()));
    assert_eq!(cdrs.find(TenantId::DEFAULT, unanswered.uid).await.unwrap(), Some(unanswered));
    write(&lab, &[closed(&open)]).await;
    let stored = cdrs.find(TenantId::DEFAULT, open.uid).await.unwrap().unwrap();
    assert_eq!(stored, closed(&open));
    assert_eq!(stored.talk_time(), Duration::from_secs(30));
    assert_eq!(cdrs.find(TenantId::DEFAULT, CallUid(uid(99))).await.unwrap(), None);
}

pub(crate) async fn a_record_is_listed_by_each_filter(lab: Lab) {
    let (ann, bob) = (AccountId(uid(101)), AccountId(uid(102)));
    let calls: Vec<Cdr> = vec![
        Cdr { from_number: "6001".to_owned(), ..closed(&open_call(1, Some(ann))) },
        Cdr { from_number: "+4930123".to_owned(), callee_account: Some(ann), ..closed(&open_call(2, None)) },
        Cdr { to_number: "*43".to_owned(), ..open_call(3, Some(bob)) },
    ];
    write(&lab, &calls).await;
    let listed = async |filter: CdrFilter| {
        let listed = lab.storage.cdrs().list(TenantId::DEFAULT, &filter, Page::default()).await.unwrap();
        assert_eq!(listed.total as usize, listed.items.len());
        listed
            .items
            .iter()
            .map(|cdr| calls.iter().position(|call| call == cdr).unwrap() + 1)
            .collect::<Vec<_>>()
    };
    let all = CdrFilter::default;
    let at = |n| Some(NOW + Duration::from_secs(n));
    assert_eq!(listed(all()).await, [3, 2, 1], "newest first");
    assert_eq!(listed(CdrFilter { from_number: Some("+4930123".to_owned()), ..all() }).await, [2]);
    assert_eq!(listed(CdrFilter { to_number: Some("*43".to_owned()), ..all() }).await, [3]);
    assert_eq!(listed(CdrFilter { account: Some(ann), ..all() }).await, [2, 1]);
    assert_eq!(listed(CdrFilter { account: Some(bob), ..all() }).await, [3]);
    assert_eq!(listed(CdrFilter { state: Some(CdrState::Open), ..all() }).await, [3]);
    assert_eq!(listed(CdrFilter { since: at(2), ..all() }).await, [3, 2]);
    assert_eq!(listed(CdrFilter { until: at(2), ..all() }).await, [1]);
    let both =
        CdrFilter { since: at(1), until: at(3), state: Some(CdrState::Closed), account: Some(ann), ..all() };
    assert_eq!(listed(both).await, [2, 1]);
    assert_eq!(listed(CdrFilter { from_number: Some("600".to_owned()), ..all() }).await, [0; 0]);
    let second = lab.storage.cdrs().list(TenantId::DEFAULT, &all(), Page::new(2, 2)).await.unwrap();
    assert_eq!((second.items, second.total), (vec![calls[0].clone()], 3));
}

pub(crate) async fn the_calls_of_an_account_add_up(lab: Lab) {
    let (ann, bob) = (AccountId(uid(101)), AccountId(uid(102)));
    let unanswered = Cdr { answered_at: None, ..closed(&open_call(2, Some(ann))) };
    let called = Cdr { callee_account: Some(ann), ..closed(&open_call(3, Some(bob))) };
    write(&lab, &[closed(&open_call(1, Some(ann))), unanswered, called, open_call(4, Some(ann))]).await;
    let totals = lab.storage.cdrs().totals(TenantId::DEFAULT, ann).await.unwrap();
    assert_eq!((totals.calls, totals.answered, totals.talk), (3, 2, Duration::from_secs(60)), "{totals:?}");
    assert_eq!(totals.last_started_at, Some(NOW + Duration::from_secs(3)));
    assert_eq!(lab.storage.cdrs().totals(OTHER, ann).await.unwrap(), CdrTotals::default());
}

pub(crate) async fn records_of_other_tenants_are_invisible(lab: Lab) {
    let (ours, theirs) = (open_call(1, None), Cdr { tenant: OTHER, ..open_call(2, None) });
    write(&lab, &[ours.clone(), theirs.clone()]).await;
    let cdrs = lab.storage.cdrs();
    assert_eq!(cdrs.find(OTHER, ours.uid).await.unwrap(), None);
    assert_eq!(cdrs.list(OTHER, &CdrFilter::default(), Page::default()).await.unwrap().items, [theirs]);
}

pub(crate) async fn records_of_a_lost_node_are_closed(lab: Lab) {
    let lost = open_call(1, None);
    let ours = Cdr { epoch: 6, ..open_call(2, None) };
    let of_another_node = Cdr { node: 2, ..open_call(3, None) };
    let ended = closed(&open_call(4, None));
    write(&lab, &[lost.clone(), ours.clone(), of_another_node.clone(), ended.clone()]).await;
    let cdrs = lab.storage.cdrs();
    let now = NOW + Duration::from_secs(500);
    assert_eq!(cdrs.close_lost(1, 6, now).await.unwrap(), 1);
    assert_eq!(cdrs.close_lost(1, 6, now).await.unwrap(), 0);
    let expected = Cdr {
        state: CdrState::Closed,
        ended_at: Some(now),
        termination: Some(Termination::new(Fault::Server, HangupCause(41), "node_lost")),
        ..lost
    };
    let listed = cdrs.list(TenantId::DEFAULT, &CdrFilter::default(), Page::default()).await.unwrap();
    assert_eq!(listed.items, [ended, of_another_node, ours, expected]);
}

pub(crate) async fn a_closed_record_is_not_opened_again(lab: Lab) {
    let open = open_call(1, None);
    write(&lab, &[closed(&open)]).await;
    write(&lab, std::slice::from_ref(&open)).await;
    assert_eq!(lab.storage.cdrs().find(TenantId::DEFAULT, open.uid).await.unwrap(), Some(closed(&open)));
    let better = Cdr { codec: Some("opus/48000/2".to_owned()), ..closed(&open) };
    write(&lab, std::slice::from_ref(&better)).await;
    assert_eq!(lab.storage.cdrs().find(TenantId::DEFAULT, open.uid).await.unwrap(), Some(better));
}
