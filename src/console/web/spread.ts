// Places on a line that must not cover each other.

/** As near to `places` as keeps them `apart`, in their order, none beyond `right`. Cost: O(n). */
export function spread(places: readonly number[], apart: number, right: number): number[] {
  const out = [...places];
  for (let i = 1; i < out.length; i++) out[i] = Math.max(out[i] as number, (out[i - 1] as number) + apart);
  let limit = right;
  for (let i = out.length - 1; i >= 0; i--) {
    out[i] = Math.min(out[i] as number, limit);
    limit = (out[i] as number) - apart;
  }
  return out;
}
