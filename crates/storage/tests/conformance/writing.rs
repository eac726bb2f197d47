//! The writer.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_storage::{CommitSink, Counts, Storage, Ticket, Write, Writer};
use model::{Binding, CdrState, TenantId};
use sqlx::Executor;
use testkit::Postgres;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::lab::{Heard, Lab, PATIENCE, eventually};
use crate::samples::{NOW, account, binding, closed, open_call, refreshed};

fn ticket(number: u64) -> Option<Ticket> {
    Some(Ticket { shard: 3, number })
}

fn put(binding: &Binding) -> Write {
    Write::BindingPut(Box::new(binding.clone()))
}

fn refresh(binding: &Binding) -> Write {
    Write::BindingRefresh(Box::new(binding.clone()))
}

fn remove(binding: &Binding) -> Write {
    Write::BindingRemove { account: binding.account, key: binding.id.clone() }
}

async fn stored(storage: &Storage) -> Vec<Binding> {
    storage.bindings().of_account(TenantId::DEFAULT, account(1).id).await.unwrap()
}

async fn with_account(lab: Lab) -> Lab {
    lab.storage.accounts().insert(&account(1)).await.unwrap();
    lab
}

/// At each commit, looks at once whether the row is there.
struct Looks {
    storage: Storage,
    found: mpsc::Sender<bool>,
}

impl CommitSink for Looks {
    fn committed(&self, tickets: &[Ticket]) {
        for ticket in tickets.iter().copied() {
            let (storage, found) = (self.storage.clone(), self.found.clone());
            tokio::spawn(async move {
                let port = format!(":{}", 5_000 + ticket.number);
                let there =
                    stored(&storage).await.iter().any(|binding| binding.remote.to_string().ends_with(&port));
                found.send(there).await.unwrap();
            });
        }
    }
}

pub(crate) async fn a_ticket_is_heard_after_its_row_is_readable(lab: Lab) {
    const ROUNDS: u64 = 50;
    let lab = with_account(lab).await;
    let (found, mut looked) = mpsc::channel(1);
    let writer = Writer::start(lab.storage.clone(), Arc::new(Looks { storage: lab.storage.clone(), found }));
    for number in 0..ROUNDS {
        let new = binding(&account(1), 5_000 + u16::try_from(number).unwrap());
        writer.submit(put(&new), ticket(number)).unwrap();
        let there = timeout(PATIENCE, looked.recv()).await.expect("the commit is heard");
        assert_eq!(there, Some(true), "ticket {number} came before its row");
    }
}

pub(crate) async fn many_that_wait_share_few_commits(lab: Lab) {
    const MANY: u64 = 2_000;
    let lab = with_account(lab).await;
    let (writer, heard) = lab.writer();
    for number in 0..MANY {
        let call = open_call(u32::try_from(number).unwrap(), None);
        writer.submit(Write::CdrOpen(Box::new(call)), ticket(number)).unwrap();
    }
    let tickets = heard.at_least(usize::try_from(MANY).unwrap()).await;
    assert_eq!(tickets, (0..MANY).map(|number| Ticket { shard: 3, number }).collect::<Vec<_>>());
    let counts = writer.counts();
    assert_eq!((counts.rows, counts.waiting), (MANY, 0));
    assert!(counts.commits < MANY / 20, "{counts:?}");
}

pub(crate) async fn a_process_that_dies_keeps_what_was_acknowledged(lab: Lab) {
    let lab = with_account(lab).await;
    let acknowledged = binding(&account(1), 5_062);
    let (first, settings) = (acknowledged.clone(), lab.settings.clone());
    let closed = lab.close().await;
    // A runtime of its own, dropped with all its tasks in the middle of the work: nothing is flushed or closed.
    tokio::task::spawn_blocking(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let storage = Storage::open(settings).await.unwrap();
            let heard = Arc::new(Heard::default());
            let writer = Writer::start(storage, Arc::clone(&heard) as Arc<dyn CommitSink>);
            writer.submit(put(&first), ticket(1)).unwrap();
            writer.submit(Write::CdrOpen(Box::new(open_call(1, None))), ticket(2)).unwrap();
            heard.at_least(2).await;
            writer.submit(refresh(&refreshed(&first, 9)), None).unwrap();
        });
    })
    .await
    .unwrap();
    let lab = closed.open().await;
    let now_stored = stored(&lab.storage).await;
    assert_eq!(now_stored.len(), 1);
    assert_eq!(now_stored[0].contact, acknowledged.contact);
    let call = lab.storage.cdrs().find(TenantId::DEFAULT, open_call(1, None).uid).await.unwrap();
    assert_eq!(call, Some(open_call(1, None)));
}

pub(crate) async fn refreshes_of_one_binding_become_one_row(lab: Lab) {
    let lab = with_account(lab).await;
    let (writer, _) = lab.writer();
    let first = binding(&account(1), 5_062);
    for cseq in 1..=500 {
        writer.submit(refresh(&refreshed(&first, cseq)), None).unwrap();
    }
    writer.flush().await.unwrap();
    assert_eq!(stored(&lab.storage).await, [refreshed(&first, 500)]);
    assert_eq!(writer.counts(), Counts { commits: 1, rows: 1, ..Counts::default() });
}

pub(crate) async fn refreshes_are_written_without_being_asked_for(mut lab: Lab) {
    lab.settings.write_behind = Duration::from_millis(50);
    let lab = with_account(lab.reopen().await).await;
    let (writer, _) = lab.writer();
    let first = binding(&account(1), 5_062);
    writer.submit(refresh(&first), None).unwrap();
    writer.submit(Write::CdrClose(Box::new(closed(&open_call(1, None)))), None).unwrap();
    let counts = eventually("the writing behind", async || {
        let counts = writer.counts();
        (counts.rows == 2).then_some(counts)
    })
    .await;
    assert_eq!(counts.commits, 1, "both in one");
    assert_eq!(stored(&lab.storage).await, [first]);
}

pub(crate) async fn the_last_word_about_a_binding_counts(lab: Lab) {
    let lab = with_account(lab).await;
    let (writer, heard) = lab.writer();
    let [first, second, third, fourth] = [1, 2, 3, 4].map(|n| binding(&account(1), 5_060 + n));
    for write in [put(&first), remove(&first)] {
        writer.submit(write, None).unwrap();
    }
    for write in [put(&second), remove(&second), put(&refreshed(&second, 2))] {
        writer.submit(write, None).unwrap();
    }
    for write in [put(&third), refresh(&refreshed(&third, 3))] {
        writer.submit(write, None).unwrap();
    }
    for write in [refresh(&fourth), remove(&fourth), refresh(&refreshed(&fourth, 4))] {
        writer.submit(write, None).unwrap();
    }
    writer.flush().await.unwrap();
    let expected = [refreshed(&second, 2), refreshed(&third, 3), refreshed(&fourth, 4)];
    assert_eq!(stored(&lab.storage).await, expected);
    // Across commits as well, and a removal can be waited for.
    writer.submit(remove(&second), ticket(1)).unwrap();
    writer.submit(remove(&third), ticket(2)).unwrap();
    heard.at_least(2).await;
    assert_eq!(stored(&lab.storage).await, [refreshed(&fourth, 4)]);
}

pub(crate) async fn a_call_opened_and_closed_in_one_batch_is_one_row(lab: Lab) {
    let (writer, heard) = lab.writer();
    let open = open_call(1, None);
    writer.submit(Write::CdrOpen(Box::new(open.clone())), ticket(1)).unwrap();
    writer.submit(Write::CdrClose(Box::new(closed(&open))), None).unwrap();
    heard.at_least(1).await;
    writer.flush().await.unwrap();
    let stored = lab.storage.cdrs().find(TenantId::DEFAULT, open.uid).await.unwrap().unwrap();
    assert_eq!(stored, closed(&open));
    assert_eq!(stored.state, CdrState::Closed);
    assert!(writer.counts().rows <= 2);
}

pub(crate) async fn a_row_that_is_refused_does_not_hold_up_the_others(lab: Lab) {
    let lab = with_account(lab).await;
    let refuse_poison = if lab.settings.url.is_some() {
        "ALTER TABLE bindings ADD CONSTRAINT no_poison CHECK (transport <> 'poison')"
    } else {
        "CREATE TRIGGER no_poison BEFORE INSERT ON bindings WHEN NEW.transport = 'poison' \
         BEGIN SELECT RAISE(ABORT, 'poison'); END"
    };
    lab.back_door().await.execute(refuse_poison).await.unwrap();
    let (writer, heard) = lab.writer();
    let good: Vec<Binding> = (0..20).map(|n| binding(&account(1), 6_000 + n)).collect();
    let poison = Binding { transport: "poison".to_owned(), ..binding(&account(1), 7_000) };
    for (number, binding) in good.iter().enumerate() {
        writer.submit(put(binding), ticket(number as u64)).unwrap();
        if number == 10 {
            writer.submit(put(&poison), ticket(666)).unwrap();
        }
    }
    writer.flush().await.unwrap();
    let tickets = heard.at_least(20).await;
    assert_eq!(tickets.iter().map(|ticket| ticket.number).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
    assert_eq!(stored(&lab.storage).await, good);
    let counts = writer.counts();
    assert_eq!((counts.refused, counts.rows, counts.failures), (1, 20, 0), "{counts:?}");
}

pub(crate) async fn a_flush_of_nothing_returns(lab: Lab) {
    let (writer, _) = lab.writer();
    timeout(PATIENCE, writer.flush()).await.expect("at once").unwrap();
    assert_eq!(writer.counts(), Counts::default());
}

pub(crate) async fn a_closed_storage_ends_the_writer(lab: Lab) {
    let (writer, heard) = lab.writer();
    lab.storage.close().await;
    writer.submit(Write::CdrOpen(Box::new(open_call(1, None))), ticket(1)).unwrap();
    timeout(PATIENCE, writer.flush()).await.expect("nobody waits for ever").unwrap_err();
    assert!(heard.so_far().is_empty());
    writer.submit(Write::CdrOpen(Box::new(open_call(1, None))), ticket(2)).unwrap_err();
}

pub(crate) async fn odd_characters_from_the_network_are_taken(lab: Lab) {
    let lab = with_account(lab).await;
    let (writer, _) = lab.writer();
    let odd = Binding {
        user_agent: Some("a\0b\\u0000\u{7f}\"'\u{1f4de}\u{2028}".to_owned()),
        call_id: "\\".to_owned(),
        path: vec!["\0".to_owned()],
        ..binding(&account(1), 5_062)
    };
    writer.submit(put(&odd), None).unwrap();
    writer.flush().await.unwrap();
    let expected =
        Binding { user_agent: Some("a\u{fffd}b\\u0000\u{7f}\"'\u{1f4de}\u{2028}".to_owned()), ..odd };
    assert_eq!(stored(&lab.storage).await, [expected]);
    assert_eq!(writer.counts().refused, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_was_away_gets_everything() {
    let server = Arc::new(tokio::task::spawn_blocking(Postgres::start).await.unwrap());
    let lab = with_account(Lab::postgres_on(Arc::clone(&server)).await).await;
    let (writer, heard) = lab.writer();
    let [before, during] = [5_062, 5_063].map(|port| binding(&account(1), port));
    writer.submit(put(&before), ticket(1)).unwrap();
    heard.at_least(1).await;
    tokio::task::block_in_place(|| server.stop());
    writer.submit(put(&during), ticket(2)).unwrap();
    writer.submit(remove(&before), ticket(3)).unwrap();
    eventually("a failed attempt", async || (writer.counts().failures > 0).then_some(())).await;
    assert_eq!(heard.so_far().len(), 1, "nothing is acknowledged while the database is away");
    assert_eq!(writer.counts().waiting, 2);
    tokio::task::block_in_place(|| server.resume());
    heard.at_least(3).await;
    assert_eq!(stored(&lab.storage).await, [during]);
    assert_eq!(lab.storage.bindings().live(NOW).await.unwrap().len(), 1, "readers come back too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_sqlite_file_is_waited_for() {
    let lab = with_account(Lab::sqlite().await).await;
    let (writer, heard) = lab.writer();
    let mut other = lab.back_door().await;
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    writer.submit(put(&binding(&account(1), 5_062)), ticket(1)).unwrap();
    timeout(Duration::from_millis(300), heard.at_least(1)).await.expect_err("another process holds the file");
    other.execute("COMMIT").await.unwrap();
    heard.at_least(1).await;
    assert_eq!(stored(&lab.storage).await.len(), 1);
}
