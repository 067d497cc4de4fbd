// Checks PDF files against PDF/A-2u with the veraPDF libraries: one line a file on standard
// output, `PASS path` or `FAIL path` with the clauses that were broken. Exit code 0 when every
// file passed, 1 when one failed. A test tool: nothing of it is part of what is shipped.

import java.io.File;
import java.util.SortedMap;
import java.util.TreeMap;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.VeraPDFFoundry;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

class Verapdf {
    private static final PDFAFlavour FLAVOUR = PDFAFlavour.PDFA_2_U;

    public static void main(String[] paths) {
        VeraGreenfieldFoundryProvider.initialise();
        boolean sound = true;
        for (String path : paths) {
            String faults = faults(new File(path));
            System.out.println(faults.isEmpty() ? "PASS " + path : "FAIL " + path + faults);
            sound &= faults.isEmpty();
        }
        // The libraries leave threads behind.
        System.exit(sound ? 0 : 1);
    }

    /** The broken clauses, each with how often and what it says; empty where the file conforms. */
    private static String faults(File file) {
        VeraPDFFoundry foundry = Foundries.defaultInstance();
        try (PDFAParser parser = foundry.createParser(file, FLAVOUR);
                PDFAValidator validator = foundry.createValidator(FLAVOUR, false)) {
            // What the file claims to be is part of what is checked.
            if (parser.getFlavour() != FLAVOUR) {
                return " [claims to be " + parser.getFlavour() + "]";
            }
            ValidationResult result = validator.validate(parser);
            if (result.isCompliant()) {
                return result.getTotalAssertions() == 0 ? " [nothing was checked]" : "";
            }
            SortedMap<String, Integer> broken = new TreeMap<>();
            for (TestAssertion assertion : result.getTestAssertions()) {
                if (assertion.getStatus() == TestAssertion.Status.FAILED) {
                    broken.merge(clause(assertion), 1, Integer::sum);
                }
            }
            StringBuilder line = new StringBuilder();
            broken.forEach((clause, times) -> line.append(" [" + times + "x " + clause + "]"));
            return line.length() == 0 ? " [not compliant]" : line.toString();
        } catch (Exception e) {
            return " [unreadable: " + e + "]";
        }
    }

    private static String clause(TestAssertion assertion) {
        String message = assertion.getMessage() == null ? "" : assertion.getMessage();
        return assertion.getRuleId().getClause() + "-" + assertion.getRuleId().getTestNumber()
                + ": " + message.replaceAll("\\s+", " ");
    }
}
