//! How streams other than images are compressed.

/// Compresses for `FlateDecode`. Level 6 is zlib's own default; higher ones cost time and save
/// next to nothing on text layers.
pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec_zlib(bytes, 6)
}
