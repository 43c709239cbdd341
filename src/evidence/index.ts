// Packets and files that prove an alert: sealed, kept within budgets, held by leases, handed out as bundles.
export { flowNumber } from './blocks.ts';
export { alertsIn, bundleOf, findAlert, folders, type StepEvidence } from './bundle.ts';
export { readChains } from './chain.ts';
export { type Act, person, record } from './custody.ts';
export { type Kept, keepHouse } from './evidence.ts';
export { ALWAYS } from './extract.ts';
export { Heads } from './heads.ts';
export { type Hold, readHolds, releaseHold, setHold } from './holds.ts';
export { type Holder, type Lease, Leases, type LeasesOptions } from './leases.ts';
export { type Answered, type Asked, type PullLimits, Pulls, pullAudit } from './pull.ts';
export { placesOf, type QueryCounters, queryPackets, segmentsOf } from './query.ts';
export {
  type Circumstances,
  type Closed,
  type Digester,
  Segments,
  type SegmentsOptions,
  segmentFiles,
  segmentFolders,
} from './segments.ts';
export { openSigner, type Signer, sha256 } from './signer.ts';
export { Stamper } from './timestamps.ts';
export { verifySegments } from './verify.ts';
export { VERIFY_SH } from './verify_script.ts';
