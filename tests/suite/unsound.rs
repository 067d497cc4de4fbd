//! Readers that eat memory or answer nonsense, which parks the page as a crash does: that is between
//! a worker and its reader, so one machine is enough.

use crate::readers::check;

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_eats_memory_parks_the_page_and_nothing_else() {
    check("#eat", "reader.memory_limit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_answers_nonsense_parks_the_page_and_nothing_else() {
    check("#nonsense", "reader.nonsense").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_whose_answer_cannot_be_is_not_believed() {
    check("#liar", "reader.nonsense").await;
}
