import type { Digest } from './digest.ts'

/** `absent`: deleted last. `seen`: a row was found for it. */
export const State = { empty: 0, write: 1, absent: 2, seen: 3 } as const
type State = (typeof State)[keyof typeof State]

/**
 * The last operation of each key in each partition: an open-addressed hash table in flat arrays (45 bytes a slot: digests of key and
 * value, offset, partition, state), so that millions of keys need no object each.
 */
export class LastWrites {
  readonly capacity: number
  size = 0
  #slots: number
  #keys: BigUint64Array
  #values: BigUint64Array
  #offsets: BigInt64Array
  #partitions: Int32Array
  #states: Uint8Array

  /** `capacity`: entries that it may hold. */
  constructor(capacity: number) {
    this.capacity = capacity
    this.#slots = 1024
    this.#keys = new BigUint64Array(0)
    this.#values = this.#keys
    this.#offsets = new BigInt64Array(0)
    this.#partitions = new Int32Array(0)
    this.#states = new Uint8Array(0)
    this.#allocate(this.#slots)
  }

  /** Sets the key's last operation in the partition. False, and nothing changes, when the table is full. */
  put(key: Digest, partition: number, offset: bigint, value: Digest | undefined): boolean {
    let slot = this.find(key, partition)
    if (slot < 0) {
      if (this.size >= this.capacity) return false
      if (this.size * 4 >= this.#slots * 3) {
        this.#grow()
        slot = this.find(key, partition)
      }
      slot = ~slot
      this.size++
    }
    this.#set(slot, key, partition, offset, value)
    return true
  }

  /** The slot of the key in the partition; negative (the complement of a free slot): there is none. */
  find(key: Digest, partition: number): number {
    const mask = this.#slots - 1
    for (let slot = (Number(key.low & 0xffff_ffffn) ^ Math.imul(partition, 0x9e37_79b1)) & mask; ; ) {
      if (this.#states[slot] === State.empty) return ~slot
      if (
        this.#keys[slot * 2] === key.high &&
        this.#keys[slot * 2 + 1] === key.low &&
        this.#partitions[slot] === partition
      )
        return slot
      slot = (slot + 1) & mask
    }
  }

  stateAt(slot: number): State {
    return this.#states[slot] as State
  }

  offsetAt(slot: number): bigint {
    return this.#offsets[slot] as bigint
  }

  partitionAt(slot: number): number {
    return this.#partitions[slot] as number
  }

  keyAt(slot: number): Digest {
    return { high: this.#keys[slot * 2] as bigint, low: this.#keys[slot * 2 + 1] as bigint }
  }

  holds(slot: number, value: Digest): boolean {
    return this.#values[slot * 2] === value.high && this.#values[slot * 2 + 1] === value.low
  }

  markSeen(slot: number): void {
    this.#states[slot] = State.seen
  }

  /** All entries' slots. */
  *slots(): Generator<number> {
    for (let slot = 0; slot < this.#slots; slot++) if (this.#states[slot] !== State.empty) yield slot
  }

  /** Forgets the entries whose key `keep` refuses. */
  retain(keep: (key: Digest) => boolean): void {
    this.#rebuild(this.#slots, keep)
  }

  #grow(): void {
    this.#rebuild(this.#slots * 2, () => true)
  }

  #rebuild(slots: number, keep: (key: Digest) => boolean): void {
    const keys = this.#keys
    const values = this.#values
    const offsets = this.#offsets
    const partitions = this.#partitions
    const states = this.#states
    this.#allocate(slots)
    this.size = 0
    for (let old = 0; old < states.length; old++) {
      if (states[old] === State.empty) continue
      const key = { high: keys[old * 2] as bigint, low: keys[old * 2 + 1] as bigint }
      if (!keep(key)) continue
      const slot = ~this.find(key, partitions[old] as number)
      this.size++
      this.#keys.set(keys.subarray(old * 2, old * 2 + 2), slot * 2)
      this.#values.set(values.subarray(old * 2, old * 2 + 2), slot * 2)
      this.#offsets[slot] = offsets[old] as bigint
      this.#partitions[slot] = partitions[old] as number
      this.#states[slot] = states[old] as number
    }
  }

  #allocate(slots: number): void {
    this.#slots = slots
    this.#keys = new BigUint64Array(slots * 2)
    this.#values = new BigUint64Array(slots * 2)
    this.#offsets = new BigInt64Array(slots)
    this.#partitions = new Int32Array(slots)
    this.#states = new Uint8Array(slots)
  }

  #set(slot: number, key: Digest, partition: number, offset: bigint, value: Digest | undefined): void {
    this.#keys[slot * 2] = key.high
    this.#keys[slot * 2 + 1] = key.low
    this.#values[slot * 2] = value?.high ?? 0n
    this.#values[slot * 2 + 1] = value?.low ?? 0n
    this.#offsets[slot] = offset
    this.#partitions[slot] = partition
    this.#states[slot] = value ? State.write : State.absent
  }
}
