// What remote control tools look like when nobody changed their defaults. Each is from the tool's own published
// configuration or from its makers' documentation; all parts of a row have to fit.
import type { HttpEvent } from '../../schema/gen/events.gen.ts';
import { isAddressHost } from '../request.ts';

export interface Default {
  readonly tool: string;
  readonly score: number;
  readonly attack: readonly string[];
  readonly what: string;
}

const WEB = ['T1071.001'] as const;
const row = (tool: string, score: number, what: string, attack: readonly string[] = WEB): Default => ({
  ...{ tool, score, what, attack },
});

const LOKI = row('Loki', 0.9, 'its User-Agent');
const CALDERA = row('Caldera', 0.8, 'the request that fetches its agent', ['T1105', 'T1071.001']);
const EMPIRE = row('Empire', 0.7, 'paths and User-Agent of its listener');
const COVENANT = row('Covenant', 0.7, 'paths and User-Agent of its listener');
const STAGER = row('Cobalt Strike', 0.7, 'the checksum of the path that fetches its stage', ['T1071.001', 'T1105']);
const BEACON = row('Cobalt Strike', 0.7, 'the path that takes its answers');

/** lib/common/helpers and the listener's DefaultProfile of Empire. */
const EMPIRE_PATHS = new Set(['/admin/get.php', '/news.php', '/login/process.php']);
const EMPIRE_AGENT = 'Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko';
/** Data/Profiles/DefaultHttpProfile.yaml of Covenant. */
const COVENANT_PATHS = new Set(['/en-us/index.html', '/en-us/docs.html', '/en-us/test.html']);
const COVENANT_AGENT =
  'Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/41.0.2228.0 Safari/537.36';
/** A stage is a library of some hundred kilobytes. */
const STAGE_MIN = 80_000;

/** The sum of the letters of a path, which the server tells 32-bit from 64-bit stages by: 92 and 93. */
function isStagePath(path: string): boolean {
  if (!/^\/[A-Za-z0-9]{4}$/.test(path)) return false;
  let sum = 0;
  for (let i = 1; i < path.length; i++) sum += path.charCodeAt(i);
  return sum % 256 === 92 || sum % 256 === 93;
}

/** Cost: a few comparisons of bounded texts. */
export function ofRequest(event: HttpEvent): Default | undefined {
  const agent = event.user_agent ?? '';
  const path = (event.uri ?? '').slice(0, 256).split('?', 1)[0] ?? '';
  const headers = event.client_header_names;
  if (agent === 'Mozilla/4.08 (Charon; Inferno)') return LOKI;
  if (path === '/file/download' && headers.includes('FILE') && headers.includes('PLATFORM')) return CALDERA;
  if (EMPIRE_PATHS.has(path) && agent === EMPIRE_AGENT && isAddressHost(event.host)) return EMPIRE;
  if (COVENANT_PATHS.has(path) && agent === COVENANT_AGENT) return COVENANT;
  if (event.method === 'POST' && /^\/submit\.php$/.test(path) && /\?id=\d+$/.test(event.uri ?? '')) return BEACON;
  const isStage = event.method === 'GET' && event.response_body_len >= STAGE_MIN && event.resp_mime_types.length === 0;
  return isStage && isStagePath(event.uri ?? '') ? STAGER : undefined;
}

const RAT = ['T1071', 'T1573.002'] as const;
const CERTIFICATES: ReadonlyMap<string, Default> = new Map([
  ['CN=AsyncRAT Server', row('AsyncRAT', 0.9, 'its certificate', RAT)],
  ['CN=Quasar Server CA', row('Quasar', 0.9, 'its certificate', RAT)],
  ['CN=VenomRAT Server', row('VenomRAT', 0.9, 'its certificate', RAT)],
  ['CN=DcRat Server,OU=qwqdanchun,O=DcRat By qwqdanchun,L=SH,C=CN', row('DcRat', 0.9, 'its certificate', RAT)],
  ['CN=Orcus Server', row('Orcus', 0.9, 'its certificate', RAT)],
  ['CN=BitRAT', row('BitRAT', 0.9, 'its certificate', RAT)],
  [
    'CN=Major Cobalt Strike,OU=AdvancedPenTesting,O=cobaltstrike,L=Somewhere,ST=Cyberspace,C=Earth',
    row('Cobalt Strike', 0.9, 'its certificate', RAT),
  ],
]);

export const ofCertificate = (subject: string): Default | undefined => CERTIFICATES.get(subject);
