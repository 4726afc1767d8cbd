//! Files as a Home.
