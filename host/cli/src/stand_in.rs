//! Rooms that are built elsewhere, with their signatures alone.
#![allow(dead_code)]

/// `hygge_core::project`.
pub(crate) mod project {
    use std::path::{Path, PathBuf};

    use hygge_core::contract::Kinds;
    pub(crate) use hygge_core::project::{plan, problem};
    use plan::{Plan, RunType};
    use problem::Problems;

    #[derive(Clone, Debug, Default)]
    pub(crate) struct Request {
        pub vars: Vec<String>,
        pub flows: Vec<String>,
        pub entities: Vec<String>,
        pub run_type: Option<RunType>,
        pub concurrency: Option<usize>,
    }

    pub(crate) fn find(start: &Path) -> Result<PathBuf, Problems> {
        Ok(start.to_owned())
    }

    pub(crate) fn load(
        _: &Path,
        _: &Kinds,
        _: &Request,
        _: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Plan, Problems> {
        let mut problems = Problems::default();
        problems.add_nowhere("projects cannot be read yet");
        Err(problems)
    }

    pub(crate) mod render {
        pub(crate) fn render(problems: &super::Problems, _: bool) -> String {
            problems.list.iter().map(|problem| format!("{}\n", problem.message)).collect()
        }
    }

    pub(crate) mod schema {
        pub(crate) fn schema(_: &hygge_core::contract::Kinds) -> serde_json::Value {
            serde_json::Value::Null
        }
    }
}

/// `hygge_core::journal`.
pub(crate) mod journal {
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use hygge_core::contract::{Durability, RunIds};
    use hygge_core::engine::event::EntityName;
    use hygge_core::fault::Fault;
    use hygge_core::project::plan::RunType;
    use hygge_core::watermark::{KeySet, Watermark, WatermarkSpec};
    use jiff::Timestamp;

    #[derive(Debug)]
    pub(crate) struct JournalError;

    impl From<JournalError> for Fault {
        fn from(_: JournalError) -> Self {
            Self::bug("the journal is not here yet")
        }
    }

    #[derive(Clone, Debug)]
    pub(crate) struct Journal;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Status {
        Success,
        Fail,
        Skip,
    }

    impl Status {
        pub(crate) fn as_str(self) -> &'static str {
            match self {
                Self::Success => "success",
                Self::Fail => "fail",
                Self::Skip => "skip",
            }
        }
    }

    #[derive(Clone, Debug)]
    pub(crate) struct EntityRun {
        pub name: EntityName,
        pub ids: RunIds,
        pub start_time: Timestamp,
        pub finish_time: Timestamp,
        pub status: Status,
        pub run_type: RunType,
        pub rows: u64,
        pub duration: Duration,
        pub spec: Option<WatermarkSpec>,
        pub watermark: Option<Watermark>,
        pub message: Option<String>,
    }

    #[derive(Debug)]
    pub(crate) struct Holder;

    impl Holder {
        pub(crate) fn of(_: &Path) -> Option<Self> {
            None
        }
    }

    impl std::fmt::Display for Holder {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a run")
        }
    }

    #[derive(Debug)]
    pub(crate) struct LastSuccess {
        pub run: EntityRun,
        pub watermark: Option<Watermark>,
    }

    #[derive(Debug)]
    pub(crate) enum Resume {
        Since(Watermark, Option<KeySet>),
        Full { why: String },
        First,
    }

    #[derive(Clone, Debug, Default)]
    pub(crate) struct HistoryFilter {
        pub flow: Option<String>,
        pub entity: Option<String>,
        pub last: Option<usize>,
    }

    #[derive(Debug)]
    pub(crate) struct Pending {
        pub run: EntityRun,
    }

    impl Pending {
        pub(crate) fn name(&self) -> &EntityName {
            &self.run.name
        }
    }

    impl Journal {
        pub(crate) fn open(_: &Path, _: &str, _: Durability) -> Result<Self, JournalError> {
            Err(JournalError)
        }
        pub(crate) fn read_only(_: &Path) -> Result<Self, JournalError> {
            Ok(Self)
        }
        pub(crate) fn warnings(&self) -> &[String] {
            &[]
        }
        pub(crate) fn pending(&self) -> Result<Vec<Pending>, JournalError> {
            Ok(Vec::new())
        }
        pub(crate) async fn history(
            &self,
            _: HistoryFilter,
            _: Vec<PathBuf>,
        ) -> Result<Vec<EntityRun>, JournalError> {
            Ok(Vec::new())
        }
        pub(crate) async fn last_success(
            &self,
            _: &EntityName,
            _: Option<&Path>,
        ) -> Result<Option<LastSuccess>, JournalError> {
            Ok(None)
        }
        pub(crate) async fn resume_from(
            &self,
            _: &EntityName,
            _: Option<&Path>,
            _: &WatermarkSpec,
        ) -> Result<Resume, JournalError> {
            Ok(Resume::First)
        }
        pub(crate) async fn set_watermark(
            &self,
            _: &EntityName,
            _: Option<&Path>,
            _: &WatermarkSpec,
            _: Watermark,
        ) -> Result<(), JournalError> {
            Ok(())
        }
        pub(crate) async fn clear_watermark(
            &self,
            _: &EntityName,
            _: Option<&Path>,
            _: &WatermarkSpec,
        ) -> Result<(), JournalError> {
            Ok(())
        }
    }
}

/// `hygge_core::watermark`: what `Watermark` itself will have.
pub(crate) mod watermark {
    use hygge_core::fault::Fault;
    use hygge_core::watermark::Watermark;

    pub(crate) trait Read: Sized {
        fn parse(type_name: &str, text: &str) -> Result<Self, Fault>;
        fn guess(text: &str) -> Self;
    }

    impl Read for Watermark {
        fn parse(type_name: &str, text: &str) -> Result<Self, Fault> {
            match type_name {
                "int" => text
                    .parse()
                    .map(Self::Int)
                    .map_err(|_| Fault::data(format!("`{text}` is no int"))),
                "datetime" => text
                    .parse()
                    .map(Self::DateTime)
                    .map_err(|_| Fault::data(format!("`{text}` is no date and time"))),
                _ => Ok(Self::String(text.to_owned())),
            }
        }

        fn guess(text: &str) -> Self {
            Self::parse("int", text)
                .or_else(|_| Self::parse("datetime", text))
                .unwrap_or_else(|_| Self::String(text.to_owned()))
        }
    }
}

/// `hygge_core::engine`.
pub(crate) mod engine {
    use std::sync::Arc;

    use hygge_core::engine::event::{Listener, RunReport};
    use hygge_core::fault::Fault;
    use hygge_core::project::plan::Plan;
    use tokio_util::sync::CancellationToken;

    use super::journal::Journal;

    pub(crate) async fn run(
        _: &Plan,
        _: Arc<Journal>,
        _: Arc<dyn Listener>,
        _: CancellationToken,
    ) -> Result<RunReport, Fault> {
        Err(Fault::bug("the engine is not here yet"))
    }
}

/// `hygge_files`.
pub(crate) mod files {
    pub(crate) mod home {
        pub(crate) fn kinds() -> Vec<Box<dyn hygge_core::contract::HomeKind>> {
            Vec::new()
        }
    }
    pub(crate) mod store {
        pub(crate) fn kinds() -> Vec<Box<dyn hygge_core::contract::StoreKind>> {
            Vec::new()
        }
    }
}
