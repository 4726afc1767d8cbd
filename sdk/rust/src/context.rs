//! For whom a connector works.

/// For whom a session was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    values: Vec<(String, String)>,
}

impl Context {
    pub(crate) fn new(values: Vec<(String, String)>) -> Self {
        Self { values }
    }

    /// The flow's name.
    pub fn flow(&self) -> &str {
        self.get("flow").unwrap_or_default()
    }

    /// The entity's name.
    pub fn entity(&self) -> &str {
        self.get("entity").unwrap_or_default()
    }

    /// Names this run.
    pub fn run_id(&self) -> &str {
        self.get("run-id").unwrap_or_default()
    }

    /// What a host says beyond that.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}
