//! WASI for components that insist on it: it grants nothing. There are no files, no environment,
//! no arguments and no sockets; what is printed goes to the log.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::log::Level;
use crate::job::Job;

/// As many bytes as a line may have before it is taken for ended, and as are taken at once.
const LONGEST_LINE: usize = 4096;

/// What WASI has for one instance.
pub(crate) fn context(job: &Arc<Job>) -> WasiCtx {
    let mut wasi = WasiCtx::builder();
    wasi.stdout(Printed::new(job, Level::Debug))
        .stderr(Printed::new(job, Level::Info))
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    wasi.build()
}

/// Where printed lines go. All streams of one instance share the line begun.
#[derive(Clone)]
struct Printed {
    job: Arc<Job>,
    level: Level,
    begun: Arc<Mutex<Vec<u8>>>,
}

impl Printed {
    fn new(job: &Arc<Job>, level: Level) -> Self {
        Self { job: Arc::clone(job), level, begun: Arc::default() }
    }

    fn take(&self, bytes: &[u8]) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        for byte in bytes {
            if *byte != b'\n' {
                begun.push(*byte);
            }
            if *byte == b'\n' || begun.len() == LONGEST_LINE {
                self.job.log.line(self.level, &String::from_utf8_lossy(&begun), &[]);
                begun.clear();
            }
        }
    }
}

impl Drop for Printed {
    fn drop(&mut self) {
        let Some(begun) = Arc::get_mut(&mut self.begun) else { return };
        let begun = std::mem::take(begun.get_mut().unwrap_or_else(PoisonError::into_inner));
        if !begun.is_empty() {
            self.job.log.line(self.level, &String::from_utf8_lossy(&begun), &[]);
        }
    }
}

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printed {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for Printed {
    async fn ready(&mut self) {}
}

impl OutputStream for Printed {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LONGEST_LINE)
    }
}

impl AsyncWrite for Printed {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
