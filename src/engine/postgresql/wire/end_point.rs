//! What ties a login to the certificate of the connection it goes over: `tls-server-end-point` of RFC 5929.

use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// `1.2.840.113549.1.1`: RSA. The last number says with which hash.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
/// `1.2.840.10045.4.3`: ECDSA with SHA-2.
const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];

/// The hash of `certificate` with the hash of its signature, or SHA-256 where that is MD5 or SHA-1. `None` for a signature
/// that names no hash, such as Ed25519, or is not known here: the server cannot say either what it expects then.
pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let whole = certificate.as_ref();
    let identifier = signature(whole)?;
    let last =
        |prefix: &[u8]| identifier.strip_prefix(prefix).and_then(|rest| <[u8; 1]>::try_from(rest).ok());
    match (last(RSA), last(ECDSA)) {
        (Some([4 | 5 | 11]), _) | (_, Some([2])) => Some(Sha256::digest(whole).to_vec()),
        (Some([12]), _) | (_, Some([3])) => Some(Sha384::digest(whole).to_vec()),
        (Some([13]), _) | (_, Some([4])) => Some(Sha512::digest(whole).to_vec()),
        _ => None,
    }
}

/// The identifier of the algorithm that `certificate` is signed with.
fn signature(certificate: &[u8]) -> Option<&[u8]> {
    let (inside, _) = element(certificate, SEQUENCE)?;
    let (_, after_contents) = element(inside, SEQUENCE)?;
    let (algorithm, _) = element(after_contents, SEQUENCE)?;
    Some(element(algorithm, OBJECT_IDENTIFIER)?.0)
}

/// The contents of the first element of `bytes`, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (short, rest) = rest.split_first()?;
    let (length, rest) = if *short < 0x80 {
        (usize::from(*short), rest)
    } else {
        let count = usize::from(short & 0x7f);
        let digits = rest.get(..count).filter(|digits| (1..=4).contains(&digits.len()))?;
        let length = digits.iter().fold(0_usize, |sum, digit| sum << 8 | usize::from(*digit));
        (length, &rest[count..])
    };
    (*found == tag && length <= rest.len()).then(|| rest.split_at(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

    #[test]
    fn the_hash_is_that_of_the_signature() {
        for (algorithm, length) in
            [(&PKCS_ECDSA_P256_SHA256, Some(32)), (&PKCS_ECDSA_P384_SHA384, Some(48)), (&PKCS_ED25519, None)]
        {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let certificate =
                CertificateParams::new(vec!["db".to_owned()]).unwrap().self_signed(&key).unwrap();
            assert_eq!(of(certificate.der()).map(|hash| hash.len()), length);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = of(&CertificateDer::from(bytes));
        }
    }
}
