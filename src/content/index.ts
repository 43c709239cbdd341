// Chains, indicators and policies that come as signed packs: who has signed, what is used, what comes back.
export { Health, type Vitals } from './health.ts';
export {
  type Manifest,
  manifestOf,
  PACKED,
  type Pack,
  packHash,
  packId,
  packOf,
  readPack,
  trusted,
  usable,
} from './pack.ts';
export { type Content, entriesBelow, inboxName, putInInbox, Shelf, type ShelfAct, type ShelfOptions } from './shelf.ts';
export { keyId, loadSigningKey, loadTrust, makeSigningKey, signatureOf, type Trust } from './trust.ts';
