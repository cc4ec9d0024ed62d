//! Stores: a directory, an S3 server in this process that can be told to fail, and a real gateway.

use crate::support::bucket;
use crate::support::faulty::{Asked, BUCKET, Fault, Faulty};
use crate::support::presence::{Need, server_from};
use jagad::model::random_word;
use std::sync::{Arc, Mutex};

type Hook = Box<dyn FnMut(&Asked) -> Fault + Send>;

/// Where a test's backups go.
pub(crate) enum Place {
    /// A directory of the bench.
    Local,
    /// A server of this test.
    Server(Server),
    /// A bucket of its own on the gateway.
    Gateway { endpoint: String, bucket: String },
}

impl Place {
    pub(crate) fn server() -> Self {
        Self::Server(Server::start())
    }

    /// `None`, loudly, when there is no gateway.
    pub(crate) fn gateway() -> Option<Self> {
        let endpoint = server_from("JAGAD_TEST_RGW", Need::Required)?;
        let bucket = format!("jagad-it-{}", random_word(10));
        alone(bucket::create(&endpoint, &bucket, http::HeaderMap::new()));
        Some(Self::Gateway { endpoint, bucket })
    }

    /// Uploads to the gateway that were begun and never ended.
    pub(crate) fn unfinished(&self) -> usize {
        let Self::Gateway { endpoint, bucket } = self else { panic!("this store is not the gateway") };
        alone(bucket::unfinished_uploads(endpoint, bucket))
    }

    /// The table of the configuration.
    pub(crate) fn table(&self) -> String {
        let s3 = |endpoint: &str, bucket: &str, region: &str, keys: (&str, &str)| {
            format!(
                "type = \"s3\"\nendpoint = \"{endpoint}\"\nbucket = \"{bucket}\"\nregion = \"{region}\"\nprefix = \"pre/fix\"\n\
                 access_key = \"{}\"\nsecret_key = \"{}\"\nallow_http = true\npart_size = \"5MiB\"\nuploads = 2\n",
                keys.0, keys.1
            )
        };
        match self {
            Self::Local => "type = \"local\"\npath = \"store\"\n".to_owned(),
            Self::Server(server) => s3(server.endpoint(), BUCKET, "us-east-1", ("AK", "SK")),
            Self::Gateway { endpoint, bucket } => s3(endpoint, bucket, "default", ("test", "testsecret")),
        }
    }
}

fn alone<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// An S3 server in this process with a thread of its own, so that a test may wait for the program meanwhile.
pub(crate) struct Server {
    faulty: Faulty,
    hook: Arc<Mutex<Hook>>,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    pub(crate) fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let pass: Hook = Box::new(|_| Fault::Pass);
        let hook = Arc::new(Mutex::new(pass));
        let asks = Arc::clone(&hook);
        let faulty = runtime.block_on(Faulty::start(move |asked| (asks.lock().unwrap())(asked)));
        Self { faulty, hook, _runtime: runtime }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.faulty.endpoint
    }

    /// From now on requests get what `hook` says.
    pub(crate) fn fail(&self, hook: impl FnMut(&Asked) -> Fault + Send + 'static) {
        *self.hook.lock().unwrap() = Box::new(hook);
    }

    /// From now on every request passes.
    pub(crate) fn end_faults(&self) {
        self.fail(|_| Fault::Pass);
    }

    pub(crate) fn count(&self, which: impl Fn(&Asked) -> bool) -> usize {
        self.faulty.count(which)
    }

    /// The bucket as the server keeps it.
    pub(crate) fn folder(&self) -> std::path::PathBuf {
        self.faulty.folder().join(BUCKET)
    }
}
