//! Pages of `json-server`, a peer that shares no code with these tests.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hygge_tests::api::data;
use hygge_tests::project::repository;

use super::*;

/// A running `json-server`; it ends when this is dropped.
struct JsonServer {
    child: Child,
    port: u16,
}

impl JsonServer {
    fn start(project: &Project, rows: u64) -> Self {
        let made = Command::new("bash")
            .arg(repository().join("tests/node/environment.sh"))
            .output()
            .expect("bash runs");
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "json-server cannot be installed:\n{said}");
        let command = String::from_utf8_lossy(&made.stdout).trim().to_owned();
        project.write("db.json", format!("{{\"rows\":{}}}", data::list(1..rows + 1)));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(command)
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .arg(project.path("db.json"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("json-server starts");
        let server = Self { child, port };
        for _ in 0..1200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return server;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("json-server does not answer");
    }
}

impl Drop for JsonServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn pages_of_json_server_are_equal_to_its_file() {
    let project = Project::new();
    let server = JsonServer::start(&project, 777);
    let url = format!("http://127.0.0.1:{}", server.port);
    // Version 0.17 gives lists and the next page in a header; version 1 an object with numbers.
    project.write(
        "flows/f/flow.yml",
        format!(
            "home:\n  type: rest\n  base_url: {url}\n  path: /rows\n  records: $.data[*]\n  \
             params: {{ _per_page: 50 }}\n  \
             paginate: {{ type: page_number, param: _page, total_pages: $.pages }}\nstore: lake\n\
             entities: [rows]\nconnectors: {{ rest: {{ allow_hosts: [\"{url}\"] }} }}\n"
        ),
    );
    project.hygge(&["go"]).ok().says(&["777 rows"]);
    script(
        r#"
import sys, json, glob, pyarrow.parquet
source = json.load(open(sys.argv[1]))["rows"]
rows = pyarrow.parquet.read_table(sorted(glob.glob(sys.argv[2] + "/*.parquet"))).to_pylist()
nested = ["place", "tags"]
found = [{k: json.loads(v) if k in nested else v for k, v in row.items()} for row in rows]
strip = lambda rows: [{k: v for k, v in row.items() if k != "id"} for row in rows]
assert strip(found) == strip(source) and [int(r["id"]) for r in found] == [r["id"] for r in source]
"#,
        &[
            &project.path("db.json").display().to_string(),
            &project.path("lake/rows").display().to_string(),
        ],
    );
}
