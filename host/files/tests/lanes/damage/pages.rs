//! Pages that are cut short, changed, or have headers that lie.

use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{WriterProperties, WriterVersion};

use super::footers::with_chunk;
use super::{Does, VERSIONS, lanes, properties, written};

/// The column of text in the damaged file; it has a dictionary.
const NAME: usize = 3;

/// Where in the file the dictionary and the data pages of a column begin.
fn pages(metadata: &ParquetMetaData, column: usize) -> Vec<usize> {
    let dictionary = metadata.row_group(0).column(column).dictionary_page_offset();
    let index = metadata.page_index().unwrap().offset_index(0, column).unwrap();
    let data = index.page_locations().iter().map(|page| page.offset);
    dictionary.into_iter().chain(data).map(|at| usize::try_from(at).unwrap()).collect()
}

/// Where the numbers of a page header stand: its kind, its two sizes, and how many values it
/// claims. Checksums are not written here, so they follow each other (Thrift, compact protocol).
fn numbers(bytes: &[u8], page: usize) -> [(usize, usize); 4] {
    let mut at = page;
    [0, 1, 2, 3].map(|field| {
        // The head of the field, and for the last one that of the struct around it.
        at += if field == 3 { 2 } else { 1 };
        let start = at;
        while bytes[at] & 0x80 != 0 {
            at += 1;
        }
        at += 1;
        (start, at - start)
    })
}

/// The file with another number in a page header, which takes as many bytes as the old one.
fn with_number(
    bytes: &[u8],
    page: usize,
    number: usize,
    change: impl FnOnce(i64) -> i64,
) -> Vec<u8> {
    let (start, length) = numbers(bytes, page)[number];
    let old = bytes[start..start + length]
        .iter()
        .enumerate()
        .fold(0_i64, |sum, (at, byte)| sum | i64::from(byte & 0x7f) << (7 * at));
    let new = change(old >> 1) << 1;
    assert!(new >= 0 && new < 1 << (7 * length) && new != old, "{old} cannot become {new}");
    let mut out = bytes.to_vec();
    for (at, byte) in out[start..start + length].iter_mut().enumerate() {
        let more = if at + 1 < length { 0x80 } else { 0 };
        *byte = ((new >> (7 * at)) & 0x7f) as u8 | more;
    }
    out
}

#[tokio::test]
async fn a_page_cut_short_by_its_chunk() {
    for version in VERSIONS {
        let (bytes, metadata) = written(properties(version));
        let shorter = with_chunk(&bytes, &metadata, NAME, |chunk| {
            let own = metadata.row_group(0).column(NAME);
            chunk.set_total_compressed_size(own.compressed_size() - 1)
        });
        for lane in lanes() {
            let fault = lane.refuses(&shorter, "name").await;
            assert!(fault.contains("a page goes beyond the end of its column chunk"), "{fault}");
        }
    }
}

#[tokio::test]
async fn bytes_missing_from_the_middle_of_the_file() {
    for version in VERSIONS {
        let (bytes, metadata) = written(properties(version));
        let [.., last] = pages(&metadata, NAME)[..] else { panic!() };
        for missing in [1, 40] {
            let mut cut = bytes.clone();
            cut.drain(last + 30..last + 30 + missing);
            for lane in lanes() {
                let fault = lane.load(&cut).await.unwrap_err();
                assert!(fault.contains("row group 0, column `"), "{}: {fault}", lane.name);
            }
        }
    }
}

#[tokio::test]
async fn a_page_of_another_stored_size() {
    for version in VERSIONS {
        let (bytes, metadata) = written(properties(version));
        for page in pages(&metadata, NAME) {
            for off in [-1, 1, 3] {
                let lying = with_number(&bytes, page, 2, |size| size + off);
                for lane in lanes() {
                    lane.refuses(&lying, "name").await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_page_of_another_size_than_it_has_in_memory() {
    for version in VERSIONS {
        let (bytes, metadata) = written(properties(version));
        for page in pages(&metadata, NAME) {
            for off in [-1, 1] {
                let lying = with_number(&bytes, page, 1, |size| size + off);
                for lane in lanes() {
                    match (lane.does, off) {
                        // A decoder reserves too much and finds the values that are there.
                        (Does::Decode, 1) => lane.takes(&lying).await,
                        _ => drop(lane.refuses(&lying, "name").await),
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn an_uncompressed_page_of_two_sizes() {
    for version in VERSIONS {
        let properties = WriterProperties::builder().set_writer_version(version).build();
        let (bytes, metadata) = written(properties);
        for page in pages(&metadata, NAME) {
            let lying = with_number(&bytes, page, 1, |size| size + 1);
            for mut lane in lanes().into_iter().filter(|lane| lane.does == Does::Copy) {
                lane.keys["compression"] = "uncompressed".into();
                lane.refuses(&lying, "name").await;
            }
        }
    }
}

#[tokio::test]
async fn a_page_of_more_or_fewer_values() {
    for version in VERSIONS {
        let (bytes, metadata) = written(properties(version));
        for page in &pages(&metadata, NAME)[1..] {
            for off in [-1, 1] {
                let lying = with_number(&bytes, *page, 3, |values| values + off);
                for lane in lanes() {
                    lane.refuses(&lying, "name").await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_dictionary_of_more_values_than_fit() {
    for version in VERSIONS {
        let (bytes, metadata) = written(properties(version));
        // Numbers of 8 bytes each, some 350 times 8 bytes with their lengths, 251 times 16 bytes.
        for (column, name, claims) in [(0, "id", 401), (6, "bytes", 1_100), (7, "uuid", 250)] {
            let lying = with_number(&bytes, pages(&metadata, column)[0], 3, |_| claims);
            for lane in lanes() {
                let noticed = lane.load(&lying).await;
                match lane.does {
                    Does::Copy | Does::Recompress => {
                        let fault = noticed.unwrap_err();
                        let place = format!("row group 0, column `{name}`: a dictionary of");
                        assert!(fault.contains(&place), "{}: {fault}", lane.name);
                    }
                    // A decoder that looks at the bytes alone finds the values that are there.
                    Does::Decode => {
                        if let Err(fault) = noticed {
                            assert!(fault.contains(&format!("column `{name}`")), "{fault}");
                        }
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_page_of_another_kind() {
    for version in VERSIONS {
        let (bytes, metadata) = written(properties(version));
        let pages = pages(&metadata, NAME);
        // A dictionary that is said to hold rows, and rows that are said to be a dictionary.
        for (page, kind) in [(pages[0], 0), (pages[1], 2), (pages[2], 2), (pages[1], 9)] {
            let lying = with_number(&bytes, page, 0, |_| kind);
            for lane in lanes() {
                lane.refuses(&lying, "name").await;
            }
        }
    }
}

/// The file with some bytes of a page changed behind its header.
fn with_noise(bytes: &[u8], from: usize) -> Vec<u8> {
    let mut noisy = bytes.to_vec();
    for byte in &mut noisy[from..from + 12] {
        *byte ^= 0xff;
    }
    noisy
}

#[tokio::test]
async fn a_broken_dictionary_and_broken_values_where_they_are_looked_at() {
    for version in VERSIONS {
        let (bytes, metadata) = written(properties(version));
        let pages = pages(&metadata, NAME);
        // The dictionary, behind its header and the length that its compression begins with.
        let noisy = with_noise(&bytes, pages[0] + 30);
        for lane in lanes() {
            let lane = if lane.does == Does::Copy { lane.verified() } else { lane };
            lane.refuses(&noisy, "name").await;
        }
    }
    // Values without a dictionary: their lengths are among them.
    let plain = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .build();
    let (bytes, metadata) = written(plain);
    let chunk = metadata.row_group(0).column(NAME);
    let middle = chunk.data_page_offset() + chunk.compressed_size() * 2 / 3;
    let noisy = with_noise(&bytes, usize::try_from(middle).unwrap());
    for lane in lanes() {
        // What decompresses may still be other values: only decoding tells.
        let lane = if lane.does == Does::Decode { lane } else { lane.verified() };
        lane.refuses(&noisy, "name").await;
    }
}
