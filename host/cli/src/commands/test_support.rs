//! A Home and a Store that only answer questions, for the tests of commands.

use std::sync::Arc;
use std::time::Duration;

use arrow_schema::{DataType, Field, Schema};
use async_trait::async_trait;
use hygge_core::contract::{
    Context, DestinationPlan, Durability, Finding, Guest, Home, LoadRequest, Manifest, Mode,
    Published, ReadRequest, Reader, Rights, SourcePlan, Store, StorePlanRequest, Territory, Writer,
};
use hygge_core::engine::event::EntityName;
use hygge_core::fault::Fault;
use hygge_core::project::keys::ByteSize;
use hygge_core::project::plan::{EntityPlan, LogLevel, Options, Plan, RunType};

/// One end of an entity; `broken` faults at every question.
#[derive(Debug)]
pub(super) struct End {
    pub what: &'static str,
    pub broken: bool,
    pub columns: Vec<(&'static str, DataType)>,
    pub guest: Option<Guest>,
}

impl End {
    fn finding(&self) -> Result<Finding, Fault> {
        let subject = format!("{} {}", self.what, self.place());
        Ok(Finding { subject, fault: self.fault().err().map(Arc::new), note: "2 files".into() })
    }

    fn fault(&self) -> Result<(), Fault> {
        if self.broken {
            return Err(Fault::missing(format!("{} is not there", self.place()))
                .with_help("correct `path` in flow.yml"));
        }
        Ok(())
    }

    fn place(&self) -> String {
        format!("data/{}", self.what)
    }

    fn schema(&self) -> Arc<Schema> {
        let fields = self.columns.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

#[async_trait]
impl Home for End {
    fn location(&self) -> String {
        self.place()
    }

    fn guest(&self) -> Option<Guest> {
        self.guest.clone()
    }

    async fn check(&self) -> Result<Finding, Fault> {
        self.finding()
    }

    async fn plan(&self, _: &ReadRequest) -> Result<Option<SourcePlan>, Fault> {
        self.fault()?;
        Ok(Some(SourcePlan {
            schema: self.schema(),
            rows: Some(1234),
            bytes: Some(56_000),
            note: "2 files".into(),
        }))
    }

    async fn open(&self, _: &ReadRequest, _: Arc<Context>) -> Result<Box<dyn Reader>, Fault> {
        Err(Fault::cancelled())
    }
}

#[async_trait]
impl Store for End {
    fn location(&self) -> String {
        self.place()
    }

    fn guest(&self) -> Option<Guest> {
        self.guest.clone()
    }

    fn territory(&self) -> Territory {
        Territory::Name(self.place())
    }

    async fn check(&self) -> Result<Finding, Fault> {
        // A Store may also answer with a fault of its own.
        self.fault()?;
        self.finding()
    }

    async fn plan(&self, _: &StorePlanRequest) -> Result<DestinationPlan, Fault> {
        self.fault()?;
        let current = (!self.columns.is_empty()).then(|| self.schema());
        let rows = current.as_ref().map(|_| 7);
        Ok(DestinationPlan { current, future: None, rows, note: "swap 2 files".into() })
    }

    async fn begin(&self, _: &LoadRequest, _: Arc<Context>) -> Result<Box<dyn Writer>, Fault> {
        Err(Fault::cancelled())
    }

    async fn publish(&self, _: &Manifest) -> Result<Published, Fault> {
        Err(Fault::cancelled())
    }

    async fn sweep(&self, _: Option<&Manifest>) -> Result<(), Fault> {
        Ok(())
    }
}

/// An entity of the flow `crm` that reads `home` and writes to `store`.
pub(super) fn entity(name: &str, home: End, store: End) -> EntityPlan {
    EntityPlan {
        name: EntityName { flow: "crm".into(), entity: name.into() },
        home: Arc::new(home),
        store: Arc::new(store),
        run_type: RunType::FullDrop,
        mode: Mode::Replace,
        watermark: None,
        fingerprint: String::new(),
        journal: None,
        queue_size: 10,
        timeout: None,
    }
}

/// A project with these entities.
pub(super) fn plan(entities: Vec<EntityPlan>) -> Plan {
    Plan {
        name: "warehouse".into(),
        root: "/p".into(),
        flows_dir: "/p/flows".into(),
        connections: Default::default(),
        options: Options {
            concurrency: 8,
            continue_on_error: false,
            memory: ByteSize(256_000_000),
            durability: Durability::Disk,
            retries: 3,
            retry_wait: Duration::from_secs(1),
            checkpoint: Duration::from_secs(30),
            log_level: LogLevel::Info,
        },
        entities,
    }
}

/// The source of an entity.
pub(super) fn source(columns: &[(&'static str, DataType)]) -> End {
    End { what: "source", broken: false, columns: columns.to_vec(), guest: None }
}

/// The destination of an entity; without columns there is no table yet.
pub(super) fn destination(columns: &[(&'static str, DataType)]) -> End {
    End { what: "destination", broken: false, columns: columns.to_vec(), guest: None }
}

/// An end that faults.
pub(super) fn broken(what: &'static str) -> End {
    End { what, broken: true, columns: Vec::new(), guest: None }
}

/// An end that is the connector `shop`, with these hosts granted.
pub(super) fn foreign(hosts: &[&str]) -> End {
    let rights = |hosts: &[&str], limits: &[(&str, &str)]| Rights {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        credentials: Vec::new(),
        limits: limits.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
    };
    let guest = Guest {
        name: "shop".into(),
        version: Some("1.2.0".into()),
        source: "connectors/shop.wasm".into(),
        digest: "0123456789abcdef".repeat(4),
        asks: rights(&["a.example"], &[]),
        has: rights(hosts, &[("memory", "64 MB")]),
    };
    End { guest: Some(guest), ..source(&[]) }
}
