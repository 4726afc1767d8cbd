//! The Home, natively, against an API that is made up.

mod each;
mod incremental;
mod pages;
mod parents;
mod rows;
mod side_by_side;
mod windows;

use std::time::Duration;

use hygge_sdk::testing::{Answer, Home, Read, Sent, World};
use hygge_sdk::{Error, Query, Result};
use serde_json::{Value, json};

use crate::home::Rest;

/// A host of this API, whose answers take as long as it takes for each page to be one chunk.
fn world(answer: impl Fn(&Sent) -> Answer + 'static) -> World {
    let serve = move |sent: &Sent| answer(&rooted(sent.clone()));
    World::new().serving(serve).latency(Duration::from_secs(1))
}

/// A request as a server whose root is the base URL sees it.
fn rooted(mut sent: Sent) -> Sent {
    if !sent.target.contains("://") {
        assert!(!sent.target.starts_with('/'), "{} stands beside the base", sent.target);
        sent.target.insert(0, '/');
    }
    sent
}

/// A host that gives this for everything.
fn only(body: Value) -> World {
    world(move |_| Answer::json(body.clone()))
}

fn open(world: &World, mut config: Value) -> Home<Rest> {
    config["base_url"] = json!("https://api.test/v2");
    Home::open(world, config).unwrap()
}

fn read(world: &World, config: Value) -> Result<Read> {
    open(world, config).read(&Query::table("rows"))
}

/// The rows, as JSON.
fn rows(world: &World, config: Value) -> Vec<Value> {
    read(world, config).unwrap().to_json().unwrap()
}

fn fault(world: &World, config: Value) -> Error {
    read(world, config).unwrap_err()
}
