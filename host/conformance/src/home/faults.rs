//! What is wrong, told by its sort.

use std::sync::Arc;

use hygge_core::contract::{Home, ReadRequest};
use hygge_core::fault::{Fault, FaultKind};

use super::Subject;
use crate::{Bench, Held, Seen, does_not_apply, holds};

pub(super) async fn missing(subject: &Subject, bench: &Bench) -> Held {
    let Some(home) = &subject.without_table else {
        return does_not_apply("no such Home was given");
    };
    let Some(fault) = first_fault(home, bench).await else {
        return does_not_apply("it gives rows of any table");
    };
    match fault.kind() {
        FaultKind::Missing | FaultKind::Config | FaultKind::Auth => holds(fault.chain()),
        _ => Err(Seen::from(fault)),
    }
}

async fn first_fault(home: &Arc<dyn Home>, bench: &Bench) -> Option<Fault> {
    let run = bench.run();
    match home.open(&ReadRequest::default(), run.context()).await {
        Err(fault) => Some(fault),
        Ok(mut reader) => reader.next().await.err(),
    }
}
