//! Who signed: the name under the signature, at the lower right of the last page that has one.

use crate::layout::{Layout, Line};
use crate::letterhead::Read;

/// What an authority line begins with: on behalf of, for, by order of, by authority of, acting.
const BEHALF: [&str; 7] = ["tm", "kt", "tl", "tuq", "q", "tum", "thua lenh"];

/// Posts of those who sign (Decree 30/2020/NĐ-CP, appendix I; notaries; registrars).
const POSTS: [&str; 22] = [
    "chu tich",
    "pho chu tich",
    "giam doc",
    "pho giam doc",
    "bo truong",
    "thu truong",
    "chanh van phong",
    "pho chanh van phong",
    "truong phong",
    "pho truong phong",
    "cuc truong",
    "pho cuc truong",
    "thu tuong",
    "pho thu tuong",
    "cong chung vien",
    "truong cong an",
    "pho truong cong an",
    "nguoi ky",
    "hieu truong",
    "vien truong",
    "chi cuc truong",
    "tham phan",
];

/// The commonest family names, folded: nine in ten people bear one of the first dozen.
const FAMILIES: [&str; 52] = [
    "nguyen", "tran", "le", "pham", "hoang", "huynh", "phan", "vu", "vo", "dang", "bui", "do",
    "ho", "ngo", "duong", "ly", "dao", "doan", "vuong", "trinh", "truong", "lam", "dinh", "mai",
    "ha", "cao", "luong", "luu", "ta", "to", "chau", "tang", "thai", "quach", "kieu", "la",
    "phung", "dam", "trieu", "chu", "mac", "tong", "khuc", "bach", "an", "hua", "nghiem", "quan",
    "ton", "giang", "lo", "ninh",
];

/// How far below its post a name may stand, in heights of the body: room for a signature and a
/// seal.
const ROOM: f32 = 16.0;

/// Người ký, from the last page on which a name stands under a post.
pub(crate) fn signer(pages: &[Layout<'_>]) -> Option<(usize, Read)> {
    pages.iter().enumerate().rev().find_map(|(place, page)| Some((place, on_page(page)?)))
}

fn on_page(layout: &Layout<'_>) -> Option<Read> {
    let right = |l: &&Line| l.centre() > 0.52 * layout.width;
    let posts: Vec<&Line> = layout.lines.iter().filter(right).filter(|l| is_post(l)).collect();
    let names = layout.lines.iter().filter(right).filter_map(|l| Some((l, name(&l.text)?)));
    let judged = names.filter_map(|(line, name)| {
        let under = posts.iter().any(|post| {
            let below = line.y0 - post.y1;
            below > 0.0
                && below < ROOM * layout.body
                && (line.centre() - post.centre()).abs() < 0.15 * layout.width
        });
        // Where the seal made the post unreadable, a name alone with nothing below it in its
        // column says as much, less surely; the family name must be a known one.
        let last = !layout.lines.iter().any(|l| right(&l) && l.y0 > line.y1 + 0.5 * line.height);
        let alone = last && name.known && line.upper < 0.6;
        let sure = match (under, name.known) {
            (true, true) => 1.0,
            (true, false) => 0.7,
            (false, _) if alone => 0.6,
            (false, _) => return None,
        };
        Some((Read::of(line, name.text, sure), sure))
    });
    judged.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(read, _)| read)
}

fn is_post(line: &Line) -> bool {
    let plain: String =
        line.plain.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    let plain = plain.trim();
    let begins = |s: &&str| {
        plain.strip_prefix(*s).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    // Capitals, or the label of a certificate: "Người ký", "Chủ tịch".
    let short = plain.split_whitespace().count() <= 8;
    short
        && (BEHALF.iter().any(begins) || POSTS.iter().any(begins))
        && (line.upper > 0.2 || line.upper * 20.0 > 1.0)
}

struct PersonName {
    text: String,
    /// Whether it begins with a common family name.
    known: bool,
}

/// A line as a person's name: two to five words, each a capital and small letters, or all in
/// capitals behind a known family name; a degree before it is no part of it.
fn name(line: &str) -> Option<PersonName> {
    let degrees =
        ["ts.", "ths.", "pgs.", "gs.", "bs.", "ks.", "cn.", "ls.", "ông", "bà", "pgs.ts."];
    let words =
        line.split_whitespace().map(|w| w.trim_end_matches([',', '.', ';', '-', '_', '|', '\'']));
    let words: Vec<&str> = words.filter(|w| !w.is_empty()).collect();
    let skip = words
        .iter()
        .take_while(|w| {
            degrees.iter().any(|d| d.trim_end_matches('.') == w.to_lowercase().as_str())
        })
        .count();
    let words = &words[skip..];
    let capital = |w: &&str| {
        let mut letters = w.chars();
        letters.next().is_some_and(char::is_uppercase) && letters.all(|c| c.is_lowercase())
    };
    let all_letters = words.iter().all(|w| w.chars().all(char::is_alphabetic));
    let folded = schemas::text::fold(words.first()?);
    let known = FAMILIES.contains(&folded.as_str());
    let capitals = known && words.iter().all(|w| w.chars().all(char::is_uppercase));
    let titled = words.iter().all(capital);
    let plain = schemas::text::fold(&words.join(" "));
    let post = POSTS.iter().any(|p| plain.starts_with(p));
    let fits = (2..=5).contains(&words.len()) && all_letters && (titled || capitals) && !post;
    fits.then(|| PersonName { text: words.join(" "), known })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_from_a_post_and_from_a_sentence() {
        let known = |line: &str| name(line).map(|n| (n.text, n.known));
        assert_eq!(known("Nguyễn Thị Mẫu"), Some(("Nguyễn Thị Mẫu".to_owned(), true)));
        assert_eq!(known("TS. Trần Văn Mẫu."), Some(("Trần Văn Mẫu".to_owned(), true)));
        assert_eq!(known("TRẦN VĂN MẪU"), Some(("TRẦN VĂN MẪU".to_owned(), true)));
        assert_eq!(known("Y Mẫu Niê"), Some(("Y Mẫu Niê".to_owned(), false)));
        for no in ["CHỦ TỊCH", "Phó Chủ tịch", "Nơi nhận:", "Kính gửi các Sở", "Ngày 3", "Mẫu"]
        {
            assert!(name(no).is_none(), "{no}");
        }
    }
}
