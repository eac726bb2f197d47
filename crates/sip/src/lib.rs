//! SIP core without IO: messages, transactions, dialogs, digest.
