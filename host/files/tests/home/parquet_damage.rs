//! Damaged Parquet files are faults that name the file, never a crash or wrong rows.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, Int64Array, ListArray, RecordBatch, StringArray};
use hygge_core::fault::FaultKind;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use crate::support::{Project, read, told};

fn table() -> RecordBatch {
    let id: ArrayRef =
        Arc::new(Int64Array::from_iter((0..500).map(|at| (at % 7 != 0).then_some(at))));
    let name: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..500).map(|at| format!("name {}", at % 40))));
    let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(
        (0..500).map(|at| (at % 5 != 0).then(|| (0..at % 4).map(Some).collect::<Vec<_>>())),
    ));
    RecordBatch::try_from_iter([("id", id), ("name", name), ("list", list)]).unwrap()
}

fn bytes_of(properties: WriterProperties) -> Vec<u8> {
    let project = Project::new();
    std::fs::read(project.write_parquet_with("a.parquet", &table(), properties)).unwrap()
}

async fn fault_of(bytes: impl AsRef<[u8]>) -> String {
    let project = Project::new();
    project.write("a.parquet", bytes);
    let fault = read(&project.parquet()).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Data, "{fault:?}");
    assert!(fault.help().is_some());
    told(&fault)
}

#[tokio::test]
async fn what_is_no_parquet_file_is_said_to_be_none() {
    assert!(fault_of("").await.starts_with("in/a.parquet is empty: not a Parquet file"));
    let csv = fault_of("id,name\n1,a\n2,b\n").await;
    assert!(csv.starts_with("in/a.parquet is not a Parquet file | if it holds text"), "{csv}");
    let whole = bytes_of(WriterProperties::builder().build());
    let cut = fault_of(&whole[..whole.len() / 2]).await;
    assert!(cut.contains("it has no footer: it was not written to its end"), "{cut}");
    let mut long = whole.clone();
    let at = long.len() - 8;
    long[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(fault_of(&long).await.contains("claims a footer of 4294967295 bytes"));
    let mut encrypted = whole;
    let at = encrypted.len() - 4;
    encrypted[at..].copy_from_slice(b"PARE");
    assert!(fault_of(&encrypted).await.contains("is encrypted"));
}

#[tokio::test]
async fn a_broken_page_is_told_with_its_row_group_and_column() {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(100))
        .build();
    let project = Project::new();
    let path = project.write_parquet_with("a.parquet", &table(), properties);
    let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
    let chunk = reader.metadata().row_group(3).column(1);
    let middle = (chunk.data_page_offset() + chunk.compressed_size() / 4) as usize;
    let mut bytes = std::fs::read(&path).unwrap();
    for byte in &mut bytes[middle..middle + 8] {
        *byte ^= 0xff;
    }
    let told = fault_of(&bytes).await;
    assert!(told.starts_with("in/a.parquet is damaged: row group 3, column `name`: "), "{told}");
}

#[tokio::test]
async fn a_checksum_is_believed() {
    // Plain numbers: without the checksum, other bytes are other numbers.
    let properties = WriterProperties::builder().set_dictionary_enabled(false).build();
    let project = Project::new();
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
    let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    let path = project.write_parquet_with("a.parquet", &batch, properties);
    let bytes = std::fs::read(&path).unwrap();
    let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
    let (start, _) = reader.metadata().row_group(0).column(0).byte_range();
    let with_checksum = with_page_checksum(&bytes, start as usize);
    project.write("a.parquet", &with_checksum);
    assert_eq!(read(&project.parquet()).await.unwrap().rows(), 1000);

    let mut flipped = with_checksum;
    flipped[start as usize + 4000] ^= 1;
    assert!(fault_of(&flipped).await.contains("checksum"), "{}", fault_of(&flipped).await);
}

/// Puts a checksum into the header of the first page, which has to be the only one of its file.
fn with_page_checksum(bytes: &[u8], start: usize) -> Vec<u8> {
    // Field 1 (type), 2 and 3 (sizes) are numbers; what follows 3 is field 5.
    let mut at = start;
    let mut sizes = Vec::new();
    for _ in 0..3 {
        assert_eq!(bytes[at], 0x15);
        at += 1;
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let byte = bytes[at];
            at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        sizes.push((value >> 1) as usize);
    }
    assert_eq!(bytes[at], 0x2c, "field 5, two behind field 3");
    let metadata_len =
        u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap()) as usize;
    let footer = bytes.len() - 8 - metadata_len;
    // Without an index between the pages and the footer the page's end is not known from there:
    // take it from the header that follows nothing else.
    let header_end = header_end(bytes, start);
    let body = &bytes[header_end..header_end + sizes[2]];
    let crc = crc32(body);
    let mut checksum = vec![0x15];
    let mut zigzag = ((i64::from(crc as i32) << 1) ^ (i64::from(crc as i32) >> 63)) as u64;
    while zigzag >= 0x80 {
        checksum.push(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    checksum.push(zigzag as u8);
    // Room is made by taking it out of the page before: there is none, so the file grows and the
    // footer, whose offsets point before the page, is kept as it is but for the chunk's length.
    let mut out = bytes[..at].to_vec();
    out.extend(&checksum);
    out.push(0x1c);
    out.extend(&bytes[at + 1..footer]);
    let grown = checksum.len();
    let mut metadata = bytes[footer..footer + metadata_len].to_vec();
    grow_chunk(&mut metadata, header_end - start + sizes[2], grown);
    out.extend(&metadata);
    out.extend((metadata.len() as u32).to_le_bytes());
    out.extend(b"PAR1");
    out
}

/// Where the header that starts at `start` ends: the body is as long as the rest of the chunk.
fn header_end(bytes: &[u8], start: usize) -> usize {
    let chunk = SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes))
        .unwrap()
        .metadata()
        .row_group(0)
        .column(0)
        .clone();
    let (at, len) = chunk.byte_range();
    assert_eq!(at as usize, start);
    // 1000 numbers of 8 bytes and nothing else.
    start + len as usize - 8000
}

/// Adds to the length of the chunk wherever the footer says it.
fn grow_chunk(metadata: &mut [u8], len: usize, grown: usize) {
    let write = |value: usize| {
        let mut value = (value as u64) << 1;
        let mut out = Vec::new();
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
        out
    };
    let (old, new) = (write(len), write(len + grown));
    assert_eq!(old.len(), new.len());
    let mut changed = 0;
    for at in 0..metadata.len() - old.len() {
        if metadata[at..at + old.len()] == old {
            metadata[at..at + old.len()].copy_from_slice(&new);
            changed += 1;
        }
    }
    assert!(changed > 0);
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[tokio::test]
async fn row_counts_that_lie_are_found_out() {
    // The footer says how many rows three times: for the file, for the group, for each column.
    let project = Project::new();
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
    let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    let bytes = std::fs::read(project.write_parquet("a.parquet", &batch)).unwrap();
    let footer = bytes.len()
        - 8
        - u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap()) as usize;
    // 1000 and 1001 in zigzag, as a field of type i64.
    let (old, new) = ([0xd0, 0x0f], [0xd2, 0x0f]);
    let places: Vec<usize> =
        (footer..bytes.len() - 8).filter(|at| bytes[*at..at + 2] == old).collect();
    assert!(places.len() >= 3);
    for lies in 1..1 << places.len() {
        let mut lying = bytes.clone();
        for (bit, at) in places.iter().enumerate() {
            if lies >> bit & 1 == 1 {
                lying[*at..at + 2].copy_from_slice(&new);
            }
        }
        let project = Project::new();
        project.write("a.parquet", &lying);
        // Some of the places are no row counts, so it may still be right; never 1001 rows.
        match read(&project.parquet()).await {
            Ok(read) => assert_eq!(read.rows(), 1000),
            Err(fault) => assert_eq!(fault.kind(), FaultKind::Data),
        }
    }
    let mut all = bytes;
    for at in places {
        all[at..at + 2].copy_from_slice(&new);
    }
    let told = fault_of(&all).await;
    assert!(told.contains("row group 0, column `n`"), "{told}");
}
