//! The columns of a file that row groups are moved into.

use std::sync::Arc;

use arrow_schema::{FieldRef, Schema};
use hygge_core::fault::Fault;
use parquet::arrow::{
    ARROW_SCHEMA_META_KEY, ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata,
};
use parquet::errors::Result;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor, Type, TypePtr};

use crate::home::parquet::lane::FileShape;
use crate::routes::{Route, Routes};

/// Metadata that other programs write of all columns by their names. Where columns change it
/// would be wrong, and these programs would believe it.
const OF_COLUMNS: &[&str] = &[
    ARROW_SCHEMA_META_KEY,
    "avro.schema",
    "geo",
    "iceberg.schema",
    "org.apache.spark.sql.parquet.row.metadata",
    "pandas",
    "parquet.avro.schema",
    "parquet.proto.descriptor",
    "thrift.descriptor",
];

/// What becomes of a file's columns, and of what it says about itself.
#[derive(Debug)]
pub(crate) struct TargetShape {
    /// The way of each column.
    pub(crate) routes: Routes,
    /// The columns as a Parquet file has them.
    pub(crate) schema: SchemaDescPtr,
    /// What is said about the file.
    pub(crate) metadata: Option<Vec<KeyValue>>,
    /// By which of the leaves the rows of each row group are said to be in order.
    pub(crate) sorting: Option<Vec<SortingColumn>>,
}

impl TargetShape {
    /// For row groups of a file of this shape, whose columns take these routes to become
    /// `stored`.
    pub(crate) fn new(source: &FileShape, routes: Routes, stored: &Schema) -> Result<Self, Fault> {
        let file = source.footer.metadata().file_metadata();
        let metadata = file.key_value_metadata();
        if routes.unchanged {
            let (schema, metadata) = (file.schema_descr_ptr(), metadata.cloned());
            let sorting = sorting(source, &routes, &schema);
            return Ok(Self { routes, schema, metadata, sorting });
        }
        let failed = |error| Fault::bug("the columns of a file cannot be renamed").because(error);
        let root = file.schema_descr().root_schema();
        let mut types = Vec::with_capacity(routes.columns.len());
        let mut fields: Vec<FieldRef> = Vec::with_capacity(routes.columns.len());
        for (route, field) in routes.columns.iter().zip(stored.fields()) {
            let moved = match route {
                Route::Move(at) => {
                    root.get_fields().get(*at).zip(source.footer.schema().fields().get(*at))
                }
                Route::Encode => None,
            };
            match moved {
                Some((column, here)) => {
                    types.push(Arc::new(renamed(column, field.name()).map_err(failed)?));
                    fields.push(Arc::new(here.as_ref().clone().with_name(field.name())));
                }
                None => {
                    types.push(encoded_type(field).map_err(failed)?);
                    fields.push(Arc::clone(field));
                }
            }
        }
        let root = Type::group_type_builder(root.name()).with_fields(types).build();
        let kept: Vec<KeyValue> = metadata
            .into_iter()
            .flatten()
            .filter(|entry| !OF_COLUMNS.contains(&entry.key.as_str()))
            .cloned()
            .collect();
        let said = kept.iter().filter_map(|entry| Some((entry.key.clone(), entry.value.clone()?)));
        let schema =
            Schema::new_with_metadata(fields, said.collect::<std::collections::HashMap<_, _>>());
        let mut properties = WriterProperties::builder().set_key_value_metadata(Some(kept)).build();
        add_encoded_arrow_schema_to_metadata(&schema, &mut properties);
        let schema = Arc::new(SchemaDescriptor::new(Arc::new(root.map_err(failed)?)));
        Ok(Self {
            sorting: sorting(source, &routes, &schema),
            routes,
            schema,
            metadata: properties.key_value_metadata().cloned(),
        })
    }

    /// The leaves of the column `column`.
    pub(crate) fn leaves(&self, column: usize) -> Vec<usize> {
        leaves(&self.schema, column)
    }
}

/// The order that all row groups of a file say their rows are in, as far as it is an order by
/// columns that are moved.
fn sorting(
    source: &FileShape,
    routes: &Routes,
    schema: &SchemaDescriptor,
) -> Option<Vec<SortingColumn>> {
    let from = source.footer.parquet_schema();
    let mut groups = source.footer.metadata().row_groups().iter();
    let first = groups.next()?.sorting_columns()?;
    if !groups.all(|group| group.sorting_columns() == Some(first)) {
        return None;
    }
    let moved_to = |leaf: usize| {
        routes.columns.iter().enumerate().find_map(|(column, route)| {
            let Route::Move(root) = route else { return None };
            let ways = leaves(from, *root).into_iter().zip(leaves(schema, column));
            ways.into_iter().find_map(|(from, to)| (from == leaf).then_some(to))
        })
    };
    // By the first column, then the second: without the first, the rest is no order.
    let kept: Vec<SortingColumn> = first
        .iter()
        .map_while(|column| {
            let to = moved_to(usize::try_from(column.column_idx).ok()?)?;
            Some(SortingColumn { column_idx: i32::try_from(to).ok()?, ..column.clone() })
        })
        .collect();
    (!kept.is_empty()).then_some(kept)
}

/// The leaves of the column `root`.
pub(crate) fn leaves(schema: &SchemaDescriptor, root: usize) -> Vec<usize> {
    (0..schema.num_columns()).filter(|leaf| schema.get_column_root_idx(*leaf) == root).collect()
}

/// The Parquet type of a column that is encoded.
pub(crate) fn encoded_type(field: &FieldRef) -> Result<TypePtr> {
    let schema = Schema::new(vec![Arc::clone(field)]);
    let converted = ArrowSchemaConverter::new().convert(&schema)?;
    converted.root_schema().get_fields().first().map(Arc::clone).ok_or_else(|| {
        parquet::errors::ParquetError::General("a column became no column".to_owned())
    })
}

fn renamed(column: &Type, name: &str) -> Result<Type> {
    let info = column.get_basic_info();
    match column {
        Type::PrimitiveType { physical_type, type_length, scale, precision, .. } => {
            Type::primitive_type_builder(name, *physical_type)
                .with_repetition(info.repetition())
                .with_converted_type(info.converted_type())
                .with_logical_type(info.logical_type_ref().cloned())
                .with_length(*type_length)
                .with_scale(*scale)
                .with_precision(*precision)
                .with_id(info.has_id().then(|| info.id()))
                .build()
        }
        Type::GroupType { fields, .. } => Type::group_type_builder(name)
            .with_repetition(info.repetition())
            .with_converted_type(info.converted_type())
            .with_logical_type(info.logical_type_ref().cloned())
            .with_fields(fields.clone())
            .with_id(info.has_id().then(|| info.id()))
            .build(),
    }
}
