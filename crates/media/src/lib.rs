//! RTP sockets, relay, learning, statistics.
