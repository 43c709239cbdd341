// What spool and wire ask of the native side (native/addon/wire.cc). Only src/capture loads the addon, so a spine hands
// this in.

export interface NativeWire {
  /** CRC-32C of `bytes`, after what `before` is the CRC of. */
  crc32c(bytes: Uint8Array, before?: number): number;
  /** One zstd frame, made on a worker thread; or why there is none. `bytes` must stay as they are until it settles. */
  compress(bytes: Uint8Array): Promise<ArrayBuffer | string>;
  /** The content of exactly one zstd frame of at most `max` bytes; or why it is refused (native/base/zstd.h). */
  decompress(bytes: Uint8Array, max: number): Promise<ArrayBuffer | string>;
}
