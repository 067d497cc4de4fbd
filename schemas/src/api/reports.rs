//! Bodies of reports: the national indicators (Decision 766/QĐ-TTg) beside the honest ones.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::DossierCode;

/// By what a report is split up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportGroup {
    /// Not at all.
    #[default]
    All,
    /// By office.
    Office,
    /// By procedure.
    Procedure,
}

/// What a report counts. Of Decision 766/QĐ-TTg an office that digitises knows these alone: it
/// verifies no account with `VNeID`, asks no national database and certifies no electronic copy, so
/// 4.5 and the certified copies are not counted here rather than counted as nothing.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// 4.1: finished dossiers with an electronic result, of those that must end with one. In
    /// dossiers; at most 6 points.
    ResultAvailable,
    /// 4.2, tỷ lệ số hoá: dossiers with a file attached to a component, be it scanned or reused,
    /// and an electronic result where the procedure must end with one. In dossiers; at most 4
    /// points, all of them from 80 %.
    Digitised,
    /// 4.3, tỷ lệ khai thác, tái sử dụng: dossiers with a component that was reused. In dossiers;
    /// at most 2 points, all of them from 80 %.
    Reused,
    /// 4.4, đồng bộ với kho dữ liệu trên Cổng dịch vụ công quốc gia: dossiers with a component that
    /// was taken from there, or with a result that the portal has taken with the address of its
    /// file. In dossiers; at most 4 points.
    Synced,
    /// Components that a record or another Kho's paper stood in for, of those that one could have
    /// stood in for.
    ReusedOfReusable,
    /// Components whose paper was collected although a record or another Kho's paper stood for
    /// them.
    AskedAgain,
    /// The same, without a lawful reason stated.
    AskedAgainUnreasoned,
    /// Pages that a person had to file, of those read.
    PagesCorrected,
}

impl Figure {
    /// Every figure, in the order of a report.
    pub const ALL: [Figure; 8] = [
        Self::ResultAvailable,
        Self::Digitised,
        Self::Reused,
        Self::Synced,
        Self::ReusedOfReusable,
        Self::AskedAgain,
        Self::AskedAgainUnreasoned,
        Self::PagesCorrected,
    ];

    /// Its name in JSON, CSV and addresses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ResultAvailable => "result_available",
            Self::Digitised => "digitised",
            Self::Reused => "reused",
            Self::Synced => "synced",
            Self::ReusedOfReusable => "reused_of_reusable",
            Self::AskedAgain => "asked_again",
            Self::AskedAgainUnreasoned => "asked_again_unreasoned",
            Self::PagesCorrected => "pages_corrected",
        }
    }

    /// What a person reads.
    #[must_use]
    pub fn vi(self) -> &'static str {
        match self {
            Self::ResultAvailable => "Hồ sơ có kết quả điện tử",
            Self::Digitised => "Tỷ lệ số hoá hồ sơ",
            Self::Reused => "Tỷ lệ khai thác, tái sử dụng",
            Self::Synced => "Hồ sơ đồng bộ với kho dữ liệu trên Cổng DVCQG",
            Self::ReusedOfReusable => "Thành phần được dùng lại trên số dùng lại được",
            Self::AskedAgain => "Thành phần bị thu lại dù đã có",
            Self::AskedAgainUnreasoned => "Trong đó không nêu lý do",
            Self::PagesCorrected => "Trang phải sửa",
        }
    }

    /// The figure of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|figure| figure.as_str() == name)
    }
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Indicator {
    /// Which.
    pub figure: Figure,
    /// Numerator.
    pub of: u64,
    /// Denominator.
    pub all: u64,
    /// Per cent, two decimals; none where the denominator is 0.
    pub percent: Option<f64>,
    /// Points of Decision 766/QĐ-TTg, two decimals, where it gives any; 0 where the denominator
    /// is 0.
    pub score: Option<f64>,
    /// Most points that there are.
    pub most: Option<f64>,
}

/// Figures of one office, of one procedure, or of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportRow {
    /// Office or procedure; none for all.
    pub key: Option<String>,
    /// Dossiers taken in in the period.
    pub dossiers: u64,
    /// The figures.
    pub indicators: Vec<Indicator>,
    /// Median time from a paper's scan to its record, in seconds; none where there is no record.
    pub median_seconds: Option<u64>,
}

/// A report on the dossiers taken in in a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The period as it was asked for: `2026`, `2026-H2`, `2026-Q4`, `2026-11`, `2026-W47`.
    pub period: String,
    /// Its first day.
    #[schema(value_type = String, format = Date)]
    pub first: jiff::civil::Date,
    /// Its last day.
    #[schema(value_type = String, format = Date)]
    pub last: jiff::civil::Date,
    /// When it was made; RFC 3339, UTC.
    pub made_at: String,
    /// The figures; of everything together first.
    pub rows: Vec<ReportRow>,
    /// Dossiers behind the figure that was asked for, in order of their codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dossiers: Vec<DossierCode>,
}
