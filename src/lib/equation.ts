// Equations become MathML while the site is built: every browser of today draws it, screen readers speak it, and it needs
// neither a script nor a style attribute, which the content security policy forbids.
import katex from 'katex';

/** Typesets LaTeX as one MathML element, on its own line or inside text; what is not valid LaTeX is an error of the build. */
export function typeset(latex: string, { display = false } = {}): string {
  return katex
    .renderToString(latex, {
      output: 'mathml',
      displayMode: display,
      throwOnError: true,
      strict: 'ignore',
      trust: false,
    })
    .replace(/^<span class="katex">/, '')
    .replace(/<\/span>$/, '')
    .replace(/<annotation[^>]*>[\s\S]*?<\/annotation>/, '');
}

/** Typesets LaTeX that came with a report; falls back to the source, as text, where it cannot be read. */
export function typesetOrSource(latex: string): string {
  try {
    // Numbers come as programs print them: 8.96e-9.
    const readable = latex.replace(
      /(\d)e([+-]?)0*(\d+)/g,
      (_, digit: string, sign: string, power: string) => `${digit}\\cdot 10^{${sign === '-' ? '-' : ''}${power}}`,
    );
    return typeset(readable, { display: true });
  } catch {
    return `<code>${latex.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</code>`;
  }
}
