// A certificate in plain words (methods.md, section 0): what was checked, how well it held, and what that means for a reader.
import { formatCount, formatError, formatNumber, formatShare } from './numbers.ts';

export interface CertificateNumbers {
  readonly completeness: number | null;
  readonly cancellation: number | null;
  readonly adjointness: number | null;
  readonly residuals: readonly number[];
  readonly converged: number | null;
  readonly applications: number | null;
  readonly reconstruction: number | null;
  readonly remainder: number | null;
}

/** exact: as far as single precision goes; good: more digits than a picture shows; rough: read with care. */
export type Grade = 'exact' | 'good' | 'rough' | 'unchecked';

export interface Verdict {
  readonly grade: Grade;
  /** The largest relative error among the checks; null when nothing was checked. */
  readonly worst: number | null;
  readonly checks: readonly { readonly name: string; readonly value: string; readonly meaning: string }[];
}

const EXACT = 1e-5;
const GOOD = 1e-3;
/** Parts this many times larger than their sum lose a digit that a reader should know of. */
const CANCELLING = 10;

/** Grades a relative error. */
export function gradeOf(error: number | null): Grade {
  if (error === null) return 'unchecked';
  return error <= EXACT ? 'exact' : error <= GOOD ? 'good' : 'rough';
}

/** The largest relative error that a certificate holds; null when it holds none. */
export function worstError(certificate: CertificateNumbers): number | null {
  const errors = [
    certificate.completeness,
    certificate.adjointness,
    certificate.reconstruction,
    ...certificate.residuals,
  ].filter((error) => error !== null);
  return errors.length === 0 ? null : Math.max(...errors);
}

/** Says what each number of a certificate means, and grades the worst of them. */
export function judge(certificate: CertificateNumbers): Verdict {
  const { completeness, cancellation, adjointness, residuals, converged, applications, reconstruction, remainder } =
    certificate;
  const checks: { name: string; value: string; meaning: string }[] = [];
  const add = (name: string, value: string, meaning: string) => checks.push({ name, value, meaning });
  if (completeness !== null) {
    add(
      'Completeness',
      formatError(completeness),
      'relative difference between the affine map and the network at this input',
    );
  }
  if (cancellation !== null && cancellation > CANCELLING) {
    add(
      'Cancellation',
      `${formatNumber(cancellation)} ×`,
      'what the input passes on and the constants are so much larger than their sum; rounding counts as much more in completeness',
    );
  }
  if (adjointness !== null) {
    add(
      'Adjointness',
      formatError(adjointness),
      'relative disagreement between products with the map and with its transpose',
    );
  }
  if (residuals.length > 0) {
    add(
      'Residual',
      formatError(Math.max(...residuals)),
      `worst of ${formatCount(residuals.length)} singular pairs, relative to the largest singular value`,
    );
  }
  if (converged !== null && residuals.length > 0) {
    add(
      'Converged',
      `${formatCount(converged)} of ${formatCount(residuals.length)}`,
      'directions that met the tolerance',
    );
  }
  if (reconstruction !== null) {
    add(
      'Reconstruction',
      formatError(reconstruction),
      'relative difference between the whole and its parts put together again',
    );
  }
  if (remainder !== null) {
    add('Left out', formatShare(remainder), 'share of the squared singular values beyond the computed ones');
  }
  if (applications !== null) add('Products', formatCount(applications), 'applications of the map that it took');
  const worst = worstError(certificate);
  const unfinished = converged !== null && converged < residuals.length;
  const grade = gradeOf(worst);
  return { grade: unfinished && grade === 'exact' ? 'good' : grade, worst, checks };
}
