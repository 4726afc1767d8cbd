//! A web server on this machine that answers with what a suite tells it to, byte for byte.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Received {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The way back to whoever sent a request.
#[derive(Debug)]
pub struct Reply<'a> {
    stream: &'a mut TcpStream,
    ended: &'a AtomicBool,
    /// What was read of the stream beyond the request's head, and its body if that has a length.
    buffer: &'a mut Vec<u8>,
    close: bool,
}

impl Reply<'_> {
    /// Sends a whole answer.
    pub fn send(&mut self, status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.raw(&[head.as_bytes(), body].concat());
    }

    /// Sends bytes as they are. Says whether somebody still takes them.
    pub fn raw(&mut self, bytes: &[u8]) -> bool {
        !self.ended.load(Ordering::Relaxed) && self.stream.write_all(bytes).is_ok()
    }

    /// Ends the connection after this.
    pub fn last(&mut self) {
        self.close = true;
    }

    /// Reads the body of a request that comes in chunks, which is not read beforehand. Answers with
    /// how many bytes it has; none if it broke off.
    pub fn rest(&mut self) -> Option<u64> {
        let mut all = 0;
        loop {
            let line = loop {
                if let Some(at) = self.buffer.windows(2).position(|window| window == b"\r\n") {
                    break at;
                }
                fill(self.stream, self.buffer)?;
            };
            let size = std::str::from_utf8(&self.buffer[..line]).ok()?;
            let size = usize::from_str_radix(size, 16).ok()?;
            let end = line + 2 + size + 2;
            while self.buffer.len() < end {
                fill(self.stream, self.buffer)?;
            }
            self.buffer.drain(..end);
            all += size as u64;
            if size == 0 {
                self.close = false;
                return Some(all);
            }
        }
    }

    /// Waits until the server ends, without reading anything.
    pub fn stall(&mut self) {
        while !self.ended.load(Ordering::Relaxed) {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        self.close = true;
    }

    /// Waits until the other side hangs up, without another word.
    pub fn fall_silent(&mut self) {
        let _ = self.stream.read(&mut [0]);
        self.close = true;
    }
}

/// A server, which ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    port: u16,
    received: Arc<Mutex<Vec<Received>>>,
    ended: Arc<AtomicBool>,
}

impl Server {
    /// Starts one on a port of its own.
    pub fn start(answer: impl Fn(&Received, &mut Reply<'_>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (received, ended) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicBool>::default());
        let (answer, log, over) = (Arc::new(answer), Arc::clone(&received), Arc::clone(&ended));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                let over = Arc::clone(&over);
                std::thread::spawn(move || serve(stream, &*answer, &log, &over));
            }
        });
        Self { port, received, ended }
    }

    /// Its origin.
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What has arrived so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(
    mut stream: TcpStream,
    answer: &(dyn Fn(&Received, &mut Reply<'_>) + Send + Sync),
    log: &Mutex<Vec<Received>>,
    ended: &AtomicBool,
) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut buffer = Vec::new();
    loop {
        let request = read(&mut stream, &mut buffer)?;
        log.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        // A body that nobody reads is in the way of the next request.
        let chunked = request.header("transfer-encoding").is_some();
        let buffer = &mut buffer;
        let mut reply = Reply { stream: &mut stream, ended, buffer, close: chunked };
        answer(&request, &mut reply);
        if reply.close {
            return None;
        }
    }
}

fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Received> {
    let head = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        fill(stream, buffer)?;
    };
    let text = String::from_utf8_lossy(&buffer[..head]).into_owned();
    let mut lines = text.lines();
    let mut words = lines.next()?.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.and_then(|(_, value)| value.parse().ok()).unwrap_or_default();
    while buffer.len() < head + length {
        fill(stream, buffer)?;
    }
    let body = buffer[head..head + length].to_vec();
    buffer.drain(..head + length);
    Some(Received { method, path, headers, body })
}

fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let mut bytes = [0; 65536];
    let count = stream.read(&mut bytes).ok()?;
    buffer.extend_from_slice(&bytes[..count]);
    (count > 0).then_some(())
}
