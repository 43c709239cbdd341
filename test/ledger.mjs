// What long testing has done so far, over all slices: a row for each target. Printed at the end of each slice.
// An execution is one input of a fuzz target, one kill, one seed; edges are code edges covered, for fuzz targets.
import fs from 'node:fs';

const HEAD = 'target\tseconds\texecutions\tedges\tfindings';

export function readLedger(file) {
  const rows = new Map();
  if (!fs.existsSync(file)) return rows;
  for (const line of fs.readFileSync(file, 'utf8').split('\n').slice(1)) {
    if (!line) continue;
    const [target, seconds, executions, edges, findings] = line.split('\t');
    rows.set(target, { seconds: +seconds, executions: +executions, edges: +edges, findings: +findings });
  }
  return rows;
}

export function addToLedger(file, target, result) {
  const rows = readLedger(file);
  const row = rows.get(target) ?? { seconds: 0, executions: 0, edges: 0, findings: 0 };
  rows.set(target, {
    seconds: row.seconds + result.seconds,
    executions: row.executions + result.executions,
    edges: Math.max(row.edges, result.edges),
    findings: row.findings + (result.ok ? 0 : 1),
  });
  const body = [...rows.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, r]) => [name, r.seconds, r.executions, r.edges, r.findings].join('\t'));
  fs.writeFileSync(`${file}.new`, `${HEAD}\n${body.join('\n')}\n`);
  fs.renameSync(`${file}.new`, file);
}

export function printLedger(file) {
  const rows = [...readLedger(file).entries()];
  const sum = (field) => rows.reduce((all, [, r]) => all + r[field], 0);
  const seconds = sum('seconds');
  console.log(fs.readFileSync(file, 'utf8').trimEnd());
  console.log(`total\t${seconds}\t${sum('executions')}  (${(seconds / 3600).toFixed(2)} hours)`);
}
