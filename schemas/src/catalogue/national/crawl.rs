//! A procedure of the national list as it was crawled, made into one of ours.
//!
//! Taken over: names, levels, field, decision, results, notes, components with their quantities,
//! channels, forms and cases. Not taken over: `candidate_data_source`, and `candidate_reuse`
//! except where the component's own name says the same, because both were derived by rule and
//! nobody has confirmed them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::matching::Matcher;
use super::{At, Fault, MAX_COMPONENTS, MAX_TEXT, Taken, check, quantity};
use crate::catalogue::{Case, Channel, Component, Digitise, Outcome, Procedure, SubmitMode};
use crate::ids::{CaseId, ComponentId, ProcedureCode, ResultCode};
use crate::text::{fold, tidy};

/// Longest readable part of a case's id.
const SLUG: usize = 48;

#[derive(Deserialize)]
struct RawProcedure {
    code: String,
    name: String,
    #[serde(default)]
    level: Option<String>,
    #[serde(default)]
    field: Option<String>,
    #[serde(default)]
    decision: Option<String>,
    #[serde(default)]
    results: Vec<RawResult>,
    #[serde(default)]
    components: Vec<RawComponent>,
    #[serde(default)]
    notes: Vec<RawNote>,
    #[serde(default)]
    source: Option<RawSource>,
}

#[derive(Deserialize)]
struct RawResult {
    #[serde(default)]
    code: Option<String>,
    name: String,
}

#[derive(Deserialize)]
struct RawNote {
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    text: Option<String>,
}

#[derive(Deserialize)]
struct RawSource {
    #[serde(default)]
    portal_url: Option<String>,
}

#[derive(Deserialize, PartialEq)]
struct RawComponent {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    form: Option<String>,
    #[serde(default)]
    form_file: Option<String>,
    #[serde(default)]
    n_original: Option<Value>,
    #[serde(default)]
    n_copy: Option<Value>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    conditional: bool,
    #[serde(default)]
    submit_mode: Option<String>,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    case: Option<String>,
    #[serde(default)]
    alternative_of: Option<String>,
    #[serde(default)]
    candidate_reuse: Vec<RawReuse>,
}

#[derive(Deserialize, PartialEq)]
struct RawReuse {
    #[serde(default)]
    result_code: Option<String>,
}

/// Reads one entry of the list.
pub(super) fn read(raw: Value, matcher: &Matcher<'_>) -> Result<Taken, At> {
    let raw: RawProcedure = serde_json::from_value(raw).map_err(|_| Fault::Shape)?;
    let code: ProcedureCode = tidy(&raw.code).parse().map_err(|_| Fault::BadCode)?;
    if raw.components.len() > MAX_COMPONENTS {
        return Err(Fault::TooManyComponents.into());
    }
    let mut rows = Rows::new(matcher);
    for component in raw.components {
        rows.take(component)?;
    }
    let (parent, province) = lineage(&code);
    let procedure = Procedure {
        name: tidy(&raw.name),
        levels: raw.level.as_deref().map(levels).unwrap_or_default(),
        field: raw.field.as_deref().map(tidy).unwrap_or_default(),
        decision: text(raw.decision),
        province,
        parent,
        cases: rows.cases,
        components: group_alternatives(rows.components),
        results: raw.results.into_iter().map(outcome).collect::<Result<_, _>>()?,
        notes: raw.notes.into_iter().filter_map(note).collect(),
        source: text(raw.source.and_then(|source| source.portal_url)),
        code,
    };
    match check::faults(&procedure, matcher.kinds()).into_iter().next() {
        Some((component, fault)) => Err(At { component, fault }),
        None => Ok(Taken { procedure, repaired: rows.repaired, dropped: rows.dropped }),
    }
}

/// The rows of one procedure, as they are taken.
struct Rows<'a> {
    matcher: &'a Matcher<'a>,
    raw: BTreeMap<String, RawComponent>,
    cases: Vec<Case>,
    components: Vec<Component>,
    repaired: usize,
    dropped: Vec<At>,
}

impl<'a> Rows<'a> {
    fn new(matcher: &'a Matcher<'a>) -> Self {
        let (raw, cases, components, dropped) = Default::default();
        Self { matcher, raw, cases, components, repaired: 0, dropped }
    }

    fn take(&mut self, raw: RawComponent) -> Result<(), At> {
        let at = |fault| At { component: Some(raw.id.chars().take(64).collect()), fault };
        let id: ComponentId = tidy(&raw.id).parse().map_err(|_| at(Fault::BadComponentId))?;
        if let Some(earlier) = self.raw.get(id.as_str()) {
            if *earlier != raw {
                return Err(at(Fault::DuplicateComponent));
            }
            self.dropped.push(at(Fault::RepeatedComponent));
            return Ok(());
        }
        let name = tidy(raw.name.as_deref().unwrap_or_default());
        let form_code = raw.form.as_deref().map(tidy).filter(|form| !form.is_empty());
        if [&raw.name, &raw.form, &raw.form_file, &raw.case]
            .into_iter()
            .flatten()
            .any(|t| t.len() > MAX_TEXT)
        {
            return Err(at(Fault::TooLong));
        }
        let asked = |raw: Option<&Value>| quantity::read(raw, &name, form_code.as_deref());
        let originals = asked(raw.n_original.as_ref()).ok_or_else(|| at(Fault::Quantity))?;
        let copies = asked(raw.n_copy.as_ref()).ok_or_else(|| at(Fault::Quantity))?;
        let submit = submit_mode(raw.submit_mode.as_deref(), originals.count + copies.count)
            .ok_or_else(|| at(Fault::BadMode))?;
        let channel = channel(raw.channel.as_deref()).ok_or_else(|| at(Fault::BadMode))?;
        if name.is_empty() {
            if submit == SubmitMode::Submit {
                return Err(at(Fault::NamelessComponent));
            }
            self.dropped.push(at(Fault::EmptyLine));
            return Ok(());
        }
        if quantity::is_glued(&name) {
            return Err(at(Fault::Glued));
        }
        let alternative_of = match &raw.alternative_of {
            None => None,
            Some(of) => Some(tidy(of).parse().map_err(|_| at(Fault::UnknownAlternative))?),
        };
        let case = raw
            .case
            .as_deref()
            .map(tidy)
            .filter(|label| !label.is_empty())
            .and_then(|label| self.case(&label));
        let kind = if submit == SubmitMode::Note { None } else { self.matcher.kind_of(&name) };
        // What a rule proposed and the line's own name confirms.
        let accepts: Vec<ResultCode> = kind
            .filter(|kind| kind.reusable && submit == SubmitMode::Submit)
            .map(|kind| &kind.results)
            .into_iter()
            .flatten()
            .filter(|result| {
                raw.candidate_reuse
                    .iter()
                    .any(|c| c.result_code.as_deref() == Some(result.as_str()))
            })
            .cloned()
            .collect();
        let order =
            u16::try_from(self.components.len() + 1).map_err(|_| at(Fault::TooManyComponents))?;
        self.repaired += usize::from(originals.repaired || copies.repaired);
        self.components.push(Component {
            case,
            kinds: kind.map(|kind| kind.id.clone()).into_iter().collect(),
            whose: None,
            form_legal_ref: form_code.as_deref().and_then(legal_ref),
            form_code: form_code.as_deref().map(without_law),
            form_file: raw.form_file.as_deref().map(tidy).filter(|file| !file.is_empty()),
            originals: originals.count,
            copies: copies.count,
            required: raw.required && submit != SubmitMode::Note,
            condition: if raw.conditional { condition(&name) } else { None },
            one_of: None,
            alternative_of,
            submit,
            channel,
            digitise: match submit {
                SubmitMode::Submit if accepts.is_empty() => Digitise::May,
                SubmitMode::Submit => Digitise::Must,
                SubmitMode::PresentOnly | SubmitMode::Note => Digitise::Never,
            },
            accepts,
            data_sources: Vec::new(),
            max_age_months: max_age(&name),
            sensitive: kind.is_some_and(|kind| kind.sensitive),
            original_due_at_return: false,
            physical_original_needed: fold(&name).contains("ban goc giay chung nhan da cap"),
            internal: false,
            order,
            id: id.clone(),
            name,
        });
        self.raw.insert(id.as_str().to_owned(), raw);
        Ok(())
    }

    /// The case of that label, new or known.
    fn case(&mut self, label: &str) -> Option<CaseId> {
        let id: CaseId = slug(label).parse().ok()?;
        if !self.cases.iter().any(|case| case.id == id) {
            self.cases.push(Case {
                id: id.clone(),
                label: label.trim_end_matches([':', ' ']).to_owned(),
                time_limit: None,
                eform: false,
                no_paper: false,
                allow_proxy: false,
            });
        }
        Some(id)
    }
}

/// A readable id that depends on the label alone: the same case has the same id in every crawl,
/// wherever its rows stand. What doesn't fit ends in a piece of the label's hash.
fn slug(label: &str) -> String {
    let folded = fold(label);
    let words: Vec<&str> =
        folded.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let whole = words.join("-");
    if !whole.is_empty() && whole.len() <= SLUG {
        return whole;
    }
    let start = whole.get(..SLUG).unwrap_or_default();
    let start = start.rsplit_once('-').map_or(start, |(start, _)| start);
    let hash = blake3::hash(folded.as_bytes()).to_hex();
    let hash = hash.get(..8).unwrap_or_default();
    if start.is_empty() { hash.to_owned() } else { format!("{start}-{hash}") }
}

/// Alternatives and what they stand for make one group, named after the latter.
fn group_alternatives(mut components: Vec<Component>) -> Vec<Component> {
    let heads: Vec<ComponentId> =
        components.iter().filter_map(|c| c.alternative_of.clone()).collect();
    for component in &mut components {
        let head = component.alternative_of.as_ref().unwrap_or(&component.id);
        if heads.contains(head) {
            component.one_of = Some(head.as_str().to_owned());
        }
    }
    components
}

/// The national procedure and the province that a local code names: `1.013226.H17`.
fn lineage(code: &ProcedureCode) -> (Option<ProcedureCode>, Option<String>) {
    let text = code.as_str();
    let parent =
        text.get(..8).filter(|_| text.len() > 8).and_then(|national| national.parse().ok());
    let province = parent.as_ref().and_then(|_| text.rsplit('.').next()).map(ToOwned::to_owned);
    (parent, province)
}

fn levels(text: &str) -> Vec<String> {
    text.split(',').map(tidy).filter(|level| !level.is_empty()).collect()
}

fn text(raw: Option<String>) -> Option<String> {
    raw.map(|raw| tidy(&raw)).filter(|text| !text.is_empty())
}

fn note(raw: RawNote) -> Option<String> {
    let parts = [text(raw.group), text(raw.text)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn outcome(raw: RawResult) -> Result<Outcome, At> {
    let code = match text(raw.code) {
        None => None,
        Some(code) => Some(code.parse().map_err(|_| Fault::BadResult)?),
    };
    let name = tidy(&raw.name);
    let evidence = proves(&name);
    Ok(Outcome { code, name, evidence, replaces: Vec::new() })
}

/// Whether a result of that name can prove something. Refusals, requests for more papers, "no
/// result" and entries in a database can't; doubt counts against it.
fn proves(name: &str) -> bool {
    const NO_EVIDENCE: [&str; 14] = [
        "tu choi",
        "khong chap thuan",
        "khong cap",
        "khong dong y",
        "bo sung ho so",
        "sua doi, bo sung ho so",
        "khong du dieu kien",
        "ly do",
        "khong co ket qua",
        "chua du dieu kien",
        "cap nhat",
        "khong phe duyet",
        "can sua doi",
        "thu hoi",
    ];
    let folded = fold(name);
    !folded.is_empty() && !NO_EVIDENCE.iter().any(|phrase| folded.contains(phrase))
}

/// No paper asked for makes a line a remark.
fn submit_mode(raw: Option<&str>, papers: u16) -> Option<SubmitMode> {
    match raw {
        Some("note") => Some(SubmitMode::Note),
        Some("present_only") => Some(SubmitMode::PresentOnly),
        None | Some("submit") if papers == 0 => Some(SubmitMode::Note),
        None | Some("submit") => Some(SubmitMode::Submit),
        Some(_) => None,
    }
}

fn channel(raw: Option<&str>) -> Option<Channel> {
    match raw {
        None | Some("any") => Some(Channel::Any),
        Some("counter_or_post") => Some(Channel::CounterOrPost),
        Some("online") => Some(Channel::Online),
        Some(_) => None,
    }
}

/// When a component is asked for, in the words of its name: the clause that begins with
/// "trường hợp", "đối với" or "nếu có".
fn condition(name: &str) -> Option<String> {
    const MARKS: [&str; 8] = [
        "trong trường hợp ",
        "đối với ",
        "Trường hợp ",
        "trường hợp ",
        "Đối với ",
        "nếu có",
        "(trừ ",
        "trừ ",
    ];
    let start = MARKS.iter().filter_map(|mark| name.find(mark)).min()?;
    let clause = name.get(start..)?;
    let end = clause.find(['.', ';', ')']).unwrap_or(clause.len());
    let clause = clause.get(..end)?.split(" thì ").next()?;
    let clause = clause.trim_matches([' ', ',', ':', '(']);
    (!clause.is_empty()).then(|| clause.to_owned())
}

/// Oldest a paper may be, in months: "cấp không quá 06 tháng".
fn max_age(name: &str) -> Option<u16> {
    let folded = fold(name);
    let limits = ["cap khong qua ", "cap chua qua ", "chup khong qua ", "chup chua qua "];
    let after = limits.iter().find_map(|limit| folded.split_once(limit)).map(|(_, after)| after)?;
    let (number, unit) = after.split_once(' ')?;
    let months: u16 = number.parse().ok()?;
    (unit.starts_with("thang") && (1..=120).contains(&months)).then_some(months)
}

/// The law in brackets behind a form's code: "Mẫu số 18 (Nghị định số 151/2025/NĐ-CP)".
fn legal_ref(form: &str) -> Option<String> {
    let (_, law) = form.split_once('(')?;
    let (law, _) = law.split_once(')')?;
    let reference = law
        .split(' ')
        .find(|word| word.contains('/') && word.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(reference.to_owned())
}

fn without_law(form: &str) -> String {
    form.split('(').next().unwrap_or(form).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_has_the_same_id_wherever_it_stands() {
        assert_eq!(
            slug("b) Đối với trường hợp mất Trang bổ sung:"),
            "b-doi-voi-truong-hop-mat-trang-bo-sung"
        );
        let long = "Đăng ký thường trú vào chỗ ở hợp pháp thuộc quyền sở hữu của mình";
        assert_eq!(slug(long), "dang-ky-thuong-tru-vao-cho-o-hop-phap-thuoc-7d05297c");
        assert_ne!(slug(long), slug(&format!("{long} hoặc của vợ, chồng")));
        assert_eq!(slug("…").len(), 8);
    }

    #[test]
    fn a_condition_is_the_clause_that_says_when() {
        let says = |name| condition(name).unwrap();
        assert_eq!(says("Hộ chiếu (đối với người nước ngoài);"), "đối với người nước ngoài");
        assert_eq!(
            says("Trường hợp trẻ em bị bỏ rơi thì phải có biên bản."),
            "Trường hợp trẻ em bị bỏ rơi"
        );
        assert_eq!(condition("Giấy khai sinh"), None);
    }

    #[test]
    fn the_age_of_a_paper_is_read_only_where_it_is_about_the_paper() {
        assert_eq!(max_age("02 ảnh toàn thân, chụp không quá 06 tháng;"), Some(6));
        assert_eq!(max_age("Phiếu lý lịch tư pháp (cấp không quá 06 tháng)"), Some(6));
        assert_eq!(max_age("Báo cáo của dự án có thời hạn không quá 36 tháng"), None);
    }

    #[test]
    fn a_refusal_is_no_evidence() {
        assert!(proves("Giấy khai sinh"));
        for name in [
            "Văn bản từ chối cấp phép",
            "Thông báo về việc sửa đổi, bổ sung hồ sơ",
            "Cập nhật thông tin",
            "",
        ] {
            assert!(!proves(name), "{name}");
        }
    }
}
