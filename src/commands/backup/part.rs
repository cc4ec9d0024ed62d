//! The walk of a byte: tool, witness, compressor, seal, store.

use super::held::HeldRun;
use super::waiting::Watched;
use crate::catalog::{Manifest, Part, RecipeRecord, Segment, layout};
use crate::commands::{App, Failure, RunLog, Task};
use crate::crypto::{self, MasterKey, ObjectIdentity, ObjectPlace};
use crate::engine::{DumpPart, Server};
use crate::model::{ByteReader, ByteSize, CipherKind, Codec, Contents, PartKind, PartName, RepositoryId};
use crate::pipeline::{self, Gauge, PackGauges, Recipe, Segments};
use crate::store::{ObjectRole, Store};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// How the parts of one backup are packed and where they go.
pub(in crate::commands) struct Packing {
    pub(in crate::commands) store: Arc<dyn Store>,
    pub(in crate::commands) codec: Codec,
    pub(in crate::commands) level: i32,
    pub(in crate::commands) sealing: Option<(CipherKind, Arc<MasterKey>)>,
    /// Fires when the run must stop.
    pub(in crate::commands) stop: CancellationToken,
    pub(in crate::commands) log: RunLog,
}

impl Packing {
    /// As the command line, the entry and its policy say.
    pub(super) async fn of(run: &HeldRun<'_>) -> Result<Self, Failure> {
        let HeldRun { app, catalog, database, choices, stop, .. } = run;
        Ok(Self {
            store: catalog.store().clone(),
            codec: choices.codec.unwrap_or(database.codec()),
            level: database.level(choices.codec),
            sealing: app.inventory.sealing(database, &choices.encryption).await?,
            stop: stop.clone(),
            log: run.log().clone(),
        })
    }

    /// As the manifest says it.
    pub(in crate::commands) fn recipe(&self, repository: RepositoryId) -> RecipeRecord {
        RecipeRecord {
            codec: self.codec,
            level: self.level,
            cipher: self.sealing.as_ref().map(|(cipher, _)| *cipher),
            key_id: self.sealing.as_ref().map(|(_, key)| key.id_in(repository).to_string()),
        }
    }
}

/// Dumps one part into the store. Nothing of it counts until the manifest that names it is committed.
pub(in crate::commands) async fn dump(
    app: &App,
    packing: &Packing,
    server: &dyn Server,
    manifest: &Manifest,
    part: DumpPart,
) -> Result<(Part, Option<Contents>), Failure> {
    let name =
        layout::part_name(part.kind, part.database.as_deref().or(part.archive.as_deref()), part.extension);
    let files =
        matches!(part.kind, PartKind::Files | PartKind::FileManifest | PartKind::Settings | PartKind::Log);
    let (step, what) = if files { ("COPY", name.to_string()) } else { ("DUMP", manifest.engine.to_string()) };
    packing.log.say(format!("{step}: {what} started"));
    let body = part.source.open(app.runner.as_ref()).await?;
    let (watched, contents) = pipeline::witness(body, part.witness);
    let gauges = PackGauges::new();
    let task = Task {
        label: match (&part.database, part.kind) {
            (Some(database), _) => format!("dumping {database}"),
            (None, PartKind::Files | PartKind::Log) => format!("copying {name}"),
            (None, kind) => format!("dumping {kind}"),
        },
        total: (part.estimate > 0).then_some(part.estimate),
        gauge: gauges.plain.clone(),
    };
    let progress = app.watch.start(task);
    let watching = async {
        match &part.database {
            Some(database) => {
                Watched { server, database, gauge: &gauges.plain }.tell(app, &packing.log).await;
            }
            None => std::future::pending().await,
        }
    };
    let stored = tokio::select! {
        stored = store_stream(packing, manifest, &name, watched, &gauges) => stored,
        () = watching => return Err(incomplete(&name)),
    };
    drop(progress);
    let segments = stored?;
    let plain_bytes = gauges.plain.bytes();
    packing.log.say(format!("{step}: {plain_bytes} bytes uncompressed"));
    let contents = contents.get().cloned().flatten();
    // A log has no rows that could be counted in a table.
    let counted = contents.as_ref().filter(|_| part.kind != PartKind::Log);
    let stored = Part {
        kind: part.kind,
        database: part.database,
        tables: counted.map(|contents| contents.tables.len() as u64),
        rows: counted.map(Contents::rows),
        argv: part.source.display_args(),
        position: contents.as_ref().and_then(|contents| contents.position.clone()),
        properties: part.properties,
        ..describe(name, segments, &gauges)?
    };
    Ok((stored, contents))
}

/// The line that users know.
pub(super) fn say_uploaded(packing: &Packing, part: &Part) {
    let objects = part.segments.len();
    let first = part.segments.first().map(|segment| segment.key.to_string()).unwrap_or_default();
    let size = ByteSize(part.stored_bytes);
    packing.log.say(match objects {
        1 => format!("UPLOAD: {first} ({size})"),
        _ => format!("UPLOAD: {first} and {} more objects ({size})", objects - 1),
    });
}

/// Stores bytes that are in memory as a part.
pub(in crate::commands) async fn store_bytes(
    packing: &Packing,
    manifest: &Manifest,
    kind: PartKind,
    bytes: Vec<u8>,
) -> Result<Part, Failure> {
    let name = layout::part_name(kind, None, "json");
    let gauges = PackGauges::new();
    let source: ByteReader<'static> = Box::pin(std::io::Cursor::new(bytes));
    let segments = store_stream(packing, manifest, &name, source, &gauges).await?;
    Ok(Part { kind, ..describe(name, segments, &gauges)? })
}

/// Packs `source` and stores it in as many objects as the store's limit asks for.
async fn store_stream(
    packing: &Packing,
    manifest: &Manifest,
    part: &PartName,
    source: ByteReader<'static>,
    gauges: &PackGauges,
) -> Result<Vec<Segment>, Failure> {
    let source = pipeline::cancellable(source, packing.stop.clone());
    let recipe = Recipe { codec: packing.codec, level: packing.level };
    let packed = pipeline::pack(source, &recipe, gauges);
    let file = layout::part_file(part, packing.codec, packing.sealing.as_ref().map(|(cipher, _)| *cipher));
    let first = ObjectIdentity {
        repository: manifest.repository,
        place: ObjectPlace::Part {
            database: manifest.database.clone(),
            backup: manifest.id.clone(),
            part: part.clone(),
            segment: 0,
        },
    };
    let object_limit = packing.store.object_limit();
    let packed_limit = match &packing.sealing {
        Some(_) => crypto::packed_limit(object_limit, &first),
        None => object_limit,
    };
    let mut cutter = Segments::new(packed, packed_limit);
    let mut segments = Vec::new();
    let mut index = 0;
    while let Some(segment) = cutter.next().await? {
        let sealed = match &packing.sealing {
            Some((cipher, key)) => crypto::seal(segment, key, *cipher, &first.with_segment(index))?,
            None => segment,
        };
        let stored = Gauge::hashing();
        let key = layout::segment(&manifest.database, &manifest.id, &file, index);
        packing.store.put(&key, pipeline::measure(sealed, &stored), ObjectRole::Data).await?;
        let sha256 = stored.digest().ok_or_else(|| incomplete(&key.to_string()))?;
        segments.push(Segment { key, bytes: stored.bytes(), sha256 });
        index += 1;
    }
    Ok(segments)
}

fn describe(name: PartName, segments: Vec<Segment>, gauges: &PackGauges) -> Result<Part, Failure> {
    Ok(Part {
        kind: PartKind::Contents,
        database: None,
        plain_bytes: gauges.plain.bytes(),
        packed_bytes: gauges.packed.bytes(),
        packed_sha256: gauges.packed.digest().ok_or_else(|| incomplete(&name))?,
        stored_bytes: segments.iter().map(|segment| segment.bytes).sum(),
        name,
        segments,
        tables: None,
        rows: None,
        position: None,
        argv: Vec::new(),
        properties: serde_json::Value::Null,
    })
}

/// A store that returned before it had read its body to the end has not stored it.
fn incomplete(what: &str) -> Failure {
    Failure::new(crate::commands::Class::Integrity, format!("`{what}` was not read to its end"))
}
