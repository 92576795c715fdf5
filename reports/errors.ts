// What can go wrong with a stored report, with a code that GraphQL passes on and scripts can rely on.
import { UserError } from '../analysis/errors.ts';

export type ReportErrorCode =
  'BAD_USER_INPUT' | 'NOT_FOUND' | 'REPORT_CORRUPT' | 'REPORT_CHANGED' | 'REPORT_TOO_NEW' | 'REPORT_UNREACHABLE';

/** A report that cannot be read, and why; `extensions.code` is its code, as in a GraphQL response. */
export class ReportError extends UserError {
  readonly extensions: { readonly code: ReportErrorCode };
  constructor(code: ReportErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options);
    this.name = 'ReportError';
    this.extensions = { code };
  }
}
