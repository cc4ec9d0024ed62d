//! Certificates of authorities that are trusted besides the system's: PEM files that the user names.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::path::Path;

/// The certificates in the PEM file `path`, at least one. The error says which file is wrong, and how.
pub fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let shown = path.display();
    let pem = std::fs::read(path).map_err(|error| format!("cannot read `{shown}`: {error}"))?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("`{shown}` is not a PEM file of certificates: {error}"))?;
    if found.is_empty() { Err(format!("`{shown}` holds no certificate")) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_told_apart_from_one_that_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        assert!(read(&file).unwrap_err().starts_with("cannot read `"));
        for nothing in ["", "no PEM at all", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
        {
            std::fs::write(&file, nothing).unwrap();
            assert!(read(&file).unwrap_err().ends_with("holds no certificate"), "{nothing}");
        }
        std::fs::write(&file, "-----BEGIN CERTIFICATE-----\nA!A\n-----END CERTIFICATE-----\n").unwrap();
        assert!(read(&file).unwrap_err().contains("is not a PEM file of certificates"));
        let one = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        std::fs::write(&file, one.repeat(2)).unwrap();
        assert_eq!(read(&file).unwrap().len(), 2);
    }
}
