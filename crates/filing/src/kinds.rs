//! The kinds of paper with their evidence made ready: folded once, each phrase once however
//! many kinds show it.

use std::collections::HashMap;
use std::sync::Arc;

use schemas::ids::KindId;
use schemas::kind::{EndsOn, Kind, KindsFile, SHIPPED};

use crate::matching::Phrase;

/// Kinds of paper, ready to be recognised. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Kinds {
    pub(crate) ready: Arc<Ready>,
}

/// What there is of them.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    kinds: Vec<Kind>,
    by_id: HashMap<KindId, usize>,
    pub(crate) prepared: Vec<Prepared>,
    pub(crate) phrases: Vec<Shared>,
}

/// Why a file of kinds is refused.
#[derive(Debug, thiserror::Error)]
pub enum KindsError {
    /// Not TOML, or not of the form of [`KindsFile`].
    #[error("the file of kinds is not as described")]
    Form(#[from] toml::de::Error),
    /// Two kinds have the same id.
    #[error("the kind {0} stands there twice")]
    Twice(KindId),
    /// A kind is said to end one that isn't there, or itself.
    #[error("the kind {0} can't end {1}")]
    Ends(KindId, KindId),
}

/// A phrase, and how many kinds show it: what many show tells little.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) phrase: Phrase,
    pub(crate) kinds: u16,
}

/// The evidence of a kind as places in [`Ready::phrases`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Prepared {
    pub(crate) titles: Vec<usize>,
    pub(crate) issuers: Vec<usize>,
    pub(crate) phrases: Vec<usize>,
    /// Titles that rule the kind out where they stand out on the page: those in capitals.
    pub(crate) not_titles: Vec<usize>,
    /// Phrases that rule it out wherever they stand.
    pub(crate) not_phrases: Vec<usize>,
    pub(crate) forms: Vec<FormCode>,
}

/// A form code as it is compared, and how much it tells.
#[derive(Debug, Clone)]
pub(crate) struct FormCode {
    pub(crate) code: String,
    /// 0 to 1: `CT01` names one form, `Mẫu số 01` is the first form of any circular.
    pub(crate) tells: f32,
}

impl Kinds {
    /// The shipped kinds.
    ///
    /// # Panics
    /// When the shipped file is not as described; a test holds that it is.
    #[must_use]
    pub fn shipped() -> Self {
        match Self::parse(SHIPPED) {
            Ok(kinds) => kinds,
            Err(why) => unreachable!("the shipped kinds: {why}"),
        }
    }

    /// Reads a file of kinds.
    ///
    /// # Errors
    /// [`KindsError`] when the file is malformed, names a kind twice, or has one end what it can't.
    pub fn parse(toml: &str) -> Result<Self, KindsError> {
        let file: KindsFile = toml::from_str(toml)?;
        let mut ready = Ready::default();
        let mut places = HashMap::new();
        for kind in file.kind {
            let evidence = &kind.evidence;
            let place = ready.kinds.len();
            if ready.by_id.insert(kind.id.clone(), place).is_some() {
                return Err(KindsError::Twice(kind.id));
            }
            let capitals = |text: &String| !text.chars().any(char::is_lowercase);
            let (not_titles, not_phrases): (Vec<_>, Vec<_>) =
                evidence.not.iter().cloned().partition(capitals);
            let mut intern = |texts: &[String]| ready.intern(&mut places, texts);
            let prepared = Prepared {
                titles: intern(&evidence.titles),
                issuers: intern(&evidence.issuers),
                phrases: intern(&evidence.phrases),
                not_titles: intern(&not_titles),
                not_phrases: intern(&not_phrases),
                forms: evidence.forms.iter().map(|f| FormCode::new(f)).collect(),
            };
            ready.prepared.push(prepared);
            ready.kinds.push(kind);
        }
        ready.count();
        let kinds = Self { ready: Arc::new(ready) };
        for kind in kinds.iter() {
            let is_wrong = |ended: &&KindId| **ended == kind.id || kinds.get(ended).is_none();
            if let Some(ended) = kind.ends.iter().find(is_wrong) {
                return Err(KindsError::Ends(kind.id.clone(), ended.clone()));
            }
        }
        Ok(kinds)
    }

    /// The kind with that id.
    #[must_use]
    pub fn get(&self, id: &KindId) -> Option<&Kind> {
        self.ready.by_id.get(id).map(|place| &self.ready.kinds[*place])
    }

    /// The day on which papers of the one kind bring earlier ones of the other to their end; none
    /// where they don't.
    #[must_use]
    pub fn ends(&self, later: &KindId, earlier: &KindId) -> Option<EndsOn> {
        self.get(later).filter(|kind| kind.ends.contains(earlier)).map(|kind| kind.ends_on)
    }

    /// All kinds, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Kind> {
        self.ready.kinds.iter()
    }
}

impl Ready {
    fn intern(&mut self, places: &mut HashMap<String, usize>, texts: &[String]) -> Vec<usize> {
        let mut interned: Vec<usize> = texts
            .iter()
            .filter_map(|text| {
                let folded = schemas::text::fold(text);
                if let Some(place) = places.get(&folded) {
                    return Some(*place);
                }
                let phrase = Phrase::new(text)?;
                self.phrases.push(Shared { phrase, kinds: 0 });
                places.insert(folded, self.phrases.len() - 1);
                Some(self.phrases.len() - 1)
            })
            .collect();
        interned.sort_unstable();
        interned.dedup();
        interned
    }

    /// Counts how many kinds show each phrase, issuer and form.
    fn count(&mut self) {
        let mut forms: HashMap<String, u16> = HashMap::new();
        for prepared in &self.prepared {
            for place in prepared.titles.iter().chain(&prepared.issuers).chain(&prepared.phrases) {
                self.phrases[*place].kinds += 1;
            }
            for form in &prepared.forms {
                *forms.entry(form.code.clone()).or_default() += 1;
            }
        }
        for form in self.prepared.iter_mut().flat_map(|p| &mut p.forms) {
            form.tells *= rarity(forms.get(&form.code).copied().unwrap_or(1));
        }
    }
}

/// How much a sign tells that so many kinds show, 0 to 1.
pub(crate) fn rarity(kinds: u16) -> f32 {
    1.0 / f32::from(kinds.max(1)).sqrt()
}

impl FormCode {
    fn new(code: &str) -> Self {
        let words = skeleton(code);
        let numbered = |w: &String| w.bytes().any(|b| b.is_ascii_digit());
        let lettered = |w: &String| w.bytes().any(|b| b.is_ascii_alphabetic());
        // Besides "mẫu", "số" and the number itself something must name the body of rules.
        let rest: Vec<_> = words.iter().filter(|w| *w != "mau" && *w != "s0").collect();
        let own = rest.len() > 1 || rest.iter().any(|w| numbered(w) && lettered(w) && w.len() > 3);
        Self { code: words.concat(), tells: if own { 1.0 } else { 0.4 } }
    }

    /// Whether the code stands in a line as whole words.
    pub(crate) fn stands_in(&self, line: &[String]) -> bool {
        (0..line.len()).any(|first| {
            let mut rest = self.code.as_str();
            for word in &line[first..] {
                match rest.strip_prefix(word.as_str()) {
                    Some("") => return true,
                    Some(after) => rest = after,
                    None => return false,
                }
            }
            false
        })
    }
}

/// The words of a line of codes, with letters that are mistaken for digits as those digits.
pub(crate) fn skeleton(line: &str) -> Vec<String> {
    let folded = schemas::text::fold(line);
    let words = folded.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    words.map(|w| w.replace('o', "0").replace(['l', 'i'], "1")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_kinds_are_as_described() {
        assert!(Kinds::parse(SHIPPED).is_ok_and(|kinds| kinds.iter().count() > 0));
    }

    #[test]
    fn a_kind_that_stands_twice_is_refused() {
        let kind = |id: &str, evidence: &str| {
            format!(
                "[[kind]]\nid=\"{id}\"\nname=\"X\"\nvalidity={{policy=\"unknown\"}}\nevidence={{{evidence}}}\n"
            )
        };
        let one = kind("a", "titles=[\"X\"]");
        assert!(Kinds::parse(&one).is_ok());
        assert!(matches!(Kinds::parse(&format!("{one}{one}")), Err(KindsError::Twice(_))));
        assert!(matches!(Kinds::parse("kind = 1"), Err(KindsError::Form(_))));
    }

    #[test]
    fn a_kind_ends_others_that_are_there_and_never_itself() {
        let file = |ends: &str| {
            let kind = |id: &str, more: &str| {
                format!(
                    "[[kind]]\nid=\"{id}\"\nname=\"X\"\n{more}validity={{policy=\"unknown\"}}\nevidence={{}}\n"
                )
            };
            let first = kind("a", &format!("ends=[\"{ends}\"]\n"));
            Kinds::parse(&format!("{first}{}", kind("b", "")))
        };
        let id = |id: &str| id.parse::<KindId>().unwrap();
        let kinds = file("b").unwrap();
        assert_eq!(kinds.ends(&id("a"), &id("b")), Some(EndsOn::Issue));
        assert_eq!(kinds.ends(&id("b"), &id("a")), None);
        assert_eq!(kinds.ends(&id("nowhere"), &id("b")), None);
        for wrong in ["a", "c"] {
            let refused = file(wrong);
            assert!(matches!(&refused, Err(KindsError::Ends(of, _)) if of.as_str() == "a"));
        }
    }

    #[test]
    fn the_shipped_kinds_end_a_marriage_by_divorce_and_a_status_by_marriage() {
        let kinds = Kinds::shipped();
        let ends = |later: &str, earlier: &str| {
            kinds.ends(&later.parse().unwrap(), &earlier.parse().unwrap())
        };
        // Issued again years after the divorce, be they married again by then.
        assert_eq!(ends("divorce_extract", "marriage_certificate"), Some(EndsOn::Act));
        assert_eq!(ends("divorce_extract", "marriage_extract"), Some(EndsOn::Act));
        assert_eq!(ends("marriage_certificate", "marital_status_certificate"), Some(EndsOn::Issue));
        // Issued again years after the marriage.
        assert_eq!(ends("marriage_extract", "marital_status_certificate"), None);
        // Whoever is left behind proves by it that they were married.
        assert_eq!(ends("death_extract", "marriage_certificate"), None);
        // One may own several.
        assert_eq!(ends("vehicle_revocation_certificate", "vehicle_registration"), None);
    }

    #[test]
    fn a_form_code_is_whole_words_whatever_its_spaces_and_zeros() {
        let code = FormCode::new("CT01");
        assert!(code.stands_in(&skeleton("Mẫu CTO1 ban hành kèm theo")));
        assert!(code.stands_in(&skeleton("CT 01")));
        assert!(!code.stands_in(&skeleton("CT012")));
        assert!(FormCode::new("Mẫu số 01").tells < code.tells);
        assert!(FormCode::new("Mẫu TP/HT-2024-KS").tells == 1.0);
    }
}
