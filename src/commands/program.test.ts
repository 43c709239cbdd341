// Everything that is decided before a packet is read, in this process: wrong usage, help, completion.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { EVE_KINDS } from '../formats/eve/eve.ts';
import { ZEEK_KINDS } from '../formats/zeek/zeek.ts';
import { runIn } from './testing.ts';

const run = (line: string, stdinIsTerminal = false) =>
  runIn({ stdinIsTerminal }, ...(line === '' ? [] : line.split(' ')));

const KINDS = 'one of conn, conn_update, dns, http, tls, x509, file, dhcp, arp, icmp, weird, capture_stats, coverage';

describe('command line', () => {
  const mistakes: readonly (readonly [line: string, message: string])[] = [
    ['', "no command (see 'catenary --help')"],
    ['raed', "unknown command 'raed' (did you mean read? see 'catenary --help')"],
    ['--foo', "unknown option '--foo' (see 'catenary --help')"],
    ['read', "nothing to read (name a capture, '-' for standard input, or --interface IF)"],
    ['read a --fliter b', "unknown option '--fliter' (did you mean --filter? see 'catenary read --help')"],
    ['read a --out', "option '--out <dir>' argument missing (see 'catenary read --help')"],
    ['read a --as ecs', "--as 'ecs' is unknown (one of json, zeek, eve, none)"],
    ['read a --kinds dsn', `--kinds: 'dsn' is no kind (${KINDS})`],
    ['read a --kinds ,', `--kinds names none (${KINDS})`],
    ['read a --as zeek --kinds arp', `--kinds: Zeek has no log for 'arp' (one of ${ZEEK_KINDS.join(', ')})`],
    ['read a --as eve --kinds syslog', `--kinds: EVE has no event for 'syslog' (one of ${EVE_KINDS.join(', ')})`],
    ['read a --as eve --json', '--json is for --as zeek (add --as zeek, or leave it out)'],
    ['read a --json', '--json is for --as zeek (add --as zeek, or leave it out)'],
    ['read a --as none --out d', '--as none writes no files (leave out --out)'],
    ['read a --as none --kinds dns', '--as none writes no events (leave out --kinds)'],
    ['read a --interface eth0', '--interface and FILE exclude each other (give one of them)'],
    ['read a --count 3', '--count is for live capture (add --interface IF, or leave it out)'],
    ['read a --duration 3', '--duration is for live capture (add --interface IF, or leave it out)'],
    ['read -i lo --count 1e3', "--count '1e3' is no whole number (give 1 or more)"],
    ['read -i lo --duration soon', "--duration 'soon' is no length of time (give seconds, or 90s, 15m, 2h, 1d)"],
    ['read -i lo --snaplen 63', "--snaplen '63' is no whole number (give 64 to 262144)"],
    ['read a --flows-max 15', "--flows-max '15' is no whole number (give 16 to 268435456)"],
    ['read - -', "'-' is named twice (standard input can be read once)"],
    ['completion', "missing required argument 'SHELL' (see 'catenary completion --help')"],
    ['completion fish', "completion: 'fish' is unknown (one of bash)"],
  ];
  for (const [line, message] of mistakes)
    it(`catenary ${line}: one line, exit 2`, async () => {
      assert.deepEqual(await run(line), { code: 2, stdout: '', stderr: `catenary: ${message}\n` });
    });

  it('a terminal is no capture', async () => {
    assert.equal(
      (await run('read -', true)).stderr,
      'catenary: standard input is a terminal (pipe a capture into it)\n',
    );
  });

  it('a mistake with control characters cannot act on the terminal', async () => {
    const { stderr } = await run('read a --as \u001b[2J');
    assert.equal(stderr, "catenary: --as '\\x1b[2J' is unknown (one of json, zeek, eve, none)\n");
  });

  it('every command and subcommand has a manual: on standard output, with examples, no wider than a terminal', async () => {
    const { stdout: all } = await run('completion bash');
    const commands = [...all.matchAll(/^ {4}"(\w+) ?(\w*)"/gm)].map(([, name, below]) => `${name} ${below}`.trim());
    assert.ok(commands.includes('chain explain') && commands.includes('tail') && commands.length > 15);
    for (const command of [...commands, '', 'help']) {
      const { code, stdout, stderr } = await run(command === 'help' ? 'help' : `${command} --help`.trim());
      assert.equal(code, 0, command);
      assert.equal(stderr, '');
      assert.match(stdout, /^Usage: catenary/, command);
      assert.match(stdout, /EXAMPLES/, command);
      for (const text of stdout.split('\n')) assert.ok(text.length <= 110, text);
    }
    assert.equal((await run('help read')).stdout, (await run('read --help')).stdout);
  });

  it('the manual of read names every exit code and every kind', async () => {
    const { stdout } = await run('read --help');
    for (const code of ['0 ', '1 ', '2 ', '130 ']) assert.ok(stdout.includes(`\n  ${code}`), code);
    assert.ok(stdout.includes(KINDS.slice('one of '.length)));
  });

  it('--version: ours first, alone on its line', async () => {
    const { code, stdout } = await run('--version');
    assert.equal(code, 0);
    assert.match(stdout, /^catenary [0-9]+\.[0-9]+\.[0-9]+\n/);
  });

  it('completion: bash is given commands, subcommands and options, and files where none of these stand', async () => {
    const { code, stdout } = await run('completion bash');
    assert.equal(code, 0);
    const completed = (...words: string[]): string[] => {
      const typed = `COMP_WORDS=(catenary ${words.map((w) => `'${w}'`).join(' ')}); COMP_CWORD=${words.length}`;
      const script = `${stdout}\n${typed}; _catenary; printf '%s\n' "\${COMPREPLY[@]}"`;
      return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\n').filter(Boolean);
    };
    assert.deepEqual(completed('re'), ['read']);
    assert.ok(completed('').includes('tail'));
    assert.deepEqual(completed('read', '--al'), ['--all-rows']);
    assert.deepEqual(completed('read', 'day'), []);
    assert.deepEqual(completed('evidence', 'ex'), ['export']);
    assert.ok(completed('evidence', 'export', '--').includes('--alerts'));
    assert.deepEqual(completed('evidence', 'export', 'ex'), []);
  });
});
