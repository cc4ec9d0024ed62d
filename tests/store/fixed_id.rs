//! A server whose upload ids need percent-encoding, as Cloudflare R2's do.

use super::body::{bytes, reader};
use crate::support::faulty::{Asked, Fault, Faulty};
use futures_util::StreamExt as _;
use jagad::store::{ObjectRole, Store as _};
use s3s::dto;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use std::sync::Mutex;

const ID: &str = "a+b/c==";

/// Counts the bytes of its parts and remembers the metadata; keeps nothing else.
#[derive(Default)]
struct FixedId {
    metadata: Mutex<Option<dto::Metadata>>,
    bytes: Mutex<i64>,
    completed: Mutex<bool>,
}

fn check(id: &str) -> S3Result<()> {
    if id == ID { Ok(()) } else { Err(s3_error!(NoSuchUpload)) }
}

#[async_trait::async_trait]
impl S3 for FixedId {
    async fn create_multipart_upload(
        &self,
        request: S3Request<dto::CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::CreateMultipartUploadOutput>> {
        *self.metadata.lock().unwrap() = request.input.metadata;
        Ok(S3Response::new(dto::CreateMultipartUploadOutput {
            bucket: Some(request.input.bucket),
            key: Some(request.input.key),
            upload_id: Some(ID.to_owned()),
            ..Default::default()
        }))
    }

    async fn upload_part(
        &self,
        request: S3Request<dto::UploadPartInput>,
    ) -> S3Result<S3Response<dto::UploadPartOutput>> {
        check(&request.input.upload_id)?;
        let e_tag = Some(dto::ETag::Strong(format!("part-{}", request.input.part_number)));
        let mut body = request.input.body.ok_or_else(|| s3_error!(IncompleteBody))?;
        while let Some(chunk) = body.next().await {
            let length = chunk.map_err(|_| s3_error!(IncompleteBody))?.len();
            *self.bytes.lock().unwrap() += i64::try_from(length).unwrap();
        }
        Ok(S3Response::new(dto::UploadPartOutput { e_tag, ..Default::default() }))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<dto::CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::CompleteMultipartUploadOutput>> {
        check(&request.input.upload_id)?;
        let numbers = request.input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let numbers: Vec<_> = numbers.iter().filter_map(|part| part.part_number).collect();
        if !numbers.is_sorted() || numbers.first() != Some(&1) {
            return Err(s3_error!(InvalidPartOrder));
        }
        *self.completed.lock().unwrap() = true;
        Ok(S3Response::new(dto::CompleteMultipartUploadOutput::default()))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<dto::AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::AbortMultipartUploadOutput>> {
        check(&request.input.upload_id)?;
        Ok(S3Response::new(dto::AbortMultipartUploadOutput::default()))
    }

    async fn head_object(
        &self,
        _: S3Request<dto::HeadObjectInput>,
    ) -> S3Result<S3Response<dto::HeadObjectOutput>> {
        if !*self.completed.lock().unwrap() {
            return Err(s3_error!(NoSuchKey));
        }
        Ok(S3Response::new(dto::HeadObjectOutput {
            content_length: Some(*self.bytes.lock().unwrap()),
            last_modified: Some(std::time::SystemTime::now().into()),
            metadata: self.metadata.lock().unwrap().clone(),
            ..Default::default()
        }))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_ids_are_percent_encoded_wherever_they_are_sent() {
    let server = Faulty::serving(FixedId::default(), |_| Fault::Pass).await;
    let length = 3 * (5 << 20) + 1;
    let meta = server.store().put(&"k".parse().unwrap(), reader(bytes(length)), ObjectRole::Data).await;
    assert_eq!(meta.expect("a put").bytes, length as u64);
    let encoded = "uploadId=a%2Bb%2Fc%3D%3D";
    assert_eq!(server.count(|asked| asked.query.contains(encoded)), 5, "four parts and the completion");

    let server = Faulty::serving(FixedId::default(), |_| Fault::Pass).await;
    let dying = super::body::dying(6 << 20);
    server.store().put(&"k".parse().unwrap(), dying, ObjectRole::Data).await.expect_err("the body died");
    assert_eq!(server.count(Asked::is_abort), 1);
    assert_eq!(server.count(|asked| asked.is_abort() && asked.query == encoded), 1);
}
