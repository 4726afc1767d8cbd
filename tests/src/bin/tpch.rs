//! Writes TPC-H tables as Parquet files, for the samples and the benchmarks.

use std::path::PathBuf;

use clap::Parser;

/// Writes TPC-H tables as Parquet files
#[derive(Parser)]
struct Arguments {
    /// Where to: each table gets a folder of its name
    folder: PathBuf,
    /// The scale factor: 1 is 6 million rows of lineitem
    #[arg(long, default_value_t = 0.01)]
    scale: f64,
    /// Files for each table
    #[arg(long, default_value_t = 1)]
    parts: i32,
    /// The tables; all when none is named
    #[arg(long, value_parser = hygge_tests::tpch::TABLES)]
    table: Vec<String>,
}

fn main() {
    let arguments = Arguments::parse();
    let tables: Vec<&str> = if arguments.table.is_empty() {
        hygge_tests::tpch::TABLES.to_vec()
    } else {
        arguments.table.iter().map(String::as_str).collect()
    };
    for table in tables {
        hygge_tests::tpch::write(&arguments.folder, table, arguments.scale, arguments.parts);
    }
}
