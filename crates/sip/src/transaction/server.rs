//! The non-INVITE server transaction, RFC 3261 §17.2.2 and RFC 4320.

use serde::{Deserialize, Serialize};

use super::{Action, Step, go};
use crate::timer::Timer;

/// The states of figure 8 in RFC 3261; Terminated is the absence of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ServerState {
    /// Received, nothing sent.
    Trying,
    /// A provisional response was sent.
    Proceeding,
    /// Answered; repetitions of the request get the answer again.
    Completed,
}

/// What can happen to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerInput {
    /// The core above takes the request on.
    Start,
    /// The request again.
    Request,
    /// The core above sends a response 100–199.
    SendProvisional,
    /// The core above sends a response 200–699.
    SendFinal,
    /// A timer of its own.
    Fired(Timer),
}

impl ServerState {
    /// What happens next.
    pub(crate) fn step(self, input: ServerInput, reliable: bool) -> Step<ServerState> {
        use Action::{Repeat, Send, Start, Terminate};
        use ServerInput as In;
        use ServerState::{Completed, Proceeding, Trying};
        match (self, input) {
            (Trying, In::Start) => go(Trying, &[Start(Timer::Unanswered)]),
            (Trying | Proceeding, In::SendProvisional) => go(Proceeding, &[Send]),
            // Timer J is zero on reliable transports.
            (Trying | Proceeding, In::SendFinal) if reliable => go(Completed, &[Send, Terminate]),
            (Trying | Proceeding, In::SendFinal) => go(Completed, &[Send, Start(Timer::J)]),
            // RFC 4320 §4.2: by now the client has given up; an answer, above all a 408, would only do harm.
            (Trying | Proceeding, In::Fired(Timer::Unanswered)) => go(self, &[Terminate]),
            (Proceeding | Completed, In::Request) => go(self, &[Repeat]),
            (Completed, In::Fired(Timer::J)) => go(Completed, &[Terminate]),
            _ => go(self, &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ServerInput::{Fired, Request, SendFinal, SendProvisional, Start};
    use super::ServerState::{Completed, Proceeding, Trying};
    use super::*;

    type Row = (ServerState, ServerInput, ServerState, &'static [Action]);

    const UNRELIABLE: &[Row] = &[
        (Trying, Start, Trying, &[Action::Start(Timer::Unanswered)]),
        (Trying, Request, Trying, &[]),
        (Trying, SendProvisional, Proceeding, &[Action::Send]),
        (Trying, SendFinal, Completed, &[Action::Send, Action::Start(Timer::J)]),
        (Trying, Fired(Timer::Unanswered), Trying, &[Action::Terminate]),
        (Proceeding, Request, Proceeding, &[Action::Repeat]),
        (Proceeding, SendProvisional, Proceeding, &[Action::Send]),
        (Proceeding, SendFinal, Completed, &[Action::Send, Action::Start(Timer::J)]),
        (Proceeding, Fired(Timer::Unanswered), Proceeding, &[Action::Terminate]),
        (Completed, Request, Completed, &[Action::Repeat]),
        (Completed, SendProvisional, Completed, &[]),
        (Completed, SendFinal, Completed, &[]),
        (Completed, Fired(Timer::J), Completed, &[Action::Terminate]),
    ];

    /// Only where a reliable transport differs.
    const RELIABLE: &[Row] = &[
        (Trying, SendFinal, Completed, &[Action::Send, Action::Terminate]),
        (Proceeding, SendFinal, Completed, &[Action::Send, Action::Terminate]),
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
