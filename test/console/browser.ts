// A real browser, driven: Debian's chromium.
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { skip } from '../skip.ts';

const PROGRAMS = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Skips the suite, with the reason, where there is no browser. */
export async function openBrowser(suite: Mocha.Context): Promise<Browser> {
  const program = PROGRAMS.find((p) => p !== undefined && existsSync(p));
  if (program === undefined) skip(suite, 'no chromium (apt-get install chromium, or CHROMIUM=path)');
  // Its own sandbox does not start as root; the pages are ours, on loopback.
  const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--force-color-profile=srgb'];
  return chromium.launch({ executablePath: program, args });
}
