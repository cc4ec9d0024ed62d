//! Servers that take their time, or never answer: how long somebody waits, and what he hears meanwhile.

use super::body::{bytes, reader};
use crate::support::faulty::{Asked, BUCKET, Fault, Faulty, error, settings};
use futures_util::TryStreamExt as _;
use jagad::store::{KeyPrefix, ObjectRole, S3Settings, S3Store, Store as _, StoreError, write_small};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tracing_subscriber::layer::SubscriberExt as _;

/// Long enough for every test.
const EVER: Duration = Duration::from_secs(3600);

type Call<'a> = std::pin::Pin<Box<dyn Future<Output = Result<(), StoreError>> + 'a>>;

/// A store that gives an answer one second to begin, with this server's failures tried again as in the field.
fn impatient(server: &Faulty) -> S3Store {
    S3Store::open(&S3Settings { answer_timeout: Duration::from_secs(1), attempts: 8, ..server.settings() })
        .expect("settings that work")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_is_given_up_within_a_few_answer_times() {
    let server = Faulty::start(|_| Fault::Delay(EVER)).await;
    let (store, key) = (impatient(&server), "k".parse().unwrap());
    let root = KeyPrefix::root();
    let keys = ["a".parse().unwrap(), "b".parse().unwrap()];
    let calls: [(&str, Call<'_>); 6] = [
        ("list", Box::pin(async { store.list(&root).try_collect::<Vec<_>>().await.map(|_| ()) })),
        ("get", Box::pin(async { store.get(&key).await.map(|_| ()) })),
        ("head", Box::pin(async { store.head(&key).await.map(|_| ()) })),
        (
            "put",
            Box::pin(async {
                write_small(&store, &key, vec![1; 120], ObjectRole::Mutable).await.map(|_| ())
            }),
        ),
        ("delete", Box::pin(async { store.delete(&keys).await })),
        ("clock", Box::pin(async { store.clock().await.map(|_| ()) })),
    ];
    let waits = calls.map(|(name, call)| async move {
        let began = Instant::now();
        let failed = call.await.expect_err("it never answers");
        assert!(matches!(failed, StoreError::Unreachable { .. }), "{name}: {failed}");
        assert!(failed.to_string().contains("no answer began within 1 s"), "{name}: {failed}");
        let waited = began.elapsed();
        assert!(waited < Duration::from_secs(12), "{name} waited {waited:?}");
    });
    futures_util::future::join_all(waits).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_moves_outlives_the_time_for_an_answer() {
    let server = Faulty::start(|_| Fault::Pass).await;
    let settings = S3Settings {
        answer_timeout: Duration::from_secs(1),
        bandwidth: Some(jagad::model::ByteSize(1 << 20)),
        ..server.settings()
    };
    let store = S3Store::open(&settings).expect("settings that work");
    let body = bytes(3 << 20);
    store
        .put(&"k".parse().unwrap(), reader(body), ObjectRole::Mutable)
        .await
        .expect("three seconds of moving");
    assert_eq!(server.count(|asked| asked.method == http::Method::PUT), 1, "it was tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_never_answers_is_given_up_in_sight() {
    let hung = Arc::new(Mutex::new(false));
    let hangs = Arc::clone(&hung);
    let server = Faulty::start(move |asked: &Asked| {
        let mut hung = hangs.lock().unwrap();
        *hung |= asked.is_complete();
        if *hung { Fault::Delay(EVER) } else { Fault::Pass }
    })
    .await;
    let (store, began) = (impatient(&server), Instant::now());
    let put = store.put(&"k".parse().unwrap(), reader(bytes((5 << 20) + 1)), ObjectRole::Data).await;
    assert!(matches!(put, Err(StoreError::Unreachable { .. })), "{put:?}");
    // The time for joining parts, the look, and the abort.
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    assert_eq!(server.count(Asked::is_complete), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_alone_never_answers_is_tried_three_times() {
    let server =
        Faulty::start(|asked: &Asked| if asked.is_complete() { Fault::Delay(EVER) } else { Fault::Pass })
            .await;
    let (store, began) = (impatient(&server), Instant::now());
    let put = store.put(&"k".parse().unwrap(), reader(bytes((5 << 20) + 1)), ObjectRole::Data).await;
    assert!(matches!(put, Err(StoreError::Unreachable { .. })), "{put:?}");
    assert!(began.elapsed() < Duration::from_secs(180), "{:?}", began.elapsed());
    assert_eq!(server.count(Asked::is_complete), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_is_slow_and_alive_while_blanks_come() {
    let server = Faulty::start(|asked: &Asked| {
        if asked.is_complete() { Fault::Blanks(Duration::from_millis(500), 8) } else { Fault::Pass }
    })
    .await;
    let store = impatient(&server);
    store
        .put(&"k".parse().unwrap(), reader(bytes((5 << 20) + 1)), ObjectRole::Data)
        .await
        .expect("a slow success");
    assert_eq!(server.count(Asked::is_complete), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_a_completion_is_recognised_however_it_is_written() {
    for body in [
        "<Error xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Code>AccessDenied</Code><Message>m</Message></Error>",
        "<?xml version=\"1.0\"?>\n\n<Error ><Code>AccessDenied</Code><Message>m</Message></Error>",
        "<s3:Error xmlns:s3=\"http://s3.amazonaws.com/doc/2006-03-01/\"><s3:Code>AccessDenied</s3:Code>\
         <s3:Message>m</s3:Message></s3:Error>",
    ] {
        let server = Faulty::start(move |asked: &Asked| {
            if asked.is_complete() { Fault::Answer(200, body.to_owned()) } else { Fault::Pass }
        })
        .await;
        let put =
            server.store().put(&"k".parse().unwrap(), reader(bytes((5 << 20) + 1)), ObjectRole::Data).await;
        let text = put.expect_err("it was not completed").to_string();
        assert!(text.contains("AccessDenied: m"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_shows_a_moment_after_its_completion_is_there() {
    let completed = Arc::new(Mutex::new((false, 0)));
    let looks = Arc::clone(&completed);
    let server = Faulty::start(move |asked: &Asked| {
        let mut state = looks.lock().unwrap();
        state.0 |= asked.is_complete();
        if state.0 && asked.method == http::Method::HEAD && state.1 < 2 {
            state.1 += 1;
            return error(404, "NoSuchKey");
        }
        Fault::Pass
    })
    .await;
    let put = server.store().put(&"k".parse().unwrap(), reader(bytes((5 << 20) + 1)), ObjectRole::Data).await;
    put.expect("it is there at the third look");
    assert_eq!(server.count(Asked::is_complete), 1);
}

/// Warnings that were logged.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Heard {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        struct Words(String);
        impl tracing::field::Visit for Words {
            fn record_debug(&mut self, _: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0.push_str(&format!("{value:?} "));
            }
        }
        if *event.metadata().level() == tracing::Level::WARN && event.metadata().target().starts_with("jagad")
        {
            let mut words = Words(String::new());
            event.record(&mut words);
            self.0.lock().unwrap().push(words.0);
        }
    }
}

#[tokio::test]
async fn the_first_retry_is_told_once() {
    let server =
        Faulty::start(|asked| if asked.before < 3 { error(503, "SlowDown") } else { Fault::Pass }).await;
    let store = S3Store::open(&S3Settings { attempts: 8, ..server.settings() }).unwrap();
    let heard = Heard::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(heard.clone()));
    store.head(&"k".parse().unwrap()).await.expect("the fourth try");
    let heard = heard.0.lock().unwrap().clone();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].contains("503") && heard[0].contains("look up `k`"), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_cannot_be_looked_up_is_told_within_ten_seconds() {
    let mut settings = settings("http://jagad-is-not-here.invalid:9000", BUCKET);
    settings.attempts = 8;
    settings.retry_base = Duration::from_millis(200);
    let (store, began) = (S3Store::open(&settings).unwrap(), Instant::now());
    let failed = store.clock().await.expect_err("there is no such host");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(failed.to_string().contains("`jagad-is-not-here.invalid`"), "{failed}");
}
