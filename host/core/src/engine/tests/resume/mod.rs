//! Loads that are cut short and go on, between a Home and a Store that can.

mod kills;
mod refusals;
mod world;
