// Text from traffic and from file names, made safe to show. A terminal obeys control characters: a file name can clear
// the screen, and a host name can rewrite the line above it. Characters that reorder a line are as bad to read by.

// C0, DEL and C1; separators that end a line; marks, embeddings, overrides and isolates of the bidirectional
// algorithm; zero-width characters; the byte order mark; tag characters; a surrogate without its partner.
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}\ud800-\udfff]/gu;

function escaped(c: string): string {
  const code = c.codePointAt(0) as number;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/** One line of text that a terminal only prints: everything it could obey is \xNN or \u{NNNN}. */
export const safeText = (text: string): string => text.replace(UNSAFE, escaped);

/** As `safeText`, cut at `max` characters with an ellipsis in the middle, so that both ends can be told. */
export function shortText(text: string, max: number): string {
  const safe = safeText(text);
  if (safe.length <= max) return safe;
  const head = Math.ceil((max - 1) / 2);
  return `${safe.slice(0, head)}…${safe.slice(safe.length - (max - 1 - head))}`;
}
