// A flame graph of a command: what was on the stack how often, as one SVG file. Needs perf (linux-perf).
//
// A frame is as wide as the share of samples in which it was on the stack; callers stand below what they call, siblings
// in the order of their names. Hovering tells the share.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';

const HERTZ = '999';
const WIDTH = 1600;
const ROW = 17;
const LETTER = 6.6; // of the font, in pixels
const NARROWEST = 0.3; // pixels; below, a frame is left out

function run(command, ...args) {
  const r = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 30 });
  if (r.error) throw new Error(`needs ${command} (apt-get install linux-perf)`);
  if (r.status !== 0) throw new Error(`${command} ${args[0]} ended with ${r.status ?? r.signal}: ${r.stderr.trim()}`);
  return r.stdout;
}

/** The samples of `perf script` as one tree: how often each frame was reached, from the outermost inwards. */
export function tree(script) {
  const root = { name: 'all', count: 0, children: new Map() };
  for (const sample of script.split('\n\n')) {
    const lines = sample.split('\n').filter((line) => /^\s+[0-9a-f]+ /.test(line));
    if (lines.length === 0) continue;
    let node = root;
    root.count++;
    for (const line of lines.reverse()) {
      const name = line
        .trim()
        .replace(/^[0-9a-f]+ /, '')
        .replace(/ \([^()]*\)$/, '')
        .replace(/\+0x[0-9a-f]+$/, '');
      let child = node.children.get(name);
      if (child === undefined) {
        child = { name, count: 0, children: new Map() };
        node.children.set(name, child);
      }
      child.count++;
      node = child;
    }
  }
  return root;
}

const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** A colour between yellow and red that a name always has. */
function colour(name) {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = (hash * 31 + name.charCodeAt(i)) >>> 0;
  return `hsl(${hash % 50}, 85%, ${62 + (hash % 12)}%)`;
}

export function svg(root, title) {
  const boxes = [];
  let deepest = 0;
  const place = (node, x, depth) => {
    const width = (node.count / root.count) * WIDTH;
    if (width < NARROWEST) return;
    deepest = Math.max(deepest, depth);
    boxes.push({ name: node.name, share: node.count / root.count, x, width, depth });
    let at = x;
    for (const child of [...node.children.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      place(child, at, depth + 1);
      at += (child.count / root.count) * WIDTH;
    }
  };
  place(root, 0, 0);
  const height = (deepest + 3) * ROW;
  const parts = boxes.map(({ name, share, x, width, depth }) => {
    const y = height - (depth + 1) * ROW;
    const letters = Math.floor((width - 4) / LETTER);
    const label = letters < 3 ? '' : name.length > letters ? `${name.slice(0, letters - 1)}…` : name;
    return (
      `<g><title>${escaped(name)}: ${(share * 100).toFixed(2)} %</title>` +
      `<rect x="${x.toFixed(2)}" y="${y}" width="${width.toFixed(2)}" height="${ROW - 1}" fill="${colour(name)}"/>` +
      `<text x="${(x + 2).toFixed(2)}" y="${y + ROW - 5}">${escaped(label)}</text></g>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="monospace" font-size="11">`,
    `<text x="4" y="${ROW - 4}">${escaped(title)}: ${root.count} samples</text>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** Runs the command under perf and writes its flame graph to `out`. */
export function flame(command, out, title) {
  const data = `${out}.data`;
  try {
    run('perf', 'record', '-q', '-e', 'cpu-clock', '-F', HERTZ, '--call-graph', 'dwarf,8192', '-o', data, ...command);
    fs.writeFileSync(out, svg(tree(run('perf', 'script', '-i', data, '-F', 'ip,sym')), title));
  } finally {
    fs.rmSync(data, { force: true });
  }
}
