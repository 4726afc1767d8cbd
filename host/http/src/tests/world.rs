//! A connector's way out, as a test sets it up.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hygge_core::budget::{Budget, Share};
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Mapping, Node, Source, Span, Value};
use tokio_util::sync::CancellationToken;

use crate::{
    Answer, Auth, BaseUrl, Caller, Connection, Grant, Http, HttpError, Proxies, Request, Settings,
    Spec,
};

/// For whom requests are sent, and what was said about them.
pub(crate) struct Listener {
    pub cancel: CancellationToken,
    pub budget: Arc<Budget>,
    share: Arc<Share>,
    said: Mutex<Vec<String>>,
}

impl Listener {
    fn new() -> Arc<Self> {
        let budget = Budget::new(1 << 28);
        let share = budget.share();
        Arc::new(Self { cancel: CancellationToken::new(), budget, share, said: Mutex::default() })
    }

    /// All that was said.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }
}

impl Caller for Listener {
    fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    fn memory(&self) -> Option<&Arc<Share>> {
        Some(&self.share)
    }

    fn got_on(&self) {}

    fn debug(&self, line: fmt::Arguments<'_>) {
        self.said.lock().unwrap().push(line.to_string());
    }

    fn warn(&self, line: String) {
        self.said.lock().unwrap().push(format!("warning: {line}"));
    }
}

/// A way out.
pub(crate) struct World {
    pub connection: Arc<Connection>,
    pub listener: Arc<Listener>,
}

/// What a test grants.
#[derive(Clone)]
pub(crate) struct Granted {
    pub http: Http,
    pub spec: Spec,
}

impl Granted {
    /// Nothing.
    pub(crate) fn nothing() -> Self {
        Self::with_names(&[])
    }

    /// Nothing, in a world where names stand for these addresses, one after the other.
    pub(crate) fn with_names(names: &[(&str, &[&str])]) -> Self {
        let addresses: HashMap<String, Vec<IpAddr>> = names
            .iter()
            .map(|(name, addresses)| {
                let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
                ((*name).to_owned(), addresses)
            })
            .collect();
        let asked = Mutex::new(HashMap::<String, usize>::new());
        let lookup = Arc::new(move |name: String| {
            let mut asked = asked.lock().unwrap();
            let count = asked.entry(name.clone()).or_default();
            let found = addresses.get(&name).map(|all| all[(*count).min(all.len() - 1)]);
            *count += 1;
            let gone = std::io::Error::new(std::io::ErrorKind::NotFound, "no such name");
            let found = found.map(|address| vec![address]).ok_or(gone);
            Box::pin(async move { found }) as futures::future::BoxFuture<'static, _>
        });
        let http = Http::with_lookup(Proxies::none(), lookup).unwrap();
        let settings = Settings { retries: 0, ..Settings::default() };
        Self {
            http,
            spec: Spec {
                connector: "shop".to_owned(),
                settings,
                base: None,
                base_granted: true,
                auth: Auth::default(),
            },
        }
    }

    /// A base URL.
    pub(crate) fn base(url: impl AsRef<str>) -> Self {
        let mut granted = Self::nothing();
        granted.spec.base = Some(BaseUrl::parse(url.as_ref()).unwrap());
        granted
    }

    /// Hosts, too.
    pub(crate) fn hosts(mut self, hosts: &[&str]) -> Self {
        let hosts = hosts.iter().map(|host| host.parse::<Grant>().unwrap());
        self.spec.settings.allow_hosts.extend(hosts);
        self
    }

    /// Other settings.
    pub(crate) fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(&mut self.spec.settings);
        self
    }

    /// Credentials, as they are written.
    pub(crate) fn auth(self, keys: &[(&str, &str)]) -> Self {
        self.auth_to(keys, &[])
    }

    /// Credentials that may go only to these hosts, if there are some.
    pub(crate) fn auth_to(mut self, keys: &[(&str, &str)], hosts: &[&str]) -> Self {
        self.spec.auth = read_auth(keys, hosts).unwrap();
        self
    }

    pub(crate) fn world(self) -> World {
        let connection = Arc::new(Connection::new(&self.http, Arc::new(self.spec)));
        World { connection, listener: Listener::new() }
    }
}

/// The credential that these keys make, or what is wrong with them.
pub(crate) fn auth(keys: &[(&str, &str)]) -> Result<Auth, String> {
    read_auth(keys, &[])
}

fn read_auth(keys: &[(&str, &str)], hosts: &[&str]) -> Result<Auth, String> {
    let source = Arc::new(Source {
        name: "flow.yml".to_owned(),
        path: "flow.yml".into(),
        text: String::new(),
    });
    let span = Span { source, start: 0, end: 0 };
    let mut mapping = Mapping::default();
    let text = |text: &str| Node { value: Value::String(text.to_owned()), span: span.clone() };
    for (name, value) in keys {
        mapping.entries.insert((*name).to_owned(), (span.clone(), text(value)));
    }
    if !hosts.is_empty() {
        let hosts = Value::Sequence(hosts.iter().map(|host| text(host)).collect());
        let node = Node { value: hosts, span: span.clone() };
        mapping.entries.insert("hosts".to_owned(), (span.clone(), node));
    }
    let node = Node { value: Value::Mapping(mapping), span };
    let mut problems = Problems::default();
    let read = Auth::read(&node, std::path::Path::new("/"), &mut problems);
    let told = || {
        let told = problems.list.iter().map(|problem| {
            format!("{} {}", problem.message, problem.help.as_deref().unwrap_or_default())
        });
        told.collect::<Vec<_>>().join("; ")
    };
    match read {
        Some(read) if problems.is_empty() => Ok(read),
        _ => Err(told()),
    }
}

/// A rate as it is written.
pub(crate) fn rate(text: &str) -> Option<crate::Rate> {
    Some(text.parse().unwrap())
}

/// A request.
pub(crate) fn request(method: &str, target: &str) -> Request {
    Request { method: method.to_owned(), target: target.to_owned(), ..Request::default() }
}

impl World {
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, HttpError> {
        let caller = Arc::clone(&self.listener) as Arc<dyn Caller>;
        self.connection.send(request, caller).await
    }

    pub(crate) async fn get(&self, target: &str) -> Result<Answer, HttpError> {
        self.send(request("GET", target)).await
    }

    /// The status and the whole body of an answer.
    pub(crate) async fn whole(&self, request: Request) -> Result<(u16, String), HttpError> {
        let mut answer = self.send(request).await?;
        let body = read(&mut answer).await?;
        Ok((answer.status(), String::from_utf8(body).unwrap()))
    }

    /// The error that a request ends in.
    pub(crate) async fn fails(&self, request: Request) -> HttpError {
        match self.whole(request).await {
            Ok((status, body)) => panic!("was answered {status} {body}"),
            Err(error) => error,
        }
    }
}

/// The whole body.
pub(crate) async fn read(answer: &mut Answer) -> Result<Vec<u8>, HttpError> {
    let mut all = Vec::new();
    loop {
        let more = answer.read(1 << 16).await?;
        if more.is_empty() {
            return Ok(all);
        }
        all.extend(more);
    }
}

/// A short while.
pub(crate) const SHORT: Duration = Duration::from_millis(100);
