//! The API of the tests, for whoever wants to ask it: `api 127.0.0.1:8080`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write as _;

use hygge_tests::api::Api;

fn main() {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let api = Api::at(&address);
    let mut out = std::io::stdout();
    writeln!(out, "{}", api.url()).expect("somebody listens");
    out.flush().expect("somebody listens");
    api.wait();
}
