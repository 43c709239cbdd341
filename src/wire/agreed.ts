// What a sensor and its collector know of each other before the first word.

/** The collector's name in its certificate, wherever it runs: sensors trust its authority, not a host name. */
export const SERVER_NAME = 'catenary-collector';
/** Where frames go, and where certificates are asked for. */
export const SENSOR_PATH = '/sensor';
export const ENROLL_PATH = '/enroll';
/** The name under which the collector's own records are stored: no sensor can have it. */
export const COLLECTOR = 'collector';
/** As whose stream it writes down what was decided about alerts: a frame an act, numbered as the acts are. */
export const TRIAGE = 'collector-triage';
/** As whose stream it writes down what chains of several sensors concluded: a frame a conclusion, numbered. */
export const FLEET = 'collector-fleet';
/** Streams of the collector's own. */
export const OWN: ReadonlySet<string> = new Set([COLLECTOR, TRIAGE, FLEET]);

/** catenary1.<fingerprint of the collector's authority, base64url>.<secret, base64url> */
export const tokenText = (fingerprint: string, secret: string): string => `catenary1.${fingerprint}.${secret}`;
export function parseToken(text: string): { readonly fingerprint: string; readonly secret: string } | undefined {
  const m = /^catenary1\.([\w-]{43})\.([\w-]{43})$/.exec(text);
  return m === null ? undefined : { fingerprint: m[1] as string, secret: m[2] as string };
}
/** Of a content pack, wherever it stands. */
export const PACK_NAME = /^[a-z][a-z0-9-]{0,31}$/;
/** As a file. */
export const PACK_BYTES_MAX = 64 << 20;
/** Where a sensor asks which packs it is to run: GET CONTENT_PATH, then GET CONTENT_PATH/NAME/VERSION. */
export const CONTENT_PATH = '/content';
