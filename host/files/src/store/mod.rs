//! Files as a Store.
