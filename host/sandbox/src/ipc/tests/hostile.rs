//! Streams that a library would not write.

use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{BinaryViewArray, NullArray, RunArray};
use arrow_ipc::{
    Buffer, DictionaryBatchBuilder, FieldNode, MessageBuilder, MessageHeader, MetadataVersion,
    RecordBatchBuilder,
};
use flatbuffers::FlatBufferBuilder;

use super::*;

/// A record batch or, with an id, a dictionary that claims whatever it likes.
#[derive(Default)]
struct Claim {
    dictionary: Option<(i64, bool)>,
    rows: i64,
    nodes: Vec<FieldNode>,
    buffers: Vec<Buffer>,
    variadic: Vec<i64>,
    body: Vec<u8>,
    claimed_body: Option<i64>,
}

impl Claim {
    fn message(&self) -> Vec<u8> {
        let mut builder = FlatBufferBuilder::new();
        let nodes = builder.create_vector(&self.nodes);
        let buffers = builder.create_vector(&self.buffers);
        let variadic = builder.create_vector(&self.variadic);
        let mut batch = RecordBatchBuilder::new(&mut builder);
        batch.add_length(self.rows);
        batch.add_nodes(nodes);
        batch.add_buffers(buffers);
        batch.add_variadicBufferCounts(variadic);
        let batch = batch.finish();
        let (kind, header) = match self.dictionary {
            None => (MessageHeader::RecordBatch, batch.as_union_value()),
            Some((id, delta)) => {
                let mut dictionary = DictionaryBatchBuilder::new(&mut builder);
                dictionary.add_id(id);
                dictionary.add_data(batch);
                dictionary.add_isDelta(delta);
                (MessageHeader::DictionaryBatch, dictionary.finish().as_union_value())
            }
        };
        let mut message = MessageBuilder::new(&mut builder);
        message.add_version(MetadataVersion::V5);
        message.add_header_type(kind);
        message.add_header(header);
        message.add_bodyLength(self.claimed_body.unwrap_or(self.body.len() as i64));
        let message = message.finish();
        builder.finish(message, None);
        let mut head = builder.finished_data().to_vec();
        head.resize(head.len().next_multiple_of(8), 0);
        let mut bytes = vec![0xff; 4];
        bytes.extend((head.len() as u32).to_le_bytes());
        bytes.extend(head);
        bytes.extend(&self.body);
        bytes
    }
}

/// What is said of a stream of `schema` with these messages.
fn claimed(schema: &SchemaRef, messages: &[Claim]) -> String {
    let mut stream = schema_bytes(schema).unwrap();
    let end = stream.split_off(stream.len() - 8);
    stream.extend(messages.iter().flat_map(Claim::message));
    stream.extend(end);
    refused(stream, schema)
}

fn one(data_type: DataType) -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("a", data_type, true)]))
}

#[test]
fn a_stream_cut_short_anywhere_is_refused() {
    let rows = mixed().slice(0, 8);
    let stream = encode(&rows).unwrap();
    for length in 0..stream.len() {
        let message = refused(stream[..length].to_vec(), rows.schema_ref());
        assert!(
            message.contains("cut short") || message.contains("stops before its end marker"),
            "{length}: {message}"
        );
    }
}

#[test]
fn what_is_no_stream_is_called_that() {
    let schema = mixed().schema();
    assert!(refused(b"{\"id\": 1}\n".to_vec(), &schema).contains("not an Arrow IPC stream"));
    assert!(refused(b"PAR1PAR1".to_vec(), &schema).contains("not an Arrow IPC stream"));
    let mut longer = encode(&mixed()).unwrap();
    longer.extend(b"more");
    assert!(refused(longer, &schema).contains("4 bytes follow the end"));
    let two = [encode(&mixed()).unwrap(), encode(&mixed()).unwrap()].concat();
    assert!(refused(two, &schema).contains("bytes follow the end"));
}

#[test]
fn a_length_is_compared_with_what_is_there_before_anything_is_allocated() {
    let schema = one(DataType::Int64);
    for body in [4 << 30, i64::MAX, 1 << 50] {
        let message = claimed(&schema, &[Claim { claimed_body: Some(body), ..Claim::default() }]);
        assert!(message.contains("cut short: the body"), "{message}");
    }
    let message = claimed(&schema, &[Claim { claimed_body: Some(-1), ..Claim::default() }]);
    assert!(message.contains("claims -1 bytes"), "{message}");
}

#[test]
fn buffers_lie_within_their_body_and_apart() {
    let schema = one(DataType::Int64);
    let with = |buffers: Vec<Buffer>| {
        claimed(
            &schema,
            &[Claim {
                rows: 2,
                nodes: vec![FieldNode::new(2, 0)],
                buffers,
                body: vec![0; 16],
                ..Claim::default()
            }],
        )
    };
    for (offset, length) in
        [(0, 17), (-8, 16), (8, -8), (i64::MAX, 16), (16, i64::MAX), (i64::MIN, 0)]
    {
        let message = with(vec![Buffer::new(0, 0), Buffer::new(offset, length)]);
        assert!(message.contains("of a body of 16"), "{offset} {length}: {message}");
    }
    assert!(with(vec![Buffer::new(0, 16), Buffer::new(0, 16)]).contains("they overlap"));
    assert!(with(vec![Buffer::new(0, 16)]).contains("lacks buffers"));
    assert!(with(vec![Buffer::new(0, 0); 3]).contains("more than the columns"));
    assert!(with(vec![Buffer::new(0, 0), Buffer::new(0, 8)]).contains("damaged"));
}

#[test]
fn arrays_are_as_long_as_their_bytes_allow() {
    let with = |schema: SchemaRef, rows: i64, node: FieldNode, buffers: usize| {
        claimed(
            &schema,
            &[Claim {
                rows,
                nodes: vec![node],
                buffers: vec![Buffer::new(0, 0); buffers],
                ..Claim::default()
            }],
        )
    };
    for rows in [i64::MAX, 1 << 40, -1, i64::MIN] {
        let message = with(one(DataType::Null), rows, FieldNode::new(rows, rows), 0);
        assert!(message.contains(&format!("claims {rows} rows")), "{message}");
        let message = with(one(DataType::Null), 3, FieldNode::new(rows, 0), 0);
        assert!(message.contains(&format!("claims {rows} values")), "{message}");
    }
    let message = with(one(DataType::Int64), 3, FieldNode::new(3, -1), 2);
    assert!(message.contains("claims -1 nulls"), "{message}");
    let message = with(one(DataType::Int64), 3, FieldNode::new(3, 4), 2);
    assert!(message.contains("claims 4 nulls in 3"), "{message}");
    let message = with(one(DataType::Int64), 3, FieldNode::new(3, 0), 2);
    assert!(message.contains("damaged"), "{message}");
    let message = with(one(DataType::Int64), 3, FieldNode::new(2, 0), 2);
    assert!(message.contains("damaged"), "{message}");
}

/// What is said of a text column with these offsets over these bytes.
fn text(offsets: &[i32], bytes: &[u8]) -> String {
    let mut body: Vec<u8> = offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect();
    let at = body.len() as i64;
    body.extend(bytes);
    let rows = offsets.len() as i64 - 1;
    claimed(
        &one(DataType::Utf8),
        &[Claim {
            rows,
            nodes: vec![FieldNode::new(rows, 0)],
            buffers: vec![
                Buffer::new(0, 0),
                Buffer::new(0, at),
                Buffer::new(at, bytes.len() as i64),
            ],
            body,
            ..Claim::default()
        }],
    )
}

#[test]
fn offsets_and_text_are_read_to_the_end() {
    for (offsets, bytes) in [
        (&[0, 4, 2, 6][..], &b"abcdef"[..]),
        (&[0, 7], b"abcdef"),
        (&[-1, 3], b"abcdef"),
        (&[0, i32::MAX], b"abcdef"),
        (&[0, 3, 6], b"ab\xff\xfeef"),
        (&[0, 1, 2], "é".as_bytes()),
    ] {
        let message = text(offsets, bytes);
        assert!(message.contains("a batch is damaged"), "{offsets:?}: {message}");
    }
}

#[test]
fn offsets_are_whole_ones() {
    for (data_type, width, length) in [
        (DataType::Utf8, 4, 9),
        (DataType::LargeUtf8, 8, 20),
        (DataType::Int64, 8, 9),
        (DataType::Utf8View, 16, 24),
    ] {
        let variadic = vec![0; usize::from(data_type == DataType::Utf8View)];
        let buffers = match variadic.len() {
            0 if width < 8 || length > 16 => 3,
            _ => 2,
        };
        let mut buffers = vec![Buffer::new(0, 0); buffers];
        buffers[1] = Buffer::new(0, length);
        let message = claimed(
            &one(data_type),
            &[Claim {
                rows: 1,
                nodes: vec![FieldNode::new(1, 0)],
                buffers,
                variadic,
                body: vec![0; 24],
                ..Claim::default()
            }],
        );
        let said = format!("a buffer of {length} bytes: not a multiple of {width}");
        assert!(message.contains(&said), "{message}");
    }
}

#[test]
fn keys_stay_within_their_dictionary() {
    let schema = one(DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8)));
    let dictionary = |id, delta| Claim {
        dictionary: Some((id, delta)),
        rows: 1,
        nodes: vec![FieldNode::new(1, 0)],
        buffers: vec![Buffer::new(0, 0), Buffer::new(0, 8), Buffer::new(8, 1)],
        body: [&[0, 0, 0, 0, 1, 0, 0, 0][..], b"a"].concat(),
        ..Claim::default()
    };
    let keys = |key: u8| Claim {
        rows: 1,
        nodes: vec![FieldNode::new(1, 0)],
        buffers: vec![Buffer::new(0, 0), Buffer::new(0, 1)],
        body: vec![key],
        ..Claim::default()
    };
    assert!(claimed(&schema, &[dictionary(0, false), keys(1)]).contains("damaged"));
    assert!(claimed(&schema, &[dictionary(0, false), keys(0xff)]).contains("damaged"));
    assert!(claimed(&schema, &[keys(0)]).contains("damaged"));
    assert!(claimed(&schema, &[dictionary(7, false)]).contains("no column uses the dictionary 7"));
    assert!(claimed(&schema, &[dictionary(0, true)]).contains("in pieces"));
}

#[test]
fn views_stay_within_their_buffers() {
    let view = |words: [u32; 4], variadic: Vec<i64>| {
        claimed(
            &one(DataType::Utf8View),
            &[Claim {
                rows: 1,
                nodes: vec![FieldNode::new(1, 0)],
                buffers: vec![Buffer::new(0, 0), Buffer::new(0, 16), Buffer::new(16, 16)],
                variadic,
                body: [words.map(u32::to_le_bytes).concat(), b"a text of length".to_vec()].concat(),
                ..Claim::default()
            }],
        )
    };
    let prefix = u32::from_le_bytes(*b"a te");
    for words in [[16, prefix, 1, 0], [16, prefix, 0, 1], [17, prefix, 0, 0], [16, 0, 0, 0]] {
        assert!(view(words, vec![1]).contains("damaged"), "{words:?}");
    }
    for count in [-1, 2, i64::MAX] {
        let message = view([16, prefix, 0, 0], vec![count]);
        assert!(message.contains("claims") || message.contains("lacks"), "{count}: {message}");
    }
    assert!(view([16, prefix, 0, 0], vec![]).contains("claims -1 buffers"));
    assert!(view([16, prefix, 0, 0], vec![1, 1]).contains("more than the columns"));
}

#[test]
fn compressed_rows_are_refused() {
    let mut builder = FlatBufferBuilder::new();
    let compression = arrow_ipc::BodyCompressionBuilder::new(&mut builder).finish();
    let mut batch = RecordBatchBuilder::new(&mut builder);
    batch.add_compression(compression);
    let batch = batch.finish().as_union_value();
    let mut message = MessageBuilder::new(&mut builder);
    message.add_version(MetadataVersion::V5);
    message.add_header_type(MessageHeader::RecordBatch);
    message.add_header(batch);
    let message = message.finish();
    builder.finish(message, None);
    let head = builder.finished_data();
    let schema = one(DataType::Int64);
    let mut stream = schema_bytes(&schema).unwrap();
    let end = stream.split_off(stream.len() - 8);
    stream.extend([0xff; 4]);
    stream.extend((head.len() as u32).to_le_bytes());
    stream.extend(head);
    stream.extend(end);
    assert!(refused(stream, &schema).contains("compressed"));
}

#[test]
fn a_few_bytes_do_not_stand_for_gigabytes() {
    let long = "x".repeat(1 << 20);
    let keys = Int32Array::from(vec![0; 1000]);
    let dictionary =
        DictionaryArray::<Int32Type>::new(keys, Arc::new(StringArray::from(vec![long.as_str()])));
    let views = BinaryViewArray::from_iter_values([long.as_bytes()]);
    let views = BinaryViewArray::new(
        vec![views.views()[0]; 1000].into(),
        views.data_buffers().to_vec(),
        None,
    );
    let runs = RunArray::<Int32Type>::try_new(
        &Int32Array::from(vec![1000]),
        &StringArray::from(vec![long.as_str()]),
    )
    .unwrap();
    let columns: [ArrayRef; 3] = [Arc::new(dictionary), Arc::new(views), Arc::new(runs)];
    for column in columns {
        let rows = batch(vec![("a", column)]);
        let message = refused(encode(&rows).unwrap(), rows.schema_ref());
        assert!(message.contains("comes to 1000 MB"), "{message}");
        let rows = rows.slice(0, 5);
        assert_eq!(decode(encode(&rows).unwrap(), rows.schema_ref(), "x").unwrap(), [rows]);
    }
}

#[test]
fn a_million_rows_of_nothing_are_taken() {
    let rows = batch(vec![("a", Arc::new(NullArray::new(1_000_000)))]);
    assert_eq!(decode(encode(&rows).unwrap(), rows.schema_ref(), "x").unwrap(), [rows]);
}

#[test]
fn a_dictionary_handed_over_twice_counts_as_the_later_one() {
    let rows = |words: [&str; 2]| {
        batch(vec![("a", Arc::new(words.into_iter().collect::<DictionaryArray<Int8Type>>()))])
    };
    let schema = rows(["a", "b"]).schema();
    let mut stream = Vec::new();
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(&mut stream, &schema).unwrap();
    writer.write(&rows(["a", "b"])).unwrap();
    writer.write(&rows(["c", "d"])).unwrap();
    writer.finish().unwrap();
    drop(writer);
    let decoded = decode(stream, &schema, "x").unwrap();
    assert_eq!(decoded, [rows(["a", "b"]), rows(["c", "d"])]);
}
