//! The INVITE server transaction, RFC 3261 §17.2.1 and RFC 6026 §7.1.

use serde::{Deserialize, Serialize};

use super::{Action, Step, go};
use crate::timer::{Role, Timer};

/// The states of figure 7 in RFC 6026; Terminated is the absence of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ServerInviteState {
    /// Received, not finally answered.
    Proceeding,
    /// Refused; the refusal is repeated until its ACK.
    Completed,
    /// The ACK to the refusal came; its repetitions are absorbed.
    Confirmed,
    /// Answered; the core above repeats the 2xx, repetitions of the INVITE are absorbed.
    Accepted,
}

/// What can happen to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerInviteInput {
    /// The INVITE again.
    Invite,
    /// An ACK on the same branch.
    Ack,
    /// The core above sends a response 100–199.
    SendProvisional,
    /// The core above sends a 2xx.
    SendSuccess,
    /// The core above sends a response 300–699.
    SendFailure,
    /// A timer of its own.
    Fired(Timer),
}

impl ServerInviteState {
    /// What happens next.
    pub(crate) fn step(self, input: ServerInviteInput, reliable: bool) -> Step<ServerInviteState> {
        use Action::{PassUp, Repeat, Send, Start, Stop, Terminate, TimedOut};
        use ServerInviteInput as In;
        use ServerInviteState::{Accepted, Completed, Confirmed, Proceeding};
        match (self, input) {
            (Proceeding, In::Invite) => go(Proceeding, &[Repeat]),
            (Proceeding, In::SendProvisional) => go(Proceeding, &[Send]),
            (Proceeding, In::SendSuccess) => go(Accepted, &[Send, Start(Timer::L)]),
            (Proceeding, In::SendFailure) if reliable => go(Completed, &[Send, Start(Timer::H)]),
            (Proceeding, In::SendFailure) => go(Completed, &[Send, Start(Timer::G), Start(Timer::H)]),

            (Completed, In::Invite) => go(Completed, &[Repeat]),
            (Completed, In::Fired(Timer::G)) => go(Completed, &[Repeat, Start(Timer::G)]),
            (Completed, In::Fired(Timer::H)) => go(Completed, &[TimedOut, Terminate]),
            // Timer I is zero on reliable transports.
            (Completed, In::Ack) if reliable => go(Confirmed, &[Terminate]),
            (Completed, In::Ack) => go(Confirmed, &[Stop(Role::Repeat), Start(Timer::I)]),
            (Confirmed, In::Fired(Timer::I)) => go(Confirmed, &[Terminate]),

            (Accepted, In::Ack) => go(Accepted, &[PassUp]),
            (Accepted, In::SendSuccess) => go(Accepted, &[Send]),
            (Accepted, In::Fired(Timer::L)) => go(Accepted, &[Terminate]),
            _ => go(self, &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ServerInviteInput::{Ack, Fired, Invite, SendFailure, SendProvisional, SendSuccess};
    use super::ServerInviteState::{Accepted, Completed, Confirmed, Proceeding};
    use super::*;

    type Row = (ServerInviteState, ServerInviteInput, ServerInviteState, &'static [Action]);

    const UNRELIABLE: &[Row] = &[
        (Proceeding, Invite, Proceeding, &[Action::Repeat]),
        (Proceeding, Ack, Proceeding, &[]),
        (Proceeding, SendProvisional, Proceeding, &[Action::Send]),
        (Proceeding, SendSuccess, Accepted, &[Action::Send, Action::Start(Timer::L)]),
        (
            Proceeding,
            SendFailure,
            Completed,
            &[Action::Send, Action::Start(Timer::G), Action::Start(Timer::H)],
        ),
        (Completed, Invite, Completed, &[Action::Repeat]),
        (Completed, Ack, Confirmed, &[Action::Stop(Role::Repeat), Action::Start(Timer::I)]),
        (Completed, SendProvisional, Completed, &[]),
        (Completed, SendSuccess, Completed, &[]),
        (Completed, SendFailure, Completed, &[]),
        (Completed, Fired(Timer::G), Completed, &[Action::Repeat, Action::Start(Timer::G)]),
        (Completed, Fired(Timer::H), Completed, &[Action::TimedOut, Action::Terminate]),
        (Confirmed, Invite, Confirmed, &[]),
        (Confirmed, Ack, Confirmed, &[]),
        (Confirmed, Fired(Timer::G), Confirmed, &[]),
        (Confirmed, Fired(Timer::H), Confirmed, &[]),
        (Confirmed, Fired(Timer::I), Confirmed, &[Action::Terminate]),
        (Accepted, Invite, Accepted, &[]),
        (Accepted, Ack, Accepted, &[Action::PassUp]),
        (Accepted, SendProvisional, Accepted, &[]),
        (Accepted, SendSuccess, Accepted, &[Action::Send]),
        (Accepted, SendFailure, Accepted, &[]),
        (Accepted, Fired(Timer::L), Accepted, &[Action::Terminate]),
    ];

    /// Only where a reliable transport differs.
    const RELIABLE: &[Row] = &[
        (Proceeding, SendFailure, Completed, &[Action::Send, Action::Start(Timer::H)]),
        (Completed, Ack, Confirmed, &[Action::Terminate]),
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
