// Reviews as a JUnit file, which every continuous integration can show: a suite for each report, a case for each finding.
import { countsOf, verdictOf, type Review } from './review.ts';

/** The file's text. A warning is a case that passes and says so; a rule that could not be applied is a skipped case. */
export function junitOf(reviews: readonly Review[]): string {
  const cases = (review: Review): string[] => [
    ...review.findings.map(({ level, rule, subject, message, limit, value }) => {
      const open = `    <testcase classname="${xml(`eigenlens.${review.head.id}`)}" name="${xml(`${rule}: ${subject}`)}"`;
      if (level === 'PASS') return `${open}/>`;
      if (level === 'WARN')
        return `${open}>\n      <system-out>${xml(`warning: ${message}`)}</system-out>\n    </testcase>`;
      const numbers = `value ${String(value)}, limit ${String(limit)}`;
      return `${open}>\n      <failure type="${xml(rule)}" message="${xml(message)}">${xml(numbers)}</failure>\n    </testcase>`;
    }),
    ...review.unapplied.map(
      ({ rule, subject, reason }) =>
        `    <testcase classname="${xml(`eigenlens.${review.head.id}`)}" name="${xml(`${rule}: ${subject ?? 'not applied'}`)}">\n      <skipped message="${xml(reason)}"/>\n    </testcase>`,
    ),
  ];
  const suites = reviews.map((review) => {
    const own = cases(review);
    const counts = `tests="${own.length}" failures="${countsOf([review]).failed}" errors="0" skipped="${review.unapplied.length}"`;
    const verdict = `    <system-out>${xml(verdictOf(review))}</system-out>`;
    return `  <testsuite name="${xml(review.head.id)}" ${counts}>\n${[...own, verdict].join('\n')}\n  </testsuite>`;
  });
  const tests = reviews.reduce((sum, { findings, unapplied }) => sum + findings.length + unapplied.length, 0);
  const head = `<testsuites name="eigenlens" tests="${tests}" failures="${countsOf(reviews).failed}" errors="0">`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${[head, ...suites, '</testsuites>'].join('\n')}\n`;
}

/** Text for an attribute or an element; characters that XML 1.0 cannot hold are shown as �. */
function xml(text: string): string {
  const references: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '�')
    .replace(/[&<>"']/g, (character) => references[character]!)
    .replace(/[\n\r\t]/g, (character) => `&#${character.charCodeAt(0)};`);
}
