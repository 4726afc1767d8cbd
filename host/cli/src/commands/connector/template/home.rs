//! A Home: reads tables from an HTTP API, page by page.
//!
//! It asks for `/TABLE?limit=100`, and expects `{"items": […], "next": "cursor"}`. Change that to
//! what your source says; the test below shows how to try it without one.

use hygge_sdk::paginate::{Pager, Paging, Position};
use hygge_sdk::{
    Chunk, Context, Field, Home, Query, Reader, Result, Rows, Schema, Split, Type, http,
};
use serde::Deserialize;

/// The keys of the flow's `home:`. `connector.toml` describes them for the user.
#[derive(Debug, Deserialize)]
pub struct Config {
    #[serde(default = "page_size")]
    page_size: u32,
}

fn page_size() -> u32 {
    100
}

/// The Home.
#[derive(Debug)]
pub struct Source {
    config: Config,
}

impl Home for Source {
    type Config = Config;
    type Split = Query;
    type Reader = Pages;

    fn open(config: Config, _: &Context) -> Result<Self> {
        Ok(Self { config })
    }

    fn schema(&self, query: &Query) -> Result<Schema> {
        let all = Schema::new([
            Field::new("id", Type::Int64).required(),
            Field::new("name", Type::String),
        ]);
        match &query.columns {
            Some(columns) => all.select(columns),
            None => Ok(all),
        }
    }

    fn plan(&self, query: &Query) -> Result<Vec<Split<Query>>> {
        Ok(vec![Split::new("all", query.clone())])
    }

    fn read(&self, query: Query, resume: Option<Position>) -> Result<Pages> {
        let request = http::get(format!("/{}", query.table)).query("limit", self.config.page_size);
        let paging = Paging::Cursor { parameter: "after".into(), next: "/next".into() };
        let rows = Rows::new(&self.schema(&query)?)?;
        Ok(Pages { pager: Pager::new(request.credential("token"), paging).at(resume), rows })
    }
}

/// Reads page after page.
#[derive(Debug)]
pub struct Pages {
    pager: Pager,
    rows: Rows,
}

impl Reader for Pages {
    type State = Position;

    fn next(&mut self, _target_bytes: usize) -> Result<Option<Chunk<Position>>> {
        let Some(page) = self.pager.next()? else { return Ok(None) };
        page.rows("/items")?.iter().try_for_each(|row| self.rows.push(row))?;
        Ok(Some(Chunk::resumable(self.rows.take(), self.pager.position().clone())))
    }
}

#[cfg(test)]
mod tests {
    use hygge_sdk::testing::{Home, World};
    use serde_json::json;

    use super::*;

    #[test]
    fn every_page_is_read_and_gone_on_from() {
        let world = World::new()
            .get("/orders?limit=2", json!({"items": [{"id": 1}, {"id": 2}], "next": "b"}))
            .get("/orders?limit=2&after=b", json!({"items": [{"id": 3}], "next": null}));
        let home = Home::<Source>::open(&world, json!({"page_size": 2})).unwrap();
        let read = home.read(&Query::table("orders")).unwrap();
        assert_eq!(read.rows(), 3);
        assert_eq!(home.check_resume(&Query::table("orders")).unwrap(), 2);
    }
}
