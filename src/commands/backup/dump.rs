//! The dump itself, part after part.

use super::held::HeldRun;
use super::left_out::{self, Lost};
use super::part::{self, Packing};
use crate::commands::{Class, Failure, crash, findings};
use crate::engine::{Scope, Server};
use crate::model::{Contents, PartKind};
use std::collections::BTreeMap;

/// Dumps everything in `scope` from `server` into the store. Nothing of it counts until the manifest is committed.
pub(super) async fn dump(
    run: &mut HeldRun<'_>,
    packing: &Packing,
    server: &dyn Server,
    scope: &Scope,
) -> Result<(), Failure> {
    left_out::note_unfit(run, server, scope);
    let mut contents: BTreeMap<String, Contents> = BTreeMap::new();
    for plan in server.logical().dump(scope)? {
        let (database, extension) = (plan.database.clone(), plan.extension);
        let (part, counted) = match part::dump(run.app, packing, server, &run.manifest, plan).await {
            Ok(dumped) => dumped,
            Err(failure) => {
                let lost = Lost { database, extension, failure };
                left_out::go_on_without(run, server, scope, lost).await?;
                continue;
            }
        };
        part::say_uploaded(packing, &part);
        if let (Some(database), Some(counted)) = (&part.database, counted) {
            for finding in server.logical().judge_dump(database, &counted) {
                run.log().warn(findings::line(&finding));
            }
            contents.insert(database.clone(), counted);
        }
        if run.manifest.parts.iter().any(|other| other.name == part.name) {
            return Err(Failure::new(Class::Operation, format!("two parts are named `{}`", part.name)));
        }
        run.manifest.parts.push(part);
        crash::point("after-part");
    }
    let bytes = serde_json::to_vec(&contents).map_err(|error| Failure::from(std::io::Error::other(error)))?;
    let part = part::store_bytes(packing, &run.manifest, PartKind::Contents, bytes).await?;
    run.manifest.parts.push(part);
    crash::point("after-contents");
    Ok(())
}
