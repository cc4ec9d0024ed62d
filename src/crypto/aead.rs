//! One cipher with one key. It works in place and keeps the tag separate.

use super::TAG_BYTES;
use crate::model::CipherKind;
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use chacha20poly1305::ChaCha20Poly1305;

/// Length of a key of either cipher.
pub(super) const KEY_BYTES: usize = 32;
/// Length of a nonce of either cipher.
pub(super) const NONCE_BYTES: usize = 12;

/// A cipher that holds its key.
pub(super) enum Aead {
    Aes(Box<Aes256Gcm>),
    ChaCha(Box<ChaCha20Poly1305>),
}

/// The tag does not match the bytes, key, nonce and associated data.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unauthentic;

impl Aead {
    pub(super) fn new(kind: CipherKind, key: &[u8; KEY_BYTES]) -> Self {
        match kind {
            CipherKind::Aes256Gcm => Self::Aes(Box::new(Aes256Gcm::new(key.into()))),
            CipherKind::ChaCha20Poly1305 => Self::ChaCha(Box::new(ChaCha20Poly1305::new(key.into()))),
        }
    }

    /// Encrypts `bytes` in place and returns the tag. A nonce must never be used twice with the same key: both users of
    /// this type draw a fresh key or a fresh random nonce for each object, and count within it. `None`: `bytes` is
    /// longer than the cipher allows (64 GiB), which no caller can reach.
    pub(super) fn seal(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        bytes: &mut [u8],
    ) -> Option<[u8; TAG_BYTES]> {
        let tag = match self {
            Self::Aes(cipher) => cipher.encrypt_inout_detached(nonce.into(), aad, bytes.into()),
            Self::ChaCha(cipher) => cipher.encrypt_inout_detached(nonce.into(), aad, bytes.into()),
        };
        tag.ok().map(Into::into)
    }

    /// Decrypts `bytes` in place. When they do not authenticate they are left as they were: both crates compare the tag
    /// before they touch the bytes, and a test below checks that.
    pub(super) fn open(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        bytes: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), Unauthentic> {
        let opened = match self {
            Self::Aes(cipher) => cipher.decrypt_inout_detached(nonce.into(), aad, bytes.into(), tag.into()),
            Self::ChaCha(cipher) => {
                cipher.decrypt_inout_detached(nonce.into(), aad, bytes.into(), tag.into())
            }
        };
        opened.map_err(|_| Unauthentic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::{hex, unhex};

    fn array<const N: usize>(text: &str) -> [u8; N] {
        unhex(text).unwrap().try_into().unwrap()
    }

    #[test]
    fn aes_256_gcm_gives_the_published_answer() {
        // McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, test case 16.
        let key = array("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
        let nonce = array("cafebabefacedbaddecaf888");
        let aad = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2").unwrap();
        let mut bytes = unhex(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
             1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        )
        .unwrap();
        let tag = Aead::new(CipherKind::Aes256Gcm, &key).seal(&nonce, &aad, &mut bytes).unwrap();
        assert_eq!(
            hex(&bytes),
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
             8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        );
        assert_eq!(hex(&tag), "76fc6ece0f4e1768cddf8853bb2d551b");
    }

    #[test]
    fn chacha20_poly1305_gives_the_published_answer() {
        // RFC 8439, section 2.8.2.
        let key = array("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
        let nonce = array("070000004041424344454647");
        let aad = unhex("50515253c0c1c2c3c4c5c6c7").unwrap();
        let text = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                    sunscreen would be it.";
        let mut bytes = text.as_bytes().to_vec();
        let tag = Aead::new(CipherKind::ChaCha20Poly1305, &key).seal(&nonce, &aad, &mut bytes).unwrap();
        assert!(hex(&bytes).starts_with("d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"));
        assert_eq!(hex(&tag), "1ae10b594f09e26a7e902ecbd0600691");
    }

    #[test]
    fn bytes_that_do_not_authenticate_are_left_untouched() {
        for kind in [CipherKind::Aes256Gcm, CipherKind::ChaCha20Poly1305] {
            let aead = Aead::new(kind, &[7; KEY_BYTES]);
            let mut bytes = *b"not yet released";
            let tag = aead.seal(&[1; NONCE_BYTES], b"place", &mut bytes).unwrap();
            let sealed = bytes;
            assert_eq!(aead.open(&[1; NONCE_BYTES], b"other", &mut bytes, &tag), Err(Unauthentic));
            assert_eq!(aead.open(&[2; NONCE_BYTES], b"place", &mut bytes, &tag), Err(Unauthentic));
            assert_eq!(bytes, sealed);
            assert_eq!(aead.open(&[1; NONCE_BYTES], b"place", &mut bytes, &tag), Ok(()));
            assert_eq!(&bytes, b"not yet released");
        }
    }
}
