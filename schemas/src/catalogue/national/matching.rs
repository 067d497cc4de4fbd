//! Kinds of paper by the words of a component's name.
//!
//! Deliberately timid: the part of the name before its first comma, bracket or clause must be,
//! word for word, the name or a printed title of exactly one kind; or the name must hold a form
//! code that only one kind has. Everything else is left to a person.

use std::collections::{BTreeSet, HashMap};

use crate::kind::Kind;
use crate::text::fold;

/// Fewest words of a title that tells by itself; shorter ones only count when they are the
/// kind's whole name ("Hộ chiếu").
const TELLING_WORDS: usize = 3;

/// Kinds by their names, titles and form codes.
pub(super) struct Matcher<'a> {
    by_phrase: HashMap<String, BTreeSet<usize>>,
    by_form: HashMap<String, BTreeSet<usize>>,
    kinds: &'a [Kind],
}

impl<'a> Matcher<'a> {
    pub(super) fn new(kinds: &'a [Kind]) -> Self {
        let mut by_phrase: HashMap<String, BTreeSet<usize>> = HashMap::new();
        let mut by_form: HashMap<String, BTreeSet<usize>> = HashMap::new();
        for (at, kind) in kinds.iter().enumerate() {
            by_phrase.entry(plain(&kind.name)).or_default().insert(at);
            let titles = kind.evidence.titles.iter().map(|t| plain(t));
            for title in titles.filter(|t| t.split(' ').count() >= TELLING_WORDS) {
                by_phrase.entry(title).or_default().insert(at);
            }
            for form in kind.evidence.forms.iter().map(|f| fold(f)).filter(|f| tells(f)) {
                by_form.entry(form).or_default().insert(at);
            }
        }
        Self { by_phrase, by_form, kinds }
    }

    /// The kind that a component of this name asks for; none when that isn't plain.
    pub(super) fn kind_of(&self, name: &str) -> Option<&'a Kind> {
        let heads = heads(name);
        let by_phrase =
            heads.iter().find_map(|head| Some((head, only(self.by_phrase.get(head)?)?)));
        let at = match by_phrase {
            Some((head, at)) if !names_several(name, head) => at,
            Some(_) => return None,
            None => self.by_form_code(name)?,
        };
        self.kinds.get(at)
    }

    /// All kinds there are.
    pub(super) fn kinds(&self) -> &'a [Kind] {
        self.kinds
    }

    /// A form code tells only together with the sort of form: two ministries have a TK01, and
    /// only one of them is a "Tờ khai".
    fn by_form_code(&self, name: &str) -> Option<usize> {
        if names_several(name, "") {
            return None;
        }
        let folded = fold(name);
        let words = folded.split(|c: char| !c.is_alphanumeric() && c != '/');
        let found: BTreeSet<usize> =
            words.filter_map(|word| self.by_form.get(word)).flatten().copied().collect();
        let at = only(&found)?;
        let opening = plain(strip_marker(&folded));
        let sort = |title: &String| plain(title).split(' ').take(2).collect::<Vec<_>>().join(" ");
        let titles = &self.kinds.get(at)?.evidence.titles;
        titles.iter().any(|title| opening.starts_with(&sort(title))).then_some(at)
    }
}

fn only(found: &BTreeSet<usize>) -> Option<usize> {
    if found.len() == 1 { found.first().copied() } else { None }
}

/// Whether a line may name several papers: "… hoặc …", "… và …" after a paper's name, or a second
/// part behind a semicolon. What stands in brackets doesn't count.
fn names_several(name: &str, head: &str) -> bool {
    let folded = fold(name);
    let mut depth = 0_u32;
    let bare: String = folded
        .chars()
        .filter(|c| {
            let inside = depth > 0;
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            !inside && *c != '('
        })
        .collect();
    let (_, behind) = bare.split_once(';').unwrap_or_default();
    let bare_words = plain(&bare);
    let after_head = bare_words.split_once(head).map_or(bare_words.as_str(), |(_, after)| after);
    !behind.trim().is_empty()
        || format!(" {} ", plain(&folded)).contains(" hoac ")
        || format!(" {after_head} ").contains(" va ")
}

/// A code with letters and digits (`ct01`, `dkx10/79`); "mẫu số 18" is a form of any circular.
fn tells(form: &str) -> bool {
    let is_one_word = !form.contains(' ');
    is_one_word
        && form.chars().any(|c| c.is_ascii_digit())
        && form.starts_with(|c: char| c.is_alphabetic())
}

/// Letters, digits and single spaces.
fn plain(text: &str) -> String {
    let folded = fold(text);
    let words: Vec<&str> =
        folded.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    words.join(" ")
}

/// The readings of which paper a component's name speaks of, longest first: the line up to its
/// first bracket or stop, then shorter and shorter before the words that open a clause.
fn heads(name: &str) -> Vec<String> {
    // Not " của ": whose paper it is may make it another kind ("… của người lái xe").
    const ENDS: [&str; 12] = [
        " theo ",
        " quy dinh ",
        " doi voi ",
        " truong hop ",
        " ban hanh ",
        " do ",
        " con ",
        " duoc ",
        " trong ",
        " neu ",
        " da cap",
        " mau ",
    ];
    let folded = fold(name);
    let line = strip_marker(&folded);
    let end = line.find(['(', ';', ':', '.']).unwrap_or(line.len());
    let whole = plain(line.get(..end).unwrap_or(line));
    let mut cuts: Vec<usize> =
        ENDS.iter().flat_map(|end| whole.match_indices(end)).map(|(at, _)| at).collect();
    cuts.push(whole.len());
    cuts.sort_unstable();
    cuts.dedup();
    let readings = cuts.into_iter().rev().filter_map(|cut| whole.get(..cut));
    readings.map(|reading| without_copy(reading.trim()).to_owned()).collect()
}

/// Drops "bản sao", "01 bản chính" before a paper's name.
fn without_copy(head: &str) -> &str {
    let head = head.strip_prefix("01 ").unwrap_or(head);
    ["ban chinh ", "ban sao ", "ban goc "]
        .iter()
        .find_map(|copy| head.strip_prefix(copy))
        .unwrap_or(head)
}

/// Drops "(1) ", "a) ", "- ", "1. " before a line.
fn strip_marker(folded: &str) -> &str {
    let line = folded.trim_start_matches(['-', '+', '*', '.', '•', ' ']);
    let marker = line.find([')', '.']).filter(|at| *at <= 4);
    let Some(at) = marker else { return line };
    let (before, after) = line.split_at(at);
    let is_marker = before.chars().all(|c| c.is_alphanumeric() || c == '(' || c == '.')
        && after.get(1..).is_some_and(|rest| rest.starts_with(' '));
    if is_marker { after.get(1..).unwrap_or_default().trim_start() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind;

    fn kind_of(name: &str) -> Option<String> {
        let kinds = kind::shipped().unwrap();
        Matcher::new(&kinds).kind_of(name).map(|kind| kind.id.as_str().to_owned())
    }

    #[test]
    fn a_plain_name_finds_its_kind() {
        for (name, kind) in [
            ("Giấy khai sinh;", "birth_certificate"),
            ("(2) Bản sao Giấy khai sinh", "birth_certificate"),
            ("- Giấy phép lái xe (còn hiệu lực)", "driving_licence"),
            ("Hộ chiếu còn thời hạn sử dụng", "passport"),
            ("Giấy khám sức khỏe của người lái xe do cơ sở y tế cấp", "driver_health_certificate"),
            ("Tờ khai mẫu TK01 do Bộ Công an quy định;", "passport_form"),
            (
                "Tờ khai thay đổi thông tin cư trú (mẫu CT01 ban hành kèm theo Thông tư số 53/2025/TT-BCA)",
                "residence_change_form",
            ),
        ] {
            assert_eq!(kind_of(name).as_deref(), Some(kind), "{name}");
        }
    }

    #[test]
    fn what_may_be_several_papers_finds_none() {
        for name in [
            "Giấy khai sinh hoặc Hộ chiếu",
            "Giấy chứng nhận",
            "Giấy chứng nhận kết hôn và Giấy khai sinh",
            "Tờ khai thay đổi thông tin cư trú mẫu CT01 hoặc mẫu CT02",
            "Hồ sơ, giấy tờ khác",
            "Giấy khai sinh; Hộ chiếu",
            "Giấy xác nhận của cơ quan y tế",
            "Phiếu đề nghị cấp tài khoản định danh điện tử (mẫu TK01 kèm theo Nghị định số 69/2024/NĐ-CP)",
            "Giấy khai sinh điện tử của phương tiện",
        ] {
            assert_eq!(kind_of(name), None, "{name}");
        }
    }
}
