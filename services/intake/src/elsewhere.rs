//! What other Kho were asked for the components of a dossier, and what came of it.

use archive::{Inquiry, drawn};
use filing::standing::{Elsewhere, Heard};
use schemas::api::{InquiryState, KhoPaper, LookupWord};
use schemas::catalogue::Procedure;
use schemas::ids::ComponentId;

/// Questions with the papers that were answered.
pub(crate) type Answered<'a> = [(&'a Inquiry, Vec<KhoPaper>)];

/// How each question that names a component stands.
pub(crate) fn elsewhere<'a>(
    procedure: &Procedure,
    inquiries: &'a [Inquiry],
    answered: &'a Answered<'a>,
) -> Vec<Elsewhere<'a>> {
    let used = drawn(inquiries);
    let told = answered.iter().filter_map(|(asked, papers)| {
        let component = asked.component.as_ref()?;
        let paper = used.iter().find(|drawn| drawn.inquiry.id == asked.id);
        let decided = asked.words.iter().any(|said| said.word != LookupWord::Shown);
        let heard = match (asked.state(), paper) {
            (_, Some(drawn)) => Heard::Used(name(papers, drawn.paper)),
            // What was used once and isn't any more was declined since.
            (_, None) if decided => Heard::Declined,
            (InquiryState::Pending, None) => Heard::NotYet,
            (InquiryState::Silent, None) => Heard::Silence,
            (InquiryState::Answered, None) if takes(procedure, component, papers) => Heard::Paper,
            (InquiryState::Answered, None) => Heard::Nothing,
        };
        Some(Elsewhere { component, inquiry: asked.id, store: &asked.store, heard })
    });
    told.collect()
}

/// What the other Kho calls a paper.
fn name(papers: &[KhoPaper], place: u32) -> &str {
    let paper = usize::try_from(place).ok().and_then(|place| papers.get(place));
    paper.map_or("giấy tờ", |paper| paper.name.as_str())
}

/// Whether the component accepts one of the papers.
fn takes(procedure: &Procedure, component: &ComponentId, papers: &[KhoPaper]) -> bool {
    let component = procedure.components.iter().find(|one| one.id == *component);
    component.is_some_and(|component| papers.iter().any(|paper| component.takes(paper)))
}
