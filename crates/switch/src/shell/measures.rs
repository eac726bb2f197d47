//! Counting: handles kept, so that counting costs an addition.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use metrics::{Counter, Histogram};
use model::Cdr;
use sip::{Method, StatusCode};

use crate::core::Counted;

/// The metrics of one worker.
pub(crate) struct Measures {
    /// Bounded by the methods we know times the statuses we send.
    transactions: HashMap<(Method, StatusCode), Counter, RandomState>,
    /// Calls by fault and cause, both bounded.
    ended: HashMap<(&'static str, u8), Counter, RandomState>,
    setup: Histogram,
    loss: Histogram,
    uncommitted: Counter,
    tickets_lost: Counter,
    defects: Counter,
    /// Writes that the database had no room for.
    pub(crate) not_stored: Counter,
    /// Commands that the media plane had no room for.
    pub(crate) media_busy: Counter,
}

impl Measures {
    pub(crate) fn new() -> Measures {
        let dropped =
            |reason: &'static str| metrics::counter!("crosspoint_switch_dropped_total", "reason" => reason);
        Measures {
            transactions: HashMap::default(),
            ended: HashMap::default(),
            setup: metrics::histogram!("crosspoint_call_setup_seconds"),
            loss: metrics::histogram!("crosspoint_rtp_loss_ratio"),
            uncommitted: metrics::counter!("crosspoint_calls_answered_uncommitted_total"),
            tickets_lost: metrics::counter!("crosspoint_commits_late_total"),
            defects: metrics::counter!("crosspoint_call_defects_total"),
            not_stored: dropped("storage_full"),
            media_busy: dropped("media_busy"),
        }
    }

    pub(crate) fn count(&mut self, counted: Counted) {
        match counted {
            Counted::Transaction { method, status } => self.transaction(method, status).increment(1),
            Counted::Setup(time) => self.setup.record(time.as_secs_f64()),
            Counted::Loss(ratio) => self.loss.record(ratio),
            Counted::Uncommitted => self.uncommitted.increment(1),
            Counted::TicketLost => self.tickets_lost.increment(1),
            Counted::Defect => self.defects.increment(1),
        }
    }

    fn transaction(&mut self, method: Method, status: StatusCode) -> &Counter {
        self.transactions.entry((method, status)).or_insert_with(|| {
            let status = status.as_u16().to_string();
            metrics::counter!("crosspoint_sip_transactions_total", "method" => method.as_str(), "status" => status)
        })
    }

    /// A call has ended: counted, and its one line in the log.
    pub(crate) fn call_ended(&mut self, cdr: &Cdr) {
        let Some(end) = &cdr.termination else { return };
        let key = (end.fault.as_str(), end.cause.0);
        let ended = self.ended.entry(key).or_insert_with(
            || metrics::counter!("crosspoint_calls_total", "fault" => key.0, "cause" => key.1.to_string()),
        );
        ended.increment(1);
        tracing::info!(
            call.uid = %cdr.uid,
            from = %clock::Pii(&cdr.from_number),
            to = %clock::Pii(&cdr.to_number),
            status = cdr.sip_status,
            fault = end.fault.as_str(),
            cause = end.cause.0,
            reason = end.reason,
            talk_s = cdr.talk_time().as_secs_f64(),
            codec = cdr.codec.as_deref(),
            "call.ended"
        );
    }
}
