// A text as JSON that is also safe to show: JSON has to escape C0, quotes and backslashes; we escape, besides, what a
// terminal would obey or be reordered by. The value is the same either way.

const NOT_PLAIN = /[^\x20\x21\x23-\x5b\x5d-\x7e]/;
const TERMINAL = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const unicodeEscape = (c: string): string => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** JSON, with what a terminal would obey escaped: it stands only within texts. */
export const showableJson = (json: string): string => json.replace(TERMINAL, unicodeEscape);

export function jsonText(text: string): string {
  return NOT_PLAIN.test(text) ? showableJson(JSON.stringify(text)) : `"${text}"`;
}
