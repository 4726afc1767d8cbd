//! Requests that are under way at the same time, counted by a server that answers some of them only
//! once as many are there as are allowed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use hygge_tests::api::data;
use hygge_tests::project::finish;
use hygge_tests::random::Random;
use hygge_tests::table;
use hygge_tests::web::{Received, Reply, Server};

use super::*;

/// How long a server waits for those who never come, so that a test ends.
const PATIENCE: Duration = Duration::from_secs(20);
const SIZE: u64 = 100;

/// Who is there at the same time.
#[derive(Default)]
struct Crowd {
    /// How many there are, and the most that there were.
    seen: Mutex<(usize, usize)>,
    came: Condvar,
}

impl Crowd {
    /// Comes, stays until as many were there, and goes.
    fn meet(&self, wanted: usize) {
        let mut seen = self.seen.lock().unwrap();
        seen.0 += 1;
        seen.1 = seen.1.max(seen.0);
        self.came.notify_all();
        let too_few = |seen: &mut (usize, usize)| seen.1 < wanted;
        self.came.wait_timeout_while(seen, PATIENCE, too_few).unwrap().0.0 -= 1;
    }

    fn most(&self) -> usize {
        self.seen.lock().unwrap().1
    }
}

/// A parameter of a request that is a number.
fn number(request: &Received, name: &str) -> Option<u64> {
    let (_, query) = request.path.split_once('?')?;
    let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    found?.parse().ok()
}

fn json(reply: &mut Reply<'_>, body: impl AsRef<[u8]>) {
    reply.send(200, &[("content-type", "application/json")], body);
}

/// A page by number: all but the first wait until as many are there.
fn page(crowd: &Crowd, wanted: usize, rows: u64, request: &Received, reply: &mut Reply<'_>) {
    let from = (number(request, "page").unwrap() - 1) * SIZE;
    crowd.meet(if from == 0 { 1 } else { wanted });
    let ids = from.min(rows)..rows.min(from + SIZE);
    json(reply, format!("{{\"data\":{},\"total\":{rows}}}", data::list(ids)));
}

/// A project that reads rows with these keys.
fn project(server: &Server, home: &str) -> Project {
    let project = Project::new();
    project.write(
        "hygge.yml",
        "name: t\njournal: { path: journal }\noptions: { durability: process, retries: 0 }\n",
    );
    project.write(
        "flows/f/flow.yml",
        format!(
            "home:\n  type: rest\n  base_url: {}\n  \
             schema: {{ id: int64, name: string }}\n{home}store: lake\nentities: [rows]\n",
            server.origin()
        ),
    );
    project
}

fn ids(project: &Project) -> Vec<i64> {
    table::ints(&table::read(&project.path("lake/rows")).unwrap(), "id")
}

/// Which pages were asked for.
fn asked(server: &Server) -> Vec<u64> {
    let mut pages: Vec<u64> =
        server.received().iter().map(|request| number(request, "page").unwrap()).collect();
    pages.sort_unstable();
    pages
}

#[test]
fn four_pages_are_asked_for_at_a_time_and_none_behind_the_end() {
    let crowd = Arc::new(Crowd::default());
    let own = Arc::clone(&crowd);
    let server = Server::start(move |request, reply| page(&own, 4, 1950, request, reply));
    let paginate = "  records: data\n  paginate: { type: page_number, total: $.total }\n";
    let project = project(&server, paginate);
    project.hygge(&["go"]).ok();
    assert!(ids(&project).into_iter().eq(0..1950));
    assert_eq!(crowd.most(), 4);
    assert!(asked(&server).into_iter().eq(1..=20), "{:?}", asked(&server));
}

#[test]
fn one_at_a_time_is_one_at_a_time() {
    let crowd = Arc::new(Crowd::default());
    let own = Arc::clone(&crowd);
    let server = Server::start(move |request, reply| page(&own, 1, 950, request, reply));
    let keys = "  records: data\n  concurrency: 1\n  paginate: page_number\n";
    let project = project(&server, keys);
    project.hygge(&["go"]).ok();
    assert!(ids(&project).into_iter().eq(0..950));
    assert_eq!(crowd.most(), 1);
    assert!(asked(&server).into_iter().eq(1..=11));
}

#[test]
fn what_is_not_there_behind_the_end_is_no_fault() {
    let crowd = Arc::new(Crowd::default());
    let own = Arc::clone(&crowd);
    // The fifth page is asked for together with those behind it, of which there are none.
    let server = Server::start(move |request, reply| match number(request, "page").unwrap() {
        6.. => {
            own.meet(3);
            reply.send(404, &[], "there is nothing here");
        }
        5 => page(&own, 3, 450, request, reply),
        _ => page(&own, 1, 450, request, reply),
    });
    let keys = "  records: data\n  concurrency: 3\n  paginate: { type: page_number, size: 100, short_page: true }\n";
    let project = project(&server, keys);
    project.hygge(&["go"]).ok();
    assert!(ids(&project).into_iter().eq(0..450));
    assert!(asked(&server).last().is_some_and(|page| *page > 5), "none lies behind the end");
}

/// Parents, and for each its children: rows of its own, as `form` writes them.
fn family(parents: u64, form: fn(std::ops::Range<u64>) -> String) -> (Arc<Crowd>, Server) {
    let crowd = Arc::new(Crowd::default());
    let own = Arc::clone(&crowd);
    let server = Server::start(move |request, reply| {
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        match parts[..] {
            ["parents"] => {
                own.meet(1);
                json(reply, data::list(0..parents));
            }
            ["parents", parent, "rows"] => {
                own.meet(4);
                let parent: u64 = parent.parse().unwrap();
                json(reply, form(parent * 3..parent * 3 + 3));
            }
            _ => reply.send(404, &[], ""),
        }
    });
    (crowd, server)
}

const BELOW: &str = "  path: /parents/{parent}/rows\n  \
                     parent: { path: /parents, format: json, bind: { parent: $.id } }\n";

#[test]
fn children_of_four_records_are_asked_for_at_a_time() {
    for (form, keys) in [
        (data::list as fn(_) -> _, ""),
        (data::lines, "  format: ndjson\n"),
        (data::csv, "  format: csv\n"),
    ] {
        let (crowd, server) = family(30, form);
        let project = project(&server, &format!("{BELOW}{keys}"));
        project.hygge(&["go"]).ok();
        assert!(ids(&project).into_iter().eq(0..90), "in the order of their parents");
        assert_eq!(crowd.most(), 4, "{keys}");
        assert_eq!(server.received().len(), 31);
    }
}

#[test]
fn an_answer_that_breaks_off_while_it_waits_is_asked_for_again() {
    let crowd = Crowd::default();
    let tries = Mutex::new(HashMap::<u64, usize>::new());
    let server = Server::start(move |request, reply| {
        let number = number(request, "page").unwrap();
        let from = (number - 1) * SIZE;
        let tried = {
            let mut tries = tries.lock().unwrap();
            let tried = tries.entry(number).or_default();
            *tried += 1;
            *tried
        };
        let body = format!("{{\"data\":{},\"total\":1000}}", data::list(from..from + SIZE));
        match number {
            3..=5 if tried == 1 => {
                // All of them are there; the second one, which comes before them, is not answered
                // until they are broken off.
                let head = format!("HTTP/1.1 200 X\r\ncontent-length: {}\r\n\r\n", body.len());
                reply.raw(&[head.as_bytes(), &body.as_bytes()[..body.len() / 2]].concat());
                reply.last();
                crowd.meet(4);
            }
            2 => {
                crowd.meet(4);
                json(reply, body);
            }
            _ => json(reply, body),
        }
    });
    let paginate = "  records: data\n  paginate: { type: page_number, total: $.total }\n";
    let project = project(&server, paginate);
    project.hygge(&["go"]).ok();
    assert!(ids(&project).into_iter().eq(0..1000));
    assert_eq!(server.received().len(), 13);
}

#[test]
fn a_token_that_is_refused_side_by_side_is_renewed_once() {
    let (crowd, given) = (Crowd::default(), AtomicUsize::new(0));
    let server = Server::start(move |request, reply| {
        if request.path == "/token" {
            let token = given.fetch_add(1, Ordering::Relaxed);
            let body = format!("{{\"access_token\":\"the-token-{token}\",\"expires_in\":3600}}");
            return json(reply, body);
        }
        let number = number(request, "page").unwrap();
        // The first token is good for the first page alone; all who bring it again are there when
        // they hear of it.
        if request.header("authorization") == Some("Bearer the-token-0") && number > 1 {
            crowd.meet(4);
            return reply.send(401, &[], "");
        }
        let from = (number - 1) * SIZE;
        json(reply, format!("{{\"data\":{},\"total\":1000}}", data::list(from..from + SIZE)));
    });
    let keys = format!(
        "  records: data\n  paginate: {{ type: page_number, total: $.total }}\n  auth: {{ type: \
         oauth2_client_credentials, token_url: {}/token, client_id: me, client_secret: sesame }}\n",
        server.origin()
    );
    let project = project(&server, &keys);
    project.hygge(&["go"]).ok();
    assert!(ids(&project).into_iter().eq(0..1000));
    let received = server.received();
    let to = |path: &str| received.iter().filter(|request| request.path.starts_with(path)).count();
    assert_eq!((to("/token"), to("/rows")), (2, 14), "four were refused");
}

#[test]
fn a_killed_run_goes_on_with_the_records_that_are_left() {
    let kills =
        std::env::var("HYGGE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(10);
    let seed = Random::seed_or(20_261_122);
    println!("HYGGE_SEED={seed}");
    let mut random = Random::new(seed);
    let api = Api::start();
    let url = api.url();
    let project = Project::new();
    project.write(
        "hygge.yml",
        "name: t\njournal: { path: journal }\n\
         options: { durability: process, checkpoint: 20ms, retry_wait: 10ms }\n",
    );
    project.write(
        "flows/f/flow.yml",
        format!(
            "home:\n  type: rest\n  base_url: {url}\n  path: /parents/{{id}}/children\n  \
             params: {{ latency: 25 }}\n  schema: {{ child: int64 }}\n  parent:\n    \
             path: /parents\n    params: {{ rows: 100, size: 100 }}\n    bind: {{ id: $.id }}\n\
             store: lake\nentities: [rows]\n\
             connectors: {{ rest: {{ allow_hosts: [\"{url}\"] }} }}\n"
        ),
    );
    let wanted: Vec<i64> = (0..100).flat_map(|p| (0..=p % 4).map(move |n| p * 100 + n)).collect();
    let mut went_on = 0;
    for round in 0..kills {
        let mut child = project.start(&["go"]);
        // Until some of its requests were answered: a run that is still at work.
        let some = 2 + random.below(80) as usize;
        api.forget();
        while api.asked().len() < some && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        finish(child);
        let said = project.hygge(&["go", "--verbose"]);
        assert_eq!(said.code, Some(0), "HYGGE_SEED={seed}, round {round}:\n{}", said.all());
        went_on += said.all().matches("goes on after ").count();
        let landed = table::read(&project.path("lake/rows")).unwrap();
        assert_eq!(table::ints(&landed, "child"), wanted, "HYGGE_SEED={seed}, round {round}");
        assert_eq!(project.strays(), Vec::<String>::new(), "HYGGE_SEED={seed}, round {round}");
    }
    println!("{went_on} loads went on");
    assert!(kills < 5 || went_on > 0, "nothing ever went on");
}
