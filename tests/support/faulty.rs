//! An S3 server in this process (s3s-fs) that can be told to fail, and that remembers what it was asked.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use jagad::model::{ByteSize, Secret};
use jagad::store::settings::{S3Checksum, S3Credentials};
use jagad::store::{S3Settings, S3Store};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError, S3};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) const BUCKET: &str = "bkt";

/// What the server does with one request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    Pass,
    /// Answers with this status and body; the request has no effect.
    Answer(u16, String),
    /// Answers that it is done, and does nothing.
    Swallow,
    /// Passes the request on, this much later.
    Delay(Duration),
    /// Closes the connection; the request has no effect.
    Drop,
    /// Closes the connection after the request has had its effect: the answer is lost.
    DropAfter,
    /// Sends the head of a success at once, and then so many blanks with this pause before each, before the answer's body.
    Blanks(Duration, usize),
    /// Sends this many bytes of the answer's body, then closes the connection.
    Truncate(usize),
    /// Sends this many bytes of the answer's body as if they were all of it.
    Shorten(usize),
}

/// An answer with an S3 error in its body.
pub(crate) fn error(status: u16, code: &str) -> Fault {
    Fault::Answer(
        status,
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>injected</Message></Error>"),
    )
}

/// One request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: http::HeaderMap,
    /// How many requests of the same method, path, query and range came before.
    pub(crate) before: usize,
}

impl Asked {
    pub(crate) fn is_part(&self, number: u32) -> bool {
        self.method == Method::PUT && self.query.contains(&format!("partNumber={number}&"))
    }
    pub(crate) fn is_begin(&self) -> bool {
        self.method == Method::POST && self.query == "uploads="
    }
    pub(crate) fn is_complete(&self) -> bool {
        self.method == Method::POST && self.query.starts_with("uploadId=")
    }
    pub(crate) fn is_abort(&self) -> bool {
        self.method == Method::DELETE && self.query.starts_with("uploadId=")
    }
    pub(crate) fn is_plain(&self, method: &Method) -> bool {
        self.method == *method && self.query.is_empty()
    }
}

type Hook = Arc<dyn Fn(&Asked) -> Fault + Send + Sync>;

/// A running server. It ends with the test's runtime.
pub(crate) struct Faulty {
    pub(crate) endpoint: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    directory: Option<tempfile::TempDir>,
}

impl Faulty {
    /// A server with one bucket in a temporary directory.
    pub(crate) async fn start(hook: impl Fn(&Asked) -> Fault + Send + Sync + 'static) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(directory.path().join(BUCKET)).expect("a bucket");
        let files = s3s_fs::FileSystem::new(directory.path()).expect("a file system");
        let mut server = Self::serving(files, hook).await;
        server.directory = Some(directory);
        server
    }

    /// A server that behaves as `s3` does.
    pub(crate) async fn serving(s3: impl S3, hook: impl Fn(&Asked) -> Fault + Send + Sync + 'static) -> Self {
        let (asked, service) = (Arc::default(), service(s3));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let handler = Handler { service, hook: Arc::new(hook), asked: Arc::clone(&asked) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(handler.clone().connection(stream));
            }
        });
        Self { endpoint, asked, directory: None }
    }

    pub(crate) fn settings(&self) -> S3Settings {
        settings(&self.endpoint, BUCKET)
    }

    pub(crate) fn store(&self) -> S3Store {
        S3Store::open(&self.settings()).expect("settings that work")
    }

    /// The folder of buckets, where it is a server of [`Faulty::start`].
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.directory.as_ref().expect("a directory").path()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("the log").clone()
    }

    pub(crate) fn count(&self, which: impl Fn(&Asked) -> bool) -> usize {
        self.asked().iter().filter(|asked| which(asked)).count()
    }
}

/// An S3 service that checks signatures.
pub(crate) fn service(s3: impl S3) -> S3Service {
    let mut builder = S3ServiceBuilder::new(s3);
    builder.set_auth(SimpleAuth::from_single("AK", "SK"));
    builder.build()
}

/// Settings with few and short retries and the smallest parts that S3 allows.
pub(crate) fn settings(endpoint: &str, bucket: &str) -> S3Settings {
    S3Settings {
        endpoint: Some(endpoint.to_owned()),
        bucket: bucket.to_owned(),
        region: "us-east-1".to_owned(),
        prefix: "pre/fix".to_owned(),
        credentials: credentials("AK", "SK"),
        path_style: None,
        tls_ca: None,
        insecure_tls: false,
        allow_http: true,
        storage_class: None,
        sse: None,
        kms_key_id: None,
        object_lock_days: 0,
        part_size: ByteSize::mib(5),
        max_parts: 1000,
        uploads: 3,
        checksum: S3Checksum::Auto,
        bandwidth: None,
        answer_timeout: Duration::from_secs(30),
        attempts: 4,
        retry_base: Duration::from_millis(2),
    }
}

pub(crate) fn credentials(access_key: &str, secret_key: &str) -> S3Credentials {
    S3Credentials::Static {
        access_key: access_key.to_owned(),
        secret_key: Secret::new(secret_key.to_owned()),
        session_token: None,
    }
}

#[derive(Clone)]
struct Handler {
    service: S3Service,
    hook: Hook,
    asked: Arc<Mutex<Vec<Asked>>>,
}

fn injected() -> HttpError {
    HttpError::new(Box::new(std::io::Error::other("injected")))
}

impl Handler {
    async fn connection(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = hyper::service::service_fn(move |request| self.clone().handle(request));
        // A connection that a fault has closed is no failure of the test.
        let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
    }

    fn note(&self, request: &Request<Incoming>) -> Asked {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let query = request.uri().query().unwrap_or_default().to_owned();
        let mut log = self.asked.lock().expect("the log");
        let range = request.headers().get("range");
        let same = |asked: &&Asked| {
            (&asked.method, &asked.path, &asked.query) == (&method, &path, &query)
                && asked.headers.get("range") == range
        };
        let before = log.iter().filter(same).count();
        let asked = Asked { method, path, query, headers: request.headers().clone(), before };
        log.push(asked.clone());
        asked
    }

    async fn handle(self, request: Request<Incoming>) -> Result<Response<Body>, HttpError> {
        let fault = (self.hook)(&self.note(&request));
        match fault {
            Fault::Pass => self.service.call(request.map(Body::from)).await,
            Fault::Delay(time) => {
                tokio::time::sleep(time).await;
                self.service.call(request.map(Body::from)).await
            }
            Fault::Drop => Err(injected()),
            Fault::DropAfter => {
                let answer = self.service.call(request.map(Body::from)).await?;
                BodyExt::collect(answer.into_body()).await.ok();
                Err(injected())
            }
            Fault::Answer(status, body) => {
                BodyExt::collect(request.into_body()).await.ok();
                Ok(Response::builder().status(status).body(Body::from(body)).expect("an answer"))
            }
            Fault::Blanks(pause, count) => {
                let blanks = stream::iter(0..count).then(move |_| async move {
                    tokio::time::sleep(pause).await;
                    Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b" ")))
                });
                let end = stream::once(async move {
                    let answer =
                        self.service.call(request.map(Body::from)).await.map_err(std::io::Error::other)?;
                    let body = BodyExt::collect(answer.into_body()).await.map_err(std::io::Error::other)?;
                    Ok(Frame::data(body.to_bytes()))
                });
                Ok(Response::new(Body::http_body_unsync(StreamBody::new(StreamExt::chain(blanks, end)))))
            }
            Fault::Swallow => {
                BodyExt::collect(request.into_body()).await.ok();
                let tag = "\"d41d8cd98f00b204e9800998ecf8427e\"";
                Ok(Response::builder().header("etag", tag).body(Body::empty()).expect("an answer"))
            }
            Fault::Shorten(length) => {
                let (mut head, body) = self.service.call(request.map(Body::from)).await?.into_parts();
                let all = BodyExt::collect(body).await.map_err(|_| injected())?.to_bytes();
                let body = all.slice(..length.min(all.len()));
                head.headers.insert("content-length", body.len().into());
                Ok(Response::from_parts(head, Body::from(body)))
            }
            Fault::Truncate(length) => {
                let (head, body) = self.service.call(request.map(Body::from)).await?.into_parts();
                let all = BodyExt::collect(body).await.map_err(|_| injected())?.to_bytes();
                let begin = Frame::data(all.slice(..length.min(all.len())));
                let is_cut = length < all.len();
                let end = async move {
                    // Without a pause hyper drops the connection before what it was given has left.
                    tokio::task::yield_now().await;
                    if is_cut { Err(std::io::Error::other("cut")) } else { Ok(Frame::data(Bytes::new())) }
                };
                let frames = StreamExt::chain(stream::once(async { Ok(begin) }), stream::once(end));
                let body = StreamBody::new(frames);
                Ok(Response::from_parts(head, Body::http_body_unsync(body)))
            }
        }
    }
}
