// A step's "why" taken apart again for showing: conditions, and the values each was decided on.
//
// The form is what chains write: terms joined by "; ", each a predicate, then ", where NAME is VALUE, ..." for the
// names in it, then ": unknown" where it could not be known. Texts are quoted as JSON has it, and calls keep their
// brackets, so what a name or a file says of itself cannot look like the end of a term.
import type { Term } from './shape.ts';

export const TERMS_MAX = 64;
export const VALUES_MAX = 32;

/** Splits at `separator` outside of quotes and brackets. One pass. The last part has the rest once `max` is reached. */
function splitOutside(text: string, separator: string, max: number): string[] {
  const parts: string[] = [];
  let begin = 0;
  let depth = 0;
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (isQuoted) {
      if (c === '\\') i++;
      else if (c === '"') isQuoted = false;
    } else if (c === '"') isQuoted = true;
    else if (c === '(' || c === '[') depth++;
    else if (c === ')' || c === ']') depth--;
    else if (depth === 0 && parts.length < max - 1 && text.startsWith(separator, i)) {
      parts.push(text.slice(begin, i));
      begin = i + separator.length;
      i = begin - 1;
    }
  }
  parts.push(text.slice(begin));
  return parts;
}

const UNKNOWN = ': unknown';

function termOf(text: string): Term {
  const isUnknown = text.endsWith(UNKNOWN);
  const told = isUnknown ? text.slice(0, -UNKNOWN.length) : text;
  const [predicate = '', values] = splitOutside(told, ', where ', 2);
  const named = values === undefined ? [] : splitOutside(values, ', ', VALUES_MAX);
  return {
    predicate,
    values: named.map((part) => {
      const [name = '', value = ''] = splitOutside(part, ' is ', 2);
      return { name, value };
    }),
    decided: isUnknown ? 'unknown' : 'true',
  };
}

/**
 * @param story  a step's text; empty when the step asked for nothing but the kind of record
 * @param cap    bytes a record holds of it: at the cap its end is missing, and with it how the last term was decided
 */
export function termsOf(story: string, cap: number): Term[] {
  if (story === '') return [];
  const terms = splitOutside(story, '; ', TERMS_MAX).map(termOf);
  const last = terms.at(-1) as Term;
  // A character of up to four bytes may be what did not fit.
  if (Buffer.byteLength(story) > cap - 4) terms[terms.length - 1] = { ...last, decided: 'cut' };
  return terms;
}
