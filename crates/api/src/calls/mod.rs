//! `/api/calls`: running calls and the history. One file per endpoint.

pub(crate) mod active;
pub(crate) mod hangup;
pub(crate) mod history;
mod leg;
pub(crate) mod read;
#[cfg(test)]
mod tests;

pub(crate) use leg::Leg;

use model::{AccountId, CallUid, Cdr, CdrState, Direction, HangupCause};
use serde::Serialize;
use switch::CallView;
use utoipa::ToSchema;

use crate::moment::Moment;

/// What a call is called in refusals.
const NOUN: &str = "call";

/// A call that is not over.
#[derive(Serialize, ToSchema)]
pub(crate) struct ActiveCall {
    #[schema(value_type = String, example = "019aa54c6a920007abcdffffffffffff")]
    call_id: CallUid,
    from_number: String,
    to_number: String,
    /// `internal`, `inbound` or `outbound`.
    #[schema(value_type = String, example = "internal")]
    direction: Direction,
    /// `trying`, `ringing`, `answered`, `held` or `ending`.
    #[schema(example = "answered")]
    state: &'static str,
    started_at: Moment,
    answered_at: Option<Moment>,
    /// The SIP user who placed it.
    #[schema(value_type = Option<String>)]
    account_id: Option<AccountId>,
    /// The caller's first.
    legs: Vec<Leg>,
}

impl ActiveCall {
    fn of(call: CallView) -> ActiveCall {
        ActiveCall {
            call_id: call.uid,
            from_number: call.from_number,
            to_number: call.to_number,
            direction: call.direction,
            state: call.state.as_str(),
            started_at: Moment(call.started_at),
            answered_at: call.answered_at.map(Moment),
            account_id: call.account,
            legs: call.legs.into_iter().map(Leg::of_running).collect(),
        }
    }
}

/// A call as the history knows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallRecord {
    #[schema(value_type = String, example = "019aa54c6a920007abcdffffffffffff")]
    call_id: CallUid,
    from_number: String,
    to_number: String,
    /// `internal`, `inbound` or `outbound`.
    #[schema(value_type = String, example = "internal")]
    direction: Direction,
    /// `ended`, or `answered` while it is not over.
    #[schema(example = "ended")]
    state: &'static str,
    started_at: Moment,
    ringing_at: Option<Moment>,
    answered_at: Option<Moment>,
    ended_at: Option<Moment>,
    /// From the INVITE to the first ringing, seconds.
    post_dial_delay_s: Option<f64>,
    /// From answer to end, seconds.
    #[schema(example = 12.5)]
    talk_s: f64,
    /// How it ended.
    termination: Option<Termination>,
    /// The final SIP status the caller got.
    #[schema(example = 200)]
    sip_status: Option<u16>,
    codec: Option<String>,
    /// The SIP user who placed it; of an inbound call the one who was called.
    #[schema(value_type = Option<String>)]
    account_id: Option<AccountId>,
    #[schema(value_type = Option<String>)]
    callee_account_id: Option<AccountId>,
    /// The application's own id of the SIP user.
    external_id: Option<String>,
    /// The `Call-ID` of the caller's dialog.
    sip_call_id: String,
    /// The caller's first.
    legs: Vec<Leg>,
}

/// How a call ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct Termination {
    /// Whose doing: `none`, `caller`, `callee`, `network`, `server` or `operator`.
    #[schema(example = "callee")]
    fault: &'static str,
    /// ITU-T Q.850.
    #[schema(value_type = u8, example = 16)]
    cause: HangupCause,
    /// Its name.
    #[schema(example = "normal_clearing")]
    cause_name: &'static str,
    /// One word of ours.
    #[schema(example = "hangup")]
    reason: String,
}

impl CallRecord {
    fn of(cdr: Cdr) -> CallRecord {
        CallRecord {
            call_id: cdr.uid,
            direction: cdr.direction,
            state: if cdr.state == CdrState::Closed { "ended" } else { "answered" },
            started_at: Moment(cdr.started_at),
            ringing_at: cdr.ringing_at.map(Moment),
            answered_at: cdr.answered_at.map(Moment),
            ended_at: cdr.ended_at.map(Moment),
            post_dial_delay_s: cdr.post_dial_delay().map(|delay| delay.as_secs_f64()),
            talk_s: cdr.talk_time().as_secs_f64(),
            from_number: cdr.from_number,
            to_number: cdr.to_number,
            termination: cdr.termination.map(|end| Termination {
                fault: end.fault.as_str(),
                cause: end.cause,
                cause_name: end.cause.name(),
                reason: end.reason,
            }),
            sip_status: cdr.sip_status,
            codec: cdr.codec,
            account_id: cdr.account,
            callee_account_id: cdr.callee_account,
            external_id: cdr.external_id,
            sip_call_id: cdr.sip_call_id,
            legs: cdr.legs.into_iter().map(Leg::of_record).collect(),
        }
    }
}
