//! How requests of ours end, handed to whom it concerns.

use clock::Time;

use super::client::Purpose;
use super::{DialogEvent, Endpoint, Event, Outcome};
use crate::dialog::{DialogId, Exchange, Stage};
use crate::transaction::ClientTx;
use crate::{Flow, Message, Method};

impl Endpoint {
    /// A response that a client transaction hands up.
    pub(super) fn response_up(&mut self, now: Time, client: u64, response: &Message, flow: Flow) {
        let Some(held) = self.clients.at(client) else { return };
        let purpose = held.purpose;
        let answers_invite =
            held.invite.is_some() && response.status().is_some_and(|status| status.is_success());
        if answers_invite && self.reacknowledge(client, response, flow) {
            return;
        }
        match purpose {
            Purpose::Call(dialog) if self.is_calling(dialog, client) => {
                self.call_response(now, client, dialog, (response, flow));
            }
            Purpose::Again(dialog) if self.is_reinviting(dialog, client) => {
                self.reinvite_response(client, dialog, (response, flow));
            }
            _ if answers_invite => self.answer_stray(now, client, (response, flow)),
            Purpose::Call(_) | Purpose::Again(_) | Purpose::Nobody => {}
            Purpose::User | Purpose::InDialog(_) | Purpose::Bye(_) => {
                self.plain_response(client, response, flow)
            }
        }
    }

    /// A response to a request of ours that is no INVITE.
    fn plain_response(&mut self, client: u64, response: &Message, flow: Flow) {
        let Some(purpose) = self.clients.at(client).map(|held| held.purpose) else { return };
        if let Purpose::InDialog(dialog) | Purpose::Bye(dialog) = purpose
            && let Some(held) = self.dialogs.at_mut(dialog.0)
        {
            held.flow = flow;
            let refreshes = response.cseq().is_ok_and(|cseq| cseq.method == Method::Update);
            if refreshes && response.status().is_some_and(|status| status.is_success()) {
                held.peer.refresh(response);
            }
        }
        if response.status().is_some_and(|status| status.is_final()) {
            self.outcome_to(purpose, client, Outcome::Response(response.clone()));
        }
    }

    /// A client transaction ended without a response.
    pub(super) fn outcome_up(&mut self, _now: Time, client: u64, outcome: Outcome) {
        let Some(purpose) = self.clients.at(client).map(|held| held.purpose) else { return };
        self.outcome_to(purpose, client, outcome);
    }

    fn outcome_to(&mut self, purpose: Purpose, client: u64, outcome: Outcome) {
        match purpose {
            Purpose::User | Purpose::InDialog(_) => {
                self.events.push_back(Event::Response { tx: ClientTx(client), outcome });
            }
            Purpose::Bye(dialog) => {
                if self.forget_dialog(dialog) {
                    self.tell(dialog, DialogEvent::ByeOutcome(outcome));
                }
            }
            Purpose::Call(dialog) if self.is_calling(dialog, client) => self.call_failed(dialog, outcome),
            Purpose::Again(dialog) if self.is_reinviting(dialog, client) => {
                self.reinvite_failed(dialog, outcome);
            }
            Purpose::Call(_) | Purpose::Again(_) | Purpose::Nobody => {}
        }
    }

    fn is_calling(&self, dialog: DialogId, client: u64) -> bool {
        let stage = self.dialogs.at(dialog.0).map(|held| &held.stage);
        matches!(stage, Some(Stage::Calling { client: ours, .. }) if *ours == client)
    }

    fn is_reinviting(&self, dialog: DialogId, client: u64) -> bool {
        self.dialogs.at(dialog.0).is_some_and(|held| held.exchange == Exchange::Ours { client })
    }

    /// Puts news of a dialog into the queue.
    pub(super) fn tell(&mut self, dialog: DialogId, event: DialogEvent) {
        self.events.push_back(Event::Dialog { dialog, event });
    }

    /// Forgets a dialog with the timers it runs. Whether there was one.
    pub(super) fn forget_dialog(&mut self, dialog: DialogId) -> bool {
        let Some(mut held) = self.dialogs.remove(dialog.0) else { return false };
        if let Some(unacknowledged) = &mut held.unacknowledged {
            unacknowledged.running.stop_all(&mut self.timers);
        }
        true
    }
}
