// Sentences are put together here and not in markup, where a line break would become a space before a comma.

/** Joins the sentences that there are. */
export function prose(...sentences: readonly (string | false | null | undefined)[]): string {
  return sentences.filter(Boolean).join(' ');
}

/** A text that came with a report, as a sentence of its own. */
export function sentence(text: string): string {
  const given = text.trim();
  const trimmed = given.charAt(0).toUpperCase() + given.slice(1);
  return /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

/** "a", "a and b", "a, b and c". */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
