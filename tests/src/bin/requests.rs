//! Measures what a small request costs the host: sent by reqwest alone, by hygge for nobody in
//! particular, and by hygge for a connector.
//!
//! The server is another process, whose time does not count. What is given is CPU time, of user
//! and system, in microseconds for each request.

use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, ValueEnum};
use hygge_core::budget::Share;
use hygge_http::{Auth, BaseUrl, Caller, Connection, Http, Proxies, Request, Settings, Spec};
use hygge_tests::apart::{self, Apart};
use hygge_tests::project::Project;
use hygge_tests::web::Server;
use hygge_tests::{cpu_time, guest};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What is answered to every request.
const ROW: &str = r#"{"id":1,"name":"name 1","at":"2026-01-31T13:30:00.25Z","amount":"12.50"}"#;

/// Measures requests: host CPU for each, against reqwest alone
#[derive(Parser)]
struct Arguments {
    /// How many requests; the connector always sends 10,000
    #[arg(long, default_value_t = 10_000)]
    count: u32,
    /// How often each thing is measured; the least counts
    #[arg(long, default_value_t = 5)]
    runs: u32,
    /// What to measure; everything when left out. Ratios are to the first
    #[arg(long, value_enum)]
    only: Vec<What>,
    /// Serves until its input ends
    #[arg(long, hide = true)]
    serve: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// On the threads of a runtime, as in most programs.
    Alone,
    /// On one thread that does nothing else.
    AloneOnOne,
    Host,
    Connector,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = if arguments.serve { serve() } else { measure(&arguments) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<()> {
    let server = Server::start(|_, reply| {
        reply.send(200, &[("content-type", "application/json")], ROW);
    });
    Ok(apart::say_and_serve(&[&server.origin()])?)
}

fn measure(arguments: &Arguments) -> Result<()> {
    let mut server = Apart::start(&["--serve"])?;
    let origin = &server.line()?;

    let all = [What::Alone, What::AloneOnOne, What::Host, What::Connector];
    let mut best: Vec<(What, f64)> = all
        .into_iter()
        .filter(|what| arguments.only.is_empty() || arguments.only.contains(what))
        .map(|what| (what, f64::INFINITY))
        .collect();
    // In turn: what else the machine does is then the same for all of them.
    for _ in 0..arguments.runs.max(1) {
        for (what, least) in &mut best {
            let micros = match what {
                What::Alone => alone(&threads()?, origin, arguments.count)?,
                What::AloneOnOne => alone(&one_thread()?, origin, arguments.count)?,
                What::Host => for_nobody(origin, arguments.count)?,
                What::Connector => for_a_connector(origin)?,
            };
            *least = least.min(micros);
        }
    }
    let mut first = None;
    for (what, micros) in best {
        let name = match what {
            What::Alone => "reqwest alone",
            What::AloneOnOne => "reqwest, one thread",
            What::Host => "hygge's host",
            What::Connector => "through a connector",
        };
        println!("{name:20} {micros:6.1} µs   {:.2} times", micros / *first.get_or_insert(micros));
    }
    Ok(())
}

/// Microseconds for each of `count`, of `seconds` for all.
fn each(seconds: f64, count: u32) -> f64 {
    seconds * 1e6 / f64::from(count)
}

fn threads() -> Result<Runtime> {
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    Ok(threads.worker_threads(2).enable_all().build()?)
}

/// As each reading of a connector has it.
fn one_thread() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn alone(runtime: &Runtime, origin: &str, count: u32) -> Result<f64> {
    let provider = rustls::crypto::ring::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?;
    let url = format!("{origin}/row");
    let before = cpu_time::own()?;
    let sent = async move {
        for _ in 0..count {
            let body = client.get(&url).send().await?.bytes().await?;
            check(&body)?;
        }
        Result::Ok(())
    };
    runtime.block_on(async move { tokio::spawn(sent).await })??;
    Ok(each(cpu_time::own()? - before, count))
}

fn for_nobody(origin: &str, count: u32) -> Result<f64> {
    let runtime = one_thread()?;
    let spec = Spec {
        connector: "nobody".to_owned(),
        settings: Settings::default(),
        base: BaseUrl::parse(origin).ok(),
        base_granted: true,
        auth: Auth::default(),
    };
    let http = Http::new(Proxies::none())?;
    let connection = Connection::new(&http, Arc::new(spec));
    let nobody: Arc<dyn Caller> = Arc::new(Nobody(CancellationToken::new()));
    let before = cpu_time::own()?;
    let sent = async move {
        for _ in 0..count {
            let (method, target) = ("GET".to_owned(), "/row".to_owned());
            let request = Request { method, target, ..Request::default() };
            let mut answer = connection.send(request, Arc::clone(&nobody)).await?;
            let mut body = Vec::new();
            loop {
                let more = answer.read(1 << 16).await?;
                if more.is_empty() {
                    break;
                }
                body.extend(more);
            }
            check(&body)?;
        }
        Result::Ok(())
    };
    runtime.block_on(async move { tokio::spawn(sent).await })??;
    Ok(each(cpu_time::own()? - before, count))
}

/// A whole run that sends 10,000 requests, without what one takes that sends none.
fn for_a_connector(origin: &str) -> Result<f64> {
    const COUNT: u32 = 10_000;
    let project = Project::new();
    guest::add_to(&project, "hostile");
    project.write(
        "flows/f/flow.yml",
        format!(
            "home: {{ type: hostile, base_url: \"{origin}\" }}\nstore: lake\nentities: [good, \
             polite_in_read]\n"
        ),
    );
    let run = |entity: &str| -> Result<f64> {
        let before = cpu_time::of_children()?;
        project.hygge(&["go", "--entity", entity]).ok();
        Ok(cpu_time::of_children()? - before)
    };
    // Compiles the connector, once.
    run("f.good")?;
    let none = run("f.good")?;
    Ok(each(run("f.polite_in_read")? - none, COUNT))
}

fn check(body: &[u8]) -> Result<()> {
    if body == ROW.as_bytes() { Ok(()) } else { Err("another answer than was sent".into()) }
}

/// Nobody hears of anything.
struct Nobody(CancellationToken);

impl Caller for Nobody {
    fn cancel(&self) -> &CancellationToken {
        &self.0
    }

    fn memory(&self) -> Option<&Arc<Share>> {
        None
    }

    fn got_on(&self) {}

    fn debug(&self, _: fmt::Arguments<'_>) {}

    fn warn(&self, _: String) {}
}
