//! The Home.

use std::cell::Cell;

use hygge_sdk::bindings::home::exports::hygge::connector::home as contract;
use hygge_sdk::bindings::home::hygge::connector::{host, types};

use crate::{deeds, handles, image, plan, rows};

/// The Home.
#[derive(Debug)]
pub(crate) struct Hostile;

/// A session.
#[derive(Debug)]
pub(crate) struct Session {
    behaviour: String,
}

/// A split being read.
#[derive(Debug)]
pub(crate) struct Reader {
    behaviour: String,
    split: u8,
    given: Cell<i64>,
}

impl contract::Guest for Hostile {
    type Session = Session;
    type Reader = Reader;
}

impl contract::GuestSession for Session {
    fn open(config: String, context: types::Named) -> Result<contract::Session, types::Error> {
        let behaviour = crate::behaviour(&config, context);
        deeds::at("open", &behaviour)?;
        Ok(contract::Session::new(Self { behaviour }))
    }

    fn check(&self) -> Result<String, types::Error> {
        deeds::at("check", &self.behaviour)?;
        Ok("ready".to_owned())
    }

    fn tables(&self) -> Result<Vec<String>, types::Error> {
        deeds::at("tables", &self.behaviour)?;
        Ok(Vec::new())
    }

    fn schema(&self, _: contract::Query) -> Result<types::Schema, types::Error> {
        deeds::at("schema", &self.behaviour)?;
        if self.behaviour.ends_with("_in_tables") {
            return Err(deeds::error(types::Fault::Missing, "there is no such table".to_owned()));
        }
        Ok(rows::schema(&self.behaviour))
    }

    fn plan(&self, _: contract::Query) -> Result<Vec<contract::Split>, types::Error> {
        deeds::at("plan", &self.behaviour)?;
        Ok(plan::of(&self.behaviour))
    }

    fn read(
        &self,
        split: contract::Split,
        resume: Option<types::State>,
    ) -> Result<contract::Reader, types::Error> {
        deeds::at("read", &self.behaviour)?;
        let mut reader = Reader::new(&self.behaviour);
        reader.split = split.spec.first().copied().unwrap_or(0);
        let given = resume.and_then(|state| state.first().copied()).unwrap_or(0);
        reader.given.set(given.into());
        if self.behaviour.starts_with("slow") {
            host::log(host::Level::Info, &format!("reads {} after chunk {given}", split.id), &[]);
        }
        Ok(contract::Reader::new(reader))
    }
}

impl Reader {
    pub(crate) fn new(behaviour: &str) -> Self {
        Self { behaviour: behaviour.to_owned(), split: 0, given: Cell::new(0) }
    }
}

impl contract::GuestReader for Reader {
    fn next(&self, _: u32) -> Result<Option<contract::Chunk>, types::Error> {
        deeds::at("next", &self.behaviour)?;
        handles::misuse(&self.behaviour);
        let given = self.given.get();
        if self.behaviour == "image" && given == 0 {
            image::gather();
        }
        self.given.set(given + 1);
        match self.behaviour.starts_with("slow") {
            true => rows::slow(self.split, given),
            false => rows::chunk(&self.behaviour, given),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.behaviour == "loop_in_destructor" {
            deeds::endless();
        }
    }
}
