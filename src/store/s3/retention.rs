//! Checks that objects are really under retention.

use super::client::Client;
use super::failure::Failure;
use super::headers::Keeping;
use super::request::{Md5, Payload, Request};
use crate::store::{ObjectKey, StoreError};
use http::Method;

/// Makes sure that the object just written is under retention.
///
/// Some servers silently drop the lock headers (Ceph 16 on multipart uploads, Garage on all). So the object is looked
/// up, locked by a separate request if it is not locked, and looked up again. An error leaves the object there,
/// unlocked.
pub(super) async fn ensure(client: &Client, keeping: &Keeping, key: &ObjectKey) -> Result<(), StoreError> {
    let named = |failure| client.error(failure, "lock", Some(key));
    if is_locked(client, key).await.map_err(named)? {
        return Ok(());
    }
    let body = format!(
        "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>COMPLIANCE</Mode>\
         <RetainUntilDate>{}</RetainUntilDate></Retention>",
        keeping.lock_until()
    );
    let request = Request::object(Method::PUT, key)
        .ask("retention", "")
        .header("content-type", "application/xml")
        .body(Payload::of(body.into(), Md5::Send));
    client.send(&request, "lock").await.map_err(named)?;
    if is_locked(client, key).await.map_err(named)? {
        return Ok(());
    }
    Err(named(Failure::nonsense("the store accepts object lock but does not lock the object")))
}

async fn is_locked(client: &Client, key: &ObjectKey) -> Result<bool, Failure> {
    Ok(client.find(key).await?.is_some_and(|found| found.locked))
}
