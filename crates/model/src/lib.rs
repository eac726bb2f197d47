//! What the exchange knows: ids, accounts, bindings, call records.
