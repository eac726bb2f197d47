//! Two phones in a call, with tones both ways.

use serde_json::json;

use crate::{Api, Codec, Dialog, Msg, PATIENCE, Phone, Server, TonePeer, TonePeers, media_target, offer};

/// What the caller sends: frequency and level.
pub const CALLER_TONE: (f64, f64) = (440.0, -12.0);
/// What the callee sends.
pub const CALLEE_TONE: (f64, f64) = (1_000.0, -18.0);

/// Accounts `6101` and `6102` of one server, registered over UDP, with a tone peer each.
#[derive(Debug)]
pub struct Talk {
    /// `admin` of the server.
    pub api: Api,
    /// `6101`.
    pub caller: Phone,
    /// `6102`.
    pub callee: Phone,
    /// Hears and sends for the caller.
    pub caller_ear: TonePeer,
    /// Hears and sends for the callee.
    pub callee_ear: TonePeer,
    /// Drives both.
    pub tones: TonePeers,
}

/// The dialogs of an answered call.
#[derive(Debug)]
pub struct Answered {
    /// The caller's.
    pub caller: Dialog,
    /// The callee's.
    pub callee: Dialog,
}

impl Talk {
    /// Makes the accounts and registers the phones.
    #[must_use]
    pub fn prepare(server: &Server) -> Talk {
        let api = server.admin();
        let [caller, callee] =
            ["6101", "6102"].map(|name| api.account(name, &json!({"max_concurrent_calls": 10})));
        let mut caller = Phone::udp(server.sip, server.peer_ip(2), &caller);
        let mut callee = Phone::udp(server.sip, server.peer_ip(3), &callee);
        caller.register(600);
        callee.register(600);
        let tones = TonePeers::start();
        let caller_ear = tones.add(server.peer_ip(2), Codec::Pcmu, CALLER_TONE.0, CALLER_TONE.1);
        let callee_ear = tones.add(server.peer_ip(3), Codec::Pcmu, CALLEE_TONE.0, CALLEE_TONE.1);
        Talk { api, caller, callee, caller_ear, callee_ear, tones }
    }

    /// The caller's description of itself.
    #[must_use]
    pub fn caller_sdp(&self, direction: &str) -> String {
        offer(self.caller_ear.addr(), Codec::Pcmu, direction)
    }

    /// The callee's description of itself.
    #[must_use]
    pub fn callee_sdp(&self, direction: &str) -> String {
        offer(self.callee_ear.addr(), Codec::Pcmu, direction)
    }

    /// The caller calls and the callee rings; gives both INVITEs.
    pub fn ring(&mut self) -> (Msg, Msg) {
        let sdp = self.caller_sdp("sendrecv");
        let sent = self.caller.invite("6102", &sdp);
        let received = self.callee.incoming();
        self.callee.respond(&received, 180, "Ringing");
        self.caller.ringing(&sent);
        (sent, received)
    }

    /// A call up to its ACKs.
    pub fn call(&mut self) -> Answered {
        let (sent, received) = self.ring();
        let sdp = self.callee_sdp("sendrecv");
        let (answer, mut callee) = self.callee.answer_prepared(&received, &sdp);
        self.callee.send(&answer);
        let caller = self.caller.answered(&sent);
        let ack = self.callee.expect("an ACK", |message| message.is_request("ACK"));
        assert_eq!(ack.need("Call-ID"), callee.call_id);
        callee.remote_sdp.clone_from(&received.body);
        Answered { caller, callee }
    }

    /// Both sides begin to send where the server told them to.
    pub fn speak(&self, call: &Answered) {
        self.caller_ear.send_to(media_target(&call.caller.remote_sdp));
        self.callee_ear.send_to(media_target(&call.callee.remote_sdp));
    }

    /// Asserts that each side hears the other's tone.
    ///
    /// # Panics
    /// When one does not.
    pub fn assert_heard(&self) {
        let (at_caller, at_callee) = (self.caller_ear.listen(PATIENCE), self.callee_ear.listen(PATIENCE));
        assert!(at_caller.is_tone(CALLEE_TONE.0, CALLEE_TONE.1), "at the caller: {at_caller:?}");
        assert!(at_callee.is_tone(CALLER_TONE.0, CALLER_TONE.1), "at the callee: {at_callee:?}");
    }

    /// The caller hangs up, the callee hears of it.
    pub fn hang_up(&mut self, call: &mut Answered) {
        let bye = self.caller.in_dialog(&mut call.caller, "BYE");
        self.caller.send(&bye);
        self.callee.hung_up(&call.callee);
        let answer = self.caller.expect("the answer to BYE", |message| message.answers("BYE"));
        assert_eq!(answer.status(), 200);
    }
}
