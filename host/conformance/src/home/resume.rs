//! Going on from the states that readers give.

use hygge_core::contract::{ReadRequest, Reader};
use hygge_core::fault::FaultKind;
use serde_json::{Value, json};

use super::Subject;
use super::reading::{next, open_from, whole};
use crate::{Bench, Held, Seen, Tally, does_not_apply, holds};

/// From so many states of one reader a fresh one goes on: the table is read again for each.
const MOST: usize = 12;

const NO_STATES: &str = "its readers give no states";

/// A state, and the rows that were given out before it.
struct Mark {
    state: Value,
    before: Tally,
}

/// The states of a reader that is read to its end, in order.
async fn marks(reader: &mut dyn Reader) -> Result<Vec<Mark>, Seen> {
    let mut marks = Vec::new();
    let mut before = Tally::default();
    loop {
        marks.extend(reader.resume().map(|state| Mark { state, before }));
        match next(reader).await? {
            Some(batch) => before.add(&batch.rows)?,
            None => break,
        }
    }
    marks.extend(reader.resume().map(|state| Mark { state, before }));
    Ok(marks)
}

/// The rows that are left.
async fn rest(reader: &mut dyn Reader) -> Result<Tally, Seen> {
    let promised = reader.rows_expected();
    let mut rest = Tally::default();
    while let Some(batch) = next(reader).await? {
        rest.add(&batch.rows)?;
    }
    match promised {
        Some(rows) if rows != rest.rows => Err(Seen(format!(
            "{rows} more rows were promised by a reader that went on, and there were {rest}"
        ))),
        _ => Ok(rest),
    }
}

fn compare(mark: &Mark, rest: Tally, whole: Tally) -> Result<(), Seen> {
    match mark.before.with(rest).unlike(whole) {
        None => Ok(()),
        Some(unlike) => Err(Seen(format!(
            "going on after {}, there were {rest} more: {unlike} in all",
            mark.before
        ))),
    }
}

pub(super) async fn everywhere(subject: &Subject, bench: &Bench) -> Held {
    let whole = whole(subject, bench).await?;
    let run = bench.run();
    let mut reader = subject.home.open(&subject.request, run.context()).await?;
    let marks = marks(reader.as_mut()).await?;
    drop(reader);
    if marks.is_empty() {
        return does_not_apply(NO_STATES);
    }
    let chosen = spread(marks.len());
    for &place in &chosen {
        let mark = &marks[place];
        let run = bench.run();
        let mut reader = open_from(subject, &mark.state, &run).await.map_err(|fault| {
            Seen(format!("going on after {}: {}", mark.before, Seen::from(fault)))
        })?;
        compare(mark, rest(reader.as_mut()).await?, whole)?;
    }
    holds(format!("from {} of {} states", chosen.len(), marks.len()))
}

/// At most [`MOST`] places of `count`, with the first and the last.
fn spread(count: usize) -> Vec<usize> {
    if count <= MOST {
        return (0..count).collect();
    }
    let mut places: Vec<usize> = (0..MOST).map(|step| step * (count - 1) / (MOST - 1)).collect();
    places.dedup();
    places
}

pub(super) async fn twice(subject: &Subject, bench: &Bench) -> Held {
    let whole = whole(subject, bench).await?;
    let run = bench.run();
    let mut reader = subject.home.open(&subject.request, run.context()).await?;
    let mut before = Tally::default();
    let mut went_on = 0;
    // A reader that gives one batch and is then killed, over and over, gets through the table.
    while let Some(batch) = next(reader.as_mut()).await? {
        before.add(&batch.rows)?;
        let Some(state) = reader.resume() else { continue };
        drop(reader);
        reader = open_from(subject, &state, &run).await?;
        went_on += 1;
        if went_on == MOST {
            let mark = Mark { state, before };
            let rest = rest(reader.as_mut()).await?;
            compare(&mark, rest, whole)?;
            return holds(format!("{went_on} times one after the other"));
        }
    }
    if went_on == 0 {
        return does_not_apply(NO_STATES);
    }
    match before.unlike(whole) {
        Some(unlike) => Err(Seen(format!("after going on {went_on} times there were {unlike}"))),
        None => holds(format!("{went_on} times one after the other")),
    }
}

pub(super) async fn foreign(subject: &Subject, bench: &Bench) -> Held {
    let run = bench.run();
    let mut reader = subject.home.open(&subject.request, run.context()).await?;
    let gives_states = !marks(reader.as_mut()).await?.is_empty();
    drop(reader);
    if !gives_states {
        return does_not_apply(NO_STATES);
    }
    for state in [json!({ "not": "a state" }), json!([1, 2]), json!("x"), json!(null)] {
        let run = bench.run();
        let request = ReadRequest { resume: Some(state.clone()), ..subject.request.clone() };
        let refused = match subject.home.open(&request, run.context()).await {
            Err(fault) => fault,
            Ok(mut reader) => match reader.next().await {
                Err(fault) => fault,
                Ok(_) => return Err(Seen(format!("it went on from {state}"))),
            },
        };
        if refused.kind() == FaultKind::Bug || refused.kind().is_retryable() {
            return Err(Seen(format!("{state} was refused with a {}", Seen::from(refused))));
        }
    }
    holds("refused")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_places_hold_the_first_and_the_last() {
        assert_eq!(spread(3), [0, 1, 2]);
        let many = spread(1000);
        assert_eq!((many.first(), many.last(), many.len()), (Some(&0), Some(&999), MOST));
    }
}
