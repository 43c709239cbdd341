// A host contacts the servers of a remote administration product that it does not use every week.
import { onContacts } from '../contact.ts';
import { onceADay } from '../daily.ts';
import { ofBelow } from '../flow.ts';
import { defineSignal } from '../signal.ts';

/** Registered names of the products' servers, to the product. */
const PRODUCTS: ReadonlyMap<string, string> = new Map([
  ['anydesk.com', 'AnyDesk'],
  ['teamviewer.com', 'TeamViewer'],
  ['screenconnect.com', 'ScreenConnect'],
  ['rustdesk.com', 'RustDesk'],
  ['splashtop.com', 'Splashtop'],
  ['logmein.com', 'LogMeIn'],
  ['gotoassist.com', 'GoToAssist'],
  ['netsupportsoftware.com', 'NetSupport'],
  ['ammyy.com', 'Ammyy'],
  ['atera.com', 'Atera'],
  ['remoteutilities.com', 'Remote Utilities'],
  ['dwservice.net', 'DWService'],
  ['ultraviewer.net', 'UltraViewer'],
  ['supremocontrol.com', 'Supremo'],
  ['getscreen.me', 'Getscreen'],
]);

export default defineSignal({
  id: 'remote_admin_tool',
  version: 1,
  brief: 'A host contacts a remote administration product that it does not use every week.',
  attack: ['T1219'],
  needs: ['dns', 'tls', 'http'],
  budget: { bytes: 4_000_000, holds: '16,384 pairs of host and what it was told of, with the day they were last told' },
  settings: {
    /** On more days before, and it is how this host is looked after. */
    habit_days: 5,
    days: 30,
    pairs_max: 16_384,
  },
  run({ settings, memory, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    return {
      on: onContacts((contact, emit) => {
        const { src, name, obs } = contact;
        const product = ofBelow(name, PRODUCTS);
        if (product === undefined) return;
        const { days } = memory.look('domain', name, src.id);
        if (days > settings.habit_days) return;
        const key = `${src.id}|${product}`;
        if (!isNewToday(key, obs.seen)) return;
        const hosts = memory.prevalence('domain', name, settings.days, obs.seen);
        emit({
          ...contact.draft(),
          score: hosts <= 1 ? 0.5 : 0.4,
          key,
          features: { prevalence: hosts, days },
          explanation:
            `Contact (${obs.kind}) with ${name}, a server of ${product}; ` +
            `${hosts <= 1 ? 'no other host' : `${hosts} hosts`} contacted it in ${settings.days} days.`,
        });
      }),
    };
  },
});
