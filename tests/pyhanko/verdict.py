"""What pyHanko says of the signatures of PDF files: verdict.py ROOT.pem FILE...

One line a signature: file name, signer, then what is right about it, of `intact`, `valid`,
`trusted`, `whole` (it covers all of the file), `untouched` (later updates only added signatures),
`stamped` (with a good time stamp), and at last PASS or FAIL.
"""
import logging
import pathlib
import sys

from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

logging.disable(logging.CRITICAL)
root, *files = sys.argv[1:]
trust = [load_cert_from_pemder(root)]
failed = False
for file in files:
    with open(file, "rb") as opened:
        signatures = PdfFileReader(opened).embedded_signatures
        if not signatures:
            print(f"{pathlib.Path(file).name} none FAIL")
            failed = True
        for signature in signatures:
            context = ValidationContext(trust_roots=trust, allow_fetching=False)
            status = validate_pdf_signature(signature, context)
            stamp = status.timestamp_validity
            marks = {
                "intact": status.intact,
                "valid": status.valid,
                "trusted": status.trusted,
                "whole": status.coverage == SignatureCoverageLevel.ENTIRE_FILE,
                "untouched": status.modification_level
                in (ModificationLevel.NONE, ModificationLevel.LTA_UPDATES, ModificationLevel.FORM_FILLING),
                "stamped": stamp is not None and stamp.intact and stamp.valid and stamp.trusted,
            }
            good = status.bottom_line
            failed |= not good
            name = status.signing_cert.subject.native["common_name"]
            told = " ".join(mark for mark, is_so in marks.items() if is_so)
            print(f"{pathlib.Path(file).name} [{name}] {told} {'PASS' if good else 'FAIL'}")
sys.exit(1 if failed else 0)
