// The founding case as a world: 24 hosts, 63 days, one executable that sleeps for a month.
//
// One seed, one world: same options, same bytes. Ordinary life goes on around the story: names that everybody
// visits, names that
// one host visits now and then, an updater that calls home on the hour from every host, a tool that many fetch, a
// rare program that never calls anyone. The options turn the story into its look-alikes, which must stay quiet.
import {
  applicationData,
  arpReply,
  changeCipherFinished,
  clientHello,
  conversation,
  dhcp,
  dnsAnswer,
  dnsQuery,
  type End,
  httpGet,
  httpOk,
  Pcap,
  program,
  serverHello,
  udp,
} from './packets.ts';

export interface Story {
  readonly seed?: number;
  readonly days?: number;
  readonly hosts?: number;
  /** The executable reaches the victim on dropDay; false: it never comes. */
  readonly drop?: boolean;
  /** Who beacons to the new name: the victim, another host, or nobody. */
  readonly beacon?: 'victim' | 'other' | 'nobody';
  /** Days between the drop and the first beacon. */
  readonly dormancy?: number;
  /** The victim visited the name now and then in the weeks before the drop. */
  readonly visitedBefore?: boolean;
  /** The victim leaves; its address is leased to a second laptop, and that one beacons. */
  readonly releasedToAnother?: boolean;
  /** The victim's address changes this many times between drop and beacon. */
  readonly moves?: number;
  /** Days after the drop on which it fetches a rare program that never calls anybody. */
  readonly benign?: readonly number[];
}

export interface World {
  readonly pcap: Buffer;
  readonly packets: number;
  /** `mac:...` of the host the story is about. */
  readonly victim: string;
  readonly domain: string;
  /** Packet time of the first moment of the day of the drop [us]. */
  readonly dropDay: number;
}

const DAY = 86_400e6;
const MINUTE = 60e6;
/** 2023-11-15T00:00:00Z [us]. */
const START = 1_700_006_400e6;
const ROUTER: End = { mac: '02:00:00:00:00:01', ip: '10.20.0.1', port: 0 };
const RESOLVER = '10.20.0.53';
const DOMAIN = 'telemetry-sync.badcdn.example';
const DROP_DAY = 12;

class Random {
  private state: number;
  constructor(seed: number) {
    this.state = seed >>> 0;
  }
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  below(n: number): number {
    return Math.floor(this.next() * n);
  }
}

class Host {
  readonly index: number;
  readonly mac: string;
  ip: string;
  private ports = 0;
  constructor(index: number, ip: string) {
    this.index = index;
    this.mac = `02:10:00:00:00:${(index + 16).toString(16).padStart(2, '0')}`;
    this.ip = ip;
  }
  end(port?: number): End {
    this.ports = (this.ports + 1) % 20000;
    return { mac: this.mac, ip: this.ip, port: port ?? 30000 + this.ports };
  }
}

/** A public address for a name: the same each time, and of its own. */
function addressOf(name: string): string {
  let h = 2166136261;
  for (const c of name) h = Math.imul(h ^ c.charCodeAt(0), 16777619) >>> 0;
  return `203.${h & 127}.${(h >>> 8) & 255}.${((h >>> 16) % 250) + 1}`;
}

export function buildWorld(story: Story = {}): World {
  const random = new Random(story.seed ?? 1);
  const days = story.days ?? 63;
  const out = new Pcap();
  const hosts = Array.from({ length: story.hosts ?? 24 }, (_, i) => new Host(i, `10.20.1.${10 + i}`));
  const victim = hosts[7 % hosts.length] as Host;
  const other = hosts[3 % hosts.length] as Host;
  const resolver: End = { mac: '02:00:00:00:00:53', ip: RESOLVER, port: 53 };
  const dhcpServer: End = { mac: ROUTER.mac, ip: ROUTER.ip, port: 67 };
  let id = 1;

  const lease = (at: number, host: Host): void => {
    const client = host.end(68);
    const xid = (id++ * 2654435761) >>> 0;
    const name = `laptop-${host.index}`;
    const everybody: End = { mac: 'ff:ff:ff:ff:ff:ff', ip: '255.255.255.255', port: 67 };
    out.add(at, udp({ ...client, ip: '0.0.0.0' }, everybody, dhcp(1, xid, host.mac, 3, host.ip, ROUTER.ip, name, 0)));
    out.add(
      at + 20_000,
      udp(dhcpServer, { ...client, ip: host.ip }, dhcp(2, xid, host.mac, 5, host.ip, ROUTER.ip, name, 86400)),
    );
    out.add(at + 50_000, arpReply({ mac: host.mac, ip: host.ip, port: 0 }, ROUTER));
  };
  const resolve = (at: number, host: Host, name: string): End => {
    const from = host.end();
    const n = id++ & 0xffff;
    out.add(at, udp(from, resolver, dnsQuery(n, name)));
    out.add(at + 9_000, udp(resolver, from, dnsAnswer(n, name, addressOf(name))));
    return { mac: ROUTER.mac, ip: addressOf(name), port: 443 };
  };
  const visit = (at: number, host: Host, name: string, bytes: number): void => {
    const server = resolve(at, host, name);
    conversation(out, at + 20_000, host.end(), server, [
      [true, clientHello(name, host.index)],
      [false, serverHello()],
      [true, changeCipherFinished()],
      [true, applicationData(200 + random.below(300))],
      [false, applicationData(bytes)],
    ]);
  };
  const fetch = (at: number, host: Host, name: string, path: string, type: string, body: Buffer): void => {
    const server = { ...resolve(at, host, name), port: 80 };
    conversation(out, at + 20_000, host.end(), server, [
      [true, httpGet(name, path, 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)')],
      [false, httpOk(type, body)],
    ]);
  };
  const beat = (at: number, host: Host): void => {
    const server = resolve(at, host, DOMAIN);
    conversation(out, at + 20_000, host.end(), server, [
      [true, clientHello(DOMAIN, 99)],
      [false, serverHello()],
      [true, changeCipherFinished()],
      [true, applicationData(160)],
      [false, applicationData(96)],
    ]);
  };

  const dormancy = story.dormancy ?? 31;
  const beaconDay = DROP_DAY + dormancy;
  const beaconer = story.beacon === 'nobody' ? undefined : story.beacon === 'other' ? other : victim;
  const secondLaptop = new Host(60, victim.ip);
  const moveDays = Array.from({ length: story.moves ?? 0 }, (_, i) => DROP_DAY + 5 + i * 6);

  for (let day = 0; day < days; day++) {
    const midnight = START + day * DAY;
    if (moveDays.includes(day)) victim.ip = `10.20.2.${50 + moveDays.indexOf(day)}`;
    const isVictimGone = (story.releasedToAnother ?? false) && day > DROP_DAY + 3;
    const here = hosts.filter((h) => !(isVictimGone && h === victim));
    if (isVictimGone) here.push(secondLaptop);
    for (const host of here) {
      const morning = midnight + 7 * 60 * MINUTE + random.below(30) * MINUTE;
      lease(morning, host);
      for (let hour = 8; hour < 20; hour += 4)
        visit(midnight + (hour * 60 + host.index) * MINUTE, host, 'updates.vendor.example', 180);
      for (let i = 0; i < 6; i++) {
        const at = morning + 10 * MINUTE + random.below(600) * MINUTE + random.below(60) * 1e6;
        visit(at, host, `www.site${random.below(12)}.example`, 400 + random.below(3000));
      }
      // Rare and harmless: a hobby's site of each host, now and then.
      if (random.below(9) === 0)
        visit(morning + random.below(700) * MINUTE, host, `forum.hobby${host.index}.example`, 900);
    }
    // A tool that many fetch, all the same file; and one rare program that calls nobody.
    if (day % 4 === 1) {
      // The victim is the first of them: then and there the tool is as rare as the dropper.
      const host = (day === 1 ? victim : here[day % here.length]) as Host;
      fetch(
        midnight + 13 * 60 * MINUTE,
        host,
        'download.tools.example',
        '/archiver.exe',
        'application/octet-stream',
        program('archiver 9.1', 6000),
      );
    }
    if (day === 5)
      fetch(
        midnight + 14 * 60 * MINUTE,
        hosts[1] as Host,
        'build.inhouse.example',
        '/nightly.exe',
        'application/octet-stream',
        program('nightly build', 5000),
      );
    if (story.visitedBefore && day < DROP_DAY && day % 3 === 0)
      visit(midnight + (600 + random.below(200)) * MINUTE, victim, DOMAIN, 300);
    if (story.drop !== false && day === DROP_DAY) {
      fetch(
        midnight + 11 * 60 * MINUTE,
        victim,
        'files.invoice-portal.example',
        '/invoice_2231.exe',
        'application/octet-stream',
        program('the dropper', 9000),
      );
    }
    if (story.benign?.includes(day - DROP_DAY))
      fetch(
        midnight + 15 * 60 * MINUTE,
        victim,
        'downloads.smalltools.example',
        `/tool-${day}.exe`,
        'application/octet-stream',
        program(`small tool ${day}`, 4000),
      );
    const caller = story.releasedToAnother ? secondLaptop : beaconer;
    if (caller && day >= beaconDay && day < beaconDay + 3) {
      for (let minute = 8 * 60; minute < 18 * 60; minute += 10)
        beat(midnight + minute * MINUTE + random.below(20) * 1e6, caller);
    }
  }
  const dropDay = START + DROP_DAY * DAY;
  return { pcap: out.bytes(), packets: out.size, victim: `mac:${victim.mac}`, domain: DOMAIN, dropDay };
}
