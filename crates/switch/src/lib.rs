//! Where the planes meet: registrar, calls, directory, ledger.
