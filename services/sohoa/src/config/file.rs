//! Files that the configuration names.

use std::path::Path;

use anyhow::{Context, ensure};
use schemas::access::Secret;

/// What a file holds.
pub(super) fn bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| reading(path))
}

/// The secret that a file holds; the end of its last line is not part of it. One that is empty
/// opens nothing: the file was not written yet.
pub(super) fn secret(path: &Path) -> anyhow::Result<Secret> {
    let text = std::fs::read_to_string(path).with_context(|| reading(path))?;
    let text = text.trim_end_matches(['\r', '\n']);
    ensure!(!text.is_empty(), "{} is empty", path.display());
    Ok(Secret::new(text.to_owned()))
}

fn reading(path: &Path) -> String {
    format!("reading {}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_file_without_the_end_of_its_line_and_never_empty() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |text: &str| {
            std::fs::write(file.path(), text).unwrap();
            secret(file.path()).map(|secret| secret.reveal().to_owned()).ok()
        };
        for text in ["mat khau ", "mat khau \n", "mat khau \r\n"] {
            assert_eq!(read(text).as_deref(), Some("mat khau "), "{text:?}");
        }
        for text in ["", "\n", "\r\n"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
