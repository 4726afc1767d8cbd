//! A load that was cut short goes on behind its last checkpoint.

use hygge_core::fault::FaultKind;

use super::super::detail::Staging;
use super::*;

impl Project {
    async fn resume(
        &self,
        store: &dyn Store,
        run: &str,
        from: &Manifest,
    ) -> Result<Box<dyn Writer>, Fault> {
        let load = LoadRequest { schema: rows(&[]).schema(), mode: from.mode, follows: None };
        store.resume(&load, from, self.context(run)).await
    }

    async fn write(&self, writer: &mut Box<dyn Writer>, ids: &[i64]) {
        let rows = rows(ids);
        let permit = self.share.acquire(rows.get_array_memory_size()).await;
        writer.write(Batch { rows, permit }).await.unwrap();
    }

    /// A load of four rows in two files, killed with a fifth under way.
    async fn killed(&self, store: &dyn Store, mode: Mode) -> Manifest {
        let mut writer = self.begin(store, "killed", mode, rows(&[]).schema()).await.unwrap();
        let mut last = None;
        for (ids, count) in [([1, 2], 2), ([3, 4], 4)] {
            self.write(&mut writer, &ids).await;
            last = writer.checkpoint().await.unwrap();
            assert_eq!(last.as_ref().unwrap().rows, count);
        }
        self.write(&mut writer, &[5]).await;
        last.unwrap()
    }
}

/// The ids in a folder of files of any format, in the order of their names.
fn texts(folder: &Path) -> Vec<String> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[tokio::test]
async fn a_killed_load_goes_on_in_another_process() {
    for durability in [Durability::Disk, Durability::Process] {
        for mode in [Mode::Replace, Mode::Append] {
            let mut project = Project::new();
            project.durability = durability;
            let store = project.parquet();
            project.load(store.as_ref(), "first", mode, &[rows(&[0])]).await;
            let from = project.killed(store.as_ref(), mode).await;
            store.sweep(Some(&from)).await.unwrap();
            // Somebody may ask for more safety meanwhile.
            project.durability = Durability::Disk;
            let mut writer = project.resume(store.as_ref(), "next", &from).await.unwrap();
            project.write(&mut writer, &[5, 6]).await;
            let staged = writer.stage().await.unwrap();
            assert_eq!((staged.rows, staged.manifest.rows), (6, 6));
            assert_eq!(staged.manifest.entity_run_id, "next");
            assert_eq!(ids(&project.table()), [(number(1), vec![0])], "nothing is visible");
            let published = store.publish(&staged.manifest).await.unwrap();
            assert_eq!((published.rows, published.parts), (6, 3));
            store.sweep(None).await.unwrap();
            let mut expected = vec![vec![1, 2], vec![3, 4], vec![5, 6]];
            if mode == Mode::Append {
                expected.insert(0, vec![0]);
            }
            let expected: Vec<_> = (1..).zip(expected).map(|(at, ids)| (number(at), ids)).collect();
            assert_eq!(ids(&project.table()), expected);
            assert_eq!(project.everything().len(), expected.len(), "{:?}", project.everything());
            assert_eq!(project.budget.used(), 0);
        }
    }
}

#[tokio::test]
async fn files_of_text_go_on_as_well() {
    for (format, ending) in
        [("csv", "id,name\n5,name 5\n"), ("ndjson", "{\"id\":5,\"name\":\"name 5\"}\n")]
    {
        let project = Project::new();
        let store = project.local(mapping([("path", text("out")), ("format", text(format))]));
        let from = project.killed(store.as_ref(), Mode::Replace).await;
        let mut writer = project.resume(store.as_ref(), "next", &from).await.unwrap();
        project.write(&mut writer, &[5]).await;
        let staged = writer.stage().await.unwrap();
        assert_eq!(store.publish(&staged.manifest).await.unwrap().rows, 5);
        store.sweep(None).await.unwrap();
        let texts = texts(&project.table());
        assert_eq!((texts.len(), texts[2].as_str()), (3, ending));
    }
}

#[tokio::test]
async fn an_earlier_checkpoint_is_good_until_the_load_is_published() {
    // What came after it is there in full, even staged: nobody journalled that.
    let project = Project::new();
    let store = project.parquet();
    let mut writer =
        project.begin(store.as_ref(), "r", Mode::Replace, rows(&[]).schema()).await.unwrap();
    project.write(&mut writer, &[1]).await;
    let first = writer.checkpoint().await.unwrap().unwrap();
    project.write(&mut writer, &[2]).await;
    writer.checkpoint().await.unwrap().unwrap();
    writer.stage().await.unwrap();
    let staging = Staging::new(&first.staging);
    assert!(staging.manifest().exists());
    for run in ["second", "third"] {
        let mut writer = project.resume(store.as_ref(), run, &first).await.unwrap();
        assert!(!staging.manifest().exists());
        assert_eq!(ids(&staging.data()), [(number(1), vec![1])]);
        project.write(&mut writer, &[2, 3]).await;
        writer.checkpoint().await.unwrap().unwrap();
        writer.leave().await;
    }
    let writer = project.resume(store.as_ref(), "fourth", &first).await.unwrap();
    let staged = writer.stage().await.unwrap();
    assert_eq!(staged.rows, 1);
    store.publish(&staged.manifest).await.unwrap();
    store.sweep(None).await.unwrap();
    assert_eq!(ids(&project.table()), [(number(1), vec![1])]);
}

#[tokio::test]
async fn what_is_no_longer_as_it_was_is_not_gone_on_with() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 5] = [
        ("gone", |staging| fs::remove_dir_all(staging).unwrap()),
        ("without data", |staging| fs::remove_dir_all(staging.join("data")).unwrap()),
        ("a file less", |staging| fs::remove_file(staging.join("data").join(number(1))).unwrap()),
        ("a shorter file", |staging| {
            let file = staging.join("data").join(number(2));
            fs::File::options().write(true).open(file).unwrap().set_len(9).unwrap();
        }),
        ("a folder in place of a file", |staging| {
            let file = staging.join("data").join(number(2));
            fs::remove_file(&file).unwrap();
            fs::create_dir(&file).unwrap();
        }),
    ];
    for (what, damage) in damages {
        let project = Project::new();
        let store = project.parquet();
        let from = project.killed(store.as_ref(), Mode::Replace).await;
        damage(Path::new(&from.staging));
        let fault = project.resume(store.as_ref(), "next", &from).await.err().unwrap();
        assert_eq!(fault.kind(), FaultKind::Missing, "{what}: {fault}");
        // Everything is loaded again.
        store.sweep(None).await.unwrap();
        project.load(store.as_ref(), "anew", Mode::Replace, &[rows(&[1])]).await;
        assert_eq!(project.everything(), [format!("out/orders/{}", number(1))], "{what}");
    }
    let (project, other) = (Project::new(), Project::new());
    let from = project.killed(project.parquet().as_ref(), Mode::Replace).await;
    let fault = other.resume(other.parquet().as_ref(), "next", &from).await.err().unwrap();
    assert_eq!(fault.kind(), FaultKind::Missing, "{fault}");
}

#[tokio::test]
async fn who_leaves_keeps_its_checkpoint_and_who_aborts_does_not() {
    let project = Project::new();
    let store = project.parquet();
    let from = project.killed(store.as_ref(), Mode::Replace).await;
    let mut writer = project.resume(store.as_ref(), "next", &from).await.unwrap();
    project.write(&mut writer, &[5]).await;
    writer.leave().await;
    store.sweep(Some(&from)).await.unwrap();
    let writer = project.resume(store.as_ref(), "next", &from).await.unwrap();
    writer.abort().await;
    assert_eq!(project.everything(), ["out/"]);
    let from = project.killed(store.as_ref(), Mode::Replace).await;
    store.sweep(None).await.unwrap();
    assert!(project.resume(store.as_ref(), "next", &from).await.is_err());
}

#[tokio::test]
async fn a_file_of_exactly_so_many_rows_is_not_cut_short() {
    let project = Project::new();
    let store = project.local(mapping([("path", text("out")), ("batch_size", Value::Int(2))]));
    let mut writer =
        project.begin(store.as_ref(), "r", Mode::Replace, rows(&[]).schema()).await.unwrap();
    project.write(&mut writer, &[1, 2, 3]).await;
    assert_eq!(writer.checkpoint().await.unwrap(), None);
    project.write(&mut writer, &[4]).await;
    assert_eq!(writer.checkpoint().await.unwrap().unwrap().rows, 4);
    project.write(&mut writer, &[5]).await;
    let staged = writer.stage().await.unwrap();
    store.publish(&staged.manifest).await.unwrap();
    let sizes: Vec<usize> = ids(&project.table()).iter().map(|(_, ids)| ids.len()).collect();
    assert_eq!(sizes, [2, 2, 1]);
}

#[tokio::test]
async fn rows_of_one_load_have_one_time() {
    let project = Project::new();
    let rule = mapping([("name", text("at"))]);
    let polish = mapping([("timestamps", list([Value::Mapping(rule)]))]);
    let store = project.local(mapping([("path", text("out")), ("polish", Value::Mapping(polish))]));
    let from = project.killed(store.as_ref(), Mode::Replace).await;
    let mut writer = project.resume(store.as_ref(), "next", &from).await.unwrap();
    project.write(&mut writer, &[5]).await;
    let staged = writer.stage().await.unwrap();
    store.publish(&staged.manifest).await.unwrap();
    let column = |file: u64| {
        let rows = read_file(&project.table().join(number(file)));
        rows[0].column_by_name("at").unwrap().slice(0, 1)
    };
    assert_eq!(&column(1), &column(3));
}
