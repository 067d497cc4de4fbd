//! What is true of a signed PDF and of its record's proof. Reads nothing but what it is given.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use records::Proof;
use schemas::ids::Blake3;
use schemas::record::{Correction, Record};
use schemas::signature::SignatureState;
use schemas::subject::Name;
use sealing::Sealed;
use serde::Serialize;
use signing::{ByteRange, Roots, Signed, Trust};

/// What came of looking at one file.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) file: String,
    /// The file that its proof was read from, where one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proof: Option<String>,
    pub(crate) signatures: Vec<SignatureVerdict>,
    /// What its proof says, where there is one that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<RecordVerdict>,
    /// What isn't in order; empty when everything is.
    pub(crate) faults: Vec<Fault>,
}

/// One signature of the file.
#[derive(Debug, Serialize)]
pub(crate) struct SignatureVerdict {
    pub(crate) signer: Option<String>,
    pub(crate) issuer: Option<String>,
    /// As the signer's own clock says; RFC 3339, UTC.
    pub(crate) signed_at: Option<String>,
    /// As a time stamp authority says; RFC 3339, UTC.
    pub(crate) stamped_at: Option<String>,
    pub(crate) state: SignatureState,
}

/// The record that the proof is of.
#[derive(Debug, Serialize)]
pub(crate) struct RecordVerdict {
    pub(crate) id: String,
    pub(crate) version: u32,
    pub(crate) digitisation_code: String,
    pub(crate) published_at: String,
    pub(crate) hash: String,
    /// Hash of the version before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<String>,
    /// What a person put right in this version, where that is why it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) corrected: Option<Correction>,
    /// The version that took its place, where its proof was given too and is in order. Without
    /// one nothing is known: a version can't tell what came after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) followed_by: Option<u32>,
    /// Whether that version put this one right.
    pub(crate) put_right: bool,
    pub(crate) pages: usize,
    /// Pages whose image was found in the PDF as the record has it. An image that is kept as PNG
    /// can't be; the hash of the whole PDF covers it.
    pub(crate) images_checked: usize,
}

/// Something that isn't in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    pub(crate) code: FaultCode,
    pub(crate) text_vi: &'static str,
}

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $vi:literal;)*) => {
        /// What can be amiss.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        pub(crate) enum FaultCode {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl FaultCode {
            /// The stable code.
            pub(crate) fn code(self) -> &'static str {
                match self { $(FaultCode::$name => $code,)* }
            }

            /// What a person reads.
            pub(crate) fn vi(self) -> &'static str {
                match self { $(FaultCode::$name => $vi,)* }
            }
        }
    };
}

faults! {
    /// There is no signature.
    NoSignature = "signature.none", "Tệp không có chữ ký số nào.";
    /// A signature was taken out of the file.
    SignatureRemoved = "signature.removed", "Một chữ ký số đã bị gỡ khỏi tệp.";
    /// The signature isn't over these bytes.
    SignatureAltered = "signature.altered", "Nội dung tệp đã bị thay đổi sau khi ký, hoặc chữ ký bị tráo.";
    /// The signature can't be read.
    SignatureUnknown = "signature.unknown", "Có chữ ký không đọc được hoặc dùng thuật toán lạ.";
    /// No authority that is trusted vouches for the signer.
    SignerUntrusted = "signature.untrusted", "Chứng thư của người ký không dẫn tới cơ quan chứng thực được tin.";
    /// The signer's certificate was not valid at that moment.
    SignerOutOfDate = "signature.out_of_date", "Chứng thư của người ký không còn hiệu lực vào lúc ký.";
    /// A time stamp isn't in order.
    StampBad = "stamp.bad", "Dấu thời gian của chữ ký không đúng hoặc không đáng tin.";
    /// There is something after the last signature.
    FileAppended = "file.appended", "Có dữ liệu thêm vào tệp sau chữ ký cuối cùng.";
    /// Something other than a signature was added after one.
    FileChanged = "file.changed", "Giữa các lần ký, tệp đã bị sửa chứ không chỉ thêm chữ ký.";
    /// The proof can't be read, or holds no record.
    ProofUnreadable = "proof.unreadable", "Tệp chứng minh không đọc được hoặc thiếu nội dung giấy tờ.";
    /// The record isn't the one that the proof's hash is of.
    ProofHash = "proof.hash", "Nội dung giấy tờ trong tệp chứng minh không khớp với mã băm của nó.";
    /// The agency's signature is missing.
    ProofUnsigned = "proof.unsigned", "Tệp chứng minh không có chữ ký của cơ quan.";
    /// The agency's signature isn't over this record.
    ProofAltered = "proof.altered", "Chữ ký của cơ quan không đúng với nội dung giấy tờ.";
    /// No authority that is trusted vouches for the agency.
    ProofUntrusted = "proof.untrusted", "Chứng thư ký tệp chứng minh không dẫn tới cơ quan được tin.";
    /// Whoever signed the proof did not sign the PDF.
    OtherSigner = "proof.other_signer", "Cơ quan ký tệp chứng minh không phải là người đã ký tệp PDF.";
    /// The PDF isn't the record's.
    OtherPdf = "proof.other_pdf", "Tệp PDF không phải là tệp đã xuất bản của giấy tờ này.";
    /// The version doesn't name the hash of the one before.
    ChainBroken = "proof.chain", "Giấy tờ không nối tiếp bản trước của nó trong chuỗi phiên bản.";
    /// An image in the PDF isn't the record's.
    OtherPages = "proof.pages", "Ảnh trang trong tệp PDF khác với ảnh trang của giấy tờ số hoá.";
}

/// Looks at a file and, where there is one, at its record's proof.
pub(crate) fn of(
    file: String,
    pdf: &[u8],
    proof: Option<&Result<Proof, ()>>,
    roots: &Roots,
) -> Verdict {
    let (signatures, faults) = (Vec::new(), Vec::new());
    let mut verdict = Verdict { file, proof: None, signatures, record: None, faults };
    let signed = verdict.look_at_file(pdf, roots);
    match proof {
        None => {}
        Some(Err(())) => verdict.amiss(FaultCode::ProofUnreadable),
        Some(Ok(proof)) => verdict.look_at_proof(proof, pdf, &signed, roots),
    }
    verdict
}

/// Compares versions of one record that follow on each other: each names the hash of the one
/// before, which so learns what took its place.
pub(crate) fn follow(verdicts: &mut [Verdict]) {
    let links: Vec<_> = verdicts
        .iter()
        .filter_map(|verdict| verdict.record.as_ref())
        .map(|record| (record.id.clone(), record.version, record.hash.clone()))
        .collect();
    for verdict in &mut *verdicts {
        let Some(record) = &verdict.record else { continue };
        let broken = links.iter().any(|(id, version, hash)| {
            (id, version + 1) == (&record.id, record.version)
                && record.before.as_ref() != Some(hash)
        });
        if broken {
            verdict.amiss(FaultCode::ChainBroken);
        }
    }
    let sound = verdicts.iter().filter(|verdict| verdict.faults.is_empty());
    let later: Vec<_> = sound
        .filter_map(|verdict| verdict.record.as_ref())
        .map(|record| (record.before.clone(), record.version, record.corrected.is_some()))
        .collect();
    for record in verdicts.iter_mut().filter_map(|verdict| verdict.record.as_mut()) {
        let next = later.iter().find(|(before, ..)| before.as_ref() == Some(&record.hash));
        let Some((_, version, corrects)) = next else { continue };
        (record.followed_by, record.put_right) = (Some(*version), *corrects);
    }
}

impl Verdict {
    /// Adds a fault, once.
    fn amiss(&mut self, code: FaultCode) {
        let fault = Fault { code, text_vi: code.vi() };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    fn look_at_file(&mut self, pdf: &[u8], roots: &Roots) -> Vec<Signed> {
        let (ranges, sealed) = (signing::ranges(pdf), Sealed::of(pdf));
        if ranges.is_empty() {
            self.amiss(FaultCode::NoSignature);
        }
        if sealed.as_ref().is_some_and(|sealed| ranges.len() < sealed.signature_fields()) {
            self.amiss(FaultCode::SignatureRemoved);
        }
        let last = ranges.iter().map(|range| range.end).max().unwrap_or(0);
        if !ranges.is_empty() && !pdf[last..].trim_ascii().is_empty() {
            self.amiss(FaultCode::FileAppended);
        }
        let mut found = Vec::new();
        for range in &ranges {
            if range.contents.iter().all(|byte| *byte == 0) {
                self.amiss(FaultCode::SignatureRemoved);
                continue;
            }
            let only_signed =
                || sealed.as_ref().is_some_and(|own| own.only_signed_since(range.end));
            if range.end < last && !only_signed() {
                self.amiss(FaultCode::FileChanged);
            }
            found.push(self.look_at_signature(pdf, range, sealed.as_ref(), roots));
        }
        found
    }

    fn look_at_signature(
        &mut self,
        pdf: &[u8],
        range: &ByteRange,
        sealed: Option<&Sealed<'_>>,
        roots: &Roots,
    ) -> Signed {
        let signed = signing::look(&range.contents, Some(range.parts(pdf)));
        let said = sealed.and_then(|own| own.moment(&range.contents)).and_then(signing::moment);
        let said = said.or(signed.time);
        let stamped_at = self.look_at_stamp(&range.contents, roots);
        match signed.state {
            SignatureState::Intact => {
                // Without a time stamp the signer's own word has to do.
                let at = stamped_at.or(said).unwrap_or_else(Timestamp::now);
                match roots.trust(&signed.certificates, at) {
                    Trust::Trusted(_) => {}
                    Trust::Unrooted => self.amiss(FaultCode::SignerUntrusted),
                    Trust::OutOfDate => self.amiss(FaultCode::SignerOutOfDate),
                }
            }
            SignatureState::Altered => self.amiss(FaultCode::SignatureAltered),
            SignatureState::Unknown => self.amiss(FaultCode::SignatureUnknown),
        }
        let text = |name: &Option<Name>| name.as_ref().map(|name| name.reveal().to_owned());
        self.signatures.push(SignatureVerdict {
            signer: text(&signed.signer),
            issuer: text(&signed.issuer),
            signed_at: said.map(|at| at.to_string()),
            stamped_at: stamped_at.map(|at| at.to_string()),
            state: signed.state,
        });
        signed
    }

    /// When it was signed, by a time stamp that is in order.
    fn look_at_stamp(&mut self, contents: &[u8], roots: &Roots) -> Option<Timestamp> {
        let stamp = signing::stamp_of(contents)?;
        let is_trusted = matches!(roots.trust(&stamp.certificates, stamp.at), Trust::Trusted(_));
        let good = stamp.state == SignatureState::Intact && is_trusted;
        if !good {
            self.amiss(FaultCode::StampBad);
        }
        good.then_some(stamp.at)
    }

    fn look_at_proof(&mut self, proof: &Proof, pdf: &[u8], signed: &[Signed], roots: &Roots) {
        let body = proof.body.as_deref();
        let record = body.and_then(|body| serde_json::from_str::<Record>(body).ok());
        let (Some(body), Some(record)) = (body, record) else {
            return self.amiss(FaultCode::ProofUnreadable);
        };
        if Blake3::of(body.as_bytes()) != proof.hash {
            self.amiss(FaultCode::ProofHash);
        }
        self.look_at_vouching(proof.signature.as_deref(), body, signed, roots);
        let said = (proof.record, proof.version, proof.pdf);
        if Blake3::of(pdf) != record.pdf || said != (record.id, record.version, record.pdf) {
            self.amiss(FaultCode::OtherPdf);
        }
        let images = Sealed::of(pdf).and_then(|own| own.images()).unwrap_or_default();
        let pairs = images.iter().zip(&record.pages);
        let checked: Vec<bool> = pairs
            .filter_map(|(image, page)| image.map(|bytes| Blake3::of(bytes) == page.image))
            .collect();
        if images.len() != record.pages.len() || checked.contains(&false) {
            self.amiss(FaultCode::OtherPages);
        }
        self.record = Some(RecordVerdict {
            id: record.id.to_string(),
            version: record.version,
            digitisation_code: record.digitisation_code,
            published_at: record.published_at,
            hash: proof.hash.to_string(),
            before: record.before.map(|hash| hash.to_string()),
            corrected: record.corrected,
            followed_by: None,
            put_right: false,
            pages: record.pages.len(),
            images_checked: checked.iter().filter(|same| **same).count(),
        });
    }

    /// The agency's signature over the record.
    fn look_at_vouching(
        &mut self,
        signature: Option<&str>,
        body: &str,
        signed: &[Signed],
        roots: &Roots,
    ) {
        let Some(signature) = signature else { return self.amiss(FaultCode::ProofUnsigned) };
        let signature = STANDARD.decode(signature).unwrap_or_default();
        let own = signing::look(&signature, Some([body.as_bytes(), &[]]));
        if own.state != SignatureState::Intact {
            return self.amiss(FaultCode::ProofAltered);
        }
        let at = self.look_at_stamp(&signature, roots);
        // Without a stamp: whether it is trusted as of when the record says it was published.
        let said = serde_json::from_str::<Record>(body).ok();
        let said = said.and_then(|record| record.published_at.parse().ok());
        let at = at.or(said).unwrap_or_else(Timestamp::now);
        if !matches!(roots.trust(&own.certificates, at), Trust::Trusted(_)) {
            self.amiss(FaultCode::ProofUntrusted);
        }
        let same = |other: &Signed| other.certificates.first() == own.certificates.first();
        if !signed.iter().any(same) {
            self.amiss(FaultCode::OtherSigner);
        }
    }
}
