//! Settings that cannot work are refused before anything is sent.

use crate::support::faulty::settings;
use jagad::model::ByteSize;
use jagad::store::{LocalSettings, S3Settings, StoreError, StoreSettings, open};

type Change = Box<dyn FnOnce(&mut S3Settings)>;

fn told(change: impl FnOnce(&mut S3Settings)) -> String {
    let mut settings = settings("https://s3.example.com", "bkt");
    settings.allow_http = false;
    change(&mut settings);
    match open(&StoreSettings::S3(Box::new(settings))) {
        Err(StoreError::Settings { detail }) => detail,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_endpoint_without_encryption_needs_to_be_meant() {
    let detail = told(|settings| settings.endpoint = Some("http://127.0.0.1:9000".to_owned()));
    assert!(detail.contains("not encrypted") && detail.contains("allow_http = true"), "{detail}");
}

#[test]
fn settings_out_of_bounds_are_refused_with_their_bounds() {
    let table: [(&str, Change); 10] = [
        ("5 MiB to 5 GiB", Box::new(|settings| settings.part_size = ByteSize::mib(4))),
        ("1 to 10000", Box::new(|settings| settings.max_parts = 0)),
        ("1 to 10000", Box::new(|settings| settings.max_parts = 10_001)),
        ("1 to 64", Box::new(|settings| settings.uploads = 0)),
        ("bucket", Box::new(|settings| settings.bucket = "a/b".to_owned())),
        ("prefix", Box::new(|settings| settings.prefix = "/a".to_owned())),
        ("prefix", Box::new(|settings| settings.prefix = "x".repeat(121))),
        ("path", Box::new(|settings| settings.endpoint = Some("https://h/bkt".to_owned()))),
        ("https://", Box::new(|settings| settings.endpoint = Some("h:9000".to_owned()))),
        ("tls_ca", Box::new(|settings| settings.tls_ca = Some("/nonexistent/ca.pem".into()))),
    ];
    for (word, change) in table {
        let detail = told(change);
        assert!(detail.contains(word), "{word}: {detail}");
    }
}

#[test]
fn an_endpoint_with_credentials_is_refused_without_showing_them() {
    let detail = told(|settings| settings.endpoint = Some("https://user:hunter2@h".to_owned()));
    assert!(detail.contains("credentials") && !detail.contains("hunter2"), "{detail}");
}

#[test]
fn a_store_describes_itself_for_people() {
    let mut aws = settings("", "bkt");
    aws.endpoint = None;
    let store = open(&StoreSettings::S3(Box::new(aws))).unwrap();
    assert_eq!(store.describe(), "s3://bkt/pre/fix at https://s3.us-east-1.amazonaws.com");
    let directory = tempfile::tempdir().unwrap();
    let store = open(&StoreSettings::Local(LocalSettings { path: directory.path().to_owned() })).unwrap();
    assert!(store.describe().starts_with("directory /"), "{}", store.describe());
}
