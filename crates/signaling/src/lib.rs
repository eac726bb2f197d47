//! SIP sockets: UDP workers and TCP connections.
