//! A project's files, read into one typed [`Plan`](plan::Plan). Pure: apart from reading YAML,
//! nothing is touched.

pub mod keys;
pub mod plan;
pub mod problem;
pub mod yaml;
