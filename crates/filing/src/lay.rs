//! Which component of the dossier a paper stands for.

use std::collections::{BTreeMap, BTreeSet};

use schemas::catalogue::{Component, Digitise, Procedure, SubmitMode};
use schemas::ids::{CaseId, ComponentId, DossierCode, KindId};
use schemas::reading::KindGuess;
use schemas::text;

use crate::file::{Document, Verdict};
use crate::kinds::Kinds;
use crate::split::Run;

/// Lowest confidence at which a paper is filed without a person.
///
/// Measured by `cargo run -p filing --example threshold` on 2,650 pages: papers assembled from
/// the evidence of 185 kinds with 0, 2, 5 and 10 % of their letters misread at random, papers of
/// kinds that were taken out of the file, and 60 pages of real and foreign text. Of 1,939 papers
/// that pass at 0.70, 4 are taken for a wrong kind (0.2 %), and 86 % of those whose kind is
/// known pass; of the 370 papers of unknown kinds 2 are taken for one (0.5 %). At 0.60 it is
/// 0.8 % and 87 %, at 0.55 already 1.0 %. The wanted bound is 1 %; 0.70 leaves a margin, because
/// noise and papers of one's own making are kinder than a scanner and the world.
pub const THRESHOLD: f32 = 0.7;

/// Below this share of the best guess's confidence another guess is no rival to it; below this
/// confidence a guess isn't worth a person's reading.
const RIVAL: f32 = 0.3;

/// Lays papers on the components of the procedure's case, in the papers' order.
pub(crate) fn lay(
    kinds: &Kinds,
    procedure: &Procedure,
    case: Option<&CaseId>,
    dossier: &DossierCode,
    runs: Vec<Run>,
) -> Vec<Document> {
    let mut table = Table::of(procedure, case);
    // Papers with the fewest places go first: a paper that could stand in two must not take the
    // only place of another.
    let mut order: Vec<usize> = (0..runs.len()).collect();
    order.sort_by_key(|place| table.places(runs[*place].best()).len());
    let mut laid: BTreeMap<usize, Laid> = BTreeMap::new();
    for place in order {
        let run = &runs[place];
        let result = match &run.named {
            Some(named) if named.dossier != *dossier => {
                let why =
                    "Tờ phân cách ghi mã của hồ sơ khác. Hãy kiểm tra giấy tờ thuộc hồ sơ nào.";
                Laid::not(Verdict::Unsure, why.to_owned())
            }
            Some(named) => table.lay_named(&named.component, run),
            None => table.lay(kinds, run),
        };
        laid.insert(place, result);
    }
    runs.into_iter()
        .zip(laid.into_values())
        .map(|(run, laid)| {
            let Laid { component, verdict, why } = laid;
            // A person who put a separator sheet there has said what it is.
            let said = run.named.as_ref().and(component.as_ref());
            let kind = said.and_then(|id| table.only_kind(id)).or_else(|| run.best().cloned());
            let guessed = kind.as_ref().map_or(0.0, |k| k.confidence);
            let confidence = if said.is_some() { 1.0 } else { guessed };
            Document { pages: run.pages, kind, component, confidence, verdict, why }
        })
        .collect()
}

struct Laid {
    component: Option<ComponentId>,
    verdict: Verdict,
    why: String,
}

impl Laid {
    fn not(verdict: Verdict, why: String) -> Self {
        Self { component: None, verdict, why }
    }
}

/// The components of a case, what the procedure ends with, and how many papers lie on each.
struct Table<'a> {
    components: Vec<&'a Component>,
    procedure: &'a Procedure,
    laid: BTreeMap<&'a ComponentId, u16>,
}

impl<'a> Table<'a> {
    fn of(procedure: &'a Procedure, case: Option<&'a CaseId>) -> Self {
        let asked = |c: &&Component| !c.internal && c.submit != SubmitMode::Note;
        let mut components: Vec<_> = procedure.components_of(case).filter(asked).collect();
        components.sort_by_key(|c| c.order);
        Self { components, procedure, laid: BTreeMap::new() }
    }

    /// Components that accept the kind.
    fn places(&self, guess: Option<&KindGuess>) -> Vec<&'a Component> {
        let accepts = |c: &&&Component| guess.is_some_and(|g| c.kinds.contains(&g.id));
        self.components.iter().filter(accepts).copied().collect()
    }

    /// The code under which a paper of that kind is filed as what the procedure ends with.
    fn result_of(&self, kinds: &Kinds, kind: &KindId) -> Option<ComponentId> {
        let kind = kinds.get(kind)?;
        let mut results = self.procedure.evidence();
        results.find(|code| kind.results.contains(code))?.to_string().parse().ok()
    }

    /// The kind that a component asks for, where it asks for just one.
    fn only_kind(&self, id: &ComponentId) -> Option<KindGuess> {
        let component = self.components.iter().find(|c| c.id == *id)?;
        match component.kinds.as_slice() {
            [only] => Some(KindGuess { id: only.clone(), confidence: 1.0 }),
            _ => None,
        }
    }

    fn lay_named(&mut self, named: &ComponentId, run: &Run) -> Laid {
        if self.procedure.ends_with(named) && run.best().is_some() {
            return result(
                named.clone(),
                "Tờ phân cách ghi là kết quả của thủ tục này.".to_owned(),
            );
        }
        let Some(component) = self.components.iter().find(|c| c.id == *named).copied() else {
            let why = "Tờ phân cách ghi một thành phần không có trong trường hợp này của thủ tục.";
            return Laid::not(Verdict::Unsure, why.to_owned());
        };
        if let Some(why) = not_collected(component) {
            return Laid::not(Verdict::Outside, why);
        }
        // A record needs a kind: the one recognised, or the only one that the component takes.
        if run.best().is_none() && component.kinds.len() != 1 {
            let why = "Tờ phân cách ghi thành phần này, nhưng chưa rõ loại giấy tờ. Hãy xem ảnh.";
            return Laid::not(Verdict::Unsure, why.to_owned());
        }
        self.put(component, "Tờ phân cách đặt trước giấy tờ ghi thành phần này.".to_owned())
    }

    fn lay(&mut self, kinds: &Kinds, run: &Run) -> Laid {
        let Some(guess) = run.best().filter(|guess| guess.confidence >= RIVAL) else {
            let why = "Chưa nhận ra loại giấy tờ. Hãy xem ảnh và chọn thành phần hồ sơ.";
            return Laid::not(Verdict::Unsure, why.to_owned());
        };
        let name = kinds.get(&guess.id).map_or(guess.id.as_str(), |kind| kind.name.as_str());
        if guess.confidence < THRESHOLD {
            let why =
                format!("Có thể là “{name}” nhưng chưa đủ chắc chắn. Hãy xem ảnh và xác nhận.");
            return Laid::not(Verdict::Unsure, why);
        }
        let places = self.places(Some(guess));
        if places.is_empty()
            && let Some(code) = self.result_of(kinds, &guess.id)
        {
            return result(code, format!("Kết quả của thủ tục này: “{name}”."));
        }
        if places.is_empty() && self.may_be_asked_for(kinds, run) {
            let why = format!(
                "Có vẻ là “{name}”, nhưng cũng có thể là giấy tờ mà thủ tục yêu cầu. Hãy xem ảnh và xác nhận."
            );
            return Laid::not(Verdict::Unsure, why);
        }
        if places.is_empty() {
            let why = format!(
                "“{name}” không có trong thành phần hồ sơ của thủ tục này. Không thu; trả lại người nộp."
            );
            return Laid::not(Verdict::Outside, why);
        }
        let collected = places.iter().filter(|c| not_collected(c).is_none());
        let best = collected
            .min_by_key(|c| (self.filled(c), self.satisfied(c), !c.required, c.order))
            .copied();
        match best {
            Some(component) => {
                let again = if self.filled(component) { " (thêm một bản)" } else { "" };
                self.put(component, format!("Nhận ra là “{name}”{again}."))
            }
            None => {
                let why = places.iter().find_map(|c| not_collected(c)).unwrap_or_default();
                Laid::not(Verdict::Outside, format!("“{name}”: {why}"))
            }
        }
    }

    /// Whether a paper that no component accepts may yet be one that is asked for: where a kind
    /// that is accepted is a rival, or has a title of which only the beginning was recognised
    /// ("ĐƠN XIN" of "ĐƠN XIN XÁC NHẬN…"). To send a citizen away with the right paper is worse
    /// than to let a person look.
    fn may_be_asked_for(&self, kinds: &Kinds, run: &Run) -> bool {
        let Some(best) = run.best() else { return false };
        let accepted = |id: &KindId| self.components.iter().any(|c| c.kinds.contains(id));
        let rival = run.signs.iter().any(|sign| {
            accepted(&sign.guess.id) && sign.guess.confidence >= RIVAL * best.confidence.max(RIVAL)
        });
        let titles = |id: &KindId| -> Vec<String> {
            let titles = kinds.get(id).map(|kind| kind.evidence.titles.as_slice());
            titles.unwrap_or_default().iter().map(|t| text::fold(t)).collect()
        };
        let begun = titles(&best.id);
        let wider = || {
            let all = self.components.iter().flat_map(|c| &c.kinds).flat_map(titles);
            all.into_iter()
                .any(|t| begun.iter().any(|b| t.len() > b.len() && t.starts_with(b.as_str())))
        };
        rival || wider()
    }

    fn put(&mut self, component: &'a Component, why: String) -> Laid {
        *self.laid.entry(&component.id).or_default() += 1;
        Laid { component: Some(component.id.clone()), verdict: Verdict::Filed, why }
    }

    /// Whether as many papers lie on it as it asks for.
    fn filled(&self, component: &Component) -> bool {
        let wanted = (component.originals + component.copies).max(1);
        self.laid.get(&component.id).is_some_and(|laid| *laid >= wanted)
    }

    /// Whether another component that stands for it is there already.
    fn satisfied(&self, component: &Component) -> bool {
        let laid: BTreeSet<&ComponentId> = self.laid.keys().copied().collect();
        let stands_for = |other: &&&Component| {
            let same_group = component.one_of.is_some() && other.one_of == component.one_of;
            let instead = other.alternative_of.as_ref() == Some(&component.id)
                || component.alternative_of.as_ref() == Some(&other.id);
            other.id != component.id && (same_group || instead)
        };
        self.components.iter().filter(stands_for).any(|other| laid.contains(&other.id))
    }
}

/// A paper that the procedure ends with.
fn result(code: ComponentId, why: String) -> Laid {
    Laid { component: Some(code), verdict: Verdict::Filed, why }
}

/// Why a paper for this component is not taken in, where it must not be.
fn not_collected(component: &Component) -> Option<String> {
    match (component.submit, component.digitise) {
        (SubmitMode::PresentOnly, _) => Some(
            "chỉ cần xuất trình để đối chiếu, không nộp và không số hoá. Trả lại người nộp."
                .to_owned(),
        ),
        (SubmitMode::Submit, Digitise::Never) => {
            Some("không được số hoá theo danh mục; xử lý bản giấy. Hãy xoá bản quét.".to_owned())
        }
        (SubmitMode::Submit, Digitise::Must | Digitise::May) | (SubmitMode::Note, _) => None,
    }
}
