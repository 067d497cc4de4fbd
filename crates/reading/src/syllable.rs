//! What can be a Vietnamese syllable.
//!
//! A syllable is an onset, a rime and a tone (Đoàn Thiện Thuật, *Ngữ âm tiếng Việt*, 1977; Thompson,
//! *A Vietnamese Reference Grammar*, 1987). Spelling writes them with 27 onsets and the rimes below;
//! a rime that ends in a stop takes two tones of the six.

use unicode_normalization::UnicodeNormalization;

const ONSETS: [&str; 27] = [
    "ngh", "ch", "gh", "gi", "kh", "ng", "nh", "ph", "qu", "th", "tr", "b", "c", "d", "đ", "g",
    "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "x",
];

/// Rimes without their tone.
const RIMES: &str = "\
    a ac ach ai am an ang anh ao ap at au ay ă ăc ăm ăn ăng ăp ăt â âc âm ân âng âp ât âu ây \
    e ec em en eng eo ep et ê êch êm ên ênh êp êt êu i ia ich iêc iêm iên iêng iêp iêt iêu im in \
    inh ip it iu o oa oac oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn oăng oăt oc oe \
    oen oeo oet oi om on ong ooc oong op ot ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt u ua uân \
    uâng uât uây uc uê uêch uên uênh uêt ui uy uya uych uyên uyêt uynh uyt uyu um un ung uôc uôi \
    uôm uôn uông uôt uơ up ut uyn uyp ư ưa ưc ưi ưng ươc ươi ươm ươn ương ươp ươt ươu ưt ưu ưm ưn \
    y yêm yên yêng yêt yêu ych ynh yt";

/// Combining marks of the tones: grave, acute, tilde, hook, dot below.
const TONES: [char; 5] = ['\u{300}', '\u{301}', '\u{303}', '\u{309}', '\u{323}'];
/// The tones that a stopped rime takes.
const STOPPED: [char; 2] = ['\u{301}', '\u{323}'];

/// Whether the word, in lower case and NFC, can be a syllable.
pub(crate) fn is_syllable(word: &str) -> bool {
    let mut tone = None;
    let mut plain = String::new();
    for c in word.nfd() {
        if TONES.contains(&c) {
            if tone.replace(c).is_some() {
                return false;
            }
        } else {
            plain.push(c);
        }
    }
    let plain: String = plain.nfc().collect();
    let fits = |rime: &str| {
        let stopped = rime.ends_with(['c', 'p', 't']) || rime.ends_with("ch");
        let toned = !stopped || tone.is_some_and(|tone| STOPPED.contains(&tone));
        toned && RIMES.split_ascii_whitespace().any(|known| known == rime)
    };
    fits(&plain)
        || ONSETS
            .iter()
            .filter_map(|onset| Some((onset, plain.strip_prefix(onset)?)))
            // The i of "gi" is its rime's as well: gì, giêng.
            .any(|(onset, rime)| fits(rime) || *onset == "gi" && fits(&format!("i{rime}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_of_every_build_are_known() {
        for word in [
            "nghiêng",
            "quyết",
            "giếng",
            "gì",
            "đường",
            "khuya",
            "thuở",
            "oái",
            "ỷ",
            "yếu",
            "ăn",
            "hoàng",
            "xoong",
            "quốc",
            "luật",
            "được",
            "giữa",
            "huỳnh",
            "khuỷu",
        ] {
            assert!(is_syllable(word), "{word}");
        }
    }

    #[test]
    fn what_no_mouth_can_say_is_no_syllable() {
        for word in ["", "ngx", "bđ", "quyêt", "luât", "tổc", "ứơ", "hành1", "fax", "vănn"]
        {
            assert!(!is_syllable(word), "{word}");
        }
    }
}
