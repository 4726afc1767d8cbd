//! Requests that are under way: bodies that are written bit by bit, and what is begun whole.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::server::{Server, ok, reply};
use super::world::{Granted, World, read, request};
use crate::{Caller, HttpError, Request, Upload, error};

const MIB: usize = 1 << 20;

/// A server that does with each connection what a test wants; its origin.
async fn raw<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = Option<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    format!("http://127.0.0.1:{port}")
}

/// Reads until `end` was read; what was read.
async fn until(stream: &mut TcpStream, end: &str) -> Option<String> {
    let mut all = Vec::new();
    while !all.windows(end.len()).any(|window| window == end.as_bytes()) {
        let mut bytes = [0; 1024];
        let count = stream.read(&mut bytes).await.ok().filter(|count| *count > 0)?;
        all.extend_from_slice(&bytes[..count]);
    }
    Some(String::from_utf8_lossy(&all).into_owned())
}

/// Reads to the end of the connection; how many bytes that were.
async fn rest(stream: &mut TcpStream) -> usize {
    let (mut all, mut bytes) = (0, vec![0; 1 << 16]);
    while let Ok(count @ 1..) = stream.read(&mut bytes).await {
        all += count;
    }
    all
}

impl World {
    fn upload(&self, request: Request, length: Option<u64>) -> Result<Upload, HttpError> {
        let caller = Arc::clone(&self.listener) as Arc<dyn Caller>;
        Upload::begin(&self.connection, request, length, caller)
    }

    fn put(&self, target: &str) -> Upload {
        self.upload(request("PUT", target), None).unwrap()
    }
}

/// Ends an upload; the status and the body of its answer.
async fn finished(upload: Upload) -> Result<(u16, String), HttpError> {
    let mut answer = upload.finish().await?;
    let body = read(&mut answer).await?;
    Ok((answer.status(), String::from_utf8(body).unwrap()))
}

#[tokio::test]
async fn a_body_is_sent_as_it_is_written() {
    let server = Server::start(|request| ok(request.text())).await;
    let world = Granted::base(server.origin()).world();
    for length in [None, Some(10)] {
        let mut upload = world.upload(request("PUT", "/x"), length).unwrap();
        for piece in ["some", "", "thing", "."] {
            assert!(upload.write(piece).await.unwrap());
        }
        assert_eq!(finished(upload).await.unwrap(), (200, "something.".to_owned()));
    }
    // Nothing at all is a body, too.
    assert_eq!(finished(world.put("/x")).await.unwrap(), (200, String::new()));
    let received = server.received();
    let framing = |index: usize| {
        ["transfer-encoding", "content-length"].map(|name| received[index].header(name))
    };
    assert_eq!([framing(0), framing(1)], [[Some("chunked"), None], [None, Some("10")]]);
    assert!(received.iter().all(|request| request.connection == 0), "a connection was lost");
    assert_eq!(world.listener.budget.used(), 0);
}

#[tokio::test]
async fn what_may_not_be_sent_is_said_at_once() {
    let world = Granted::base("http://127.0.0.1:1").world();
    let error = world.upload(request("PUT", "http://127.0.0.2/"), None).err().unwrap();
    assert_eq!(error.code, error::NOT_GRANTED);
    let error = world.put("/").finish().await.err().unwrap();
    assert!(error.message.contains("cannot reach `127.0.0.1`"), "{error}");
}

#[tokio::test]
async fn what_is_whole_goes_on_by_itself_and_is_tried_again() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |request| {
        let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
        if first { reply(503, &[("retry-after", "0")], "") } else { ok(request.text()) }
    })
    .await;
    let world = Granted::base(server.origin()).set(|set| set.retries = 1).world();
    let again = Some("always".to_owned());
    let whole = |method: &str, body: &[u8]| {
        let body = Some(body.to_vec()).into();
        let request = Request { body, retry: again.clone(), ..request(method, "/x") };
        world.upload(request, None).unwrap()
    };
    let begun = [whole("POST", b"some"), whole("GET", b"")];
    // Nobody waits for them, and they get there all the same.
    while server.received().len() < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let [mut posted, got] = begun;
    let error = posted.write("more").await.unwrap_err();
    assert!(error.message.contains("more than the 0 bytes"), "{error}");
    assert_eq!(finished(posted).await.unwrap(), (200, "some".to_owned()));
    assert_eq!(finished(got).await.unwrap(), (200, String::new()));
    for request in server.received().iter().filter(|request| request.method() == "GET") {
        for name in ["transfer-encoding", "content-length"] {
            assert_eq!(request.header(name), None, "a request without a body says nothing of one");
        }
    }
    assert_eq!(world.listener.budget.used(), 0);
}

#[tokio::test]
async fn a_length_that_is_announced_is_kept_to() {
    let server = Server::start(|_| ok("")).await;
    let world = Granted::base(server.origin()).world();
    let mut upload = world.upload(request("PUT", "/"), Some(3)).unwrap();
    let error = upload.write("four").await.unwrap_err();
    assert!(error.message.contains("more than the 3 bytes"), "{error}");
    let mut upload = world.upload(request("PUT", "/"), Some(3)).unwrap();
    upload.write("2.").await.unwrap();
    let error = upload.finish().await.err().unwrap();
    assert!(error.message.contains("2 of the 3 bytes"), "{error}");
    assert_eq!(server.received().len(), 0);
}

#[tokio::test]
async fn what_a_server_does_not_take_is_not_held() {
    let origin = raw(|mut stream| async move {
        until(&mut stream, "\r\n\r\n").await?;
        std::future::pending().await
    })
    .await;
    let granted = Granted::base(origin).set(|set| set.read_timeout = Duration::from_secs(1));
    let world = granted.world();
    let mut upload = world.put("/");
    let mut taken = 0;
    let error = loop {
        match upload.write(vec![7; MIB]).await {
            Ok(more) => assert!(more),
            Err(error) => break error,
        }
        taken += 1;
        assert!(taken < 100, "{taken} MiB were taken");
        // What the machine's own buffers hold is not ours.
        assert_eq!(world.listener.budget.used(), 0);
    };
    assert_eq!(error.code, error::TIMEOUT);
    assert!(error.message.contains("took nothing more of a body within 1s"), "{error}");
    assert_eq!(upload.write("more").await.unwrap_err(), error);
    assert_eq!(finished(upload).await.unwrap_err(), error);
}

#[tokio::test]
async fn an_answer_may_come_before_the_end() {
    let read = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&read);
    let origin = raw(move |mut stream| {
        let count = Arc::clone(&count);
        async move {
            until(&mut stream, "\r\n\r\n").await?;
            let head = "HTTP/1.1 413 Too Large\r\ncontent-length: 12\r\n\r\n";
            stream.write_all(head.as_bytes()).await.ok()?;
            stream.write_all(b"not so much!").await.ok()?;
            count.fetch_add(rest(&mut stream).await, Ordering::SeqCst);
            None
        }
    })
    .await;
    let world = Granted::base(origin).world();
    let mut upload = world.put("/");
    let mut written = 0;
    while upload.write(vec![7; MIB]).await.unwrap() {
        written += 1;
        assert!(written < 1000, "nobody says that there is an answer");
    }
    assert!(!upload.write(vec![7; MIB]).await.unwrap());
    assert_eq!(finished(upload).await.unwrap(), (413, "not so much!".to_owned()));
    assert_eq!(world.listener.budget.used(), 0);
}

#[tokio::test]
async fn one_that_is_dropped_is_broken_off() {
    let (told, mut hear) = tokio::sync::mpsc::unbounded_channel();
    let origin = raw(move |mut stream| {
        let told = told.clone();
        async move {
            until(&mut stream, "half").await?;
            told.send("half".to_owned()).ok()?;
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
            told.send(String::from_utf8_lossy(&rest).into_owned()).ok()
        }
    })
    .await;
    let world = Granted::base(origin).world();
    let mut upload = world.put("/");
    upload.write("half").await.unwrap();
    assert_eq!(hear.recv().await.unwrap(), "half");
    drop(upload);
    let rest = hear.recv().await.unwrap();
    // The last chunk, which would have made it whole, never came.
    assert!(!rest.contains("0\r\n"), "{rest}");
    // A cancelled run ends one that waits.
    let mut upload = world.put("/");
    world.listener.cancel.cancel();
    let error = upload.write(vec![7; 64 * MIB]).await.unwrap_err();
    assert_eq!(error.kind, hygge_core::fault::FaultKind::Cancelled);
}

/// A server that answers as soon as `half` has come, one answer after the other.
async fn hasty(answers: Vec<&'static str>) -> (String, Arc<Mutex<Vec<String>>>) {
    let heads = Arc::<Mutex<Vec<String>>>::default();
    let (log, count) = (Arc::clone(&heads), Arc::new(AtomicUsize::new(0)));
    let origin = raw(move |mut stream| {
        let (log, count, answers) = (Arc::clone(&log), Arc::clone(&count), answers.clone());
        async move {
            let head = until(&mut stream, "half").await?;
            log.lock().unwrap().push(head);
            let answer = answers[count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)];
            stream.write_all(answer.as_bytes()).await.ok()?;
            rest(&mut stream).await;
            None
        }
    })
    .await;
    (origin, heads)
}

async fn half(world: &World, request: Request) -> Result<(u16, String), HttpError> {
    let mut upload = world.upload(request, None)?;
    upload.write("half").await?;
    finished(upload).await
}

#[tokio::test]
async fn what_was_taken_is_not_sent_again() {
    let (origin, heads) = hasty(vec!["HTTP/1.1 503 X\r\ncontent-length: 4\r\n\r\nbusy"]).await;
    let world = Granted::base(&origin).set(|set| set.retries = 3).world();
    assert_eq!(half(&world, request("PUT", "/")).await.unwrap(), (503, "busy".to_owned()));
    assert_eq!(heads.lock().unwrap().len(), 1);

    let (origin, heads) = hasty(vec!["nonsense"]).await;
    let world = Granted::base(&origin).set(|set| set.retries = 3).world();
    let error = half(&world, request("PUT", "/")).await.unwrap_err();
    assert!(error.message.contains("`127.0.0.1`"), "{error}");
    assert_eq!(heads.lock().unwrap().len(), 1);

    let redirect = "HTTP/1.1 307 X\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n";
    let (origin, heads) = hasty(vec![redirect]).await;
    let world = Granted::base(&origin).world();
    let error = half(&world, request("PUT", "/")).await.unwrap_err();
    assert!(error.message.contains("redirects a request to `127.0.0.1` after it took"), "{error}");
    assert_eq!(heads.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_redirect_that_wants_no_body_is_followed() {
    let server = Server::start(|request| match request.path() {
        "/" => reply(303, &[("location", "/there")], ""),
        _ => ok(format!("{} {}", request.method(), request.body.len())),
    })
    .await;
    let world = Granted::base(server.origin()).world();
    let whole = half(&world, request("POST", "/")).await;
    assert_eq!(whole.unwrap(), (200, "GET 0".to_owned()));
}

#[tokio::test]
async fn a_token_that_is_refused_halfway_is_renewed_for_the_next() {
    let count = AtomicUsize::new(0);
    let tokens = Server::start(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        ok(format!("{{\"access_token\":\"token-number-{number}\"}}"))
    })
    .await;
    let (origin, heads) = hasty(vec![
        "HTTP/1.1 401 X\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 X\r\ncontent-length: 4\r\n\r\nwell",
    ])
    .await;
    let token_url = tokens.origin();
    let world = Granted::base(&origin)
        .auth(&[
            ("type", "oauth2_client_credentials"),
            ("token_url", &token_url),
            ("client_id", "me"),
            ("client_secret", "hunter2-secret"),
        ])
        .world();
    let signed = || Request { credential: Some("default".to_owned()), ..request("PUT", "/") };
    let error = half(&world, signed()).await.unwrap_err();
    assert_eq!(error.kind, hygge_core::fault::FaultKind::Transient);
    assert!(error.message.contains("has to be made again"), "{error}");
    assert_eq!(half(&world, signed()).await.unwrap(), (200, "well".to_owned()));
    let heads = heads.lock().unwrap().join("\n");
    assert!(heads.contains("Bearer token-number-0") && heads.contains("Bearer token-number-1"));
}

#[tokio::test]
async fn time_that_the_connector_takes_is_not_the_servers() {
    let server = Server::start(|request| ok(request.text())).await;
    let world = Granted::base(server.origin())
        .set(|set| {
            set.read_timeout = Duration::from_secs(2);
            set.request_timeout = Duration::from_secs(2);
        })
        .world();
    let mut upload = world.put("/");
    upload.write("some").await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    upload.write("thing").await.unwrap();
    assert_eq!(finished(upload).await.unwrap(), (200, "something".to_owned()));
}
