// Markdown for forges: names come from files and weights of strangers, so nothing in them may become markup, a link, a
// mention or a reference, and nothing in the text may be longer than a forge takes.

/** A comment may hold 65,536 characters; some stay free for what a forge adds. */
export const MOST_CHARACTERS = 64_000;
const LONGEST_NAME = 80;

/**
 * A name as code: every character that could mean something is a character reference, control and direction characters
 * are shown as �; forges look for mentions and references nowhere within code.
 */
export function nameAsCode(name: string): string {
  return `<code>${escaped(name)}</code>`;
}

/** Plain text without any markup in it. */
export function escaped(text: string, longest = LONGEST_NAME): string {
  const characters = [...text];
  const cut = characters.length > longest ? [...characters.slice(0, longest - 1), '…'] : characters;
  return cut
    .map((character, i) => {
      if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/u.test(character)) return '�';
      if (/[\p{L}\p{N} ,;%()’“”…→×-]/u.test(character)) return character;
      // A full stop before a letter, or a colon before a slash, could make a link.
      const next = cut[i + 1] ?? ' ';
      if ((character === '.' && /[\d ]/.test(next)) || (character === ':' && next === ' ')) return character;
      return `&#${character.codePointAt(0)};`;
    })
    .join('');
}

/** A table; cells are Markdown without line breaks and bars. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [
    `| ${head.join(' | ')} |`,
    `| ${head.map(() => '---').join(' | ')} |`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n');
}

/** What is folded away until somebody opens it. */
export function folded(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`;
}

/**
 * The parts in their order, as many as fit: a part that does not is left out and counted in a last line. Those marked as
 * needed are always in.
 */
export function fitted(
  parts: readonly { readonly text: string; readonly needed?: boolean }[],
  most = MOST_CHARACTERS,
): string {
  const note = (left: number): string =>
    `_${left} more ${left === 1 ? 'part does' : 'parts do'} not fit here; the report has everything._`;
  let free =
    most - note(parts.length).length - 2 - parts.reduce((sum, one) => sum + (one.needed ? one.text.length + 2 : 0), 0);
  let left = 0;
  const kept = parts.filter(({ text, needed }) => {
    if (needed) return true;
    free -= text.length + 2;
    if (free >= 0) return true;
    free += text.length + 2;
    left++;
    return false;
  });
  return [...kept.map(({ text }) => text), ...(left > 0 ? [note(left)] : [])].join('\n\n');
}
