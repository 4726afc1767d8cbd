//! A Home that looks for a way out through WASI. The table `found` holds what it found; others are
//! named by what it does instead of reading them.

use hygge_sdk::{
    Batch, Chunk, Context, Error, Field, Home, Query, Reader, Result, Schema, Split, Type,
};
use serde_json::json;

mod web;

mod wasi {
    #![allow(missing_docs, unreachable_pub, clippy::all)]
    wit_bindgen::generate!({ path: "src/wasi.wit", world: "hygge:intruder/intruder", generate_all });
}

use wasi::wasi::cli::{environment, exit, stdin, stdout};
use wasi::wasi::clocks::monotonic_clock;
use wasi::wasi::filesystem::preopens;
use wasi::wasi::io::streams::StreamError;
use wasi::wasi::random::random;
use wasi::wasi::sockets::network::{IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
use wasi::wasi::sockets::{instance_network, ip_name_lookup, tcp_create_socket};

struct Intruder {
    /// Origins it was told of.
    places: web::Places,
}

impl Home for Intruder {
    type Config = serde_json::Value;
    type Split = String;
    type Reader = Search;

    fn open(config: Self::Config, _: &Context) -> Result<Self> {
        Ok(Self { places: web::Places::of(&config) })
    }

    fn schema(&self, _: &Query) -> Result<Schema> {
        Ok(Schema::new(["what", "found"].map(|name| Field::new(name, Type::String))))
    }

    fn plan(&self, query: &Query) -> Result<Vec<Split<String>>> {
        Ok(vec![Split::new("all", query.table.clone())])
    }

    fn read(&self, table: String, _: Option<()>) -> Result<Search> {
        Ok(Search { table: Some(table), places: self.places.clone() })
    }
}

struct Search {
    table: Option<String>,
    places: web::Places,
}

impl Reader for Search {
    type State = ();

    fn next(&mut self, _: usize) -> Result<Option<Chunk<()>>> {
        let Some(table) = self.table.take() else { return Ok(None) };
        match table.as_str() {
            "exits" => exit::exit(Ok(())),
            "waits" => monotonic_clock::subscribe_duration(u64::MAX).block(),
            "random" => drop(random::get_random_bytes(4 << 30)),
            "zeroes" => {
                let _ = stdout::get_stdout().write_zeroes(4 << 30);
            }
            "prints" => {
                let stdout = stdout::get_stdout();
                for _ in 0..1000 {
                    let _ = stdout.write(&b"\x1b[2Jnothing to see here\n".repeat(40));
                }
            }
            deed => web::commit(deed, &self.places)?,
        }
        let mut lines = Vec::new();
        for (what, found) in found()? {
            lines.extend_from_slice(json!({ "what": what, "found": found }).to_string().as_bytes());
            lines.push(b'\n');
        }
        Ok(Some(Chunk::new(Batch::ndjson(lines))))
    }
}

/// Everything it can see and reach.
fn found() -> Result<Vec<(&'static str, String)>> {
    let network = instance_network::instance_network();
    let socket = tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4);
    let connected = socket.map(|socket| {
        let address = Ipv4SocketAddress { port: 80, address: (127, 0, 0, 1) };
        let started = socket.start_connect(&network, IpSocketAddress::Ipv4(address));
        started.and_then(|()| {
            socket.subscribe().block();
            socket.finish_connect().map(|_| "a connection")
        })
    });
    let looked_up = ip_name_lookup::resolve_addresses(&network, "localhost").and_then(|stream| {
        stream.subscribe().block();
        stream.resolve_next_address()
    });
    let read = match stdin::get_stdin().blocking_read(1000) {
        Ok(bytes) => format!("{bytes:?}"),
        Err(StreamError::Closed) => "closed".to_owned(),
        Err(StreamError::LastOperationFailed(_)) => return Err(Error::data("stdin failed")),
    };
    Ok(vec![
        ("environment", format!("{:?}", environment::get_environment())),
        ("arguments", format!("{:?}", environment::get_arguments())),
        ("working directory", format!("{:?}", environment::initial_cwd())),
        ("directories", format!("{:?}", preopens::get_directories().len())),
        ("stdin", read),
        ("socket", format!("{connected:?}")),
        ("name", format!("{looked_up:?}")),
    ])
}

hygge_sdk::export!(home: Intruder);
