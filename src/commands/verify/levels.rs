//! The three levels that need no server.

use crate::catalog::{Manifest, Part, layout};
use crate::commands::stored::{StoredBackup, StoredPart};
use crate::commands::{App, Class, Failure, Task, Tone, environment};
use crate::engine::Trial;
use crate::model::{ByteReader, Count, PartKind};
use crate::pipeline::{self, CheckedDepth, UnpackGauges};
use crate::process::ToolError;
use crate::store::{ObjectKey, Store};
use futures_util::TryStreamExt as _;
use std::collections::BTreeMap;
use tokio::io::AsyncReadExt as _;

/// Every object is there with its recorded size.
pub(in crate::commands) async fn every_object_is_there(
    store: &dyn Store,
    manifest: &Manifest,
) -> Result<(), Failure> {
    let folder = layout::backup(&manifest.database, &manifest.id);
    let present: BTreeMap<ObjectKey, u64> =
        store.list(&folder).map_ok(|object| (object.key, object.bytes)).try_collect().await?;
    for segment in manifest.parts.iter().flat_map(|part| &part.segments) {
        let problem = match present.get(&segment.key) {
            Some(bytes) if *bytes == segment.bytes => continue,
            Some(bytes) => format!("`{}` has {bytes} bytes, {} were stored", segment.key, segment.bytes),
            None => format!("`{}` is missing", segment.key),
        };
        return Err(Failure::new(Class::Integrity, problem)
            .help("This backup cannot be restored; choose another, and find out who changed the bucket."));
    }
    Ok(())
}

/// Every stored byte has its recorded SHA-256; with the key configured, every packed byte too.
pub(super) async fn every_byte_agrees(
    app: &App,
    reading: &StoredBackup<'_>,
    manifest: &Manifest,
) -> Result<(), Failure> {
    let mut keyless = false;
    for part in &manifest.parts {
        let gauges = UnpackGauges::new();
        let task = Task {
            label: format!("checking {}", part.name),
            total: Some(part.stored_bytes),
            gauge: gauges.stored.clone(),
        };
        let _progress = app.watch.start(task);
        let checked = StoredPart::new(reading, manifest, part).check(&gauges).await;
        let checked = checked.map_err(|error| Failure::from(error).doing(format!("check {}", part.name)))?;
        keyless |= checked == CheckedDepth::Stored;
    }
    if keyless {
        app.watch.say(
            Tone::Warning,
            "the key of this backup is not configured: only the stored bytes were checked",
        );
    }
    Ok(())
}

/// Every part is decrypted, decompressed and parsed to its end by the engine's own tool.
pub(super) async fn every_part_parses(
    app: &App,
    reading: &StoredBackup<'_>,
    manifest: &Manifest,
) -> Result<(), Failure> {
    for part in &manifest.parts {
        part_parses(app, reading, manifest, part).await?;
    }
    Ok(())
}

/// One part is decrypted, decompressed and parsed to its end.
pub(in crate::commands) async fn part_parses(
    app: &App,
    reading: &StoredBackup<'_>,
    manifest: &Manifest,
    part: &Part,
) -> Result<(), Failure> {
    part_is_taken(app, reading, manifest, part, None).await
}

/// The same, while the target server also tries to load it.
pub(in crate::commands) async fn part_is_taken(
    app: &App,
    reading: &StoredBackup<'_>,
    manifest: &Manifest,
    part: &Part,
    trial: Option<&Trial>,
) -> Result<(), Failure> {
    let gauges = UnpackGauges::new();
    let body = StoredPart::new(reading, manifest, part).plain(&gauges);
    let task = Task {
        label: format!("reading {}", part.name),
        total: Some(part.plain_bytes),
        gauge: gauges.plain.clone(),
    };
    let _progress = app.watch.start(task);
    let parsed = parse(app, manifest, part, trial, body).await;
    parsed.map_err(|failure| failure.doing(format!("read {}", part.name)))
}

async fn parse(
    app: &App,
    manifest: &Manifest,
    part: &Part,
    trial: Option<&Trial>,
    body: ByteReader<'static>,
) -> Result<(), Failure> {
    if part.kind == PartKind::Contents {
        return drain(body).await;
    }
    let version = manifest.server.as_ref().map_or("", |server| server.version.as_str());
    let reading = app.tools_of(manifest).reading(part.kind, version)?;
    let (body, counted) = pipeline::witness(body, reading.witness);
    match (reading.tool, trial) {
        (_, Some(trial)) => {
            trial.feed.take(app.runner.as_ref(), (trial.rewrite.0)(body)).await?;
        }
        (Some(tool), None) => {
            let run = app.runner.feed(&tool, body).await?;
            if run.status != 0 {
                let error = ToolError::Failed { label: tool.label, status: run.status, stderr: run.stderr };
                return Err(environment::judge_reader(error.into()));
            }
        }
        (None, None) => drain(body).await?,
    }
    let rows = counted.get().and_then(Option::as_ref).map(crate::model::Contents::rows);
    match (rows, part.rows) {
        (Some(found), Some(recorded)) if found != recorded => {
            let problem = format!("{} holds {}, {recorded} were recorded", part.name, Count(found, "row"));
            Err(Failure::new(Class::Integrity, problem))
        }
        _ => Ok(()),
    }
}

/// Reads to the end, where the reader reports whether the stream was whole.
pub(in crate::commands) async fn drain(mut body: ByteReader<'_>) -> Result<(), Failure> {
    let mut buffer = vec![0; 256 << 10];
    while body.read(&mut buffer).await? > 0 {}
    Ok(())
}
