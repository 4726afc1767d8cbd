//! What the footers of all files say together.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use futures::StreamExt as _;
use hygge_core::contract::ReadRequest;
use hygge_core::cpu::Cpu;
use hygge_core::fault::Fault;

use super::super::listing::{Location, no_such_column};
use super::super::source::SourceFile;
use super::super::unify::Union;
use super::courses::{Course, Sketch};
use super::footer::Keep;
use super::{footer, prune};
use crate::format::Format;
use crate::terms::ParquetTerms;

/// Files whose footers are read as one piece of work.
const TOGETHER: usize = 16;

/// The files to read, with what of their footers is needed to read them.
#[derive(Debug)]
pub(super) struct Catalog {
    /// In order.
    pub(super) files: Vec<PlannedFile>,
    /// The schema that holds the rows of all.
    pub(super) schema: SchemaRef,
    /// Rows to read.
    pub(super) rows: u64,
    /// Rows there are.
    pub(super) all_rows: u64,
    /// Bytes of the files to read.
    pub(super) bytes: u64,
}

/// A file to read.
#[derive(Debug)]
pub(super) struct PlannedFile {
    /// The file.
    pub(super) source: Arc<SourceFile>,
    /// The row groups to read; `None` for all.
    pub(super) groups: Option<Box<[usize]>>,
    /// The rows in them.
    pub(super) rows: u64,
    /// What a Store that takes more than rows needs to know of it.
    pub(super) sketch: Option<Box<Sketch>>,
    /// How it is given out.
    pub(super) course: Course,
}

struct Surveyed {
    planned: PlannedFile,
    schema: SchemaRef,
    all_rows: u64,
}

impl Catalog {
    /// Reads every footer.
    pub(super) async fn survey(
        location: &Location,
        request: &ReadRequest,
        cpu: &Cpu,
    ) -> Result<Self, Fault> {
        let listed = {
            let location = location.clone();
            cpu.run_io(move || location.files(Format::Parquet)).await?
        };
        let request = Arc::new(request.clone());
        let mut surveyed =
            futures::stream::iter(listed.chunks(TOGETHER).map(<[_]>::to_vec).collect::<Vec<_>>())
                .map(|files| {
                    let request = Arc::clone(&request);
                    cpu.run(move || {
                        files
                            .into_iter()
                            .map(|file| survey(&file, &request))
                            .collect::<Result<Vec<_>, _>>()
                    })
                })
                .buffered(cpu.cores() * 2);

        let mut files = Vec::with_capacity(listed.len());
        let (mut rows, mut all_rows, mut bytes) = (0, 0, 0);
        let mut union = Union::default();
        // Most files have the same schema: it is united once.
        let mut known: HashSet<SchemaRef> = HashSet::new();
        while let Some(some) = surveyed.next().await {
            for Surveyed { mut planned, schema, all_rows: all } in some? {
                let schema = match known.get(&schema) {
                    Some(known) => Arc::clone(known),
                    None => {
                        union.add(&schema, &planned.source.shown)?;
                        known.insert(Arc::clone(&schema));
                        schema
                    }
                };
                if let Some(sketch) = &mut planned.sketch {
                    sketch.schema = schema;
                }
                rows += planned.rows;
                all_rows += all;
                if planned.rows > 0 {
                    bytes += planned.source.len();
                }
                files.push(planned);
            }
        }
        let schema = union.finish();
        for (key, column) in [
            ("watermark_column", request.watermark_column.as_deref()),
            ("watermark_column", request.since.as_ref().map(|since| since.column.as_str())),
        ] {
            if let Some(column) = column
                && schema.column_with_name(column).is_none()
            {
                return Err(no_such_column(location, key, column, &schema));
            }
        }
        Ok(Self { files, schema, rows, all_rows, bytes })
    }
}

fn survey(source: &Arc<SourceFile>, request: &ReadRequest) -> Result<Surveyed, Fault> {
    let open = Arc::new(source.open()?);
    let keep = if request.since.is_some() { Keep::Statistics } else { Keep::Shape };
    let footer = footer::read(&open, keep)?;
    let metadata = footer.metadata();
    let count = |groups: &mut dyn Iterator<Item = usize>| -> u64 {
        groups
            .filter_map(|at| metadata.row_groups().get(at))
            .map(|group| u64::try_from(group.num_rows()).unwrap_or(0))
            .sum()
    };
    let all_rows = count(&mut (0..metadata.num_row_groups()));
    let groups = request
        .since
        .as_ref()
        .map(|since| prune::groups_since(metadata, footer.schema(), since).into_boxed_slice());
    // All of them is the common case, and needs no list.
    let groups = groups.filter(|groups| groups.len() < metadata.num_row_groups());
    let rows = match &groups {
        Some(groups) => count(&mut groups.iter().copied()),
        None => all_rows,
    };
    let terms = request.terms.as_ref().and_then(ParquetTerms::of);
    let sketch = terms
        .filter(|terms| terms.refusal.is_none())
        .map(|terms| Box::new(Sketch::new(&footer, groups.as_deref(), request, terms)));
    let schema = Arc::clone(footer.schema());
    let source = Arc::clone(source);
    Ok(Surveyed {
        planned: PlannedFile { source, groups, rows, sketch, course: Course::Rows },
        schema,
        all_rows,
    })
}
