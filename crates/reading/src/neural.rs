//! The first engine: text detection and line recognition by neural networks.
//!
//! The weights are those of `trueocr` 0.1.1 (Apache-2.0); they run in pure Rust, on one thread.
//! Lines are found on a small copy of the page, cut from the full one at the height that the
//! recogniser wants, read in batches of like width, and spelled with [`Spelling`]: of what the
//! network finds possible, what an official paper would say.

mod detect;
mod line;
mod model;
mod reach;
mod recognise;
mod words;

use std::path::Path;

use crate::engine::{Engine, Line, Picture, ReadError};
use crate::order::downward;
use crate::spelling::Spelling;

use self::detect::Detector;
use self::recognise::Recogniser;

/// Detector and recogniser with their weights in memory.
pub struct Neural {
    detector: Detector,
    recogniser: Recogniser,
    spelling: Spelling,
}

impl Neural {
    /// Loads `det.onnx`, `rec.onnx` and `meta.json` of a folder.
    ///
    /// # Errors
    /// [`ReadError::NoModel`] when one of them is absent or not what it must be.
    pub fn open(folder: &Path) -> Result<Self, ReadError> {
        Ok(Self {
            detector: Detector::open(folder)?,
            recogniser: Recogniser::open(folder)?,
            spelling: Spelling::shipped(),
        })
    }

    /// Starts the thread that the networks run on and runs them once, so that nothing is left to
    /// be started later.
    ///
    /// # Errors
    /// The engine's.
    pub fn warm(&self) -> Result<(), ReadError> {
        self.detector.warm()
    }

    /// What it chooses by.
    pub(crate) fn spelling(&self) -> &Spelling {
        &self.spelling
    }
}

impl Engine for Neural {
    fn read(&mut self, picture: &Picture<'_>) -> Result<Vec<Line>, ReadError> {
        if !picture.is_whole() {
            return Err(ReadError::Unreadable { width: picture.width, height: picture.height });
        }
        let mut found = self.detector.lines(picture)?;
        reach::reach(&mut found, picture);
        Ok(downward(self.recogniser.read(picture, &found, &self.spelling)?))
    }
}
