//! Objects below a prefix, page by page.

use super::client::Client;
use super::failure::Failure;
use super::request::{Request, xml};
use crate::model::Timestamp;
use crate::store::{KeyPrefix, ObjectMeta, StoreError};
use futures_util::stream::{self, BoxStream, Stream, StreamExt as _, TryStreamExt as _};
use http::Method;
use s3::serde_types::{ListBucketResult, Object};

/// The next page of a listing.
enum Page {
    First,
    After(String),
    Done,
}

/// See [`crate::store::Store::list`]. Foreign objects, such as a console's folder markers, are left out.
pub(super) fn list<'a>(
    client: &'a Client,
    prefix: &'a KeyPrefix,
) -> BoxStream<'a, Result<ObjectMeta, StoreError>> {
    let pages = pages(client, prefix, Depth::All).map(move |page| {
        let page = page?;
        let objects = page.contents.iter().filter_map(|object| meta(client, object).transpose());
        let objects = objects.collect::<Result<Vec<_>, _>>();
        let objects = objects.map_err(|failure| client.error(failure, "list", None))?;
        Ok(stream::iter(objects.into_iter().map(Ok)))
    });
    pages.try_flatten().boxed()
}

/// See [`crate::store::Store::folders`].
pub(super) async fn folders(client: &Client, prefix: &KeyPrefix) -> Result<Vec<String>, StoreError> {
    let full = client.full_prefix(prefix.as_str());
    let mut names = Vec::new();
    let mut pages = std::pin::pin!(pages(client, prefix, Depth::Folder));
    while let Some(page) = pages.try_next().await? {
        let found = page.common_prefixes.iter().flatten();
        let name = |prefix: &str| Some(prefix.strip_prefix(&full)?.strip_suffix('/')?.to_owned());
        names.extend(found.filter_map(|found| name(&found.prefix)));
    }
    Ok(names)
}

/// How far below the prefix a listing goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// To every object.
    All,
    /// To the folders directly below it.
    Folder,
}

fn pages<'a>(
    client: &'a Client,
    prefix: &'a KeyPrefix,
    depth: Depth,
) -> impl Stream<Item = Result<ListBucketResult, StoreError>> + Send + 'a {
    stream::try_unfold(Page::First, move |page| async move {
        let token = match &page {
            Page::First => None,
            Page::After(token) => Some(token.clone()),
            Page::Done => return Ok(None),
        };
        let result = page_after(client, prefix, depth, token).await;
        result.map(Some).map_err(|failure| client.error(failure, "list", None))
    })
}

async fn page_after(
    client: &Client,
    prefix: &KeyPrefix,
    depth: Depth,
    token: Option<String>,
) -> Result<(ListBucketResult, Page), Failure> {
    let mut request =
        Request::bucket(Method::GET).ask("list-type", "2").ask("prefix", client.full_prefix(prefix.as_str()));
    if depth == Depth::Folder {
        request = request.ask("delimiter", "/");
    }
    if let Some(token) = &token {
        request = request.ask("continuation-token", token.as_str());
    }
    let answer = client.send(&request, "list").await?;
    let result: ListBucketResult = xml(&answer.body)?;
    let next = match (result.is_truncated, &result.next_continuation_token) {
        (false, _) => Page::Done,
        (true, Some(next)) if Some(next) != token.as_ref() => Page::After(next.clone()),
        (true, _) => return Err(Failure::nonsense("the listing is truncated but has no continuation token")),
    };
    Ok((result, next))
}

fn meta(client: &Client, object: &Object) -> Result<Option<ObjectMeta>, Failure> {
    let Some(key) = client.own_key(&object.key) else { return Ok(None) };
    let modified = Timestamp::from_http(&object.last_modified)
        .map_err(|_| Failure::nonsense(format!("the listing contains no time of `{key}`")))?;
    Ok(Some(ObjectMeta { key, bytes: object.size, modified }))
}
