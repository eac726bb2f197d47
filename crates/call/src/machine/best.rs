//! The best of the final responses of all branches, RFC 3261 §16.7.

use sip::StatusCode;

use crate::{End, Rejection};

/// What the end of a branch means to the caller, who sees one callee and not its phones.
pub(crate) fn meaning(status: StatusCode, how: Rejection) -> End {
    match (how, status.as_u16()) {
        (Rejection::Timeout, _) | (Rejection::Response, 408) => End::NoReply,
        (Rejection::Transport, _) => End::Unreachable,
        // RFC 3261 §16.7 step 6: a 503 of one target says nothing about us.
        (_, 503) => End::Refused(StatusCode::SERVER_INTERNAL_ERROR),
        // Redirections are not followed, challenges of a phone cannot be answered by the caller, and what belongs to
        // our own dialog with the phone is none of the caller's business.
        (_, 300..=399 | 401 | 407 | 421 | 422 | 481 | 482 | 483 | 487 | 491) => {
            End::Refused(StatusCode::TEMPORARILY_UNAVAILABLE)
        }
        _ => End::Refused(status),
    }
}

/// Whether the callee has spoken for all its phones: the other branches are cancelled at once (RFC 3261 §16.7 step 5).
pub(crate) fn is_global(end: End) -> bool {
    matches!(end, End::Refused(status) if status.as_u16() >= 600)
}

/// The better of two; the first one if they are equal.
pub(crate) fn better(one: End, other: End) -> End {
    if rank(other) < rank(one) { other } else { one }
}

/// Lower is better: RFC 3261 §16.7 step 6 takes any 6xx, then the lowest class, and within it what tells most.
fn rank(end: End) -> u8 {
    match end {
        End::Refused(status) => match status.as_u16() {
            600.. => 0,
            486 => 1,
            // These tell the caller how to come back with a better request.
            413..=416 | 420 | 484 | 488 => 2,
            480 => 4,
            400..=499 => 3,
            _ => 6,
        },
        End::NoAnswer => 3,
        End::BadAnswer => 5,
        End::NoReply => 7,
        End::Unreachable => 8,
        _ => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: u16) -> End {
        meaning(StatusCode::new(code).unwrap(), Rejection::Response)
    }

    fn best(ends: &[End]) -> End {
        ends.iter().copied().reduce(better).unwrap()
    }

    #[test]
    fn the_best_response_is_what_the_rfc_prefers() {
        let timeout = meaning(StatusCode::REQUEST_TIMEOUT, Rejection::Timeout);
        let broken = meaning(StatusCode::SERVICE_UNAVAILABLE, Rejection::Transport);
        for (ends, expected) in [
            (vec![refused(486), refused(480)], refused(486)),
            (vec![refused(480), refused(486)], refused(486)),
            (vec![refused(500), refused(404)], refused(404)),
            (vec![refused(486), refused(603)], refused(603)),
            (vec![timeout, refused(486)], refused(486)),
            (vec![timeout, refused(500)], refused(500)),
            (vec![broken, timeout], timeout),
            (vec![refused(404), refused(488)], refused(488)),
            (vec![refused(404), refused(410)], refused(404)),
            (vec![timeout, End::NoAnswer], End::NoAnswer),
        ] {
            assert_eq!(best(&ends), expected, "{ends:?}");
        }
    }

    #[test]
    fn what_concerns_only_one_phone_is_not_told_as_it_is() {
        for code in [302, 401, 407, 481, 487] {
            assert_eq!(refused(code).status().as_u16(), 480, "{code}");
        }
        assert_eq!(refused(503).status().as_u16(), 500);
        assert_eq!(refused(408).status().as_u16(), 480);
        assert!(is_global(refused(603)) && !is_global(refused(486)));
    }
}
