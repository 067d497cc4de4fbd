//! The importer against files that are right, wrong and hostile.

use super::*;
use crate::catalogue::digest;

fn taken(json: &Value) -> Import {
    import(json.to_string().as_bytes()).unwrap()
}

fn row(id: &str) -> Value {
    serde_json::json!({
        "id": id, "name": "Giấy khai sinh", "form": null, "n_original": 1, "n_copy": 0,
        "required": true, "conditional": false, "submit_mode": "submit", "channel": "any",
        "case": null, "alternative_of": null,
        "candidate_reuse": [{"result_code": "KQ.G15.000031", "result_name": "Giấy khai sinh"}],
    })
}

fn entry(code: &str, rows: &[Value]) -> Value {
    serde_json::json!({
        "code": code, "name": "Thủ tục  thư\u{309}\u{200b}", "level": "Cấp tỉnh, Cấp xã",
        "field": "Hộ tịch", "decision": "1/QĐ", "components": rows, "notes": [],
        "results": [{"name": "Giấy khai sinh", "code": "KQ.G15.000031"}],
        "source": {"portal_url": "https://dichvucong.gov.vn/x"},
    })
}

fn with(mut row: Value, field: &str, value: Value) -> Value {
    row[field] = value;
    row
}

fn only_fault(json: &Value) -> Fault {
    let import = taken(json);
    assert_eq!(import.procedures, [], "refused whole");
    assert_eq!(import.refused.len(), 1, "{:?}", import.refused);
    import.refused[0].code
}

#[test]
fn a_crawled_entry_becomes_a_procedure() {
    let import = taken(&serde_json::json!([entry("1.001193.H17", &[row("1.001193-TP01")])]));
    let [procedure] = import.procedures.as_slice() else { panic!("{import:?}") };
    assert_eq!(procedure.name, "Thủ tục thử");
    assert_eq!(procedure.levels, ["Cấp tỉnh", "Cấp xã"]);
    assert_eq!(procedure.parent, Some("1.001193".parse().unwrap()));
    assert_eq!(procedure.province.as_deref(), Some("H17"));
    let [component] = procedure.components.as_slice() else { panic!("{procedure:?}") };
    assert_eq!(component.kinds, ["birth_certificate".parse().unwrap()]);
    assert_eq!(component.accepts, ["KQ.G15.000031".parse().unwrap()]);
    assert_eq!(component.digitise, crate::catalogue::Digitise::Must);
    assert_eq!(import.counts.mapped, 1);
}

#[test]
fn a_proposed_reuse_that_the_name_does_not_confirm_is_left_out() {
    let other = with(row("1.001193-TP01"), "name", "Giấy tờ chứng minh quan hệ".into());
    let import = taken(&serde_json::json!([entry("1.001193", &[other])]));
    assert!(import.procedures[0].components[0].accepts.is_empty());
}

#[test]
fn a_line_that_cannot_be_right_refuses_its_procedure_and_nothing_else() {
    let id = "1.000001-TP01";
    let bad = [
        (with(row(id), "name", "".into()), Fault::NamelessComponent),
        (with(row(id), "n_original", 191.into()), Fault::Quantity),
        (with(row(id), "n_copy", (-1).into()), Fault::Quantity),
        (with(row(id), "submit_mode", "burn".into()), Fault::BadMode),
        (with(row(id), "id", "a b".into()), Fault::BadComponentId),
        (with(row(id), "alternative_of", "1.000001-TP09".into()), Fault::UnknownAlternative),
        (with(row(id), "name", "Đơn - Mẫu 021 bản chínhĐiều lệ công ty".into()), Fault::Glued),
        (with(row(id), "name", "x".repeat(MAX_TEXT + 1).into()), Fault::TooLong),
        (with(row(id), "required", "yes".into()), Fault::Shape),
    ];
    for (line, fault) in bad {
        let file = serde_json::json!([
            entry("1.000001", &[row("1.000001-TP00"), line]),
            entry("1.000002", &[row("a")])
        ]);
        let import = taken(&file);
        assert_eq!(import.procedures.len(), 1, "{fault:?}");
        assert_eq!(import.procedures[0].code.as_str(), "1.000002");
        assert_eq!(import.refused.iter().map(|r| r.code).collect::<Vec<_>>(), [fault]);
        assert_eq!((import.refused[0].index, import.counts.procedures_refused), (1, 1));
    }
}

#[test]
fn entries_that_cannot_be_right_are_refused_with_a_reason() {
    let good = || row("a");
    assert_eq!(only_fault(&serde_json::json!([entry("1.1", &[good()])])), Fault::BadCode);
    assert_eq!(only_fault(&serde_json::json!([entry("1.000001", &[])])), Fault::NoComponents);
    assert_eq!(
        only_fault(&serde_json::json!([with(entry("1.000001", &[good()]), "name", " ".into())])),
        Fault::EmptyName
    );
    assert_eq!(only_fault(&serde_json::json!(["?"])), Fault::Shape);
    assert_eq!(only_fault(&serde_json::json!([{"code": 7}])), Fault::Shape);
    let twice = [good(), with(good(), "name", "Hộ chiếu".into())];
    assert_eq!(
        only_fault(&serde_json::json!([entry("1.000001", &twice)])),
        Fault::DuplicateComponent
    );
    let many: Vec<Value> = (0..=MAX_COMPONENTS).map(|n| row(&format!("c{n}"))).collect();
    assert_eq!(
        only_fault(&serde_json::json!([entry("1.000001", &many)])),
        Fault::TooManyComponents
    );
}

#[test]
fn a_code_that_comes_twice_is_taken_once() {
    let other = with(entry("1.000001", &[row("a")]), "name", "Khác".into());
    let import = taken(&serde_json::json!([entry("1.000001", &[row("a")]), other]));
    assert_eq!(import.procedures.len(), 1);
    assert_eq!(import.procedures[0].name, "Thủ tục thử");
    assert_eq!(import.refused[0].code, Fault::DuplicateCode);
}

#[test]
fn lines_that_ask_for_nothing_are_dropped_with_a_reason() {
    let shown = with(with(row("b"), "name", "".into()), "submit_mode", "present_only".into());
    let import = taken(&serde_json::json!([entry("1.000001", &[row("a"), row("a"), shown])]));
    assert_eq!(import.procedures[0].components.len(), 1);
    let faults: Vec<Fault> = import.refused.iter().map(|r| r.code).collect();
    assert_eq!(faults, [Fault::RepeatedComponent, Fault::EmptyLine]);
    assert_eq!(import.counts.lines_dropped, 2);
}

#[test]
fn a_glued_quantity_is_repaired_and_counted() {
    let line = with(with(row("a"), "name", "Đơn theo Mẫu số 18".into()), "n_original", 181.into());
    let import = taken(&serde_json::json!([entry("1.000001", &[line])]));
    assert_eq!(import.procedures[0].components[0].originals, 1);
    assert_eq!(import.counts.repaired, 1);
}

#[test]
fn labels_become_cases_and_alternatives_become_groups() {
    let rows = [
        with(row("a"), "case", "a) Trường hợp một:".into()),
        with(with(row("b"), "case", "a) Trường hợp một:".into()), "alternative_of", "a".into()),
        with(row("c"), "case", "b) Trường hợp hai:".into()),
    ];
    let import = taken(&serde_json::json!([entry("1.000001", &rows)]));
    let procedure = &import.procedures[0];
    let ids: Vec<&str> = procedure.cases.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(ids, ["a-truong-hop-mot", "b-truong-hop-hai"]);
    let groups: Vec<_> = procedure.components.iter().map(|c| c.one_of.as_deref()).collect();
    assert_eq!(groups, [Some("a"), Some("a"), None]);
}

#[test]
fn a_file_that_is_none_is_refused_whole() {
    let deep = "[".repeat(100_000);
    for text in ["", "{", "[{]", "[1] 2", deep.as_str(), "[\"\\ud800\"]"] {
        assert!(matches!(import(text.as_bytes()), Err(ImportError::NotJson(_))), "{:.20}", text);
    }
    for text in ["7", "null", "{}", "{\"format\": \"other/1\", \"procedures\": []}"] {
        assert!(matches!(import(text.as_bytes()), Err(ImportError::Format)), "{text}");
    }
    assert!(import(&[0xFF, 0xFE, b'[']).is_err());
    let many = format!("[{}0]", "0,".repeat(MAX_PROCEDURES));
    assert!(matches!(import(many.as_bytes()), Err(ImportError::TooMany)));
}

#[test]
fn our_own_format_comes_back_as_it_was() {
    let shipped = crate::catalogue::shipped();
    let file: crate::catalogue::CatalogueFile = serde_json::from_str(shipped).unwrap();
    let import = import(shipped.as_bytes()).unwrap();
    assert_eq!(import.refused, []);
    assert_eq!(import.procedures, file.procedures);
    assert_eq!(import.valid_from, Some(file.valid_from));
}

#[test]
fn a_fault_in_our_own_format_refuses_its_procedure_and_nothing_else() {
    let mut file: Value = serde_json::from_str(crate::catalogue::shipped()).unwrap();
    let all = file["procedures"].as_array().unwrap().len();
    file["procedures"][0]["components"][0]["kinds"] = serde_json::json!(["no_such_kind"]);
    file["procedures"][1]["components"][0]["order"] = 9.into();
    file["procedures"][2]["surprise"] = true.into();
    let import = taken(&file);
    assert_eq!(import.procedures.len(), all - 3);
    let faults: Vec<Fault> = import.refused.iter().map(|r| r.code).collect();
    assert_eq!(faults, [Fault::UnknownKind, Fault::Order, Fault::Shape]);
}

#[test]
fn a_changed_procedure_has_another_digest() {
    let import = taken(&serde_json::json!([entry("1.000001", &[row("a")])]));
    let mut changed = import.procedures[0].clone();
    assert_eq!(digest(&changed), digest(&import.procedures[0]));
    changed.components[0].copies = 1;
    assert_ne!(digest(&changed), digest(&import.procedures[0]));
}

/// An entry of the list that says what the shipped procedure says, in the list's own shape.
fn crawled(code: &str) -> Value {
    let file: Value = serde_json::from_str(crate::catalogue::shipped()).unwrap();
    let shipped =
        file["procedures"].as_array().unwrap().iter().find(|p| p["code"] == code).unwrap();
    let rows: Vec<Value> = shipped["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| with(with(row("a"), "id", c["id"].clone()), "name", c["name"].clone()))
        .collect();
    with(entry(code, &rows), "decision", shipped["decision"].clone())
}

#[test]
fn a_careful_reading_is_kept_while_the_list_says_the_same() {
    let import_of = |entry: Value| taken(&serde_json::json!([entry]));
    let file: crate::catalogue::CatalogueFile =
        serde_json::from_str(crate::catalogue::shipped()).unwrap();
    let ours = file.procedures.iter().find(|p| p.code.as_str() == "1.001193").unwrap();
    let same = import_of(crawled("1.001193"));
    assert_eq!((&same.procedures[0], same.counts.curated), (ours, 1));
    let mut changed = crawled("1.001193");
    changed["components"][5]["name"] = "Giấy chứng sinh".into();
    let changed = import_of(changed);
    assert_eq!(changed.counts.curated, 0);
    assert_ne!(changed.procedures[0], *ours);
}

/// Needs `../shared/data`; says so and does nothing without it.
#[test]
fn the_national_list_imports_the_same_twice() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/catalogue");
    let path = format!("{folder}/tthc-2642.json.gz");
    let Ok(packed) = std::fs::read(&path) else {
        eprintln!("skipped: {path} is absent");
        return;
    };
    let bytes = gunzip(&packed);
    let (one, other) = (import(&bytes).unwrap(), import(&bytes).unwrap());
    assert_eq!(one, other);
    let digests = |import: &Import| import.procedures.iter().map(digest).collect::<Vec<_>>();
    assert_eq!(digests(&one), digests(&other));
    let mut reasons = std::collections::BTreeMap::new();
    one.refused.iter().for_each(|r| *reasons.entry(r.code.code()).or_insert(0) += 1);
    eprintln!("{:?}\n{reasons:?}", one.counts);
    if std::env::args().any(|arg| arg == "--nocapture") {
        for procedure in &one.procedures {
            for c in procedure.components.iter().filter(|c| !c.kinds.is_empty()) {
                eprintln!("MAP {} {} | {:.110}", c.id, c.kinds[0], c.name);
            }
        }
    }
    assert_eq!(one.counts.procedures + one.counts.procedures_refused, 2642);
}

fn gunzip(packed: &[u8]) -> Vec<u8> {
    // A gzip member: ten bytes of header, an optional name, deflate, eight bytes of trailer.
    let named = packed[3] & 8 != 0;
    let name = if named { packed[10..].iter().position(|b| *b == 0).unwrap() + 1 } else { 0 };
    miniz_oxide::inflate::decompress_to_vec(&packed[10 + name..packed.len() - 8]).unwrap()
}
