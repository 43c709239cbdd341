// Which addresses are ours. Asked for every address of every event, so an answer is computed once.
import { ipBytes } from '../schema/ip.ts';

/**
 * RFC 1918, RFC 4193, link-local (RFC 3927, RFC 4291 2.5.6) and loopback. Shared address space (RFC 6598) is not among
 * them: seen at a company's edge it is somebody else's.
 */
export const LOCAL_NETWORKS: readonly string[] = [
  ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '127.0.0.0/8'],
  ...['fc00::/7', 'fe80::/10', '::1/128'],
];

/** Answers kept; one that comes after is computed again. */
const CACHE_MAX = 1 << 16;

interface Network {
  readonly bytes: Uint8Array;
  /** Of 128. */
  readonly bits: number;
}

/** `10.0.0.0/8`, `2001:db8::/32`, or one address; undefined when it is none. Bits beyond the prefix must be zero. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const bytes = ipBytes(address);
  if (bytes === undefined) return undefined;
  const width = address.includes(':') ? 128 : 32;
  const length = slash < 0 ? String(width) : text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > width) return undefined;
  const bits = Number(length) + 128 - width;
  return bytes.every((b, i) => (b & hostMask(bits, i)) === 0) ? { bytes, bits } : undefined;
}

/** Of byte `i`, the bits that a prefix of `bits` bits leaves to hosts. */
const hostMask = (bits: number, i: number): number => 0xff >> Math.min(8, Math.max(0, bits - 8 * i));

const contains = (n: Network, ip: Uint8Array): boolean =>
  ip.every((b, i) => ((b ^ (n.bytes[i] as number)) & ~hostMask(n.bits, i) & 0xff) === 0);

export class Networks {
  private readonly networks: readonly Network[];
  private readonly known = new Map<string, boolean>();

  /** @throws RangeError for a text that parseNetwork() does not know: the configuration was not checked. */
  constructor(texts: readonly string[] = LOCAL_NETWORKS) {
    this.networks = texts.map((text) => {
      const network = parseNetwork(text);
      if (network === undefined) throw new RangeError(`${text} is no network`);
      return network;
    });
  }

  /** @param ip as events have it; what is no address is in no network */
  has(ip: string): boolean {
    let is = this.known.get(ip);
    if (is === undefined) {
      const bytes = ipBytes(ip);
      is = bytes !== undefined && this.networks.some((n) => contains(n, bytes));
      if (this.known.size >= CACHE_MAX) this.known.clear();
      this.known.set(ip, is);
    }
    return is;
  }
}
