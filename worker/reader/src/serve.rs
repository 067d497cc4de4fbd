//! Questions in, answers out, until the worker closes the pipe.

use std::io::{Read, Write};

use schemas::reader::{Answer, Ask, Wall, read_frame, write_frame};
use schemas::reading::Flaw;

use crate::pipeline::{self, Bench, Refusal};

/// Says that it is ready and behind which walls, then answers every question, one at a time.
///
/// # Errors
/// When a pipe breaks; the worker is gone then, or wants this process to be.
pub(crate) fn serve(
    bench: &mut Bench,
    walls: Vec<Wall>,
    mut from: impl Read,
    mut to: impl Write,
) -> std::io::Result<()> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    write_frame(&mut to, &Answer::Ready { version, walls }, &[])?;
    while let Some((ask, scan)) = read_frame::<Ask>(&mut from)? {
        let answered = match ask {
            Ask::Unpack => pipeline::unpack(&scan, bench).map(|answer| (answer, Vec::new())),
            Ask::Read { seq } => {
                let mut told = Ok(());
                let seen = |flaws: &[Flaw]| {
                    told = write_frame(&mut to, &Answer::Seen { flaws: flaws.to_vec() }, &[]);
                };
                let read = pipeline::read(&scan, seq, bench, seen);
                told?;
                read.map(|(reading, image, bytes)| {
                    (Answer::Read { reading: Box::new(reading), image }, bytes)
                })
            }
        };
        let (answer, body) = answered.unwrap_or_else(|Refusal { reason, detail }| {
            (Answer::Refused { reason, detail }, Vec::new())
        });
        write_frame(&mut to, &answer, &body)?;
    }
    Ok(())
}
