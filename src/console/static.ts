// The page's files, built before and kept in memory: nothing is looked up by a name that a visitor sends.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';

export interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
  readonly gzip: Buffer;
  readonly etag: string;
}

export const ASSETS_MAX = 32;
export const ASSET_BYTES_MAX = 2 * 2 ** 20;

const TYPES: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
]);

/**
 * What every answer carries. Scripts and styles come from here alone and never from within a page, so a text that
 * became markup still would not run; nothing is fetched from anywhere else, and nobody can frame it.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", "font-src 'none'"],
    ...["frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "require-trusted-types-for 'script'"],
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
};

/** Places of the page: the script there draws what the address says. */
const PAGES = [/^\/$/, /^\/alerts\/[^/]+$/, /^\/search$/, /^\/entity\/[^/]+\/[^/]+$/, /^\/(?:sensors|allow)$/];

export class Assets {
  private readonly files: ReadonlyMap<string, Asset>;

  private constructor(files: ReadonlyMap<string, Asset>) {
    this.files = files;
  }

  static read(dir: string): Result<Assets> {
    const files = new Map<string, Asset>();
    try {
      for (const name of readdirSync(dir).sort()) {
        const type = TYPES.get(extname(name));
        if (type === undefined) continue;
        const bytes = readFileSync(join(dir, name));
        if (files.size >= ASSETS_MAX || bytes.length > ASSET_BYTES_MAX)
          return failure('input_unreadable', `${join(dir, name)}: more than a console has`, 'run make build');
        const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
        files.set(`/${name}`, { type, bytes, gzip: gzipSync(bytes, { level: 9 }), etag });
      }
    } catch (error) {
      return { ok: false, fault: systemFault('input_unreadable', dir, error) };
    }
    if (!files.has('/index.html'))
      return failure('input_unreadable', `${dir}: there is no console here`, 'run make build');
    return success(new Assets(files));
  }

  /** @param path  of the request, as it came, without the query */
  find(path: string): Asset | undefined {
    return this.files.get(PAGES.some((page) => page.test(path)) ? '/index.html' : path);
  }
}
