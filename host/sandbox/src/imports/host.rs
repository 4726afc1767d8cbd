//! The interface `host`: log lines, progress, the time, waiting.

use std::time::{Duration, SystemTime};

use super::State;
use super::log::Level;
use crate::bindings::v0_1::generated::hygge::connector::{host, types};

impl types::Host for State {}

impl host::Host for State {
    fn log(
        &mut self,
        level: host::Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        let level = match level {
            host::Level::Trace | host::Level::Debug => Level::Debug,
            host::Level::Info => Level::Info,
            host::Level::Warn | host::Level::Error => Level::Warn,
        };
        self.job.log.line(level, &message, &fields);
        Ok(())
    }

    fn progress(&mut self, _done: u64, _total: Option<u64>) -> wasmtime::Result<()> {
        self.got_on();
        Ok(())
    }

    fn now(&mut self) -> wasmtime::Result<u64> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    async fn sleep(&mut self, ms: u64) -> wasmtime::Result<Result<(), String>> {
        let job = std::sync::Arc::clone(&self.job);
        Ok(tokio::select! {
            biased;
            () = job.cancel.cancelled() => Err("the run was cancelled".to_owned()),
            () = tokio::time::sleep(Duration::from_millis(ms)) => Ok(()),
        })
    }
}
