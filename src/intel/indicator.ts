// An indicator: a value somebody says is bad, as its list wrote it, and the one spelling it is matched by.
import { getPublicSuffix, parse } from 'tldts';
import { ipBytes, ipText } from '../schema/ip.ts';

/** Names as Zeek's intel framework and the sighting record have them. */
export type IndicatorType =
  | 'addr'
  | 'subnet'
  | 'domain'
  | 'url'
  | 'email'
  | 'file_hash'
  | 'file_name'
  | 'cert_hash'
  | 'ja3'
  | 'ja4'
  | 'hassh'
  | 'user_agent';

export interface Indicator {
  readonly type: IndicatorType;
  /** As its list wrote it. */
  readonly text: string;
  /** What is compared: lower case, canonical address, normalised URL, `bytes/length` of a subnet. */
  readonly match: string;
  readonly source: string;
  /** 0..1. */
  readonly confidence: number;
  /** Packet times [us]; undefined: no such limit. */
  readonly validFrom: number | undefined;
  readonly validUntil: number | undefined;
  readonly tags: readonly string[];
  readonly description: string | undefined;
}

/** What lists call types, to what they are here. */
export const TYPE_NAMES: Readonly<Record<string, IndicatorType>> = {
  ...{ ip: 'addr', addr: 'addr', ipv4: 'addr', ipv6: 'addr', 'ip-dst': 'addr', 'ip-src': 'addr', 'ipv4-addr': 'addr' },
  ...{ 'ipv6-addr': 'addr', cidr: 'subnet', subnet: 'subnet', net: 'subnet', domain: 'domain', hostname: 'domain' },
  ...{ fqdn: 'domain', 'domain-name': 'domain', host: 'domain', url: 'url', uri: 'url', md5: 'file_hash' },
  ...{ sha1: 'file_hash', sha256: 'file_hash', hash: 'file_hash', file_hash: 'file_hash', file: 'file_hash' },
  ...{ ja3: 'ja3', ja4: 'ja4', cert_hash: 'cert_hash', cert: 'cert_hash', 'x509-fingerprint-sha256': 'cert_hash' },
  ...{ 'x509-fingerprint-sha1': 'cert_hash', 'intel::addr': 'addr', 'intel::subnet': 'subnet' },
  ...{ 'intel::domain': 'domain', 'intel::url': 'url', 'intel::file_hash': 'file_hash' },
  ...{ 'intel::cert_hash': 'cert_hash', 'intel::ja3': 'ja3', 'intel::email': 'email', email: 'email' },
  ...{ 'email-addr': 'email', 'email-src': 'email', 'email-dst': 'email', 'intel::software': 'user_agent' },
  ...{ user_agent: 'user_agent', 'user-agent': 'user_agent', 'intel::file_name': 'file_name', file_name: 'file_name' },
  ...{ filename: 'file_name', hassh: 'hassh', hasshserver: 'hassh', 'intel::cert_sha1': 'cert_hash' },
};

const HASH = /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/;
const JA4 = /^[a-z][0-9s][0-9][di][0-9]{4}[0-9a-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}$/;

/** RFC 1035 2.3.4. */
const NAME_MAX = 253;
const URL_MAX = 2048;
/** RFC 5321 4.5.3.1.3. */
const EMAIL_MAX = 254;
/** Shorter ones are what everybody sends; longer ones than what memory and the record keep are not compared. */
const AGENT_MIN = 4;
const AGENT_MAX = 512;
/** A name of three letters is everybody's. */
const NAME_MIN = 5;

/** Lists defang what nobody shall click: hxxp://evil[.]example. */
export function refang(text: string): string {
  return text
    .replace(/^hxxp/i, 'http')
    .replace(/\[(\.|dot)\]|\((?:\.|dot)\)/gi, '.')
    .replace(/\[:\]/g, ':')
    .replace(/\[\/\]/g, '/');
}

/** Lower case without final dot. */
export const domainForm = (text: string): string => (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();

function domainFault(name: string): string | undefined {
  if (name.length > NAME_MAX) return `longer than ${NAME_MAX} characters`;
  if (!/^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}$/.test(name)) return 'no domain name';
  const suffix = getPublicSuffix(name, { allowPrivateDomains: false });
  if (suffix === name && parse(name, { allowPrivateDomains: false }).isIcann === true)
    return 'a public suffix: it would match every name below it';
  return undefined;
}

/**
 * One spelling of a URL: scheme and host in lower case, no default port, no fragment, no user, percent-escapes of
 * what needs none undone, and dot segments resolved (RFC 3986 6.2). Without a scheme it is http. https is compared as
 * http: whether somebody stripped TLS off it on the way makes it no other place.
 */
export function urlForm(text: string): string | undefined {
  if (text.length > URL_MAX) return undefined;
  let url: URL;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  } catch {
    return undefined;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  const path = (url.pathname + url.search).replace(/%[0-9a-f]{2}/gi, (escaped) => {
    const c = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(c) ? c : escaped.toUpperCase();
  });
  return `${domainForm(url.hostname)}${url.port === '' ? '' : `:${url.port}`}${path}`;
}

/** 16 bytes with all but the first `length` bits cleared, as text. */
export function prefixOf(bytes: Uint8Array, length: number): string {
  let out = '';
  const whole = length >> 3;
  for (let i = 0; i < whole; i++) out += String.fromCharCode(bytes[i] as number);
  const rest = length & 7;
  if (rest > 0) out += String.fromCharCode((bytes[whole] as number) & (0xff << (8 - rest)) & 0xff);
  return out;
}

/** The canonical form of a value of this type, or what is wrong with it. */
export function formOf(type: IndicatorType, text: string): { readonly match: string } | { readonly fault: string } {
  const lower = text.toLowerCase();
  switch (type) {
    case 'addr': {
      const bytes = ipBytes(text);
      return bytes === undefined ? { fault: 'no address' } : { match: ipText(bytes) };
    }
    case 'subnet': {
      const [address = '', bits = ''] = text.split('/');
      const bytes = ipBytes(address);
      const most = address.includes(':') ? 128 : 32;
      if (bytes === undefined || !/^\d{1,3}$/.test(bits) || Number(bits) > most) return { fault: 'no subnet' };
      if (Number(bits) < (most === 32 ? 8 : 16)) return { fault: `a subnet wider than /${most === 32 ? 8 : 16}` };
      const length = Number(bits) + 128 - most;
      return { match: `${length}/${prefixOf(bytes, length)}` };
    }
    case 'domain': {
      const name = domainForm(text.replace(/^\*\./, ''));
      const fault = domainFault(name);
      return fault === undefined ? { match: name } : { fault };
    }
    case 'url': {
      const form = urlForm(text);
      return form === undefined ? { fault: 'no http URL' } : { match: form };
    }
    case 'file_hash':
      return HASH.test(lower) ? { match: lower } : { fault: 'no MD5, SHA-1 or SHA-256 in hex' };
    case 'cert_hash': {
      const bare = lower.replaceAll(':', '');
      return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(bare) ? { match: bare } : { fault: 'no SHA-1 or SHA-256 in hex' };
    }
    case 'ja3':
      return /^[0-9a-f]{32}$/.test(lower) ? { match: lower } : { fault: 'no JA3 (32 hex digits)' };
    case 'hassh':
      return /^[0-9a-f]{32}$/.test(lower) ? { match: lower } : { fault: 'no HASSH (32 hex digits)' };
    case 'email':
      // RFC 5321 2.4: the part before the @ could differ by case, and never does.
      return text.length <= EMAIL_MAX && /^[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+$/.test(text)
        ? { match: lower }
        : { fault: 'no mail address' };
    case 'user_agent':
      return text.length >= AGENT_MIN && text.length <= AGENT_MAX
        ? { match: text }
        : { fault: `no User-Agent of ${AGENT_MIN} to ${AGENT_MAX} characters` };
    case 'file_name': {
      const name = lower.replace(/^.*[\\/]/, '');
      return name.length >= NAME_MIN && name.length <= NAME_MAX
        ? { match: name }
        : { fault: `no file name of ${NAME_MIN} to ${NAME_MAX} characters` };
    }
    case 'ja4':
      return JA4.test(lower) ? { match: lower } : { fault: 'no JA4' };
  }
}

/** What a value alone says it is. */
export function inferType(text: string): IndicatorType | undefined {
  if (HASH.test(text.toLowerCase())) return 'file_hash';
  if (JA4.test(text)) return 'ja4';
  if (/^https?:\/\//i.test(text)) return 'url';
  if (/^[0-9a-f.:]+\/\d{1,3}$/i.test(text)) return 'subnet';
  if (ipBytes(text) !== undefined) return 'addr';
  if (text.includes('/')) return 'url';
  return /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)+\.?$/i.test(text) ? 'domain' : undefined;
}
