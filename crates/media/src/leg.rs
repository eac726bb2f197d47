//! One session: what is known of a leg, and what its packets mean. No system call is made here.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use clock::Time;
use rtp::rtcp::{Compound, Packet, Reports};
use rtp::{Receiver, RoundTrip, RtpPacket};
use sdp::{Direction, LegPlan};

use crate::event::LegStatistics;
use crate::io::Socket;
use crate::latch::{Latch, Learning};
use crate::{Owner, SessionId, Target};

/// The SSRC of what the echo sends back differs from what came in these bits.
const ECHO_SSRC: u32 = 0x4543_484f;

/// What a worker needs of a [`LegPlan`].
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    remote_rtp: Option<SocketAddr>,
    remote_rtcp: Option<SocketAddr>,
    nearby: Option<IpAddr>,
    rules: Rules,
}

/// The part of a plan that is asked for each packet.
#[derive(Clone, Copy, Debug)]
struct Rules {
    /// One bit for each payload type taken.
    payloads: u128,
    codec: Option<(u8, u32)>,
    telephone_event: Option<u8>,
    direction: Direction,
    rtcp_mux: bool,
    symmetric: bool,
}

impl From<LegPlan> for Plan {
    fn from(plan: LegPlan) -> Plan {
        let listed = plan.payloads.iter().fold(0_u128, |mask, payload| mask | 1 << (payload & 0x7f));
        let rules = Rules {
            payloads: if plan.payloads.is_empty() { u128::MAX } else { listed },
            codec: plan.codec.map(|codec| (codec.payload, codec.clock_rate)),
            telephone_event: plan.telephone_event,
            direction: plan.direction,
            rtcp_mux: plan.rtcp_mux,
            symmetric: plan.symmetric,
        };
        let (remote_rtp, remote_rtcp) = (plan.remote_rtp, plan.remote_rtcp);
        Plan { remote_rtp, remote_rtcp, nearby: plan.signalling_source, rules }
    }
}

impl Rules {
    fn takes(&self, payload: u8) -> bool {
        self.payloads >> (payload & 0x7f) & 1 == 1
    }

    /// The clock of a payload type, for the jitter; 0 leaves a packet out of it.
    fn clock_rate(&self, payload: u8) -> u32 {
        match self.codec {
            _ if self.telephone_event == Some(payload) => 0,
            Some((agreed, rate)) if agreed == payload => rate,
            // RFC 3551 §6: every static audio type below but these runs at 8 kHz.
            _ if payload < 19 && !matches!(payload, 6 | 10 | 11 | 14 | 16 | 17) => 8_000,
            _ => 0,
        }
    }
}

/// The two sockets of a leg.
pub(crate) struct Ports {
    pub(crate) rtp: Socket,
    pub(crate) rtcp: Socket,
}

/// A leg's media.
///
/// In the order of heat: a packet touches the first half of its own leg and the first lines of its peer's, and what it
/// costs besides system calls is mostly the waiting for these lines.
#[repr(C)]
pub(crate) struct Leg {
    pub(crate) id: SessionId,
    pub(crate) ports: Ports,
    pub(crate) target: Target,
    rules: Option<Rules>,
    rtp: Latch,
    sent: Traffic,
    received: Traffic,
    watch: Watch,
    receiver: Receiver,
    pub(crate) owner: Owner,
    rtcp: Latch,
    trip: RoundTrip,
    /// Everything that is not counted elsewhere.
    counts: LegStatistics,
}

/// RTP one way.
#[derive(Clone, Copy, Debug, Default)]
struct Traffic {
    packets: u64,
    bytes: u64,
    /// Payload type of the last packet.
    payload: Option<u8>,
}

impl Traffic {
    fn add(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
    }
}

/// The watch for silence.
#[derive(Clone, Copy, Debug)]
struct Watch {
    /// The last RTP packet, or the opening of the watch.
    heard: Time,
    silent: bool,
}

/// A packet that may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    /// Its payload in bytes.
    pub(crate) payload_bytes: usize,
    /// Its SSRC.
    pub(crate) ssrc: u32,
    /// It ended a silence that had been told.
    pub(crate) resumed: bool,
    /// Whether the direction lets it go on.
    pub(crate) onward: bool,
}

impl Leg {
    /// A leg that takes nothing yet.
    pub(crate) fn new(id: SessionId, owner: Owner, ports: Ports) -> Leg {
        Leg {
            id,
            owner,
            ports,
            target: Target::Nothing,
            rules: None,
            rtp: Latch::default(),
            sent: Traffic::default(),
            received: Traffic::default(),
            watch: Watch { heard: Time::ZERO, silent: false },
            receiver: Receiver::default(),
            rtcp: Latch::default(),
            trip: RoundTrip::default(),
            counts: LegStatistics::default(),
        }
    }

    /// Takes a new plan and target.
    pub(crate) fn apply(&mut self, now: Time, plan: Plan, target: Target) {
        let was_watched = self.is_watched();
        self.rtp.signal(plan.remote_rtp, plan.nearby);
        self.rtcp.signal(plan.remote_rtcp, plan.nearby);
        self.rules = Some(plan.rules);
        self.target = target;
        if !was_watched {
            self.watch = Watch { heard: now, silent: false };
        }
    }

    /// Looks at an RTP datagram and counts it, if it belongs to the leg's stream.
    pub(crate) fn take_rtp(
        &mut self,
        now: Time,
        datagram: &[u8],
        from: SocketAddr,
        times: Learning,
    ) -> Result<Passed, Reason> {
        let rules = self.rules.as_ref().ok_or(Reason::NoPeer)?;
        let packet = RtpPacket::parse(datagram).map_err(|_| Reason::Junk)?;
        if !rules.takes(packet.payload_type) {
            return Err(Reason::Payload);
        }
        let receives = rules.direction.receives();
        if !self.rtp.accept(now, from, receives, times) {
            return Err(Reason::Source);
        }
        self.receiver.receive(now, &packet, rules.clock_rate(packet.payload_type));
        self.received.add(packet.payload.len());
        self.received.payload = Some(packet.payload_type);
        let resumed = std::mem::take(&mut self.watch.silent);
        self.watch.heard = now;
        Ok(Passed { payload_bytes: packet.payload.len(), ssrc: packet.ssrc, resumed, onward: receives })
    }

    /// Looks at an RTCP datagram and counts it, if it belongs to the leg: what of it matters to the peer's round trip.
    pub(crate) fn take_rtcp(
        &mut self,
        now: Time,
        datagram: &[u8],
        from: SocketAddr,
        times: Learning,
    ) -> Result<SenderReport, Reason> {
        let rules = self.rules.as_ref().ok_or(Reason::NoPeer)?;
        let compound = Compound::parse(datagram).map_err(|_| Reason::Junk)?;
        // What comes from where the RTP comes from fits well, also behind NAT.
        if let Some(source) = self.rtp.source() {
            self.rtcp.hint(source.ip());
        }
        let latch = if rules.rtcp_mux { &mut self.rtp } else { &mut self.rtcp };
        if !latch.accept(now, from, rules.direction.receives(), times) {
            return Err(Reason::Source);
        }
        self.counts.rtcp_received += 1;
        let mut sent = SenderReport::default();
        for packet in compound {
            match packet {
                Packet::SenderReport(report) => {
                    sent.ntp_middle = Some(report.ntp_middle());
                    self.reported(now, report.reports);
                }
                Packet::ReceiverReport { reports, .. } => self.reported(now, reports),
                Packet::Bye(_) | Packet::Other { .. } => {}
            }
        }
        Ok(sent)
    }

    /// The peer says what it received of what we sent it.
    fn reported(&mut self, now: Time, reports: Reports<'_>) {
        for report in reports {
            self.counts.remote_lost = Some(report.lost);
            self.trip.reported(now, report.last_report, report.delay);
        }
    }

    /// Where RTP to this leg goes, if it takes any.
    pub(crate) fn rtp_destination(&self) -> Result<SocketAddr, Reason> {
        let rules = self.rules.as_ref().ok_or(Reason::NoPeer)?;
        if !rules.direction.sends() {
            return Err(Reason::Held);
        }
        self.rtp.destination(rules.symmetric).ok_or(Reason::NoPeer)
    }

    /// Where RTCP to this leg goes, and from which socket. Hold does not stop it (RFC 3264 §5.1).
    pub(crate) fn rtcp_destination(&self) -> Option<(&Socket, SocketAddr)> {
        let rules = self.rules.as_ref()?;
        let (socket, latch) =
            if rules.rtcp_mux { (&self.ports.rtp, &self.rtp) } else { (&self.ports.rtcp, &self.rtcp) };
        Some((socket, latch.destination(rules.symmetric)?))
    }

    /// Whether RTCP shares the RTP port.
    pub(crate) fn is_muxed(&self) -> bool {
        self.rules.as_ref().is_some_and(|rules| rules.rtcp_mux)
    }

    /// RTP was sent to this leg.
    pub(crate) fn sent_rtp(&mut self, payload_bytes: usize) {
        self.sent.add(payload_bytes);
    }

    /// RTCP was sent to this leg.
    pub(crate) fn sent_rtcp(&mut self, now: Time, report: SenderReport) {
        self.counts.rtcp_sent += 1;
        if let Some(ntp_middle) = report.ntp_middle {
            self.trip.sent(now, ntp_middle);
        }
    }

    /// Counts a packet that is not relayed.
    pub(crate) fn dropped(&mut self, reason: Reason) {
        let dropped = &mut self.counts.dropped;
        *match reason {
            Reason::Junk => &mut dropped.junk,
            Reason::Payload => &mut dropped.payload,
            Reason::Source => &mut dropped.source,
            Reason::Held => &mut dropped.held,
            Reason::NoPeer => &mut dropped.no_peer,
            Reason::NotSent => &mut dropped.not_sent,
        } += 1;
    }

    /// When the leg's silence is to be told; none when it is told or may be silent.
    ///
    /// Watched is who is joined to somebody and may both send and receive: whoever holds or is held may be silent.
    pub(crate) fn silent_at(&self, silence: Duration) -> Option<Time> {
        (self.is_watched() && !self.watch.silent).then(|| self.watch.heard + silence)
    }

    /// Notes that the silence is told; since when it lasts.
    pub(crate) fn fell_silent(&mut self) -> Time {
        self.watch.silent = true;
        self.watch.heard
    }

    /// What has been counted.
    pub(crate) fn statistics(&self) -> LegStatistics {
        let reception = self.receiver.reception();
        LegStatistics {
            packets_received: self.received.packets,
            bytes_received: self.received.bytes,
            packets_sent: self.sent.packets,
            bytes_sent: self.sent.bytes,
            payload: self.received.payload,
            lost: reception.lost,
            jitter_us: reception.jitter_us,
            out_of_order: reception.out_of_order,
            duplicates: reception.duplicates,
            ssrc_changes: reception.ssrc_changes,
            round_trip_us: self.trip.latest().map(|trip| u64::try_from(trip.as_micros()).unwrap_or(u64::MAX)),
            source: self.rtp.source(),
            ..self.counts
        }
    }

    fn is_watched(&self) -> bool {
        let both_ways = self.rules.as_ref().is_some_and(|rules| !rules.direction.is_hold());
        both_ways && self.target != Target::Nothing
    }
}

/// Why a packet is not relayed: see [`crate::Dropped`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Junk,
    Payload,
    Source,
    Held,
    NoPeer,
    NotSent,
}

/// What matters of the sender reports in a compound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SenderReport {
    ntp_middle: Option<u32>,
}

/// The SSRC under which the echo sends a stream back.
pub(crate) const fn echoed(ssrc: u32) -> u32 {
    ssrc ^ ECHO_SSRC
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leg_takes_less_than_a_kilobyte() {
        assert!(size_of::<Leg>() <= 1_024, "{} bytes", size_of::<Leg>());
    }

    #[test]
    fn clocks_of_payload_types() {
        let text = b"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0 9 10 96 101\r\n\
            a=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n";
        let session = sdp::Session::parse(text).unwrap();
        let mut plan = sdp::leg_plan(&session, &session).unwrap();
        plan.codec = session.audio().unwrap().codec(96);
        let plan = Plan::from(plan).rules;
        let clocks = [0, 9, 10, 96, 101, 97].map(|payload| plan.clock_rate(payload));
        assert_eq!(clocks, [8_000, 8_000, 0, 48_000, 0, 0]);
        assert_eq!(
            [0, 9, 96, 101, 8, 97].map(|payload| plan.takes(payload)),
            [true, true, true, true, false, false]
        );
    }
}
