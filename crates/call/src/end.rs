//! Why a call, or one of its legs, ends: one table from our reasons to SIP, Q.850 and the record.

use std::fmt;

use model::{Fault, HangupCause, Termination};
use serde::{Deserialize, Serialize};
use sip::StatusCode;

/// Why a call, or one of its legs, ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// The caller hung up.
    CallerHungUp,
    /// The callee hung up.
    CalleeHungUp,
    /// The caller gave up before an answer.
    Cancelled,
    /// Another branch has answered.
    AnsweredElsewhere,
    /// The callee refused with this status.
    Refused(StatusCode),
    /// It rang, and nobody answered.
    NoAnswer,
    /// No contact of the callee sent any final response.
    NoReply,
    /// No contact of the callee could be reached.
    Unreachable,
    /// Nobody has this number here.
    UnknownNumber,
    /// The domain is not ours: this is no open relay.
    ForeignDomain,
    /// The callee's account is switched off.
    AccountDisabled,
    /// The callee has no live contact.
    NotRegistered,
    /// The caller may not dial this.
    NotPermitted,
    /// The caller has as many calls as its account may have.
    CallerLimit,
    /// The callee has as many calls as its account may have.
    CalleeLimit,
    /// The call has passed too many hops, RFC 3261 §8.1.1.6.
    TooManyHops,
    /// The call came back to where it started.
    Loop,
    /// The caller's description cannot be used; the caller gets this status.
    BadOffer(StatusCode),
    /// The callee's description cannot be used.
    BadAnswer,
    /// The caller never answered the callee's offer.
    NoDescription,
    /// All media ports are taken.
    NoMediaPort,
    /// A side that should send went silent.
    MediaSilent,
    /// Our 200 was never acknowledged.
    Unacknowledged,
    /// A side has forgotten the call, RFC 3261 §12.2.1.2.
    DialogLost,
    /// It lasted as long as a call may.
    TooLong,
    /// An operator ended it.
    Operator,
    /// The server stops.
    Stopping,
    /// A defect of ours, caught.
    Defect,
}

impl End {
    /// The reason in one word, as records have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.row().2
    }

    /// The cause of Q.850.
    #[must_use]
    pub fn cause(self) -> HangupCause {
        self.row().1
    }

    /// Fault, cause and reason for the record.
    #[must_use]
    pub fn termination(self) -> Termination {
        let (fault, cause, word) = self.row();
        Termination::new(fault, cause, word)
    }

    /// The status a caller without an answer gets.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            End::Refused(status) | End::BadOffer(status) => status,
            End::CallerHungUp | End::Cancelled => StatusCode::REQUEST_TERMINATED,
            End::UnknownNumber => StatusCode::NOT_FOUND,
            End::ForeignDomain | End::NotPermitted => StatusCode::FORBIDDEN,
            End::CallerLimit | End::CalleeLimit => StatusCode::BUSY_HERE,
            End::TooManyHops => StatusCode::TOO_MANY_HOPS,
            End::Loop => StatusCode::LOOP_DETECTED,
            End::BadAnswer | End::NoDescription => StatusCode::NOT_ACCEPTABLE_HERE,
            End::NoMediaPort | End::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            End::Defect => StatusCode::SERVER_INTERNAL_ERROR,
            _ => StatusCode::TEMPORARILY_UNAVAILABLE,
        }
    }

    /// The value of the Reason header, RFC 3326: `Q.850;cause=17;text="busy"`.
    #[must_use]
    pub fn reason_header(self) -> String {
        match self {
            // RFC 3326 §3.1 gives this very value, so that the phones that lost do not list a missed call.
            End::AnsweredElsewhere => "SIP;cause=200;text=\"Call completed elsewhere\"".to_owned(),
            _ => format!("Q.850;cause={};text=\"{}\"", self.cause().0, self.word()),
        }
    }

    fn row(self) -> (Fault, HangupCause, &'static str) {
        match self {
            End::CallerHungUp => (Fault::None, HangupCause::NORMAL_CLEARING, "caller_hung_up"),
            End::CalleeHungUp => (Fault::None, HangupCause::NORMAL_CLEARING, "callee_hung_up"),
            End::Cancelled => (Fault::Caller, HangupCause::NORMAL_CLEARING, "cancelled"),
            End::AnsweredElsewhere => (Fault::None, HangupCause::NORMAL_CLEARING, "answered_elsewhere"),
            End::Refused(status) => {
                (Fault::Callee, HangupCause::from_sip_status(status.as_u16()), refusal_word(status))
            }
            End::NoAnswer => (Fault::Callee, HangupCause::NO_ANSWER, "no_answer"),
            End::NoReply => (Fault::Network, HangupCause::NO_USER_RESPONDING, "no_reply"),
            End::Unreachable => (Fault::Network, HangupCause::DESTINATION_OUT_OF_ORDER, "unreachable"),
            End::UnknownNumber => (Fault::Caller, HangupCause::UNALLOCATED_NUMBER, "unknown_number"),
            End::ForeignDomain => (Fault::Caller, HangupCause::NO_ROUTE_TO_DESTINATION, "foreign_domain"),
            End::AccountDisabled => (Fault::Callee, HangupCause::SUBSCRIBER_ABSENT, "account_disabled"),
            End::NotRegistered => (Fault::Callee, HangupCause::SUBSCRIBER_ABSENT, "not_registered"),
            End::NotPermitted => (Fault::Caller, HangupCause::BEARER_NOT_AUTHORIZED, "not_permitted"),
            End::CallerLimit => (Fault::Caller, HangupCause::NO_CIRCUIT_AVAILABLE, "caller_limit"),
            End::CalleeLimit => (Fault::Callee, HangupCause::USER_BUSY, "callee_limit"),
            End::TooManyHops => (Fault::Caller, HangupCause::EXCHANGE_ROUTING_ERROR, "too_many_hops"),
            End::Loop => (Fault::Caller, HangupCause::EXCHANGE_ROUTING_ERROR, "loop"),
            End::BadOffer(_) => (Fault::Caller, HangupCause::BEARER_NOT_IMPLEMENTED, "bad_offer"),
            End::BadAnswer => (Fault::Callee, HangupCause::BEARER_NOT_IMPLEMENTED, "bad_answer"),
            End::NoDescription => (Fault::Caller, HangupCause::INTERWORKING, "no_description"),
            End::NoMediaPort => (Fault::Server, HangupCause::NO_CIRCUIT_AVAILABLE, "no_media_port"),
            End::MediaSilent => (Fault::Network, HangupCause::RECOVERY_ON_TIMER_EXPIRY, "media_silent"),
            End::Unacknowledged => (Fault::Network, HangupCause::RECOVERY_ON_TIMER_EXPIRY, "unacknowledged"),
            End::DialogLost => (Fault::Network, HangupCause::TEMPORARY_FAILURE, "dialog_lost"),
            End::TooLong => (Fault::Server, HangupCause::RECOVERY_ON_TIMER_EXPIRY, "too_long"),
            End::Operator => (Fault::Operator, HangupCause::NORMAL_CLEARING, "operator"),
            End::Stopping => (Fault::Server, HangupCause::TEMPORARY_FAILURE, "stopping"),
            End::Defect => (Fault::Server, HangupCause::TEMPORARY_FAILURE, "defect"),
        }
    }
}

fn refusal_word(status: StatusCode) -> &'static str {
    match status.as_u16() {
        486 | 600 => "busy",
        603 => "declined",
        480 => "unavailable",
        415 | 488 | 606 => "not_acceptable",
        _ => "refused",
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_header_carries_the_cause() {
        assert_eq!(End::Refused(StatusCode::BUSY_HERE).reason_header(), "Q.850;cause=17;text=\"busy\"");
        assert_eq!(End::NoAnswer.reason_header(), "Q.850;cause=19;text=\"no_answer\"");
        assert_eq!(End::AnsweredElsewhere.reason_header(), "SIP;cause=200;text=\"Call completed elsewhere\"");
    }

    #[test]
    fn callers_get_the_status_that_fits() {
        for (end, status) in [
            (End::UnknownNumber, 404),
            (End::ForeignDomain, 403),
            (End::AccountDisabled, 480),
            (End::NotRegistered, 480),
            (End::CallerLimit, 486),
            (End::NoMediaPort, 503),
            (End::NoAnswer, 480),
            (End::TooManyHops, 483),
        ] {
            assert_eq!(end.status().as_u16(), status, "{end}");
        }
    }
}
