/** How many records may still be taken, shared by all threads of a run (`--max-records`). */
export interface Budget {
  /** Reserves up to `wanted` records; 0 when nothing is left. */
  take(wanted: number): number
  giveBack(unused: number): void
}

export function sharedBudget(buffer: SharedArrayBuffer | undefined): Budget {
  if (!buffer) return { take: (wanted) => wanted, giveBack: () => {} }
  const left = new BigInt64Array(buffer)
  return {
    take(wanted) {
      for (;;) {
        const now = Atomics.load(left, 0)
        const granted = now < BigInt(wanted) ? now : BigInt(wanted)
        if (granted <= 0n) return 0
        if (Atomics.compareExchange(left, 0, now, now - granted) === now) return Number(granted)
      }
    },
    giveBack(unused) {
      if (unused > 0) Atomics.add(left, 0, BigInt(unused))
    },
  }
}

export function newBudget(records: number): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(8)
  new BigInt64Array(buffer)[0] = BigInt(records)
  return buffer
}
