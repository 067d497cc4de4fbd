//! What must hold of the catalogue and the kinds that are shipped.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::national::faults;
use super::*;
use crate::kind::{self, Kind};
use crate::text::tidy;

/// Components for which any paper at all may come, so that no list of kinds can be given:
/// papers to be copied or signed before an official, and "other papers" of a circular. Each was
/// looked at by a person.
const ANY_PAPER: [&str; 4] = ["2.000815-TP01", "2.000884-TP02", "3.000347-TP04", "3.000348-TP04"];

/// Kinds without words of their own: a person files them.
const WORDLESS: [&str; 2] = ["photo", "rubbing"];

fn shipped_files() -> Vec<CatalogueFile> {
    [shipped(), shipped_earlier()].map(|text| serde_json::from_str(text).unwrap()).into()
}

fn procedures() -> Vec<Procedure> {
    shipped_files().into_iter().flat_map(|file| file.procedures).collect()
}

fn kinds() -> BTreeMap<KindId, Kind> {
    kind::shipped().unwrap().into_iter().map(|kind| (kind.id.clone(), kind)).collect()
}

/// `name` of `../shared/data/catalogue`, where that lies beside the checkout.
fn reference(name: &str) -> Option<Value> {
    let path = format!("{}/../../shared/data/catalogue/{name}", env!("CARGO_MANIFEST_DIR"));
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {path} is absent");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn the_shipped_catalogue_is_whole_and_in_order() {
    let files = shipped_files();
    for file in &files {
        assert_eq!(file.format, CATALOGUE_FORMAT);
        let codes: Vec<_> = file.procedures.iter().map(|p| &p.code).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "codes in order, each once");
    }
    assert!(files[1].valid_from < files[0].valid_from);
    let components: usize = procedures().iter().map(|p| p.components.len()).sum();
    assert_eq!((procedures().len(), components), (50, 524));
}

#[test]
fn nothing_shipped_would_be_refused() {
    let kinds = kind::shipped().unwrap();
    for procedure in procedures() {
        assert_eq!(faults(&procedure, &kinds), [], "{}", procedure.code);
    }
}

#[test]
fn component_ids_are_unique_over_the_shipped_procedures() {
    let current: Vec<Procedure> =
        serde_json::from_str::<CatalogueFile>(shipped()).unwrap().procedures;
    let ids: Vec<_> = current.iter().flat_map(|p| &p.components).map(|c| &c.id).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
}

#[test]
fn every_component_that_is_a_paper_names_its_kinds() {
    for component in procedures().iter().flat_map(|p| &p.components) {
        let is_paper = component.submit != SubmitMode::Note
            && component.channel != Channel::Online
            && !ANY_PAPER.contains(&component.id.as_str());
        assert_eq!(!component.kinds.is_empty(), is_paper, "{}", component.id);
    }
}

#[test]
fn a_result_is_accepted_only_where_its_kind_may_be_handed_in() {
    let kinds = kinds();
    for component in procedures().iter().flat_map(|p| &p.components) {
        let of_kinds: BTreeSet<_> = component
            .kinds
            .iter()
            .map(|id| &kinds[id])
            .filter(|kind| kind.reusable)
            .flat_map(|kind| &kind.results)
            .collect();
        for result in &component.accepts {
            assert!(of_kinds.contains(result), "{}: {result}", component.id);
        }
    }
}

#[test]
fn what_is_only_shown_is_never_digitised_and_an_earlier_result_always_is() {
    for component in procedures().iter().flat_map(|p| &p.components) {
        match component.submit {
            SubmitMode::PresentOnly | SubmitMode::Note => {
                assert_eq!(component.digitise, Digitise::Never, "{}", component.id);
            }
            SubmitMode::Submit if !component.accepts.is_empty() => {
                assert_eq!(component.digitise, Digitise::Must, "{}", component.id);
            }
            SubmitMode::Submit => {}
        }
        if component.submit == SubmitMode::Note {
            assert!(!component.required && component.kinds.is_empty(), "{}", component.id);
        }
    }
}

#[test]
fn alternatives_share_group_and_case_with_what_they_stand_for() {
    for procedure in procedures() {
        for component in &procedure.components {
            let Some(of) = &component.alternative_of else { continue };
            let head = procedure.components.iter().find(|c| c.id == *of).unwrap();
            assert!(component.one_of.is_some(), "{}", component.id);
            assert_eq!(
                (&component.one_of, &component.case),
                (&head.one_of, &head.case),
                "{}",
                component.id
            );
            assert!(!component.required, "{}", component.id);
        }
    }
}

#[test]
fn whose_paper_is_asked_for_is_said_of_an_adopters_and_a_childs() {
    let procedures = procedures();
    let components = procedures.iter().flat_map(|procedure| &procedure.components);
    let said: Vec<_> = components
        .filter_map(|component| Some((component.id.as_str(), component.whose?)))
        .collect();
    let adoption = [
        ("2.001263-TP03", Whose::Applicant),
        ("2.001263-TP05", Whose::Applicant),
        ("2.001263-TP07", Whose::Other),
        ("2.001263-TP11", Whose::Other),
    ];
    assert_eq!(said, adoption);
}

#[test]
fn a_group_has_at_least_two_members_in_a_case() {
    for procedure in procedures() {
        let cases = procedure.cases.iter().map(|case| Some(&case.id)).chain([None]);
        let mut largest: BTreeMap<&str, usize> = BTreeMap::new();
        for case in cases {
            let mut members: BTreeMap<&str, usize> = BTreeMap::new();
            for group in procedure.components_of(case).filter_map(|c| c.one_of.as_deref()) {
                *members.entry(group).or_default() += 1;
            }
            for (group, count) in members {
                let most = largest.entry(group).or_default();
                *most = count.max(*most);
            }
        }
        for (group, count) in largest {
            assert!(count >= 2, "{} {group}", procedure.code);
        }
    }
}

#[test]
fn sensitive_papers_make_their_components_sensitive() {
    let kinds = kinds();
    for component in procedures().iter().flat_map(|p| &p.components) {
        let holds = component.kinds.iter().any(|kind| kinds[kind].sensitive);
        assert!(!holds || component.sensitive, "{}", component.id);
    }
}

#[test]
fn every_kind_can_be_told_and_stands_there_once() {
    let all = kind::shipped().unwrap();
    assert_eq!(kinds().len(), all.len(), "ids are unique");
    for kind in &all {
        let evidence = &kind.evidence;
        let told = evidence.titles.len() + evidence.forms.len() + evidence.phrases.len();
        assert_eq!(told == 0, WORDLESS.contains(&kind.id.as_str()), "{}", kind.id);
        let words = [
            &evidence.titles,
            &evidence.forms,
            &evidence.issuers,
            &evidence.phrases,
            &evidence.not,
        ];
        for text in words.into_iter().flatten().chain([&kind.name]) {
            assert_eq!(*text, tidy(text), "{}", kind.id);
            assert!(!text.is_empty(), "{}", kind.id);
        }
        let own = evidence.titles.iter().chain(&evidence.phrases);
        for text in own {
            assert!(
                !evidence.not.contains(text),
                "{}: {text} both shows it and rules it out",
                kind.id
            );
        }
    }
}

#[test]
fn a_result_is_a_paper_of_one_kind_only() {
    let mut seen = BTreeMap::new();
    for kind in kind::shipped().unwrap() {
        for result in kind.results {
            let earlier = seen.insert(result, kind.id.clone());
            assert_eq!(earlier, None, "{}", kind.id);
        }
    }
}

#[test]
fn what_ends_a_shipped_procedure_in_a_known_paper_counts_as_evidence() {
    let known: BTreeSet<ResultCode> =
        kind::shipped().unwrap().into_iter().flat_map(|k| k.results).collect();
    for outcome in procedures().into_iter().flat_map(|p| p.results) {
        if outcome.code.as_ref().is_some_and(|code| known.contains(code)) {
            assert!(outcome.evidence, "{}", outcome.name);
        }
    }
}

/// Needs `../shared/data`; says so and does nothing without it.
#[test]
fn every_result_of_a_kind_is_known_to_the_national_list_and_no_refusal() {
    let Some(codes) = reference("result-codes.json") else { return };
    let names: BTreeMap<&str, &str> = codes
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["code"].as_str().unwrap(), entry["name"].as_str().unwrap()))
        .collect();
    for result in kind::shipped().unwrap().iter().flat_map(|kind| &kind.results) {
        let name = tidy(names[result.as_str()]).to_lowercase();
        for refusal in
            ["từ chối", "không chấp", "không được", "không cấp", "bổ sung hồ sơ", "lý do"]
        {
            assert!(!name.contains(refusal), "{result} {name}");
        }
    }
}

/// Needs `../shared/data`; says so and does nothing without it.
#[test]
fn names_stand_as_the_authority_wrote_them() {
    let Some(source) = reference("tthc-50.json") else { return };
    let ours: BTreeSet<(String, String)> = procedures()
        .iter()
        .flat_map(|p| p.components.iter().map(|c| (p.code.as_str().to_owned(), c.name.clone())))
        .collect();
    for entry in source.as_array().unwrap() {
        let code = entry["code"].as_str().unwrap().split('@').next().unwrap();
        for component in entry["components"].as_array().unwrap() {
            let name = tidy(component["name"].as_str().unwrap());
            // The source has a stray full stop before "02 bộ".
            let name = name.strip_prefix(".0").map_or(name.clone(), |rest| format!("0{rest}"));
            assert!(ours.contains(&(code.to_owned(), name)), "{}", component["id"]);
        }
    }
}
