//! SIP and tel URIs, hosts, addresses-of-record, E.164 numbers.
