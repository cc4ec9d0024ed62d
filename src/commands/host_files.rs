//! The small files that this host keeps below `settings.state_dir`.

use std::io::Write as _;
use std::path::Path;

/// No file of ours grows beyond this.
const FILE_LIMIT: u64 = 1 << 20;

/// The text of `path`, cut at [`FILE_LIMIT`] bytes.
pub(super) fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(FILE_LIMIT).read_to_string(&mut text)?;
    Ok(text)
}

/// Writes a file atomically, readable by this user only.
pub(super) fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
