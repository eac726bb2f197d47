//! RTP and RTCP packets, statistics, telephone-event.
