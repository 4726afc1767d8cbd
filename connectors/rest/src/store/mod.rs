//! The Store.
//!
//! An API has no place where rows could wait: what is sent is there. So the order is the safest
//! there is: rows go out as they come, each request under a key that a second try repeats, and a
//! load that is cut short goes on behind what was taken. An API that can stage is told when a load
//! begins, and when all of it is to become visible.

mod body;
mod config;
#[cfg(test)]
mod tests;
mod writer;

use hygge_sdk::{Committed, Context, Error, KeptBy, Load, Mode, Result, Store};

use self::config::{Config, Step};
use self::writer::{Checkpoint, Loading, Named, Token, Upload};

/// The Store.
#[derive(Debug)]
pub(crate) struct Shelf {
    config: Config,
    flow: String,
}

impl Store for Shelf {
    type Config = Config;
    type Writer = Upload;

    fn open(config: Config, context: &Context) -> Result<Self> {
        Ok(Self { config, flow: context.flow().to_owned() })
    }

    fn check(&self) -> Result<String> {
        let Some(endpoint) = self.config.check()? else {
            return Ok("not asked: `check` names a path that may be asked for".to_owned());
        };
        let status = endpoint.request(&Vec::new(), &[], None)?.send()?.ok()?.status();
        Ok(format!("answers {status}"))
    }

    fn begin(&self, load: Load) -> Result<Upload> {
        self.config.accept(load.mode == Mode::Replace)?;
        let named = self.named(&load);
        named.send(&self.config, Step::Begin, 0)?;
        Upload::new(&self.config, Loading::new(named))
    }

    fn resume(&self, load: Load, checkpoint: Checkpoint) -> Result<Upload> {
        if checkpoint.loading.named.table != load.table {
            return Err(Error::missing("what was sent before belongs to another table"));
        }
        Upload::new(&self.config, checkpoint.loading)
    }

    fn commit(&self, token: Token) -> Result<Committed> {
        token.named.send(&self.config, Step::Commit, token.rows)?;
        Ok(Committed::new(token.rows).parts(token.requests))
    }

    fn sweep(&self, _: &str, _: Vec<KeptBy<Self>>) -> Result<()> {
        // What was sent cannot be taken back, and what an API staged it has to clear away.
        Ok(())
    }
}

impl Shelf {
    fn named(&self, load: &Load) -> Named {
        Named {
            flow: self.flow.clone(),
            table: load.table.clone(),
            load: load.run_id.clone(),
            follows: load.option("follows").unwrap_or_default().to_owned(),
            mode: match load.mode {
                Mode::Replace => "replace",
                Mode::Append => "append",
            }
            .to_owned(),
        }
    }
}
