//! Readers that a shell plays, word for word: which of them are asked again.

use schemas::ids::Blake3;
use schemas::reader::write_frame;

use super::*;

const SCAN: &[u8] = b"scan";
/// A page image, as far as a worker looks into one.
const IMAGE: &[u8] = &[0xff, 0xd8, 0xff, 0xe0];

/// The nth reader of a folder says what stands in `n.0` when it is ready, and to each question what
/// stands in `n.1`, `n.2` and so on; then it ends. A question is LENGTH bytes long.
const PLAY: &str = r#"
reader=0
until mkdir "$0/$reader"; do reader=$((reader + 1)); done
cat "$0/$reader.0"
turn=1
while head -c LENGTH > "$0/$reader/asked" && cat "$0/$reader.$turn"; do turn=$((turn + 1)); done
"#;

fn said(answer: &Answer, body: &[u8]) -> Vec<u8> {
    let mut pipe = Vec::new();
    write_frame(&mut pipe, answer, body).unwrap();
    pipe
}

fn ready() -> Vec<u8> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    said(&Answer::Ready { version, walls: Vec::new() }, &[])
}

fn seen() -> Vec<u8> {
    said(&Answer::Seen { flaws: vec![Flaw::Blurred] }, &[])
}

fn refused(reason: Reason) -> Vec<u8> {
    said(&Answer::Refused { reason, detail: "as it was told".to_owned() }, &[])
}

/// A page of that text.
fn read(text: &str, confidence: f32) -> Vec<u8> {
    let unread = PageReading::unread(0, Blake3::of(IMAGE));
    let reading = PageReading { text: text.to_owned(), confidence, ..unread };
    let image = PageImage::Jpeg { width: 1, height: 1, components: 1 };
    said(&Answer::Read { reading: Box::new(reading), image }, IMAGE)
}

/// What comes of two questions, one after the other, where the first reader says these things, and
/// the one that takes its place reads a page of the text `fresh`.
async fn asked_twice(first: &[Vec<u8>]) -> [Result<String, ReaderError>; 2] {
    let folder = tempfile::tempdir().unwrap();
    let fresh = [ready(), read("fresh", 1.0)];
    for (reader, turns) in [first, &fresh].into_iter().enumerate() {
        for (turn, said) in turns.iter().enumerate() {
            std::fs::write(folder.path().join(format!("{reader}.{turn}")), said).unwrap();
        }
    }
    let mut question = Vec::new();
    write_frame(&mut question, &Ask::Read { seq: 0 }, SCAN).unwrap();
    let play = PLAY.replace("LENGTH", &question.len().to_string());
    let program = ReaderProgram {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), play.into(), folder.path().into()],
        limits: ReaderLimits::default(),
    };
    let readers = Readers::new(program, 1);
    let ask = async || {
        let page = readers.read(Lane::Counter, SCAN, 0, oneshot::channel().0).await;
        page.map(|page| page.reading.text)
    };
    let answers = [ask().await, ask().await];
    readers.close().await;
    answers
}

#[tokio::test]
async fn a_reader_that_refuses_a_scan_is_asked_again() {
    let turns = [ready(), refused(Reason::ScanBroken), read("kept", 1.0)];
    let [one, two] = asked_twice(&turns).await;
    assert!(matches!(one, Err(ReaderError::Refused { reason: Reason::ScanBroken, .. })), "{one:?}");
    assert_eq!(two.unwrap(), "kept");
}

#[tokio::test]
async fn a_reader_whose_engine_stopped_is_a_dead_one() {
    let turns = [ready(), refused(Reason::ReaderCrashed), read("kept", 1.0)];
    let [one, two] = asked_twice(&turns).await;
    assert!(matches!(one, Err(ReaderError::Crashed(_))), "{one:?}");
    assert_eq!(two.unwrap(), "fresh");
}

#[tokio::test]
async fn a_reader_whose_answer_cannot_be_is_not_asked_again() {
    let turns = [ready(), read("of another world", 7.0), read("kept", 1.0)];
    let [one, two] = asked_twice(&turns).await;
    assert!(matches!(one, Err(ReaderError::Nonsense("confidence"))), "{one:?}");
    assert_eq!(two.unwrap(), "fresh");
    let turns = [ready(), refused(Reason::SubjectDiffers), read("kept", 1.0)];
    let [one, two] = asked_twice(&turns).await;
    assert!(matches!(one, Err(ReaderError::Nonsense(_))), "{one:?}");
    assert_eq!(two.unwrap(), "fresh");
}

#[tokio::test]
async fn what_a_reader_says_beside_its_answer_never_answers_the_next_question() {
    let more = [seen(), seen(), read("another's", 1.0)].concat();
    let [one, two] = asked_twice(&[ready(), more, read("kept", 1.0)]).await;
    assert!(matches!(one, Err(ReaderError::Nonsense("not an answer to read"))), "{one:?}");
    assert_eq!(two.unwrap(), "fresh");

    let unasked = [ready(), read("another's", 1.0)].concat();
    let [one, two] = asked_twice(&[unasked, read("kept", 1.0)]).await;
    assert!(matches!(one, Err(ReaderError::Nonsense("an answer to no question"))), "{one:?}");
    assert_eq!(two.unwrap(), "fresh");
}
