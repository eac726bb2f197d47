//! The INVITE client transaction, RFC 3261 §17.1.1 and RFC 6026 §7.2.

use serde::{Deserialize, Serialize};

use super::{Action, Step, go};
use crate::timer::{Role, Timer};

/// The states of figure 5 in RFC 6026; Terminated is the absence of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ClientInviteState {
    /// Sent, nothing heard.
    Calling,
    /// A provisional response came.
    Proceeding,
    /// Refused; repetitions of the refusal are acknowledged.
    Completed,
    /// Answered; repetitions and other branches' 2xx are handed up.
    Accepted,
}

/// What can happen to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientInviteInput {
    /// The core above starts it.
    Start,
    /// A 100.
    Trying,
    /// A response 101–199.
    Provisional,
    /// A 2xx.
    Success,
    /// A response 300–699.
    Failure,
    /// A timer of its own.
    Fired(Timer),
    /// The flow failed.
    FlowFailed,
}

impl ClientInviteState {
    /// What happens next.
    pub(crate) fn step(self, input: ClientInviteInput, reliable: bool) -> Step<ClientInviteState> {
        use Action::{
            Acknowledge, Cancel, FlowFailed, PassUp, Repeat, Send, Start, Stop, Terminate, TimedOut,
        };
        use ClientInviteInput as In;
        use ClientInviteState::{Accepted, Calling, Completed, Proceeding};
        match (self, input) {
            (Calling, In::Start) if reliable => go(Calling, &[Send, Start(Timer::B)]),
            (Calling, In::Start) => go(Calling, &[Send, Start(Timer::A), Start(Timer::B)]),
            (Calling, In::Fired(Timer::A)) => go(Calling, &[Repeat, Start(Timer::A)]),
            (Calling, In::Fired(Timer::B)) => go(Calling, &[TimedOut, Terminate]),

            // The limit is B until the first word, then C (or the wait after a CANCEL, which Start would replace:
            // the endpoint starts no C once it has sent one).
            (Calling, In::Trying | In::Provisional) => {
                go(Proceeding, &[Stop(Role::Repeat), Stop(Role::Limit), Start(Timer::C), PassUp])
            }
            (Proceeding, In::Trying) => go(Proceeding, &[]),
            (Proceeding, In::Provisional) => go(Proceeding, &[Start(Timer::C), PassUp]),
            (Proceeding, In::Fired(Timer::C)) => go(Proceeding, &[Cancel]),
            (Calling | Proceeding, In::Fired(Timer::CancelWait)) => go(self, &[TimedOut, Terminate]),

            (Calling | Proceeding, In::Success) => {
                go(Accepted, &[Stop(Role::Repeat), Start(Timer::M), PassUp])
            }
            // RFC 6026 §7.2: neither repetitions nor other branches are told apart here.
            (Accepted, In::Success) => go(Accepted, &[PassUp]),
            (Accepted, In::Fired(Timer::M)) => go(Accepted, &[Terminate]),

            // Timer D is zero on reliable transports.
            (Calling | Proceeding, In::Failure) if reliable => {
                go(Completed, &[Acknowledge, PassUp, Terminate])
            }
            (Calling | Proceeding, In::Failure) => {
                go(Completed, &[Stop(Role::Repeat), Start(Timer::D), Acknowledge, PassUp])
            }
            (Completed, In::Failure) => go(Completed, &[Repeat]),
            (Completed, In::Fired(Timer::D)) => go(Completed, &[Terminate]),

            (Calling | Proceeding, In::FlowFailed) => go(self, &[FlowFailed, Terminate]),
            (Completed, In::FlowFailed) => go(Completed, &[Terminate]),
            _ => go(self, &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ClientInviteInput::{Failure, Fired, FlowFailed, Provisional, Start, Success, Trying};
    use super::ClientInviteState::{Accepted, Calling, Completed, Proceeding};
    use super::*;

    type Row = (ClientInviteState, ClientInviteInput, ClientInviteState, &'static [Action]);

    const UNRELIABLE: &[Row] = &[
        (Calling, Start, Calling, &[Action::Send, Action::Start(Timer::A), Action::Start(Timer::B)]),
        (Calling, Fired(Timer::A), Calling, &[Action::Repeat, Action::Start(Timer::A)]),
        (Calling, Fired(Timer::B), Calling, &[Action::TimedOut, Action::Terminate]),
        (Calling, Fired(Timer::CancelWait), Calling, &[Action::TimedOut, Action::Terminate]),
        (
            Calling,
            Trying,
            Proceeding,
            &[Action::Stop(Role::Repeat), Action::Stop(Role::Limit), Action::Start(Timer::C), Action::PassUp],
        ),
        (
            Calling,
            Provisional,
            Proceeding,
            &[Action::Stop(Role::Repeat), Action::Stop(Role::Limit), Action::Start(Timer::C), Action::PassUp],
        ),
        (Calling, Success, Accepted, &[Action::Stop(Role::Repeat), Action::Start(Timer::M), Action::PassUp]),
        (
            Calling,
            Failure,
            Completed,
            &[Action::Stop(Role::Repeat), Action::Start(Timer::D), Action::Acknowledge, Action::PassUp],
        ),
        (Calling, FlowFailed, Calling, &[Action::FlowFailed, Action::Terminate]),
        (Proceeding, Trying, Proceeding, &[]),
        (Proceeding, Provisional, Proceeding, &[Action::Start(Timer::C), Action::PassUp]),
        (Proceeding, Fired(Timer::A), Proceeding, &[]),
        (Proceeding, Fired(Timer::B), Proceeding, &[]),
        (Proceeding, Fired(Timer::C), Proceeding, &[Action::Cancel]),
        (Proceeding, Fired(Timer::CancelWait), Proceeding, &[Action::TimedOut, Action::Terminate]),
        (
            Proceeding,
            Success,
            Accepted,
            &[Action::Stop(Role::Repeat), Action::Start(Timer::M), Action::PassUp],
        ),
        (
            Proceeding,
            Failure,
            Completed,
            &[Action::Stop(Role::Repeat), Action::Start(Timer::D), Action::Acknowledge, Action::PassUp],
        ),
        (Proceeding, FlowFailed, Proceeding, &[Action::FlowFailed, Action::Terminate]),
        (Completed, Trying, Completed, &[]),
        (Completed, Provisional, Completed, &[]),
        (Completed, Success, Completed, &[]),
        (Completed, Failure, Completed, &[Action::Repeat]),
        (Completed, Fired(Timer::D), Completed, &[Action::Terminate]),
        (Completed, FlowFailed, Completed, &[Action::Terminate]),
        (Accepted, Trying, Accepted, &[]),
        (Accepted, Provisional, Accepted, &[]),
        (Accepted, Success, Accepted, &[Action::PassUp]),
        (Accepted, Failure, Accepted, &[]),
        (Accepted, Fired(Timer::M), Accepted, &[Action::Terminate]),
        (Accepted, FlowFailed, Accepted, &[]),
    ];

    /// Only where a reliable transport differs.
    const RELIABLE: &[Row] = &[
        (Calling, Start, Calling, &[Action::Send, Action::Start(Timer::B)]),
        (Calling, Failure, Completed, &[Action::Acknowledge, Action::PassUp, Action::Terminate]),
        (Proceeding, Failure, Completed, &[Action::Acknowledge, Action::PassUp, Action::Terminate]),
    ];

    #[test]
    fn every_state_and_input_gives_what_the_rfc_draws() {
        for (state, input, next, actions) in UNRELIABLE.iter().copied() {
            assert_eq!(state.step(input, false), go(next, actions), "{state:?} {input:?}");
            if !RELIABLE.iter().any(|row| (row.0, row.1) == (state, input)) {
                assert_eq!(state.step(input, true), go(next, actions), "{state:?} {input:?} reliable");
            }
        }
        for (state, input, next, actions) in RELIABLE.iter().copied() {
            assert_eq!(state.step(input, true), go(next, actions), "{state:?} {input:?} reliable");
        }
    }
}
