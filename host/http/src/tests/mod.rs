//! Requests to real servers: what arrives there, and what comes back.

mod answers;
mod connections;
mod going;
mod secrets;
mod secure;
mod sending;
mod server;
mod signing;
mod trying;
mod world;
