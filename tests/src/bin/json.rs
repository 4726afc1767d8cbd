//! Measures how fast `type: rest` makes columns of JSON: pages of another process, through the
//! connector in its sandbox, to batches of Arrow; nothing behind.
//!
//! ```text
//! json --serve ─▶ hygge's HTTP ─▶ connectors/rest in WASM ─▶ rows, decoded
//! ```
//!
//! Megabytes of JSON are counted for each second that this process keeps a core busy, however many
//! cores there are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use hygge_core::budget::Budget;
use hygge_core::contract::{
    Context, Delivery, Durability, Home, Kinds, Progress, ReadRequest, RunIds, Wanted,
};
use hygge_core::cpu::Cpu;
use hygge_core::engine::event::{Notices, Silent};
use hygge_core::project::problem::Problems;
use hygge_core::project::{self, Request};
use hygge_forge::build::{Options, build};
use hygge_forge::toolchain;
use hygge_sandbox::{Connector, Policy, Sandbox, SandboxOptions, Source, kinds};
use hygge_tests::apart::{self, Apart};
use hygge_tests::cpu_time;
use hygge_tests::project::{Project, repository};
use hygge_tests::random::Random;
use hygge_tests::web::Server;
use tokio_util::sync::CancellationToken;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Records of a page.
const RECORDS: usize = 4_000;

/// Measures how fast `type: rest` makes columns of JSON
#[derive(Parser)]
struct Arguments {
    /// How many pages of about one megabyte
    #[arg(long, default_value_t = 200)]
    pages: usize,
    /// How often each thing is measured; the best counts
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// connectors/rest, if it is built already
    #[arg(long)]
    connector: Option<PathBuf>,
    /// Serves until its input ends
    #[arg(long, hide = true)]
    serve: bool,
}

fn main() -> ExitCode {
    hygge_core::heap::share();
    let arguments = Arguments::parse();
    let done = if arguments.serve { serve(arguments.pages) } else { measure(&arguments) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Records as APIs have them, about 250 bytes each.
fn records() -> String {
    let mut random = Random::new(7);
    let mut below = |most: u64| random.below(most);
    let mut text = String::new();
    for row in 0..RECORDS {
        let (first, last) = (["Ada", "Bjørn", "Chloé", "Dmitri"], ["Lovelace", "Dahl", "Ng", "Ø."]);
        let name = format!("{} {}", first[below(4) as usize], last[below(4) as usize]);
        let paid = if below(4) == 0 { "null".to_owned() } else { format!("{}", below(2) == 0) };
        let note = match below(8) {
            0 => "\"said \\\"soon\\\",\\nthen left\"".to_owned(),
            1..4 => format!("\"order {} of a customer who comes back\"", below(1_000_000)),
            _ => "null".to_owned(),
        };
        let _ = write!(
            text,
            "{}{{\"id\":{},\"customer\":\"{name}\",\"amount\":{}.{:02},\"weight\":{:.5},\
             \"quantity\":{},\"paid\":{paid},\"created_at\":\"2026-{:02}-{:02}T{:02}:{:02}:{:02}Z\",\
             \"note\":{note},\"address\":{{\"street\":\"{} Main Street\",\"zip\":\"{:05}\",\
             \"geo\":{{\"lat\":{:.6},\"lon\":{:.6}}}}}}}",
            if row == 0 { "" } else { "," },
            10_000_000 + below(90_000_000),
            below(10_000),
            below(100),
            below(1_000_000) as f64 / 7919.0,
            below(50),
            1 + below(12),
            1 + below(28),
            below(24),
            below(60),
            below(60),
            below(9_999),
            below(100_000),
            below(180_000_000) as f64 / 1e6 - 90.0,
            below(360_000_000) as f64 / 1e6 - 180.0,
        );
    }
    text
}

fn serve(pages: usize) -> Result<()> {
    let records = records();
    let bytes = records.len().to_string();
    let server = Server::start(move |request, reply| {
        let page = request.path.rsplit('=').next().and_then(|page| page.parse().ok()).unwrap_or(1);
        let next = if page < pages { (page + 1).to_string() } else { "null".to_owned() };
        let body = format!("{{\"page\":{page},\"data\":[{records}],\"next\":{next}}}");
        reply.send(200, &[("content-type", "application/json")], body);
    });
    Ok(apart::say_and_serve(&[&bytes, &server.origin()])?)
}

fn measure(arguments: &Arguments) -> Result<()> {
    let mut server = Apart::start(&["--serve", "--pages", &arguments.pages.to_string()])?;
    let bytes: usize = server.line()?.parse()?;
    let origin = server.line()?;
    let megabytes = (bytes * arguments.pages) as f64 / 1e6;

    let project = Project::new();
    let component = match &arguments.connector {
        Some(built) => built.clone(),
        None => build_rest()?,
    };
    println!("{megabytes:.0} MB in pages of {:.1} MB\n", bytes as f64 / 1e6);
    for nested in ["flatten", "struct", "json"] {
        project.write(
            &format!("flows/{nested}/flow.yml"),
            format!(
                "home: {{ type: rest, base_url: \"{origin}\", records: data, nested: {nested}, \
                 paginate: {{ type: cursor, param: page, path: $.next }} }}\n\
                 store: lake/{nested}\nentities: [rows]\n"
            ),
        );
        let mut best: Option<Spent> = None;
        for _ in 0..arguments.runs.max(1) {
            let spent = read(&project, &component, nested, arguments.pages * RECORDS)?;
            best = best.filter(|best| best.cpu < spent.cpu).or(Some(spent));
        }
        let Some(Spent { cpu, wall, http }) = best else { continue };
        println!(
            "nested: {nested:9} {:6.0} MB/s of a core   {:6.0} MB/s as time goes by   \
             (HTTP {http:.2} s, all {cpu:.2} s)",
            megabytes / cpu,
            megabytes / wall,
        );
    }
    Ok(())
}

fn build_rest() -> Result<PathBuf> {
    let folder = repository().join("connectors/rest");
    Ok(build(&folder, &toolchain::find(&folder)?, &Options { quiet: true, ..Options::default() })?
        .path)
}

/// Seconds.
struct Spent {
    cpu: f64,
    wall: f64,
    /// Of the threads of connections.
    http: f64,
}

/// Reads all pages.
fn read(project: &Project, component: &Path, flow: &str, wanted: usize) -> Result<Spent> {
    let cache = project.path("caches");
    let sandbox = Sandbox::new(SandboxOptions { cache_dir: Some(cache) });
    let source = Source::File(component.to_owned());
    let connector = Connector::load(&sandbox, "rest", source, Policy::default())?;
    let kinds = |_: &Wanted<'_>, _: &mut Problems| Kinds {
        homes: kinds::home(&connector).into_iter().collect(),
        stores: hygge_files::store::kinds(),
        ..Kinds::default()
    };
    let request = Request { flows: vec![flow.to_owned()], ..Request::default() };
    let plan = project::load(project.root(), &kinds, &request, &|_| None).map_err(|problems| {
        let said: Vec<_> = problems.list.into_iter().map(|problem| problem.message).collect();
        said.join("\n")
    })?;
    let home = Arc::clone(&plan.entities.first().ok_or("there is no entity")?.home);
    let context = Arc::new(Context {
        flow: flow.to_owned(),
        entity: "rows".to_owned(),
        run: RunIds {
            coordinator: "json".to_owned(),
            flow: "json-flow".to_owned(),
            entity: "json-entity".to_owned(),
        },
        memory: Budget::new(256 << 20).share(),
        cpu: Cpu::new(),
        cancel: CancellationToken::new(),
        durability: Durability::Process,
        progress: Progress::silent(),
        notices: Notices::new(None, Arc::new(Silent)),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(all(&*home, context, wanted))
}

async fn all(home: &dyn Home, context: Arc<Context>, wanted: usize) -> Result<Spent> {
    // Looks at a sample of the first page, and compiles the connector if nobody has.
    let mut reader = home.open(&ReadRequest::default(), context).await?;
    let (cpu, wall, threads) = (cpu_time::own()?, Instant::now(), cpu_time::of_threads()?);
    let mut rows = 0;
    while let Some(delivery) = reader.next().await? {
        let Delivery::Rows(batch) = delivery else { return Err("a parcel came".into()) };
        rows += batch.rows.num_rows();
    }
    if rows != wanted {
        return Err(format!("{rows} rows of {wanted}").into());
    }
    let after = cpu_time::of_threads()?;
    let of = |threads: &BTreeMap<String, f64>| threads.get("hygge-http").copied().unwrap_or(0.0);
    Ok(Spent {
        cpu: cpu_time::own()? - cpu,
        wall: wall.elapsed().as_secs_f64(),
        http: of(&after) - of(&threads),
    })
}
