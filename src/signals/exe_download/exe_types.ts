// What runs when somebody opens it: by magic bytes where they decide, by name where the bytes only say "text" or "zip".

export type ExeClass = 'program' | 'installer' | 'script' | 'shortcut' | 'macro document' | 'disk image';

const BY_MIME: Readonly<Record<string, ExeClass>> = {
  'application/x-dosexec': 'program',
  'application/vnd.microsoft.portable-executable': 'program',
  'application/x-executable': 'program',
  'application/x-sharedlib': 'program',
  'application/x-mach-o-executable': 'program',
  'application/java-archive': 'program',
  'application/x-java-applet': 'program',
  'application/vnd.android.package-archive': 'program',
  'application/x-msi': 'installer',
  'application/x-debian-package': 'installer',
  'application/x-rpm': 'installer',
  'application/x-ms-shortcut': 'shortcut',
  'application/x-java-jnlp-file': 'shortcut',
  'application/hta': 'script',
  'text/x-shellscript': 'script',
  'text/x-msdos-batch': 'script',
  'text/x-python': 'script',
  'text/x-perl': 'script',
  'text/x-ruby': 'script',
  'application/x-iso9660-image': 'disk image',
};

/** A web page's own scripts and pages have no name; what was sent to be saved has. */
const BY_NAME: Readonly<Record<string, ExeClass>> = {
  ...Object.fromEntries(
    ['js', 'jse', 'vbs', 'vbe', 'wsf', 'wsh', 'hta', 'ps1', 'bat', 'cmd', 'sct'].map((e) => [e, 'script']),
  ),
  ...Object.fromEntries(
    ['docm', 'dotm', 'xlsm', 'xltm', 'xlam', 'xll', 'pptm', 'ppam'].map((e) => [e, 'macro document']),
  ),
  ...Object.fromEntries(['msi', 'msp', 'msix', 'appx', 'pkg'].map((e) => [e, 'installer'])),
  ...Object.fromEntries(['lnk', 'url', 'scf'].map((e) => [e, 'shortcut'])),
  ...Object.fromEntries(['iso', 'img', 'vhd', 'vhdx'].map((e) => [e, 'disk image'])),
  ...Object.fromEntries(['exe', 'scr', 'com', 'pif', 'cpl', 'dll', 'jar', 'apk'].map((e) => [e, 'program'])),
};

/** Bytes that decide against what a name claims: an image called a.js is an image. */
const NEVER = /^(?:image|audio|video|font)\/|^application\/(?:pdf|x-font|font|ocsp|x-pem|pgp|json)/;
/** Only these can be what the names above for scripts and shortcuts say. */
const TEXTUAL = /^(?:text\/|application\/(?:javascript|xml|x-ms-shortcut))/;
/** Text whose name says program is a page about it: "not found" for setup.exe. */
const ERROR_PAGE = /^text\/(?:html|plain|json)|^application\/xml/;

/** Names that programs go by; anything else on a program is a disguise or no name at all. */
const PROGRAM_NAMES = new Set([
  ...[
    'exe',
    'dll',
    'sys',
    'scr',
    'com',
    'cpl',
    'ocx',
    'drv',
    'pif',
    'msi',
    'msp',
    'mui',
    'ax',
    'efi',
    'tmp',
    'bin',
    'run',
  ],
  ...[
    'so',
    'elf',
    'dylib',
    'bundle',
    'app',
    'jar',
    'apk',
    'class',
    'deb',
    'rpm',
    'pkg',
    'node',
    'pyd',
    'xll',
    'cab',
    'img',
  ],
]);
/** Names that people take for documents. */
const DOCUMENT_NAMES = new Set([
  ...[
    'pdf',
    'doc',
    'docx',
    'xls',
    'xlsx',
    'ppt',
    'pptx',
    'rtf',
    'txt',
    'csv',
    'odt',
    'htm',
    'html',
    'xml',
    'json',
    'css',
  ],
  ...[
    'jpg',
    'jpeg',
    'png',
    'gif',
    'bmp',
    'svg',
    'webp',
    'ico',
    'mp3',
    'mp4',
    'avi',
    'mov',
    'zip',
    'rar',
    'log',
    'woff',
    'woff2',
  ],
]);

/** The last part of a path or URL, without query. Data, never a path. */
export function baseName(text: string): string {
  const path = text.replace(/[?#].*$/s, '').replace(/^[a-z]+:\/\/[^/]*/i, '');
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

/** Extensions, last first, lower case, at most two; numbers and long tails are no extensions. */
export function extensions(name: string): string[] {
  const parts = name.toLowerCase().trim().split('.').slice(1).reverse();
  return parts.slice(0, 2).filter((p) => /^[a-z][a-z0-9]{0,4}$/.test(p));
}

export interface ExeFile {
  readonly class: ExeClass;
  /** Bytes are a program, the name says something else. */
  readonly isDisguised: boolean;
  /** invoice.pdf.exe */
  readonly isDoubled: boolean;
  readonly name: string;
}

/**
 * What kind of executable this is, if any.
 * @param given  the name the protocol gave to the file, as Content-Disposition does
 * @param url    where it came from; its last part names a file only for types that decide by bytes
 */
export function executable(mime: string | null, given: string | null, url: string | null): ExeFile | undefined {
  const name = baseName(given ?? '') || baseName(url ?? '');
  const [last, before] = extensions(name);
  const byMime = mime === null ? undefined : BY_MIME[mime];
  let found = byMime;
  if (found === undefined && last !== undefined && (mime === null || !NEVER.test(mime))) {
    const named = given === null || given === '' ? undefined : BY_NAME[last];
    if (named === 'script' || named === 'shortcut') found = mime !== null && TEXTUAL.test(mime) ? named : undefined;
    else if (named !== undefined && mime !== null && !ERROR_PAGE.test(mime)) found = named;
  }
  if (found === undefined) return undefined;
  const isProgram = byMime === 'program' || byMime === 'installer';
  return {
    class: found,
    isDisguised: isProgram && last !== undefined && !PROGRAM_NAMES.has(last) && DOCUMENT_NAMES.has(last),
    isDoubled: last !== undefined && before !== undefined && !DOCUMENT_NAMES.has(last) && DOCUMENT_NAMES.has(before),
    name,
  };
}
