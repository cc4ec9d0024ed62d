//! `jagad download` and `decrypt`: a backup comes out without a database.

use super::locate::locate_good;
use super::reader_lease::announce;
use super::stored::{StoredBackup, StoredPart};
use super::{App, Class, Failure, Task};
use crate::catalog::{BackupReference, Operation, Part};
use crate::crypto::{self, Expect, Keyring};
use crate::model::{BackupId, ByteReader, Codec, PartKind, StoreName};
use crate::pipeline::{self, Gauge, UnpackGauges};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// What to download.
#[derive(Debug, Clone)]
pub struct Request {
    /// The backup.
    pub backup: BackupReference,
    /// Where it is.
    pub store: Option<StoreName>,
    /// The logical database, where the backup has several; `None` needs exactly one.
    pub database: Option<String>,
    /// Where to put it.
    pub output: Output,
    /// In which form.
    pub form: Form,
}

/// Where bytes go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stdout,
    /// A file that must not exist yet.
    File(PathBuf),
    /// A file named after the part, in the current folder.
    NamedAfterPart,
}

/// Which form the bytes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As the dump tool wrote them.
    Plain,
    /// As they are stored, one segment after the other; digests are checked.
    Raw,
}

/// What was written.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The backup; absent when a file was decrypted.
    pub id: Option<BackupId>,
    /// The part.
    pub part: String,
    /// Where it is; `-` is standard output.
    pub output: String,
    /// Bytes written.
    pub bytes: u64,
}

/// Writes one part of a backup to a file or to standard output. A file appears only when it is whole; standard output has
/// been whole only if the exit code is 0.
pub async fn download(app: &App, request: &Request) -> Result<Report, Failure> {
    let (catalog, entry) = locate_good(app, &request.backup, request.store.as_ref()).await?;
    let manifest = &entry.manifest;
    let part = choose(request, &manifest.parts)?;
    let keyring = Arc::new(match request.form {
        Form::Plain => app.inventory.keyring().await?,
        Form::Raw => Keyring::default(),
    });
    let reader = announce(app, &catalog, manifest, Operation::Download, &app.log()).await?;
    let reading = StoredBackup { store: catalog.store(), keyring: &keyring, stop: &app.cancel.token };
    let stored = StoredPart::new(&reading, manifest, part);
    let gauges = UnpackGauges::new();
    let (body, name, gauge, total) = match request.form {
        Form::Plain => (stored.plain(&gauges), part.name.to_string(), gauges.plain.clone(), part.plain_bytes),
        Form::Raw => {
            let name =
                part.segments.first().map_or(&*part.name, |segment| segment.key.file_name()).to_owned();
            (stored.stored(&gauges), name, gauges.stored.clone(), part.stored_bytes)
        }
    };
    let _progress = app.watch.start(Task {
        label: format!("downloading {name}"),
        total: Some(total),
        gauge: gauge.clone(),
    });
    let written = write(body, &request.output, Path::new(&name)).await;
    reader.finish().await;
    let output = written?;
    app.cancel.check()?;
    Ok(Report { id: Some(manifest.id.clone()), part: part.name.to_string(), output, bytes: gauge.bytes() })
}

fn choose<'m>(request: &Request, parts: &'m [Part]) -> Result<&'m Part, Failure> {
    let names = || {
        let name = |part: &Part| {
            part.database.clone().or_else(|| (part.kind == PartKind::Globals).then(|| "globals".into()))
        };
        parts.iter().filter_map(name).collect::<Vec<String>>().join(", ")
    };
    let wanted = |part: &&Part| match request.database.as_deref() {
        Some("globals") => part.kind == PartKind::Globals || part.database.as_deref() == Some("globals"),
        Some(database) => part.database.as_deref() == Some(database),
        None => part.kind == PartKind::Database,
    };
    let mut chosen = parts.iter().filter(wanted);
    match (chosen.next(), chosen.next()) {
        (Some(part), None) => Ok(part),
        (None, _) if parts.iter().any(|part| part.kind == PartKind::Files) => {
            Err(Failure::new(Class::Refused, "the backup is of the files of a server, which is no single file")
                .help("Write them into a folder with `jagad restore --target-dir DIR`; docs/FORMAT.md says how to do it by hand."))
        }
        (None, _) if parts.iter().any(|part| part.kind == PartKind::Log) => {
            Err(Failure::new(Class::Refused, "the backup is a range of the binary log, which changes what others hold")
                .help("Restore it with `jagad restore`; docs/FORMAT.md says how to do it by hand."))
        }
        (None, _) => Err(Failure::new(Class::NotFound, "the backup holds no such database")
            .help(format!("It holds {}", names()))),
        (Some(_), Some(_)) => Err(Failure::new(Class::Usage, "the backup holds several databases")
            .help(format!("Choose one with --dbname: {}", names()))),
    }
}

/// What `decrypt` needs: a file, a keyring, nothing else.
#[derive(Debug, Clone)]
pub struct DecryptRequest {
    /// The file; a later segment of the same part is looked for beside it.
    pub file: PathBuf,
    /// Where to put the result.
    pub output: Output,
    /// Whether to decompress as well.
    pub form: DecryptForm,
}

/// What comes out of `decrypt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecryptForm {
    /// Decrypted and decompressed, by the file's name.
    Plain,
    /// Decrypted only.
    Compressed,
}

/// Opens a downloaded object with nothing but a key: no configuration, no network, no database.
pub async fn decrypt(app: &App, keyring: Keyring, request: &DecryptRequest) -> Result<Report, Failure> {
    let keyring = Arc::new(keyring);
    let name = request.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut body: ByteReader<'static> = Box::pin(tokio::io::empty());
    for file in segments(&request.file) {
        let opened = tokio::fs::File::open(&file)
            .await
            .map_err(|error| Failure::from(error).doing(format!("open {}", file.display())))?;
        let next = crypto::open(Box::pin(opened), Arc::clone(&keyring), Expect::Any);
        body = Box::pin(body.chain(next));
    }
    let inner = name.strip_suffix(".enc").unwrap_or(&name).to_owned();
    let (codec, plain_name) = match (request.form, inner.rsplit_once('.')) {
        (DecryptForm::Plain, Some((stem, "zst"))) => (Codec::Zstd, stem.to_owned()),
        (DecryptForm::Plain, Some((stem, "gz"))) => (Codec::Gzip, stem.to_owned()),
        _ => (Codec::None, inner.clone()),
    };
    let gauge = Gauge::counting();
    let plain = pipeline::measure(crate::compress::decompress(body, codec), &gauge);
    let plain = pipeline::cancellable(plain, app.cancel.token.clone());
    let _progress =
        app.watch.start(Task { label: format!("decrypting {name}"), total: None, gauge: gauge.clone() });
    let output = write(plain, &request.output, Path::new(&plain_name)).await?;
    app.cancel.check()?;
    Ok(Report { id: None, part: name, output, bytes: gauge.bytes() })
}

/// The file and the later segments beside it: `x.enc`, `x.enc.0001`, `x.enc.0002`.
fn segments(first: &Path) -> Vec<PathBuf> {
    let numbered = |index: u32| {
        let mut name = first.as_os_str().to_owned();
        name.push(format!(".{index:04}"));
        PathBuf::from(name)
    };
    let later = (1..).map(numbered).take_while(|path| path.is_file());
    std::iter::once(first.to_owned()).chain(later).collect()
}

/// Copies to the end. A file is written beside its place and moved there when it is whole.
async fn write(mut body: ByteReader<'static>, output: &Output, name: &Path) -> Result<String, Failure> {
    let path = match output {
        Output::Stdout => {
            let mut stdout = tokio::io::stdout();
            copy(&mut body, &mut stdout, "standard output").await?;
            return Ok("-".to_owned());
        }
        Output::File(path) => path.as_path(),
        Output::NamedAfterPart => name,
    };
    let shown = path.display().to_string();
    let failed = |error: std::io::Error| Failure::from(error).doing(format!("write {shown}"));
    if path.exists() {
        let message = format!("{shown} exists already");
        return Err(Failure::new(Class::Refused, message).help("Choose another name with --output."));
    }
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let partial = tempfile::Builder::new().prefix(".jagad-partial-").tempfile_in(folder).map_err(failed)?;
    let mut file = tokio::fs::File::from_std(partial.reopen().map_err(failed)?);
    copy(&mut body, &mut file, &shown).await?;
    file.sync_all().await.map_err(failed)?;
    partial.persist_noclobber(path).map_err(|error| failed(error.error))?;
    Ok(shown)
}

/// Copies to the end; an error of the source and one of the place it goes to are told apart.
async fn copy(
    body: &mut ByteReader<'static>,
    to: &mut (impl tokio::io::AsyncWrite + Unpin),
    shown: &str,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::from(error).doing(format!("write {shown}"));
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = body.read(&mut buffer).await?;
        if count == 0 {
            return to.flush().await.map_err(failed);
        }
        to.write_all(&buffer[..count]).await.map_err(failed)?;
    }
}
