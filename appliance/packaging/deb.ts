// `make deb`: catenary-sensor and catenary-collector for Debian 12, out of what `make build` made, with dpkg-deb alone.
//
//   node --import tsx appliance/packaging/deb.ts [OUT]      OUT is build/deb
//
// The sensor's package is the whole program: a Node of its own, the addon, dist/ and what of node_modules runs. The
// collector's depends on it and adds the store: one program on a box, whatever the box does.
//
// The same tree gives the same bytes: times are SOURCE_DATE_EPOCH (the last commit's, where it is not set), owners are
// root, modes are set here, and dpkg-deb compresses with one thread. `make deb-reproducible` builds twice and compares.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { bashScript } from '../../src/commands/completion.ts';
import { programFor } from '../../src/commands/program.ts';
import { processSurroundings } from '../../src/commands/surroundings.ts';
import { closure, type Lock, readLock, rootsOf } from './closure.ts';
import { manPages } from './man.ts';
import { sbom } from './sbom.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const HERE = join(ROOT, 'appliance/packaging');
const LIB = 'usr/lib/catenary';
const RELEASE = 'build/cmake/Release';
const SENSOR_BINARIES = ['catenary.node', 'catenary-capture'];
const COLLECTOR_BINARIES = ['catenary-store'];
/** What no program reads: sources of addons that come built, types, maps, pages. Licences stay. */
const LEFT_OUT = /\.(?:md|markdown|map|ts|mts|cts|flow|c|cc|cpp|h|gyp|gypi|o)$/i;
const LICENCE = /^(?:licen[cs]e|notice|copying)/i;
/** Built for other C libraries, and for Node-API's predecessors. */
const OTHER_BUILDS = /\.(?:musl|abi\d+\.glibc)\.node$/;
/** Between size and time; one thread, so that the number of processors does not show. */
const COMPRESSION = ['-Zzstd', '-z10', '--threads-max=1'];
/** Every shared library that the addon or the store's program names, with the package that Debian 12 has it in. */
const LIBRARIES: Readonly<Record<string, string>> = {
  'libbrotlidec.so.1': 'libbrotli1',
  'libc.so.6': 'libc6 (>= 2.36)',
  'libcrypto.so.3': 'libssl3',
  'libgcc_s.so.1': 'libgcc-s1',
  'libm.so.6': 'libc6 (>= 2.36)',
  'libpcap.so.0.8': 'libpcap0.8',
  'libre2.so.9': 'libre2-9',
  'libstdc++.so.6': 'libstdc++6 (>= 12)',
  'libyara.so.9': 'libyara9',
  'libz.so.1': 'zlib1g',
  'libzstd.so.1': 'libzstd1',
  // Node itself, and the store's library.
  'libdl.so.2': 'libc6 (>= 2.36)',
  'libpthread.so.0': 'libc6 (>= 2.36)',
  'librt.so.1': 'libc6 (>= 2.36)',
};

const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', cwd: ROOT });
const { version } = JSON.parse(fs.readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const architecture = run('dpkg', '--print-architecture').trim();

function sourceDate(): number {
  const given = process.env.SOURCE_DATE_EPOCH;
  return Number(given ?? run('git', '-c', 'safe.directory=*', 'log', '-1', '--format=%ct').trim());
}

/** A package's tree, as it will lie on the disk of its box. */
class Stage {
  readonly name: string;
  readonly dir: string;

  constructor(name: string, out: string) {
    this.name = name;
    this.dir = join(out, `.stage-${name}`);
    fs.rmSync(this.dir, { recursive: true, force: true });
    fs.mkdirSync(this.dir, { recursive: true });
  }

  write(path: string, content: string | Buffer, mode = 0o644): void {
    const file = join(this.dir, path);
    fs.mkdirSync(join(file, '..'), { recursive: true });
    fs.writeFileSync(file, content);
    fs.chmodSync(file, mode);
  }

  /** @param from  in the project */
  copy(from: string, path: string, mode = 0o644): void {
    this.write(path, fs.readFileSync(join(ROOT, from)), mode);
  }

  /** A folder, but for names that `isWanted` refuses, and folders that it leaves empty. */
  copyAll(from: string, path: string, isWanted: (name: string, relative: string) => boolean): void {
    const entries = fs.readdirSync(join(ROOT, from), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const [below, to] = [join(from, entry.name), join(path, entry.name)];
      if (!isWanted(entry.name, below)) continue;
      if (entry.isDirectory()) this.copyAll(below, to, isWanted);
      else if (entry.isFile()) this.copy(below, to);
    }
  }

  /**
   * Debug sections go, names of functions stay: a crash can be read. The build id goes too: it is a hash over the debug
   * sections, which hold the folder that was built in.
   */
  binary(from: string, path: string): void {
    this.copy(from, path, 0o755);
    run('strip', '--strip-debug', '--remove-section=.note.gnu.build-id', join(this.dir, path));
  }

  /** Bytes of all files, and `visit` for each. */
  walk(visit: (file: string, path: string, stat: fs.Stats) => void, path = ''): void {
    for (const name of fs.readdirSync(join(this.dir, path)).sort()) {
      const below = join(path, name);
      const stat = fs.lstatSync(join(this.dir, below));
      if (stat.isDirectory()) this.walk(visit, below);
      visit(join(this.dir, below), below, stat);
    }
  }

  /** @returns  the package's file */
  build(out: string, fields: Readonly<Record<string, string>>, epoch: number): string {
    const sums: string[] = [];
    let bytes = 0;
    this.walk((file, path, stat) => {
      if (stat.isDirectory()) {
        fs.chmodSync(file, 0o755);
        return;
      }
      bytes += stat.size;
      sums.push(`${createHash('md5').update(fs.readFileSync(file)).digest('hex')}  ${path}\n`);
    });
    fs.chmodSync(this.dir, 0o755);
    const control = fs
      .readFileSync(join(HERE, this.name.replace('catenary-', ''), 'control'), 'utf8')
      .replace(/@(\w+)@/g, (_, key: string) => fields[key] ?? '')
      .replace('Description:', `Installed-Size: ${Math.ceil(bytes / 1024)}\nDescription:`);
    this.write('DEBIAN/control', control);
    this.write('DEBIAN/md5sums', sums.join(''));
    for (const script of ['preinst', 'postinst', 'prerm', 'postrm']) {
      const from = join('appliance/packaging', this.name.replace('catenary-', ''), script);
      if (fs.existsSync(join(ROOT, from))) this.copy(from, `DEBIAN/${script}`, 0o755);
    }
    // Made under whatever umask: dpkg-deb refuses a folder that others cannot read.
    fs.chmodSync(join(this.dir, 'DEBIAN'), 0o755);
    this.walk((file) => fs.lutimesSync(file, epoch, epoch));
    fs.utimesSync(this.dir, epoch, epoch);
    const deb = join(out, `${this.name}_${version}_${architecture}.deb`);
    execFileSync('dpkg-deb', ['--root-owner-group', ...COMPRESSION, '--build', this.dir, deb], {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    fs.rmSync(this.dir, { recursive: true });
    return deb;
  }
}

/** Packages of Debian that a binary needs, sorted; a library that LIBRARIES does not know is an error, not a surprise. */
function packagesFor(...binaries: string[]): string[] {
  const found = new Set<string>();
  for (const binary of binaries)
    for (const [, library = ''] of run('objdump', '-p', binary).matchAll(/^ +NEEDED +(\S+)$/gm)) {
      if (library.startsWith('ld-linux')) continue;
      const name = LIBRARIES[library];
      if (name === undefined) throw new Error(`${binary} needs ${library}: say in LIBRARIES which package has it`);
      found.add(name);
    }
  return [...found].sort();
}

/** The Node of appliance/packaging/node, put there by npm with the hash that its lock file pins. */
function nodeFolder(out: string): string {
  const at = join(out, '.node');
  fs.mkdirSync(at, { recursive: true });
  for (const name of ['package.json', 'package-lock.json', '.npmrc'])
    fs.copyFileSync(join(HERE, 'node', name), join(at, name));
  const npm = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', at];
  execFileSync('npm', npm, { stdio: ['ignore', 'ignore', 'inherit'] });
  return at;
}

function carry(stage: Stage, lock: Lock, paths: readonly string[]): void {
  for (const path of paths)
    stage.copyAll(
      path,
      join(LIB, path),
      (name) => name !== 'node_modules' && !OTHER_BUILDS.test(name) && (LICENCE.test(name) || !LEFT_OUT.test(name)),
    );
  if (paths.some((path) => lock[path] === undefined)) throw new Error('a path that the lock file does not have');
}

function documents(stage: Stage, list: string): void {
  const doc = `usr/share/doc/${stage.name}`;
  stage.copy('LICENSE', `${doc}/copyright`);
  stage.copy('CHANGELOG.md', `${doc}/CHANGELOG.md`);
  stage.write(`${doc}/sbom.cdx.json`, list);
}

async function stageSensor(
  out: string,
  lock: Lock,
  paths: readonly string[],
  node: { binary: string },
): Promise<Stage> {
  const stage = new Stage('catenary-sensor', out);
  carry(stage, lock, paths);
  stage.copyAll('dist', join(LIB, 'dist'), (name) => name !== '.stamp' && !name.endsWith('.map'));
  stage.copy('package.json', join(LIB, 'package.json'));
  for (const name of SENSOR_BINARIES) stage.binary(join(RELEASE, name), join(LIB, RELEASE, name));
  stage.write(join(LIB, 'bin/node'), fs.readFileSync(node.binary), 0o755);
  stage.copyAll('appliance/chains', join(LIB, 'appliance/chains'), () => true);
  stage.copyAll('appliance/signals', join(LIB, 'appliance/signals'), () => true);
  stage.copyAll('appliance/tune', join(LIB, 'tune'), (name) => name === 'catenary-tune');
  fs.chmodSync(join(stage.dir, LIB, 'tune/catenary-tune'), 0o755);
  stage.copy('appliance/packaging/catenary', 'usr/bin/catenary', 0o755);
  stage.copy('appliance/systemd/catenary-sensor.service', 'lib/systemd/system/catenary-sensor.service');
  stage.copy('appliance/systemd/catenary-tune@.service', 'lib/systemd/system/catenary-tune@.service');
  stage.copy('appliance/systemd/catenary.catalog', 'usr/lib/systemd/catalog/catenary.catalog');
  stage.copy('appliance/systemd/catenary-sensor.sysusers', 'usr/lib/sysusers.d/catenary-sensor.conf');
  stage.copy('appliance/systemd/catenary-sensor.tmpfiles', 'usr/lib/tmpfiles.d/catenary-sensor.conf');
  stage.copy('appliance/config/catenary.yaml', 'usr/share/doc/catenary-sensor/catenary.yaml');
  stage.copy('appliance/config/catenary.schema.json', 'usr/share/catenary/catenary.schema.json');
  const program = await programFor(processSurroundings, () => undefined);
  stage.write('usr/share/bash-completion/completions/catenary', bashScript(program));
  for (const [name, text] of manPages(program, version))
    stage.write(`usr/share/man/man1/${name}.gz`, gzipSync(text, { level: 9 }));
  return stage;
}

function stageCollector(out: string, lock: Lock, paths: readonly string[]): Stage {
  const stage = new Stage('catenary-collector', out);
  carry(stage, lock, paths);
  for (const name of COLLECTOR_BINARIES) stage.binary(join(RELEASE, name), join(LIB, RELEASE, name));
  stage.copy('appliance/systemd/catenary-collector.service', 'lib/systemd/system/catenary-collector.service');
  stage.copy('appliance/systemd/catenary-collector.sysusers', 'usr/lib/sysusers.d/catenary-collector.conf');
  stage.copy('appliance/systemd/catenary-collector.tmpfiles', 'usr/lib/tmpfiles.d/catenary-collector.conf');
  return stage;
}

async function main(out: string): Promise<void> {
  fs.mkdirSync(out, { recursive: true });
  for (const name of fs.readdirSync(out)) if (name !== '.node') fs.rmSync(join(out, name), { recursive: true });
  // What the build puts there is run: one that nobody packs is missed on the box, and not before.
  for (const name of fs.readdirSync(RELEASE))
    if (![...SENSOR_BINARIES, ...COLLECTOR_BINARIES].includes(name)) throw new Error(`${RELEASE}/${name}: not packed`);
  const epoch = sourceDate();
  const lock = readLock(ROOT);
  const roots = rootsOf(lock);
  const sensorPaths = closure(lock, ROOT, roots.sensor);
  const storePaths = closure(lock, ROOT, roots.store);
  const nodeAt = nodeFolder(out);
  const nodeLock = readLock(nodeAt);
  const nodePaths = closure(
    nodeLock,
    nodeAt,
    Object.keys(nodeLock['']?.optionalDependencies ?? {}).filter((n) => fs.existsSync(join(nodeAt, 'node_modules', n))),
  );
  const [nodePath] = nodePaths;
  if (nodePath === undefined) throw new Error(`no Node for ${architecture} in appliance/packaging/node`);
  const binary = join(nodeAt, nodePath, 'bin/node');

  const made: [Stage, string[], string][] = [];
  const add = (stage: Stage, packages: string[], list: string): void => {
    documents(stage, list);
    made.push([stage, packages, list]);
  };
  add(
    await stageSensor(out, lock, sensorPaths, { binary }),
    packagesFor(join(RELEASE, 'catenary.node'), binary),
    sbom({ name: 'catenary-sensor', version }, [
      { lock: nodeLock, paths: nodePaths },
      { lock, paths: sensorPaths },
    ]),
  );
  if (storePaths.length > 0) {
    const library = join(storePaths[0] as string, 'libchdb.so');
    add(
      stageCollector(out, lock, storePaths),
      packagesFor(join(RELEASE, 'catenary-store'), library),
      sbom({ name: 'catenary-collector', version }, [{ lock, paths: storePaths }]),
    );
  } else console.log(`deb: no store for ${architecture}: no catenary-collector`);

  const sums: string[] = [];
  for (const [stage, packages, list] of made) {
    const deb = stage.build(out, { version, architecture, libraries: packages.join(', ') }, epoch);
    const name = basename(deb);
    fs.writeFileSync(join(out, name.replace(/\.deb$/, '.cdx.json')), list);
    for (const file of [name, name.replace(/\.deb$/, '.cdx.json')])
      sums.push(
        `${createHash('sha256')
          .update(fs.readFileSync(join(out, file)))
          .digest('hex')}  ${file}\n`,
      );
    console.log(`deb: ${deb}, ${(fs.statSync(deb).size / 2 ** 20).toFixed(1)} MiB`);
  }
  fs.writeFileSync(join(out, 'SHA256SUMS'), sums.sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join(''));
}

await main(resolve(process.argv[2] ?? join(ROOT, 'build/deb')));
