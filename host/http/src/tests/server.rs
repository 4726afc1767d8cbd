//! A server that answers with what a test tells it to, byte for byte.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    /// `GET /x HTTP/1.1`.
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Which connection it came by.
    pub connection: usize,
}

impl Received {
    pub(crate) fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap()
    }

    pub(crate) fn method(&self) -> &str {
        self.line.split(' ').next().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What is sent back.
pub(crate) enum Reply {
    /// These bytes, and then the next request.
    Bytes(Vec<u8>),
    /// These bytes, and then the end of the connection.
    Last(Vec<u8>),
    /// These bytes, and then nothing for ever.
    Silence(Vec<u8>),
    /// The first bytes once, and the others again and again, until nobody takes them.
    Endless(Vec<u8>, Vec<u8>),
}

/// An answer with a body of known length.
pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut bytes = format!("{head}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    Reply::Bytes(bytes)
}

/// `200` with a text.
pub(crate) fn ok(body: impl AsRef<[u8]>) -> Reply {
    reply(200, &[], body)
}

/// A server on this machine, which ends with the test.
pub(crate) struct Server {
    pub port: u16,
    received: Arc<Mutex<Vec<Received>>>,
    accepts: JoinHandle<()>,
}

impl Server {
    /// Starts one that answers with what `answer` makes of a request.
    pub(crate) async fn start(answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let (answer, log) = (Arc::new(answer), Arc::clone(&received));
        let accepts = tokio::spawn(async move {
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                tokio::spawn(async move { serve(stream, connection, &*answer, &log).await });
            }
        });
        Self { port, received, accepts }
    }

    /// Its origin.
    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What has arrived so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    answer: &(dyn Fn(&Received) -> Reply + Send + Sync),
    log: &Mutex<Vec<Received>>,
) -> Option<()> {
    let mut buffer = Vec::new();
    loop {
        let mut request = read(&mut stream, &mut buffer).await?;
        request.connection = connection;
        log.lock().unwrap().push(request.clone());
        match answer(&request) {
            Reply::Bytes(bytes) => stream.write_all(&bytes).await.ok()?,
            Reply::Last(bytes) => {
                stream.write_all(&bytes).await.ok()?;
                stream.shutdown().await.ok()?;
                return None;
            }
            Reply::Silence(bytes) => {
                stream.write_all(&bytes).await.ok()?;
                std::future::pending::<()>().await;
            }
            Reply::Endless(head, bytes) => {
                stream.write_all(&head).await.ok()?;
                loop {
                    stream.write_all(&bytes).await.ok()?;
                }
            }
        }
    }
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Received> {
    let head = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        fill(stream, buffer).await?;
    };
    let text = String::from_utf8_lossy(&buffer[..head]).into_owned();
    let mut lines = text.lines();
    let line = lines.next()?.to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    if headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked") {
        buffer.drain(..head);
        let body = chunks(stream, buffer).await?;
        return Some(Received { line, headers, body, connection: 0 });
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
    while buffer.len() < head + length {
        fill(stream, buffer).await?;
    }
    let body = buffer[head..head + length].to_vec();
    buffer.drain(..head + length);
    Some(Received { line, headers, body, connection: 0 })
}

/// A body that comes in chunks.
async fn chunks(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = loop {
            if let Some(at) = buffer.windows(2).position(|window| window == b"\r\n") {
                break at;
            }
            fill(stream, buffer).await?;
        };
        let size = std::str::from_utf8(&buffer[..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let (from, end) = (line + 2, line + 2 + size + 2);
        while buffer.len() < end {
            fill(stream, buffer).await?;
        }
        body.extend_from_slice(&buffer[from..from + size]);
        buffer.drain(..end);
        if size == 0 {
            return Some(body);
        }
    }
}

async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let mut bytes = [0; 8192];
    let count = stream.read(&mut bytes).await.ok()?;
    buffer.extend_from_slice(&bytes[..count]);
    (count > 0).then_some(())
}
