//! Taking procedures in from a file: our own format, or the national list as it was crawled.
//!
//! What can't be right is refused line by line, with a reason a person can act on, and never
//! takes the rest with it. A procedure is taken whole or not at all: a line that asks for
//! nothing (a remark, an exact repetition) is dropped with a reason; a line that asks for
//! something but can't be right refuses its procedure, because a procedure with a requirement
//! missing would tell a citizen too little.
//!
//! The same bytes give the same procedures in the same order.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;
use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{CATALOGUE_FORMAT, Procedure};
use crate::kind::{self, Kind};

mod check;
mod crawl;
mod curated;
mod matching;
mod quantity;

pub use check::faults;

/// Most bytes a file may have, decompressed.
pub const MAX_BYTES: usize = 256 << 20;
/// Most procedures a file may have.
pub const MAX_PROCEDURES: usize = 20_000;
/// Most components a procedure may have.
pub const MAX_COMPONENTS: usize = 500;
/// Most copies of one paper that anybody can mean.
pub const MAX_QUANTITY: u16 = 20;
/// Longest text of one field, in bytes; the longest line of the national list has 7,000.
const MAX_TEXT: usize = 32 << 10;

/// What came of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// What can be right, in order of codes.
    pub procedures: Vec<Procedure>,
    /// What can't, in order of the file.
    pub refused: Vec<Refusal>,
    /// How many of everything.
    pub counts: Counts,
    /// First day in force, where the file says one.
    pub valid_from: Option<Date>,
}

/// How many of everything a file held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Procedures taken.
    pub procedures: usize,
    /// Their components.
    pub components: usize,
    /// Their cases.
    pub cases: usize,
    /// Components whose kind of paper is known.
    pub mapped: usize,
    /// Procedures whose careful reading ships with Sohoa and still fits the list word for word.
    pub curated: usize,
    /// Lines repaired: quantities glued to a form's number.
    pub repaired: usize,
    /// Procedures refused whole.
    pub procedures_refused: usize,
    /// Lines dropped from procedures that were taken.
    pub lines_dropped: usize,
    /// Reasons given, of both sorts.
    pub refused: usize,
}

/// A line that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Place of the procedure in the file, from 1.
    pub index: usize,
    /// Code of the procedure, as far as it has one.
    pub procedure: Option<String>,
    /// The component, when it is about one.
    pub component: Option<String>,
    /// Why.
    pub code: Fault,
    /// Why, for people.
    pub reason_vi: &'static str,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mục {}", self.index)?;
        if let Some(code) = &self.procedure {
            write!(f, " ({code})")?;
        }
        if let Some(component) = &self.component {
            write!(f, ", thành phần {component}")?;
        }
        write!(f, ": {} [{}]", self.reason_vi, self.code.code())
    }
}

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $vi:literal;)*) => {
        /// Why a line is refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Fault {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl Fault {
            /// The stable code.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Fault::$name => $code,)* }
            }

            /// What a person reads.
            #[must_use]
            pub fn vi(self) -> &'static str {
                match self { $(Fault::$name => $vi,)* }
            }
        }
    };
}

faults! {
    /// Not of the form of a procedure.
    Shape = "not_a_procedure", "mục này không có dạng một thủ tục (thiếu trường hoặc sai kiểu dữ liệu)";
    /// The code isn't one.
    BadCode = "bad_code", "mã thủ tục không đúng dạng (ví dụ 1.001193, 1.013226.H17)";
    /// The code occurred before in the file.
    DuplicateCode = "duplicate_code", "mã thủ tục đã có ở một mục trước trong tệp";
    /// No name.
    EmptyName = "empty_name", "thủ tục không có tên";
    /// Nothing is asked for.
    NoComponents = "no_components", "thủ tục không có thành phần hồ sơ nào";
    /// More than [`MAX_COMPONENTS`].
    TooManyComponents = "too_many_components", "thủ tục có quá nhiều thành phần hồ sơ";
    /// A text without end.
    TooLong = "text_too_long", "một trường có nội dung quá dài";
    /// A component's id isn't one.
    BadComponentId = "bad_component_id", "mã thành phần hồ sơ không đúng dạng";
    /// Two different components with one id.
    DuplicateComponent = "duplicate_component", "hai thành phần hồ sơ khác nhau có cùng mã";
    /// The same component twice, word for word: dropped.
    RepeatedComponent = "repeated_component", "thành phần hồ sơ lặp lại nguyên văn; đã bỏ dòng thừa";
    /// A component asks for papers but has no name.
    NamelessComponent = "nameless_component", "thành phần hồ sơ yêu cầu nộp nhưng không có tên giấy tờ";
    /// A component has no name and asks for nothing that is handed in: dropped.
    EmptyLine = "empty_line", "dòng không có tên và không yêu cầu nộp; đã bỏ";
    /// A quantity that nobody can mean and that can't be recovered.
    Quantity = "impossible_quantity", "số bản không thể đúng và không khôi phục được";
    /// A submit mode or channel that isn't one.
    BadMode = "bad_mode", "cách nộp hoặc kênh nộp không hợp lệ";
    /// Two lines of the source glued into one.
    Glued = "glued_lines", "hai dòng của nguồn bị dính vào nhau; cần tách bằng tay";
    /// A case that the procedure doesn't have.
    UnknownCase = "unknown_case", "thành phần thuộc trường hợp không có trong thủ tục";
    /// Two cases with one id.
    DuplicateCase = "duplicate_case", "hai trường hợp có cùng mã";
    /// Instead of a component that the procedure doesn't have.
    UnknownAlternative = "unknown_alternative", "thành phần thay thế cho một thành phần không có";
    /// A kind of paper that isn't in the list.
    UnknownKind = "unknown_kind", "loại giấy tờ không có trong danh mục";
    /// The places of the components aren't 1, 2, 3, …
    Order = "bad_order", "thứ tự thành phần không liên tục từ 1";
    /// A result that has no name or a code that isn't one.
    BadResult = "bad_result", "kết quả không có tên hoặc mã kết quả không đúng dạng";
}

/// Why a file can't be taken in at all.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Larger than [`MAX_BYTES`].
    #[error("the file has more than {MAX_BYTES} bytes")]
    TooLarge,
    /// More than [`MAX_PROCEDURES`].
    #[error("the file has more than {MAX_PROCEDURES} procedures")]
    TooMany,
    /// Neither of the two formats.
    #[error(
        "the file is neither a catalogue of this format ({CATALOGUE_FORMAT}) nor a list of procedures"
    )]
    Format,
    /// Not JSON.
    #[error("the file is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// The shipped kinds of paper can't be read.
    #[error("the shipped kinds of paper are not as described")]
    Kinds(#[source] toml::de::Error),
}

/// Takes in a file of procedures.
///
/// # Errors
/// [`ImportError`], when the file as a whole is not one of procedures. What is wrong with single
/// procedures stands in [`Import::refused`].
pub fn import(bytes: &[u8]) -> Result<Import, ImportError> {
    import_with(bytes, &kind::shipped().map_err(ImportError::Kinds)?)
}

/// Takes in a file of procedures under other kinds of paper than the shipped ones.
///
/// # Errors
/// As [`import`].
pub fn import_with(bytes: &[u8], kinds: &[Kind]) -> Result<Import, ImportError> {
    if bytes.len() > MAX_BYTES {
        return Err(ImportError::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut taker = Taker::new(kinds);
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = json.deserialize_any(File(&mut taker)).and_then(|()| json.end());
    if taker.too_many {
        return Err(ImportError::TooMany);
    }
    read.map_err(
        |fault| if fault.is_data() { ImportError::Format } else { ImportError::NotJson(fault) },
    )?;
    if taker.is_own == Some(false) {
        return Err(ImportError::Format);
    }
    Ok(taker.finish())
}

/// Collects what a file holds, one procedure at a time.
struct Taker<'a> {
    matcher: matching::Matcher<'a>,
    kinds: &'a [Kind],
    curated: &'static curated::Curated,
    seen: BTreeSet<String>,
    index: usize,
    too_many: bool,
    /// For an object: whether it says that it is our format.
    is_own: Option<bool>,
    import: Import,
}

impl<'a> Taker<'a> {
    fn new(kinds: &'a [Kind]) -> Self {
        Self {
            matcher: matching::Matcher::new(kinds),
            kinds,
            curated: curated::Curated::shipped(),
            seen: BTreeSet::new(),
            index: 0,
            too_many: false,
            is_own: None,
            import: Import {
                procedures: Vec::new(),
                refused: Vec::new(),
                counts: Counts::default(),
                valid_from: None,
            },
        }
    }

    /// Takes or refuses one procedure as it stands in the file.
    fn take(&mut self, raw: Value, own: bool) {
        self.index += 1;
        let code = raw.get("code").and_then(Value::as_str).map(|c| c.chars().take(64).collect());
        let known = if own { None } else { self.curated.reading_of(&raw).cloned() };
        self.import.counts.curated += usize::from(known.is_some());
        let taken = match known {
            Some(procedure) => checked(procedure, self.kinds),
            None if own => read_own(raw, self.kinds),
            None => crawl::read(raw, &self.matcher),
        };
        let mut refuse = |component: Option<String>, fault: Fault| {
            let procedure = code.clone();
            let reason_vi = fault.vi();
            self.import.refused.push(Refusal {
                index: self.index,
                procedure,
                component,
                code: fault,
                reason_vi,
            });
        };
        match taken {
            Ok(taken) if self.seen.insert(taken.procedure.code.as_str().to_owned()) => {
                let counts = &mut self.import.counts;
                counts.procedures += 1;
                counts.cases += taken.procedure.cases.len();
                counts.components += taken.procedure.components.len();
                counts.mapped +=
                    taken.procedure.components.iter().filter(|c| !c.kinds.is_empty()).count();
                counts.repaired += taken.repaired;
                counts.lines_dropped += taken.dropped.len();
                taken.dropped.into_iter().for_each(|at| refuse(at.component, at.fault));
                self.import.procedures.push(taken.procedure);
            }
            Ok(_) => {
                self.import.counts.procedures_refused += 1;
                refuse(None, Fault::DuplicateCode);
            }
            Err(at) => {
                self.import.counts.procedures_refused += 1;
                refuse(at.component, at.fault);
            }
        }
    }

    fn finish(mut self) -> Import {
        self.import.procedures.sort_by(|a, b| a.code.cmp(&b.code));
        self.import.counts.refused = self.import.refused.len();
        self.import
    }
}

/// A procedure that can be right, and what was done to make it so.
#[derive(Debug)]
struct Taken {
    procedure: Procedure,
    repaired: usize,
    dropped: Vec<At>,
}

/// A fault and where it is.
#[derive(Debug)]
struct At {
    component: Option<String>,
    fault: Fault,
}

impl From<Fault> for At {
    fn from(fault: Fault) -> Self {
        Self { component: None, fault }
    }
}

/// A procedure of our own format.
fn read_own(raw: Value, kinds: &[Kind]) -> Result<Taken, At> {
    let bad_code = || {
        raw.get("code")
            .and_then(Value::as_str)
            .is_some_and(|c| c.parse::<crate::ids::ProcedureCode>().is_err())
    };
    let fault = if bad_code() { Fault::BadCode } else { Fault::Shape };
    let procedure: Procedure = serde_json::from_value(raw).map_err(|_| fault)?;
    checked(procedure, kinds)
}

/// Takes a procedure as it is, or says what is wrong with it.
fn checked(procedure: Procedure, kinds: &[Kind]) -> Result<Taken, At> {
    match faults(&procedure, kinds).into_iter().next() {
        Some((component, fault)) => Err(At { component, fault }),
        None => Ok(Taken { procedure, repaired: 0, dropped: Vec::new() }),
    }
}

/// The file: a list, or an object of our own format.
struct File<'t, 'a>(&'t mut Taker<'a>);

impl<'de> Visitor<'de> for File<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of procedures or a catalogue")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        take_all(self.0, seq, false)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut format = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "format" => format = map.next_value::<Value>()?.as_str().map(ToOwned::to_owned),
                "valid_from" => self.0.import.valid_from = map.next_value::<Option<Date>>()?,
                "procedures" => map.next_value_seed(Own(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        self.0.is_own = Some(format.as_deref() == Some(CATALOGUE_FORMAT));
        Ok(())
    }
}

/// The procedures of our own format.
struct Own<'t, 'a>(&'t mut Taker<'a>);

impl<'de> DeserializeSeed<'de> for Own<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Own<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of procedures")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        take_all(self.0, seq, true)
    }
}

fn take_all<'de, A: SeqAccess<'de>>(
    taker: &mut Taker<'_>,
    mut seq: A,
    own: bool,
) -> Result<(), A::Error> {
    while let Some(raw) = seq.next_element::<Value>()? {
        if taker.index >= MAX_PROCEDURES {
            taker.too_many = true;
            return Err(serde::de::Error::custom("too many procedures"));
        }
        taker.take(raw, own);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
