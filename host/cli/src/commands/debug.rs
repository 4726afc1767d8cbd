//! `hygge debug`: looks at everything a run needs, changes nothing, and says what to do about each
//! fault.

use std::process::ExitCode;

use hygge_core::contract::{Durability, Finding};
use hygge_core::fault::Fault;
use hygge_core::project::plan::{EntityPlan, Plan};
use hygge_core::project::yaml::{Node, Value};
use jiff::tz::TimeZone;

use super::checks::Checks;
use super::runs::local;
use super::{blocking, for_each, guests, journal_folders, load, runtime};
use crate::args::{DebugArgs, Global};
use crate::failure::Failure;
use crate::report::format::{bytes, counted, duration};
use crate::report::tag;
use hygge_core::journal::{HistoryFilter, Holder, Journal};
use hygge_core::project::Request;

/// Looks at everything and tells it.
pub(super) fn debug(args: DebugArgs, global: &Global) -> Result<ExitCode, Failure> {
    let plan = load(global, &Request::from(args.selection))?;
    runtime()?.block_on(look(&plan)).tell()
}

async fn look(plan: &Plan) -> Checks {
    let mut checks = Checks::default();
    project(&mut checks, plan);
    connections(&mut checks, plan);
    journal(&mut checks, plan).await;
    lock(&mut checks, plan);
    connectors(&mut checks, plan);
    entities(&mut checks, plan).await;
    checks
}

fn project(checks: &mut Checks, plan: &Plan) {
    let mut flows: Vec<&str> = plan.entities.iter().map(|entity| &*entity.name.flow).collect();
    flows.dedup();
    checks.good(
        &format!("project {}", plan.name),
        &format!(
            "{} · {} · {}",
            plan.root.display(),
            counted(flows.len() as u64, "flow", "flows"),
            counted(plan.entities.len() as u64, "entity", "entities")
        ),
    );
    let options = &plan.options;
    checks.good(
        "options",
        &format!(
            "{} at a time · {} memory · {} after {} · checkpoint every {} · {} · durability {} · \
             log level {}",
            options.concurrency,
            bytes(options.memory.0),
            counted(options.retries.into(), "retry", "retries"),
            duration(options.retry_wait),
            duration(options.checkpoint),
            if options.continue_on_error { "goes on after an error" } else { "stops at an error" },
            match options.durability {
                Durability::Disk => "disk",
                Durability::Process => "process",
            },
            options.log_level.as_str(),
        ),
    );
}

fn connections(checks: &mut Checks, plan: &Plan) {
    for (name, node) in &plan.connections {
        checks.good(&format!("connection {name}"), &connection_words(node));
    }
}

/// The keys of a connection that are no secret.
fn connection_words(node: &Node) -> String {
    let text = |key: &str| match &node.as_mapping()?.get(key)?.value {
        Value::String(text) => Some(text.clone()),
        _ => None,
    };
    let place = [text("server"), text("database")].into_iter().flatten().collect::<Vec<_>>();
    let parts = text("type").into_iter().chain((!place.is_empty()).then(|| place.join("/")));
    parts.collect::<Vec<_>>().join(" · ")
}

async fn journal(checks: &mut Checks, plan: &Plan) {
    let folders = journal_folders(plan);
    let files = match folders.as_slice() {
        [] => "kept in .hygge".to_owned(),
        [one] => one.display().to_string(),
        many => format!("{} folders", many.len()),
    };
    let root = plan.root.clone();
    let looked = async {
        let journal = blocking(move || Journal::read_only(&root)).await?;
        let filter = HistoryFilter { last: Some(1), ..HistoryFilter::default() };
        let newest = journal.history(filter, folders).await?.pop();
        Ok::<_, Fault>((journal.pending()?, newest))
    };
    let (pending, newest) = match looked.await {
        Ok(looked) => looked,
        Err(fault) => return checks.fault("journal", &fault),
    };
    let newest = newest.map_or_else(
        || "nothing ran yet".to_owned(),
        |run| {
            let time = local(run.finish_time, &TimeZone::system());
            format!("newest: {} {}, {time}", run.name.label(), run.status.as_str())
        },
    );
    checks.good("journal", &format!("{files} · {newest}"));
    for pending in pending {
        let what = tag(pending.name()).to_string();
        checks.remark(&what, "a load is staged; the next run finishes it");
    }
}

fn lock(checks: &mut Checks, plan: &Plan) {
    match Holder::of(&plan.root) {
        None => checks.good("lock", "no run is under way"),
        Some(holder) => checks.remark("lock", &format!("a run is under way: {holder}")),
    }
}

fn connectors(checks: &mut Checks, plan: &Plan) {
    for connector in guests::in_use(plan) {
        checks.good(&connector.title(), &connector.origin());
        for (what, rights) in connector.rights() {
            checks.detail(what, &rights);
        }
        if let Some(lacks) = connector.lacks() {
            checks.remark(&connector.title(), &format!("was not granted {lacks}"));
        }
    }
}

async fn entities(checks: &mut Checks, plan: &Plan) {
    if plan.entities.is_empty() {
        checks.remark("flows", "no flow has anything to run");
        return;
    }
    checks.heading("Entities");
    let found = for_each(&plan.entities, check).await;
    for (entity, found) in plan.entities.iter().zip(found) {
        let tag = tag(&entity.name).to_string();
        let findings = match found {
            Ok(findings) => findings,
            Err(fault) => {
                checks.fault(&tag, &fault);
                continue;
            }
        };
        let faults: Vec<_> = findings
            .iter()
            .filter_map(|finding| Some((finding, finding.fault.as_deref()?)))
            .collect();
        if faults.is_empty() {
            let words: Vec<String> = findings.iter().map(finding_words).collect();
            checks.good(&tag, &words.join(" → "));
        }
        for (finding, fault) in faults {
            checks.fault(&format!("{tag} {}", finding.subject), fault);
        }
    }
}

/// Looks at both ends of an entity; a fault at one does not hide the other.
async fn check(entity: EntityPlan) -> Result<[Finding; 2], Fault> {
    let faulty = |what: &str, location: String, fault: Fault| Finding {
        subject: format!("{what} {location}"),
        fault: Some(fault.into()),
        note: String::new(),
    };
    let (home, store) = futures::join!(entity.home.check(), entity.store.check());
    Ok([
        home.unwrap_or_else(|fault| faulty("source", entity.home.location(), fault)),
        store.unwrap_or_else(|fault| faulty("destination", entity.store.location(), fault)),
    ])
}

fn finding_words(finding: &Finding) -> String {
    if finding.note.is_empty() {
        finding.subject.clone()
    } else {
        format!("{} ({})", finding.subject, finding.note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::test_support::{broken, destination, entity, foreign, plan, source};
    use crate::report::style::plain;

    #[tokio::test]
    async fn a_fault_at_one_end_does_not_hide_the_other() {
        let plan = plan(vec![
            entity("users", source(&[]), destination(&[])),
            entity("orders", broken("source"), broken("destination")),
        ]);
        let mut checks = Checks::default();
        project(&mut checks, &plan);
        entities(&mut checks, &plan).await;
        assert_eq!(checks.faults, 2);
        insta::assert_snapshot!(plain(&checks.text), @r"
        ✓ project warehouse  /p · 1 flow · 2 entities
        ✓ options  8 at a time · 256.0 MB memory · 3 retries after 1.0s · checkpoint every 30.0s · stops at an error · durability disk · log level info

        Entities
        ✓ [crm_users]  source data/source (2 files) → destination data/destination (2 files)
        ✗ [crm_orders] source data/source
            data/source is not there
            what to do: correct `path` in flow.yml
        ✗ [crm_orders] destination data/destination
            data/destination is not there
            what to do: correct `path` in flow.yml
        ");
    }

    #[test]
    fn a_connector_says_what_it_asks_for_and_what_it_has() {
        let mut other = entity("x", foreign(&["a.example"]), destination(&[]));
        other.name.flow = "other".into();
        let plan = plan(vec![
            entity("users", foreign(&["a.example"]), destination(&[])),
            entity("orders", foreign(&["a.example"]), foreign(&["a.example", "b.example"])),
            other,
        ]);
        let mut checks = Checks::default();
        connectors(&mut checks, &plan);
        insta::assert_snapshot!(plain(&checks.text), @r"
        ✓ connector shop 1.2.0  connectors/shop.wasm · sha256 0123456789ab · used by crm, other
            asks for  hosts a.example
            has       hosts a.example · memory 64 MB
        ✓ connector shop 1.2.0  connectors/shop.wasm · sha256 0123456789ab · used by crm
            asks for  hosts a.example
            has       hosts a.example, b.example · memory 64 MB
        ");
    }
}
