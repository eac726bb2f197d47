//! Why a call ended: causes of ITU-T Q.850 and who was at fault.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A cause of ITU-T Q.850, the common word of telephone networks for "why". As text `17 user_busy`, in JSON the number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HangupCause(pub u8);

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $number:literal $text:literal),+ $(,)?) => {
        impl HangupCause {
            $($(#[$doc])* pub const $name: HangupCause = HangupCause($number);)+

            /// Its name in lower case, such as `user_busy`; `unknown` for numbers without one here.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($number => $text,)+
                    _ => "unknown",
                }
            }
        }

        #[cfg(test)]
        const KNOWN: &[HangupCause] = &[$(HangupCause::$name),+];
    };
}

causes! {
    /// No such number.
    UNALLOCATED_NUMBER = 1 "unallocated_number",
    /// No route to the network asked for.
    NO_ROUTE_TO_NETWORK = 2 "no_route_to_network",
    /// No route to the destination.
    NO_ROUTE_TO_DESTINATION = 3 "no_route_to_destination",
    /// Somebody hung up.
    NORMAL_CLEARING = 16 "normal_clearing",
    /// The called side is busy.
    USER_BUSY = 17 "user_busy",
    /// The called side did not respond at all.
    NO_USER_RESPONDING = 18 "no_user_responding",
    /// It rang, and nobody answered.
    NO_ANSWER = 19 "no_answer",
    /// The called subscriber is not there: not registered.
    SUBSCRIBER_ABSENT = 20 "subscriber_absent",
    /// The called side declined.
    CALL_REJECTED = 21 "call_rejected",
    /// The number has changed.
    NUMBER_CHANGED = 22 "number_changed",
    /// Routing went round in circles or too far.
    EXCHANGE_ROUTING_ERROR = 25 "exchange_routing_error",
    /// The called side cannot be reached for technical reasons.
    DESTINATION_OUT_OF_ORDER = 27 "destination_out_of_order",
    /// The number is incomplete or malformed.
    INVALID_NUMBER_FORMAT = 28 "invalid_number_format",
    /// Ended normally, nothing more is known.
    NORMAL_UNSPECIFIED = 31 "normal_unspecified",
    /// No channel, port or slot is free.
    NO_CIRCUIT_AVAILABLE = 34 "no_circuit_available",
    /// The network is broken.
    NETWORK_OUT_OF_ORDER = 38 "network_out_of_order",
    /// A failure that will pass.
    TEMPORARY_FAILURE = 41 "temporary_failure",
    /// Too many calls.
    SWITCHING_CONGESTION = 42 "switching_congestion",
    /// The service is forbidden to the caller.
    BEARER_NOT_AUTHORIZED = 57 "bearer_not_authorized",
    /// A service that is not available.
    SERVICE_UNAVAILABLE = 63 "service_unavailable",
    /// No common codec.
    BEARER_NOT_IMPLEMENTED = 65 "bearer_not_implemented",
    /// A service that does not exist here.
    SERVICE_NOT_IMPLEMENTED = 79 "service_not_implemented",
    /// The called side cannot take this kind of call.
    INCOMPATIBLE_DESTINATION = 88 "incompatible_destination",
    /// A timer ran out.
    RECOVERY_ON_TIMER_EXPIRY = 102 "recovery_on_timer_expiry",
    /// The other network's reason has no equal here.
    INTERWORKING = 127 "interworking",
}

impl HangupCause {
    /// The cause that a final SIP status stands for (RFC 3398 §8.2.6.1).
    #[must_use]
    pub const fn from_sip_status(status: u16) -> HangupCause {
        match status {
            // CANCEL and BYE are normal clearing; 487 is what a CANCEL leaves behind.
            200..=299 | 487 => Self::NORMAL_CLEARING,
            400 | 481 | 500 | 503 => Self::TEMPORARY_FAILURE,
            401 | 402 | 403 | 407 | 603 => Self::CALL_REJECTED,
            404 | 485 | 604 => Self::UNALLOCATED_NUMBER,
            405 => Self::SERVICE_UNAVAILABLE,
            406 | 415 | 501 => Self::SERVICE_NOT_IMPLEMENTED,
            408 | 504 => Self::RECOVERY_ON_TIMER_EXPIRY,
            410 => Self::NUMBER_CHANGED,
            413 | 414 | 416 | 420 | 421 | 423 | 505 | 513 => Self::INTERWORKING,
            480 => Self::NO_USER_RESPONDING,
            482 | 483 => Self::EXCHANGE_ROUTING_ERROR,
            484 => Self::INVALID_NUMBER_FORMAT,
            486 | 600 => Self::USER_BUSY,
            // Left to the Warning header there; RFC 3398 §7.2.4.1 maps this cause to 488 the other way round.
            488 | 606 => Self::BEARER_NOT_IMPLEMENTED,
            502 => Self::NETWORK_OUT_OF_ORDER,
            _ => Self::NORMAL_UNSPECIFIED,
        }
    }
}

impl fmt::Display for HangupCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.name())
    }
}

impl fmt::Debug for HangupCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whose doing the end was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Nobody's: a call that ended as calls do.
    None,
    /// The calling side.
    Caller,
    /// The called side.
    Callee,
    /// The network between: no answer to our messages, no media.
    Network,
    /// This exchange.
    Server,
    /// Somebody ended it by API or console.
    Operator,
}

crate::text_enum!(
    Fault,
    "fault",
    None = "none",
    Caller = "caller",
    Callee = "callee",
    Network = "network",
    Server = "server",
    Operator = "operator",
);

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Termination {
    /// Whose doing it was.
    pub fault: Fault,
    /// Why, in the common word of telephone networks.
    pub cause: HangupCause,
    /// Why, in one lower-case word of ours: `hangup`, `cancelled`, `media_silent`, `node_lost` …
    pub reason: String,
}

impl Termination {
    /// A termination.
    #[must_use]
    pub fn new(fault: Fault, cause: HangupCause, reason: &str) -> Termination {
        Termination { fault, cause, reason: reason.to_owned() }
    }

    /// What is written for the calls of a node that died with them.
    #[must_use]
    pub fn node_lost() -> Termination {
        Termination::new(Fault::Server, HangupCause::TEMPORARY_FAILURE, "node_lost")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sip_statuses_become_the_causes_of_the_rfc() {
        // RFC 3398 §8.2.6.1, all rows with a cause.
        let rows: &[(u8, &[u16])] = &[
            (1, &[404, 485, 604]),
            (17, &[486, 600]),
            (18, &[480]),
            (21, &[401, 402, 403, 407, 603]),
            (22, &[410]),
            (25, &[482, 483]),
            (28, &[484]),
            (38, &[502]),
            (41, &[400, 481, 500, 503]),
            (63, &[405]),
            (79, &[406, 415, 501]),
            (102, &[408, 504]),
            (127, &[413, 414, 416, 420, 421, 423, 505, 513]),
            (31, &[409, 489, 580, 699]),
            (16, &[200, 487]),
        ];
        for (cause, statuses) in rows {
            for status in *statuses {
                assert_eq!(HangupCause::from_sip_status(*status).0, *cause, "{status}");
            }
        }
    }

    #[test]
    fn every_known_cause_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = KNOWN.iter().map(|cause| cause.name()).collect();
        assert_eq!(names.len(), KNOWN.len());
        assert_eq!(HangupCause::USER_BUSY.to_string(), "17 user_busy");
        assert_eq!(HangupCause(99).to_string(), "99 unknown");
    }

    #[test]
    fn a_termination_reads_well_in_json() {
        let json = serde_json::to_string(&Termination::node_lost()).unwrap();
        assert_eq!(json, r#"{"fault":"server","cause":41,"reason":"node_lost"}"#);
        assert_eq!(serde_json::from_str::<Termination>(&json).unwrap(), Termination::node_lost());
    }
}
