//! Whole projects on disk, read with kinds that only remember how they were configured.

mod connectors;
mod editor;
mod fingerprints;
mod kinds;
mod mistakes;
mod plans;
mod selections;
mod trees;

use std::collections::HashMap;
use std::path::Path;

use super::load::{Request, load};
use super::plan::{EntityPlan, Plan};
use super::problem::Problems;
use super::render::render;

/// A project in a folder of its own.
struct Scene {
    folder: tempfile::TempDir,
    variables: HashMap<String, String>,
    request: Request,
}

impl Scene {
    /// Files by their path, each with its text.
    fn new(files: &[(&str, &str)]) -> Self {
        let scene = Self {
            folder: tempfile::tempdir().unwrap(),
            variables: HashMap::new(),
            request: Request::default(),
        };
        for (path, text) in files {
            scene.write(path, text.as_bytes());
        }
        scene
    }

    /// A project of one flow, `shop`.
    fn of_flow(flow: &str) -> Self {
        Self::new(&[("hygge.yml", "name: test\n"), ("flows/shop/flow.yml", flow)])
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    fn request(mut self, change: impl FnOnce(&mut Request)) -> Self {
        change(&mut self.request);
        self
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn load(&self) -> Result<Plan, Problems> {
        let env = |name: &str| self.variables.get(name).cloned();
        load(self.root(), &kinds::source, &self.request, &env)
    }

    /// The plan of a project without mistakes.
    fn plan(&self) -> Plan {
        self.load().unwrap_or_else(|problems| panic!("{}", render(&problems, false)))
    }

    /// All mistakes as they are shown.
    fn mistakes(&self) -> String {
        match self.load() {
            Ok(plan) => panic!("no mistakes in {plan:?}"),
            Err(problems) => {
                render(&problems, false).replace(&self.root().display().to_string(), "<root>")
            }
        }
    }

    /// Every entity with its home and store, one in a line.
    fn moves(&self) -> String {
        self.plan().entities.iter().map(|entity| self.shown(entity) + "\n").collect()
    }

    fn shown(&self, entity: &EntityPlan) -> String {
        let text = format!(
            "{}.{}: {} -> {}",
            entity.name.flow,
            entity.name.entity,
            entity.home.location(),
            entity.store.location(),
        );
        text.replace(&self.root().display().to_string(), "<root>")
    }
}
