//! The record of a call, as it stands.

use model::{Cdr, CdrState, Direction, LegRecord, LegSide};

use crate::call::{Call, Callee};
use crate::{End, Leg, LegState};

impl Call {
    /// The record: open, or closed when the call has ended.
    pub(crate) fn record(&self, end: Option<End>) -> Box<Cdr> {
        let head = &self.head;
        let caller = self.legs.first();
        Box::new(Cdr {
            uid: head.uid,
            tenant: head.tenant,
            node: head.uid.0.node(),
            epoch: head.uid.0.epoch(),
            account: caller.and_then(|caller| caller.party.account),
            callee_account: match head.callee {
                Callee::Account(account) => Some(account),
                Callee::Echo | Callee::Nobody => None,
            },
            external_id: head.external_id.clone(),
            from_number: caller.map(|caller| caller.party.number.clone()).unwrap_or_default(),
            to_number: head.to_number.clone(),
            direction: Direction::Internal,
            sip_call_id: head.sip_call_id.clone(),
            started_at: self.times.started,
            ringing_at: self.times.ringing,
            answered_at: self.times.answered,
            ended_at: self.times.ended,
            state: if end.is_some() { CdrState::Closed } else { CdrState::Open },
            termination: end.map(End::termination),
            sip_status: end.map(|end| self.final_status(end).as_u16()),
            codec: caller.and_then(codec),
            legs: self.legs.iter().filter_map(leg_record).collect(),
        })
    }
}

/// The record of one leg; none for a branch whose turn never came.
fn leg_record(leg: &Leg) -> Option<LegRecord> {
    let totals = leg.media.totals.unwrap_or_default();
    let tried = leg.contact.is_none() || leg.state != LegState::Waiting;
    tried.then(|| LegRecord {
        uid: leg.party.uid,
        side: if leg.contact.is_none() { LegSide::Caller } else { LegSide::Callee },
        number: leg.party.number.clone(),
        remote: Some(leg.remote().to_string()),
        user_agent: leg.party.user_agent.clone(),
        codec: codec(leg),
        sip_status: leg.status.map(sip::StatusCode::as_u16),
        packets_received: totals.packets_received,
        packets_sent: totals.packets_sent,
        lost: totals.lost,
        jitter_us: totals.jitter_us,
    })
}

fn codec(leg: &Leg) -> Option<String> {
    leg.plan().and_then(|plan| plan.codec.as_ref()).map(|codec| codec.name.clone())
}
