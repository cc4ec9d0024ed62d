//! Objects below a prefix, page by page.

use super::client::Client;
use super::failure::Failure;
use super::request::{Request, xml};
use crate::model::Timestamp;
use crate::store::{KeyPrefix, ObjectMeta, StoreError};
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use http::Method;
use s3::serde_types::{ListBucketResult, Object};

/// Where a listing stands.
enum Page {
    First,
    After(String),
    Done,
}

/// See [`crate::store::Store::list`]. What is not jagad's (a console's folder marks, say) is left out.
pub(super) fn list<'a>(
    client: &'a Client,
    prefix: &'a KeyPrefix,
) -> BoxStream<'a, Result<ObjectMeta, StoreError>> {
    let pages = stream::try_unfold(Page::First, move |page| async move {
        let token = match &page {
            Page::First => None,
            Page::After(token) => Some(token.clone()),
            Page::Done => return Ok(None),
        };
        let result = page_after(client, prefix, token).await;
        let (objects, next) = result.map_err(|failure| client.error(failure, "list", None))?;
        Ok(Some((stream::iter(objects.into_iter().map(Ok)), next)))
    });
    pages.try_flatten().boxed()
}

async fn page_after(
    client: &Client,
    prefix: &KeyPrefix,
    token: Option<String>,
) -> Result<(Vec<ObjectMeta>, Page), Failure> {
    let mut request =
        Request::bucket(Method::GET).ask("list-type", "2").ask("prefix", client.full_prefix(prefix.as_str()));
    if let Some(token) = &token {
        request = request.ask("continuation-token", token.as_str());
    }
    let answer = client.send(&request, "list").await?;
    let result: ListBucketResult = xml(&answer.body)?;
    let next = match (result.is_truncated, result.next_continuation_token) {
        (false, _) => Page::Done,
        (true, Some(next)) if Some(&next) != token.as_ref() => Page::After(next),
        (true, _) => return Err(Failure::nonsense("the listing says that it goes on, but not where")),
    };
    let objects = result.contents.iter().filter_map(|object| meta(client, object).transpose());
    Ok((objects.collect::<Result<_, _>>()?, next))
}

fn meta(client: &Client, object: &Object) -> Result<Option<ObjectMeta>, Failure> {
    let Some(key) = client.own_key(&object.key) else { return Ok(None) };
    let modified = Timestamp::from_http(&object.last_modified)
        .map_err(|_| Failure::nonsense(format!("the listing tells no time of `{key}`")))?;
    Ok(Some(ObjectMeta { key, bytes: object.size, modified }))
}
