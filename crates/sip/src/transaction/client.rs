//! The non-INVITE client transaction, RFC 3261 §17.1.2.

use serde::{Deserialize, Serialize};

use super::{Action, Step, go};
use crate::timer::{Role, Timer};

/// The states of figure 6 in RFC 3261; Terminated is the absence of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ClientState {
    /// Sent, nothing heard.
    Trying,
    /// A provisional response came.
    Proceeding,
    /// A final response came; repetitions are absorbed.
    Completed,
}

/// What can happen to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientInput {
    /// The core above starts it.
    Start,
    /// A response 100–199.
    Provisional,
    /// A response 200–699.
    Final,
    /// A timer of its own.
    Fired(Timer),
    /// The flow failed.
    FlowFailed,
}

impl ClientState {
    /// What happens next.
    pub(crate) fn step(self, input: ClientInput, reliable: bool) -> Step<ClientState> {
        use Action::{FlowFailed, PassUp, Repeat, Send, Start, StartSlow, Stop, Terminate, TimedOut};
        use ClientInput as In;
        use ClientState::{Completed, Proceeding, Trying};
        match (self, input) {
            (Trying, In::Start) if reliable => go(Trying, &[Send, Start(Timer::F)]),
            (Trying, In::Start) => go(Trying, &[Send, Start(Timer::E), Start(Timer::F)]),
            (Trying, In::Fired(Timer::E)) => go(Trying, &[Repeat, Start(Timer::E)]),
            (Trying | Proceeding, In::Fired(Timer::F)) => go(self, &[TimedOut, Terminate]),
            (Trying | Proceeding, In::Provisional) => go(Proceeding, &[PassUp]),
            // Heard but not answered: every T2 from now on.
            (Proceeding, In::Fired(Timer::E)) => go(Proceeding, &[Repeat, StartSlow(Timer::E)]),
            // Timer K is zero on reliable transports.
            (Trying | Proceeding, In::Final) if reliable => go(Completed, &[PassUp, Terminate]),
            (Trying | Proceeding, In::Final) => go(Completed, &[Stop(Role::Repeat), Start(Timer::K), PassUp]),
            (Trying | Proceeding, In::FlowFailed) => go(self, &[FlowFailed, Terminate]),
            (Completed, In::Fired(Timer::K)) => go(Completed, &[Terminate]),
            _ => go(self, &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ClientInput::{Final, Fired, FlowFailed, Provisional, Start};
    use super::ClientState::{Completed, Proceeding, Trying};
    use super::*;

    type Row = (ClientState, ClientInput, ClientState, &'static [Action]);

    const UNRELIABLE: &[Row] = &[
        (Trying, Start, Trying, &[Action::Send, Action::Start(Timer::E), Action::Start(Timer::F)]),
        (Trying, Fired(Timer::E), Trying, &[Action::Repeat, Action::Start(Timer::E)]),
        (Trying, Fired(Timer::F), Trying, &[Action::TimedOut, Action::Terminate]),
        (Trying, Provisional, Proceeding, &[Action::PassUp]),
        (Trying, Final, Completed, &[Action::Stop(Role::Repeat), Action::Start(Timer::K), Action::PassUp]),
        (Trying, FlowFailed, Trying, &[Action::FlowFailed, Action::Terminate]),
        (Proceeding, Fired(Timer::E), Proceeding, &[Action::Repeat, Action::StartSlow(Timer::E)]),
        (Proceeding, Fired(Timer::F), Proceeding, &[Action::TimedOut, Action::Terminate]),
        (Proceeding, Provisional, Proceeding, &[Action::PassUp]),
        (
            Proceeding,
            Final,
            Completed,
            &[Action::Stop(Role::Repeat), Action::Start(Timer::K), Action::PassUp],
        ),
        (Proceeding, FlowFailed, Proceeding, &[Action::FlowFailed, Action::Terminate]),
        (Completed, Fired(Timer::E), Completed, &[]),
        (Completed, Fired(Timer::F), Completed, &[]),
        (Completed, Fired(Timer::K), Completed, &[Action::Terminate]),
        (Completed, Provisional, Completed, &[]),
        (Completed, Final, Completed, &[]),
        (Completed, FlowFailed, Completed, &[]),
    ];

    /// Only where a reliable transport differs.
    const RELIABLE: &[Row] = &[
        (Trying, Start, Trying, &[Action::Send, Action::Start(Timer::F)]),
        (Trying, Final, Completed, &[Action::PassUp, Action::Terminate]),
        (Proceeding, Final, Completed, &[Action::PassUp, Action::Terminate]),
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
