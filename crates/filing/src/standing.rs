//! How each component of a dossier stands: handed in, held from before, or still to be asked
//! for, with the reason as a counter officer reads it.
//!
//! A record stands for a component only where the catalogue says so: its result is among those
//! the component accepts, or its kind among those that may be handed in for it. Names that look
//! alike never decide. Where the record cannot tell (no date of issue, no known validity), a
//! person must look: nothing is held by assumption. `standing/whose.rs` says when it is known whose
//! paper a component asks for.

mod elsewhere;
mod whose;

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::Date;
use schemas::api::{ComponentStatus, ComponentView, DocumentVerdict, Party};
use schemas::catalogue::{Case, Channel, Component, Procedure, SubmitMode};
use schemas::code::Reason;
use schemas::ids::{CaseId, ComponentId, ProcedureCode};
use schemas::kind::{Scope, Validity};
use schemas::record::{BoundBy, Record, RecordState};
use schemas::situation::Situation;
use schemas::subject::Subject;

use crate::kinds::Kinds;

/// How each component of the procedure's case stands in that situation, on that day. Remarks and
/// papers that authorities make among themselves are left out.
#[must_use]
pub fn standing(
    kinds: &Kinds,
    procedure: &Procedure,
    situation: Situation<'_>,
    today: Date,
) -> Vec<ComponentView> {
    let asked: Vec<&Component> = procedure
        .components_of(situation.case)
        .filter(|c| c.submit != SubmitMode::Note && !c.internal)
        .collect();
    let desk = Desk { kinds, procedure, situation, asked: &asked, today };
    let mut views: Vec<ComponentView> = asked.iter().map(|c| desk.alone(c)).collect();
    settle_groups(&asked, &mut views);
    views
}

/// The case that is meant: the one asked for, or the only one there is.
///
/// # Errors
/// [`Reason::CaseNeeded`] when there are several and none was named, [`Reason::CaseUnknown`]
/// when there is none of that name.
pub fn chosen_case<'a>(
    procedure: &'a Procedure,
    asked: Option<&CaseId>,
) -> Result<Option<&'a CaseId>, Reason> {
    match (asked, procedure.cases.as_slice()) {
        (None, []) => Ok(None),
        (None, [only]) => Ok(Some(&only.id)),
        (None, _) => Err(Reason::CaseNeeded),
        (Some(asked), cases) => {
            let case = cases.iter().find(|case| case.id == *asked).ok_or(Reason::CaseUnknown)?;
            Ok(Some(&case.id))
        }
    }
}

/// The cases of a procedure, as a refusal names them.
#[must_use]
pub fn cases_told(procedure: &Procedure) -> String {
    if procedure.cases.is_empty() {
        return "the procedure has no cases".to_owned();
    }
    let told = |case: &Case| format!("{} ({})", case.id, case.label);
    let cases: Vec<String> = procedure.cases.iter().map(told).collect();
    format!("the cases are: {}", cases.join("; "))
}

/// What all components are measured by.
struct Desk<'a> {
    kinds: &'a Kinds,
    procedure: &'a Procedure,
    situation: Situation<'a>,
    asked: &'a [&'a Component],
    today: Date,
}

/// What a record is to a component that it could stand for.
enum Worth<'a> {
    /// Stands for it.
    Stands(Standing<'a>),
    /// A person must look at it first.
    Doubtful(String),
    /// Doesn't stand for it.
    Spent(String),
}

/// A record that stands for a component.
struct Standing<'a> {
    record: &'a Record,
    /// Last day on which it does, where there is one.
    last: Option<Date>,
    /// Whose it is.
    party: Party,
    /// How it is bound to them.
    bound_by: BoundBy,
    /// As a counter officer knows it.
    paper: String,
}

impl Desk<'_> {
    /// How a component stands, its group aside.
    fn alone(&self, component: &Component) -> ComponentView {
        let mine = || {
            self.situation.documents.iter().filter(|d| d.component.as_ref() == Some(&component.id))
        };
        let mut view = ComponentView {
            id: component.id.clone(),
            name: component.name.clone(),
            required: component.required,
            condition: component.condition.clone(),
            one_of: component.one_of.clone(),
            status: ComponentStatus::Needed,
            reason: String::new(),
            documents: mine().map(|d| d.id).collect(),
            record: None,
            record_version: None,
            of: None,
            valid_until: None,
            inquiry: None,
            question: None,
        };
        if mine().any(|d| d.verdict == DocumentVerdict::Filed) {
            let reason = match component.submit {
                SubmitMode::PresentOnly => "Đã quét trong hồ sơ này, dù chỉ cần xuất trình.",
                SubmitMode::Submit | SubmitMode::Note => "Đã nộp trong hồ sơ này.",
            };
            return settled(view, ComponentStatus::Filed, reason.to_owned());
        }
        let answer = self.situation.answers.get(&component.id).copied();
        if self.is_ruled_out(component) {
            let reason = "Không cần: không thuộc trường hợp phải nộp, theo câu trả lời.";
            return settled(view, ComponentStatus::NotNeeded, reason.to_owned());
        }
        let worth = self.best(component);
        if component.submit == SubmitMode::PresentOnly {
            return settled(view, ComponentStatus::PresentOnly, shown(component, worth.as_ref()));
        }
        let declined = self.situation.declined.contains(&component.id);
        let elsewhere = elsewhere::best(self.situation.elsewhere, component);
        view.inquiry = elsewhere.map(|asked| asked.inquiry);
        let stands = matches!(worth, Some(Worth::Stands(_)));
        if let Some((status, reason)) = elsewhere
            .filter(|_| declined || !stands)
            .and_then(|asked| elsewhere::held(asked, component))
        {
            return settled(view, status, reason);
        }
        if declined && stands {
            let reason = "Cần nộp: có bản số hoá, nhưng người dân chọn nộp giấy.";
            return settled(view, ComponentStatus::Needed, reason.to_owned());
        }
        if let Some(Worth::Stands(standing)) = &worth {
            view.record = Some(standing.record.id);
            view.record_version = Some(standing.record.version);
            view.of = (!self.situation.people.others.is_empty()).then_some(standing.party);
            view.valid_until = standing.last;
            view.inquiry = None;
            let (status, reason) = held(component, standing);
            return settled(view, status, reason);
        }
        if mine().any(|d| d.verdict == DocumentVerdict::Unsure) {
            let reason = "Có giấy tờ chưa chắc thuộc thành phần này; cán bộ cần xem và xác nhận.";
            return settled(view, ComponentStatus::Unsure, reason.to_owned());
        }
        let asked_for = asked_for(component, answer);
        let (status, reason) = match elsewhere {
            Some(asked) => elsewhere::unsettled(asked, asked_for),
            None => asked_for,
        };
        view.question = question(component, answer);
        match worth {
            Some(Worth::Doubtful(why)) => {
                let reason = format!("{why} Nếu không dùng được thì yêu cầu nộp.");
                settled(view, ComponentStatus::Unsure, reason)
            }
            Some(Worth::Spent(why)) => settled(view, status, format!("{why} {reason}")),
            Some(Worth::Stands(_)) | None => settled(view, status, reason),
        }
    }

    /// Whether the component isn't asked for, by what was answered.
    fn is_ruled_out(&self, component: &Component) -> bool {
        asked_on_condition(component) && self.situation.answers.get(&component.id) == Some(&false)
    }

    /// The record that stands best for a component: one that holds good longest, then the
    /// latest; else one that a person must look at; else one that tells why it doesn't.
    fn best(&self, component: &Component) -> Option<Worth<'_>> {
        let rank = |worth: &Worth<'_>| match worth {
            Worth::Stands(Standing { record, last, .. }) => {
                (2, last.unwrap_or(Date::MAX), record.published_at.clone())
            }
            Worth::Doubtful(_) => (1, Date::MIN, String::new()),
            Worth::Spent(_) => (0, Date::MIN, String::new()),
        };
        let worths: Vec<Worth<'_>> = self
            .situation
            .records
            .iter()
            .filter(|record| self.is_mapped(record, component) && !self.is_of_this_dossier(record))
            .filter_map(|record| self.weigh(record, component))
            .collect();
        let party = |worth: &Worth<'_>| match worth {
            Worth::Stands(standing) => Some(standing.party),
            Worth::Doubtful(_) | Worth::Spent(_) => None,
        };
        let parties: BTreeSet<Party> = worths.iter().filter_map(party).collect();
        worths.into_iter().map(|worth| self.told_apart(component, worth, &parties)).max_by_key(rank)
    }

    /// Whether the catalogue lets the record stand for the component: it is a result that the
    /// component accepts, or of the one kind that the component asks for. Where a component
    /// names several kinds, only what it accepts counts: it may ask for all of them.
    fn is_mapped(&self, record: &Record, component: &Component) -> bool {
        let accepted = |result| component.accepts.contains(result);
        let Some(kind) = self.kinds.get(&record.kind).filter(|kind| kind.reusable) else {
            return record.result.as_ref().is_some_and(accepted);
        };
        let only_kind = component.kinds == [kind.id.clone()];
        record.result.as_ref().is_some_and(accepted)
            || kind.results.iter().any(accepted)
            || only_kind
    }

    /// A paper handed in for one component of this dossier is not held for another one: the
    /// father's card must not answer for the mother's.
    fn is_of_this_dossier(&self, record: &Record) -> bool {
        self.situation.documents.iter().any(|document| document.id == record.document)
    }

    /// What a mapped record is worth; none when it is somebody else's.
    fn weigh<'r>(&self, record: &'r Record, component: &Component) -> Option<Worth<'r>> {
        let Some((party, person, owner)) = self.owner(record, component.whose) else {
            let has_number = |person: &Subject| {
                let number = person.reveal_number();
                record.owners.iter().any(|owner| owner.subject.reveal_number() == number)
            };
            let (_, person) = self.meant(component.whose).find(|(_, one)| has_number(one))?;
            // Whoever asks knows the number only: not a word about the record itself.
            let whose = self.of(person).unwrap_or_else(|| " này".to_owned());
            return Some(Worth::Doubtful(format!(
                "Có bản số hoá gắn với số định danh{whose} nhưng họ tên hoặc ngày sinh không khớp; \
                 cần đối chiếu."
            )));
        };
        let paper = told(record) + &self.of(person).unwrap_or_default();
        match record.state {
            RecordState::Published => {}
            RecordState::Superseded => {
                return Some(Worth::Spent(self.replaced(record, &paper)));
            }
            RecordState::Revoked => {
                return Some(Worth::Spent(format!("Có {paper} nhưng đã bị thu hồi.")));
            }
        }
        if let Some(worth) = self.out_of_place(record, &paper) {
            return Some(worth);
        }
        let mut last = record.valid_until;
        if last.is_none() {
            match record.validity {
                Validity::Unlimited | Validity::UntilEvent => {}
                Validity::Printed | Validity::Months { .. } | Validity::Unknown => {
                    let why = "nhưng chưa rõ còn giá trị hay không; cán bộ cần kiểm tra.";
                    return Some(Worth::Doubtful(format!("Có {paper} {why}")));
                }
            }
        }
        if let Some(months) = component.max_age_months {
            let Some(oldest) = self.last_day_by_age(record, months) else {
                let why = format!(
                    "nhưng không rõ ngày cấp, trong khi chỉ nhận giấy cấp trong {months} tháng; \
                     cán bộ cần kiểm tra."
                );
                return Some(Worth::Doubtful(format!("Có {paper} {why}")));
            };
            last = Some(last.map_or(oldest, |last| last.min(oldest)));
        }
        match last {
            Some(day) if day < self.today => {
                let day = vietnamese(day);
                Some(Worth::Spent(format!("Có {paper} nhưng chỉ dùng được đến ngày {day}.")))
            }
            _ => {
                let bound_by = owner.bound_by;
                Some(Worth::Stands(Standing { record, last, party, bound_by, paper }))
            }
        }
    }

    /// What took the record's place, where the subject's own records tell.
    fn replaced(&self, record: &Record, paper: &str) -> String {
        let is_it = |by: &&Record| {
            record.superseded_by == Some(by.id)
                && self.situation.people.all().any(|one| by.is_of(one))
        };
        match self.situation.records.iter().find(is_it) {
            Some(by) => format!("Có {paper} nhưng đã có giấy tờ khác thay thế: {}.", told(by)),
            None => format!("Có {paper} nhưng đã có bản khác thay thế."),
        }
    }

    /// What keeps the record from standing here, or for this procedure.
    fn out_of_place<'r>(&self, record: &Record, paper: &str) -> Option<Worth<'r>> {
        let (here, taken_in) = (self.situation.office, &record.office);
        match &self.kinds.get(&record.kind)?.scope {
            Scope::National => None,
            Scope::Province if taken_in.province() == here.province() => None,
            Scope::Office if taken_in.covers(here) => None,
            // Where it was taken in need not be where it was issued.
            Scope::Province => Some(Worth::Doubtful(format!(
                "Có {paper} nhưng chỉ có giá trị trong một tỉnh, thành phố, và được số hoá ở nơi \
                 khác; cán bộ cần kiểm tra."
            ))),
            Scope::Office => Some(Worth::Doubtful(format!(
                "Có {paper} nhưng chỉ có giá trị tại một cơ quan, và được số hoá ở nơi khác; cán \
                 bộ cần kiểm tra."
            ))),
            Scope::Procedures { procedures } => {
                let asked = self.procedure.code.as_str();
                let is_meant = |code: &ProcedureCode| asked.starts_with(code.as_str());
                (!procedures.iter().any(is_meant)).then(|| {
                    Worth::Spent(format!("Có {paper} nhưng chỉ dùng được cho thủ tục khác."))
                })
            }
            Scope::Stated => Some(Worth::Doubtful(format!(
                "Có {paper} nhưng chỉ dùng được đúng mục đích ghi trên giấy; cán bộ cần đọc."
            ))),
        }
    }

    /// Last day on which the record is young enough; none when its date of issue isn't known or
    /// lies ahead, which is a misreading.
    fn last_day_by_age(&self, record: &Record, months: u16) -> Option<Date> {
        let issued = record.issued_on()?;
        if self.today < issued {
            return None;
        }
        issued.checked_add(i32::from(months).months()).ok()
    }
}

fn settled(mut view: ComponentView, status: ComponentStatus, reason: String) -> ComponentView {
    view.status = status;
    view.reason = reason;
    view
}

/// Status and reason of a component that a record stands for.
fn held(component: &Component, standing: &Standing<'_>) -> (ComponentStatus, String) {
    let until = match standing.last {
        Some(day) => format!("có giá trị đến ngày {}", vietnamese(day)),
        None => "không thời hạn".to_owned(),
    };
    let mut reason = format!("Đã có {}, {until}.", standing.paper);
    if standing.bound_by == BoundBy::Dossier {
        reason.push_str(" Trên giấy không ghi số định danh; chính người này đã nộp.");
    }
    with_original(component, reason)
}

/// Status and reason of a component that something stands for, with what is to come in all the
/// same.
fn with_original(component: &Component, mut reason: String) -> (ComponentStatus, String) {
    if component.physical_original_needed {
        reason.push_str(" Vẫn phải nộp bản gốc để ghi chú hoặc thu hồi.");
    } else if component.original_due_at_return {
        reason.push_str(" Bản gốc nộp khi nhận kết quả.");
    } else {
        reason.push_str(" Không yêu cầu nộp lại.");
        return (ComponentStatus::Held, reason);
    }
    (ComponentStatus::HeldOriginalNeeded, reason)
}

/// Reason of a component that is only shown.
fn shown(component: &Component, worth: Option<&Worth<'_>>) -> String {
    let mut reason = "Chỉ xuất trình để đối chiếu rồi trả lại; không nộp, không quét.".to_owned();
    if !component.data_sources.is_empty() {
        let sources = component.data_sources.join("; ");
        reason.push_str(&format!(" Không phải xuất trình nếu tra cứu được từ: {sources}."));
    }
    if let Some(Worth::Stands(Standing { paper, .. })) = worth {
        reason.push_str(&format!(" Có {paper} để đối chiếu."));
    }
    reason
}

/// Whether a component is asked for on a condition that the citizen can tell.
#[must_use]
pub fn asked_on_condition(component: &Component) -> bool {
    !component.required && component.condition.is_some()
}

/// What to ask the citizen about a component, as long as nobody did.
fn question(component: &Component, answer: Option<bool>) -> Option<String> {
    let condition = component.condition.as_ref().filter(|_| asked_on_condition(component))?;
    let asks_already = condition.trim_end().ends_with('?');
    let condition = condition.trim().trim_end_matches(['.', ';', ',', '?']);
    match answer {
        Some(_) => None,
        None if asks_already => Some(format!("{condition}?")),
        None => Some(format!("Có thuộc trường hợp này không: {condition}?")),
    }
}

/// Status and reason of a component that nothing stands for.
fn asked_for(component: &Component, answer: Option<bool>) -> (ComponentStatus, String) {
    let sources = component.data_sources.join("; ");
    if component.channel == Channel::Online {
        return (ComponentStatus::Conditional, "Chỉ khi nộp hồ sơ trực tuyến.".to_owned());
    }
    if !component.required && answer != Some(true) {
        let mut reason = match &component.condition {
            Some(condition) => format!("Chỉ nộp khi thuộc trường hợp: {condition}"),
            None => "Chỉ nộp khi thuộc trường hợp nêu trong thành phần".to_owned(),
        };
        if !reason.ends_with('.') {
            reason.push('.');
        }
        if !sources.is_empty() {
            reason.push_str(&format!(" Khi đó tra cứu trước từ: {sources}."));
        }
        return (ComponentStatus::Conditional, reason);
    }
    if !sources.is_empty() {
        let reason = format!("Tra cứu từ: {sources}. Chỉ yêu cầu nộp khi không tra cứu được.");
        return (ComponentStatus::Database, reason);
    }
    let reason = match &component.condition {
        Some(condition) => format!("Cần nộp. Lưu ý: {}.", condition.trim_end_matches('.')),
        None => "Cần nộp.".to_owned(),
    };
    (ComponentStatus::Needed, reason)
}

/// Lets what is there speak for the others of its group, and tells of the choice where nothing
/// is there.
fn settle_groups(asked: &[&Component], views: &mut [ComponentView]) {
    let is_there = |status: ComponentStatus| {
        use ComponentStatus::{
            Conditional, Database, Filed, Held, HeldOriginalNeeded, Needed, NotNeeded, Pending,
            PresentOnly, Unsure,
        };
        match status {
            Filed | Held | HeldOriginalNeeded => true,
            Unsure | Needed | Conditional | NotNeeded | PresentOnly | Database | Pending => false,
        }
    };
    let there: Vec<bool> = views.iter().map(|view| is_there(view.status)).collect();
    for (i, component) in asked.iter().enumerate() {
        if there[i] {
            continue;
        }
        let peers: Vec<usize> =
            (0..asked.len()).filter(|j| *j != i && are_peers(component, asked[*j])).collect();
        if let Some(peer) = peers.iter().find(|j| there[**j]) {
            views[i].status = ComponentStatus::NotNeeded;
            views[i].reason = format!("Không cần, vì đã có: {}", sentence(&asked[*peer].name));
        } else if views[i].status == ComponentStatus::Pending {
            // What is waited for comes first.
        } else if let Some(main) = main_of(component, asked) {
            views[i].reason = format!("Có thể nộp thay cho: {}", sentence(&main.name));
            if views[i].status == ComponentStatus::Needed {
                views[i].status = ComponentStatus::Conditional;
            }
        } else if component.one_of.is_some() && !peers.is_empty() {
            let others: Vec<&str> = peers.iter().map(|j| asked[*j].name.as_str()).collect();
            let others = sentence(&others.join("; hoặc "));
            views[i]
                .reason
                .push_str(&format!(" Nộp một trong các giấy tờ; có thể thay bằng: {others}"));
        }
    }
}

/// Whether one of the two is enough.
fn are_peers(a: &Component, b: &Component) -> bool {
    let same = |x: Option<&ComponentId>, y: Option<&ComponentId>| x.is_some() && x == y;
    (a.one_of.is_some() && a.one_of == b.one_of)
        || a.alternative_of.as_ref() == Some(&b.id)
        || b.alternative_of.as_ref() == Some(&a.id)
        || same(a.alternative_of.as_ref(), b.alternative_of.as_ref())
}

/// The component that this one may be handed in instead of.
fn main_of<'a>(component: &Component, asked: &[&'a Component]) -> Option<&'a Component> {
    let main = component.alternative_of.as_ref()?;
    asked.iter().copied().find(|other| other.id == *main)
}

/// A record as a counter officer knows it: what it is and which dossier it came with.
fn told(record: &Record) -> String {
    format!("bản số hoá «{}» từ hồ sơ {}", record.name, record.dossier)
}

/// The name of a component at the end of a sentence.
fn sentence(name: &str) -> String {
    format!("{}.", name.trim_end_matches(['.', ';', ',', ' ']))
}

/// A day as it is written here: `17/01/2025`.
fn vietnamese(day: Date) -> String {
    day.strftime("%d/%m/%Y").to_string()
}

#[cfg(test)]
mod tests;
