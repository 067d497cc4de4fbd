//! What a reader writes: frames, and answers in them. What passes the check can be sealed, or is
//! refused with a reason; nothing panics over it.

use std::hint::black_box;
use std::sync::LazyLock;

use filing::Kinds;
use schemas::ids::Blake3;
use schemas::reader::{Answer, Ask, read_frame, write_frame};
use sealing::{SealPage, Title};

static KINDS: LazyLock<Kinds> = LazyLock::new(Kinds::shipped);

/// Panics where a promise is broken.
pub fn run(bytes: &[u8]) {
    drop(read_frame::<Ask>(&mut &*bytes));
    let Ok(Some((answer, body))) = read_frame::<Answer>(&mut &*bytes) else { return };
    let mut again = Vec::new();
    write_frame(&mut again, &answer, &body).expect("what was read can be written");
    match answer {
        Answer::Read { mut reading, image } => {
            // No mutation finds a hash.
            reading.blake3 = Blake3(*blake3::hash(&body).as_bytes());
            if worker::check::read(&reading, image, &body, reading.seq, &KINDS).is_ok() {
                let page = SealPage { image, bytes: &body, reading: &reading };
                let title = Title {
                    title: "",
                    subject: None,
                    creator_tool: "",
                    created: jiff::Timestamp::UNIX_EPOCH,
                };
                drop(sealing::seal(&[page], &title));
                drop(filing::recognise(&KINDS, &reading));
            }
        }
        Answer::Unpacked { pages, media_type, signatures } => {
            black_box(worker::check::unpacked(pages, &media_type, &signatures, &body, 500)).ok();
        }
        Answer::Seen { flaws } => {
            black_box(worker::check::seen(&flaws, &body)).ok();
        }
        Answer::Refused { reason, detail } => {
            black_box(worker::check::refused(reason, &detail, &body)).ok();
        }
        Answer::Ready { .. } | Answer::NoWall { .. } => {}
    }
}
