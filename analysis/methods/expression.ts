// An output as a readable sum of its largest components: `cat = 3.1·φ0 + 1.2·φ4 − 0.4·φ2 + rest 0.2 + bias 1.9`.

interface Term {
  readonly index: number;
  readonly contribution: number;
}

/** Components written out before the rest. */
const WRITTEN = 5;

/** As text and as LaTeX. `rest` takes up the components that are not written out, and the remainder. */
export function expressionOf(
  output: string,
  components: readonly Term[],
  remainder: number,
  bias: number,
): { expression: string; latex: string } {
  const bySize = [...components].sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
  const written = bySize.slice(0, WRITTEN).filter(({ contribution }) => contribution !== 0);
  const rest = bySize.slice(written.length).reduce((sum, { contribution }) => sum + contribution, remainder);
  const parts = [
    ...written.map(({ index, contribution }) => ({
      value: contribution,
      text: (n: string) => `${n}·φ${index}`,
      latex: (n: string) => `${n}\\,\\varphi_{${index}}`,
    })),
    { value: rest, text: (n: string) => `rest ${n}`, latex: (n: string) => `${n}_{\\text{rest}}` },
    { value: bias, text: (n: string) => `bias ${n}`, latex: (n: string) => `${n}_{\\text{bias}}` },
  ];
  const join = (way: 'text' | 'latex', minus: string): string =>
    parts
      .map((part, i) => {
        const number = digits(Math.abs(part.value));
        const sign = part.value < 0 ? minus : '+';
        if (i === 0) return `${part.value < 0 ? minus : ''}${part[way](number)}`;
        return `${sign} ${part[way](number)}`;
      })
      .join(' ');
  return {
    expression: `${output} = ${join('text', '−')}`,
    latex: `y_{\\text{${escapeLatex(output)}}} = ${join('latex', '-')}`,
  };
}

/** Three significant digits, plain where that is short. */
function digits(value: number): string {
  if (value === 0) return '0';
  const exponent = Math.floor(Math.log10(value));
  if (exponent < -4 || exponent > 5) return value.toExponential(2).replace('e+', 'e');
  return value.toPrecision(3).includes('e') ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

const LATEX: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
};

/** A name as text that cannot become markup. */
function escapeLatex(name: string): string {
  return name.replace(/[\\~^<>{}$&#%_]/g, (character) => LATEX[character] ?? `\\${character}`);
}
