// For tests: a sensor that is well.
import type { InterfaceStatus, Status } from './status.ts';

const NOW = Date.UTC(2026, 0, 31, 12, 0, 0) * 1000;
const HOUR = 3600e6;

export const quiet: InterfaceStatus = {
  ...{
    name: 'eth1',
    packets_per_s: 81_234.5,
    bits_per_s: 4.12e8,
    packets: 1_234_567_890,
    bytes: 8e11,
    flows: 4_567_890,
  },
  ...{ flows_evicted: 0, weirds: 12, kernel_dropped: 0, interface_dropped: 0 },
  ...{ newest: NOW - 1e6, coverage: 1, ended: false },
};

export const well: Status = {
  ...{ sensor: 'berlin-1', state: 'listening', started: NOW - 76 * HOUR, now: NOW, interfaces: [quiet] },
  detection: { events: 12_345_678, alerts: 1, chains: 30, partials: 1204, newest: NOW - 2e6, waiting: 0 },
  packets: { bytes: 8e9, budget_bytes: 1e10, segments: 32, oldest: NOW - 72 * HOUR, latest: NOW },
  files: { bytes: 120e6, budget_bytes: 2e9 },
  leases: { bytes: 34e6, budget_bytes: 4e9, count: 12 },
  spool: { bytes: 12e6, budget_bytes: 4e9, waiting: 0, shed_events: 0 },
  collector: { state: 'connected', reason: '' },
  content: [],
  disk: { free_bytes: 63e9, total_bytes: 252e9 },
  memory_bytes: 142e6,
  said: [{ at: NOW - HOUR, text: 'collector: connected' }],
};
