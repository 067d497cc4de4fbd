//! A network, loaded and ready to run on one thread.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView};

use crate::engine::ReadError;

/// A network with one set of outputs that is asked for.
pub(crate) struct Network {
    model: Model,
    inputs: Vec<NodeId>,
    outputs: Vec<NodeId>,
}

impl Network {
    /// Loads `FOLDER/NAME` and looks up its inputs and outputs by name; an output may be any
    /// value within the network.
    pub(crate) fn open(
        folder: &Path,
        name: &str,
        inputs: &[&str],
        outputs: &[&str],
    ) -> Result<Self, ReadError> {
        let missing =
            || ReadError::NoModel { folder: folder.to_owned(), language: name.to_owned() };
        let bytes = std::fs::read(folder.join(name)).map_err(|_| missing())?;
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let model = options.load(bytes).map_err(|_| missing())?;
        let nodes = |names: &[&str]| -> Result<Vec<NodeId>, ReadError> {
            names.iter().map(|name| model.node_id(name).map_err(|_| missing())).collect()
        };
        Ok(Self { inputs: nodes(inputs)?, outputs: nodes(outputs)?, model })
    }

    /// Runs the network; inputs and outputs in the order they were named in.
    pub(crate) fn run(&self, inputs: Vec<ValueOrView<'_>>) -> Result<Vec<Value>, ReadError> {
        let inputs = self.inputs.iter().copied().zip(inputs).collect();
        let mut options = RunOptions::default();
        options.thread_pool = Some(one_thread());
        let stopped = |_| ReadError::Stopped("a network failed");
        self.model.run(inputs, &self.outputs, Some(options)).map_err(stopped)
    }
}

/// The thread that all networks of this process run on: there is one reader a core.
fn one_thread() -> Arc<ThreadPool> {
    static THREAD: OnceLock<Arc<ThreadPool>> = OnceLock::new();
    THREAD.get_or_init(|| Arc::new(ThreadPool::with_num_threads(1))).clone()
}
