// The story of an alert as a page that a person opens from a disk: no script, nothing loaded, and no text of traffic
// that is not escaped.
import { safeText } from '../lib/terminal.ts';

/** Of a value shown. */
const TEXT_MAX = 2000;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function html(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  const shown = text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}...` : text;
  return safeText(shown).replace(/[&<>"']/g, (c) => ENTITIES[c] as string);
}

export interface StoryStep {
  readonly name: string;
  readonly at: string;
  readonly kind: string;
  readonly why: readonly string[];
  readonly record: Readonly<Record<string, unknown>>;
  /** What of it is in the bundle. */
  readonly evidence: string;
}

export interface Story {
  readonly title: string;
  readonly id: string;
  readonly severity: string;
  readonly text: string;
  readonly steps: readonly StoryStep[];
  readonly fingerprint: string;
}

const STYLE =
  'body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}' +
  'table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.2em .8em .2em 0;' +
  'border-bottom:1px solid #ccc;overflow-wrap:anywhere}th{width:12em;font-weight:normal;color:#555}code{font-size:90%}';

function stepPage(s: StoryStep, i: number): string {
  const rows = Object.entries(s.record).map(([k, v]) => `<tr><th>${html(k)}</th><td>${html(v)}</td></tr>`);
  return `<h2>${i + 1}. ${html(s.name)}</h2>
<p>${html(s.at)}, ${html(s.kind)}. ${html(s.evidence)}</p>
<ul>${s.why.map((w) => `<li><code>${html(w)}</code></li>`).join('')}</ul>
<table>${rows.join('\n')}</table>
`;
}

export function storyPage(s: Story): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${html(s.title)}</title><style>${STYLE}</style></head><body>
<h1>${html(s.title)}</h1>
<p>Alert ${html(s.id)}, severity ${html(s.severity)}.</p>
<p>${html(s.text)}</p>
${s.steps.map(stepPage).join('')}
<h2>What is in this bundle</h2>
<ul>
<li><code>packets/</code>: for each step the packets of its flow as they were captured,
for any tool that reads pcapng.</li>
<li><code>files/</code>: files that were carried, encrypted so that nobody opens one by accident. The password
is the word <code>infected</code>:
<code>openssl enc -d -aes-256-cbc -pbkdf2 -pass pass:infected -in NAME.enc -out NAME</code></li>
<li><code>manifests/</code>: the seals of the segments that the packets came from.</li>
<li><code>verify.sh</code>: checks all of it. Signed with the key whose fingerprint is
 <code>${html(s.fingerprint)}</code>.</li>
</ul>
</body></html>
`;
}
