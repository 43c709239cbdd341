// What a request asks for, as its server will read it: decoded as often as attackers encode it, in lower case.
const TEXT_MAX = 2048;
/** Twice: %252e is a dot to a server behind a proxy. */
const ROUNDS = 2;

/** Percent-decoding of what is valid (RFC 3986 2.1), `+` as space, lower case; the first 2,048 characters. */
export function plainUri(uri: string | null): string {
  if (uri === null) return '';
  let text = uri.slice(0, TEXT_MAX);
  for (let i = 0; i < ROUNDS && text.includes('%'); i++)
    text = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return text.replaceAll('+', ' ').toLowerCase();
}

/** The first of the texts that `text` holds. Cost: one search each. */
export function firstIn(text: string, texts: readonly string[]): string | undefined {
  return texts.find((t) => text.includes(t));
}

/** A Host header that is an address: nobody looked up a name. */
export const isAddressHost = (host: string | null): boolean =>
  host !== null && (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(host) || host.includes(':'));
