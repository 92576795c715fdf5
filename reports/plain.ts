/** A name as a terminal shows it: names of strangers must not move the cursor, colour the screen or turn the text around. */
export function plain(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '�');
}
