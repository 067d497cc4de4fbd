//! Other people's eyes on a PDF: Poppler, qpdf and veraPDF, as programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::GrayImage;
use tempfile::TempDir;

/// A PDF in a folder of its own.
pub(crate) struct File {
    folder: TempDir,
}

/// A word as Poppler finds it, in points from the upper left corner.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) page: usize,
    pub(crate) text: String,
    /// Left, top, right, bottom.
    pub(crate) edges: [f64; 4],
}

impl File {
    pub(crate) fn of(pdf: &[u8]) -> Self {
        let file = Self { folder: TempDir::new().unwrap() };
        std::fs::write(file.path(), pdf).unwrap();
        file
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("document.pdf")
    }

    /// What `pdftotext` makes of it, lines trimmed, empty ones left out.
    pub(crate) fn lines(&self, option: &str) -> Vec<String> {
        let text = run(Command::new("pdftotext").arg(option).arg(self.path()).arg("-"));
        text.split(['\n', '\u{c}'])
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|line| !line.is_empty())
            .collect()
    }

    pub(crate) fn words(&self) -> Vec<Found> {
        let html = run(Command::new("pdftotext").arg("-bbox").arg(self.path()).arg("-"));
        let mut page = 0;
        let mut words = Vec::new();
        for line in html.lines().map(str::trim) {
            if line.starts_with("<page") {
                page += 1;
            } else if let Some(word) = line.strip_prefix("<word ") {
                let (attributes, rest) = word.split_once('>').unwrap();
                let edges = attributes.split('"').skip(1).step_by(2).map(|n| n.parse().unwrap());
                let edges = edges.collect::<Vec<f64>>().try_into().unwrap();
                let text = rest.strip_suffix("</word>").unwrap().to_owned();
                words.push(Found { page: page - 1, text, edges });
            }
        }
        words
    }

    /// A page as it is shown, a pixel a point. Pages from 0.
    pub(crate) fn shown(&self, page: usize) -> GrayImage {
        let (n, out) = ((page + 1).to_string(), self.folder.path().join("shown"));
        let mut pdftoppm = Command::new("pdftoppm");
        pdftoppm.args(["-r", "72", "-png", "-gray", "-singlefile", "-f", &n, "-l", &n]);
        run(pdftoppm.arg(self.path()).arg(&out));
        let png = std::fs::read(out.with_extension("png")).unwrap();
        image::load_from_memory_with_format(&png, image::ImageFormat::Png).unwrap().into_luma8()
    }

    pub(crate) fn info(&self) -> String {
        run(Command::new("pdfinfo").arg(self.path()))
    }

    pub(crate) fn check_syntax(&self) {
        run(Command::new("qpdf").arg("--check").arg(self.path()));
    }
}

/// One line a file, `PASS` or `FAIL` with the rules that are broken.
pub(crate) fn verapdf(files: &[File]) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/verapdf/verapdf.sh");
    let output = start(Command::new(script).args(files.iter().map(File::path)));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(2), "no veraPDF here, run the set-up first: {said}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines.len(), files.len(), "a line a file: {lines:?} {said}");
    lines
}

/// What pyHanko says of a file's signatures, a line each.
pub(crate) fn pyhanko(root: &Path, file: &File) -> Vec<String> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(top.join(".parts/pyhanko/bin/python"));
    command.arg(top.join("tests/pyhanko/verdict.py")).arg(root).arg(file.path());
    let output = start(&mut command);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Runs a program that must succeed, and answers with what it wrote.
fn run(command: &mut Command) -> String {
    let output = start(command);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}: {said}", output.status);
    // Poppler succeeds on broken files too, and only says so.
    assert!(!said.contains("Error"), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn start(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|e| panic!("{command:?}: {e}; run the set-up first"))
}
