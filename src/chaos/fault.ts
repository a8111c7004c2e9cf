import type { Random } from '../source/generate/random.ts'

/** What a run can inject. Names are stable: `--faults-only`, `--skip`, the table and the JSON document use them. */
export type FaultKind = keyof typeof catalog

/** One injected fault, as planned. Depends on nothing but seed, count, kinds and scope. */
export interface Fault {
  /** From 1, in the order of `at`. */
  readonly number: number
  /** Milliseconds after the start. It begins later when another fault of the same target is still on. */
  readonly at: number
  readonly kind: FaultKind
  /** `kafka`, `registry`, a sink, `producer`, or a consumer process as `sink/number`. */
  readonly target: string
  /** Milliseconds that it goes on; 0: a moment. */
  readonly lasts: number
  /** What the kind's `amount` says; 0 where it says nothing. */
  readonly amount: number
}

/** What there is to be hit. */
export interface Scope {
  readonly sinks: readonly string[]
  /** Consumer processes of each sink. */
  readonly processes: number
  /** Servers behind a proxy. */
  readonly links: readonly string[]
  /** Sinks behind a proxy whose protocol can be read (no TLS). */
  readonly commitLinks: readonly string[]
  /** Servers that the run may kill and start again. */
  readonly servers: readonly string[]
  /** Milliseconds after which the group takes a silent consumer for dead. */
  readonly sessionTimeout: number
}

interface KindSpec {
  /** What is done, for people. */
  readonly what: string
  /** What `amount` is. */
  readonly amount?: string
  /** How often, against the others. Kinds that cost a server's start are rare. */
  readonly weight: number
  /** Faults of one resource never overlap. */
  readonly resource: 'process' | 'group' | 'link' | 'commit' | 'server'
  targets(scope: Scope): readonly string[]
  draw(random: Random, scope: Scope): { readonly lasts?: number; readonly amount?: number }
}

const seconds = 1_000
const minutes = 60 * seconds
const hours = 60 * minutes

const catalog = {
  'consumer-kill': {
    what: 'kill -9 of a consumer process',
    weight: 10,
    resource: 'process',
    targets: consumers,
    draw: () => ({}),
  },
  'consumer-freeze': {
    what: 'SIGSTOP in mid-transaction for longer than the session timeout, then SIGCONT: a zombie wakes',
    weight: 6,
    // One process of a group at a time: another one is to take over.
    resource: 'group',
    targets: consumers,
    draw: (random, scope) => ({ lasts: scope.sessionTimeout + random.between(1_000, 5_000) }),
  },
  'thread-end': {
    what: 'a worker thread of a consumer is ended in the middle of its work',
    amount: 'number of the thread',
    weight: 8,
    resource: 'process',
    targets: consumers,
    draw: (random) => ({ amount: random.below(2) }),
  },
  'clock-step': {
    what: "a consumer's wall clock jumps, and later jumps back",
    amount: 'milliseconds',
    weight: 4,
    resource: 'process',
    targets: consumers,
    draw: (random) => ({
      lasts: random.between(2_000, 6_000),
      amount: random.pick([-24 * hours, -hours, -5 * seconds, 5 * seconds, 10 * minutes, 24 * hours]),
    }),
  },
  'producer-kill': {
    what: 'kill -9 of the producer process',
    amount: 'milliseconds after its start',
    weight: 8,
    resource: 'process',
    targets: () => ['producer'],
    draw: (random) => ({ amount: random.between(0, 2_000) }),
  },
  'producer-freeze': {
    what: 'SIGSTOP of the producer process, then SIGCONT',
    amount: 'milliseconds after its start',
    weight: 3,
    resource: 'process',
    targets: () => ['producer'],
    draw: (random) => ({ lasts: random.between(500, 4_000), amount: random.between(0, 2_000) }),
  },
  'rebalance-storm': {
    what: 'members join the consumer group and leave it again, quickly',
    amount: 'number of members',
    weight: 5,
    resource: 'group',
    targets: ({ sinks }) => sinks,
    draw: (random) => ({ lasts: random.between(2_000, 4_000), amount: random.between(2, 5) }),
  },
  'broker-kill': {
    what: 'kill -9 of the Kafka broker, and a new start',
    weight: 1,
    resource: 'server',
    targets: ({ servers }) => servers.filter((name) => name === 'kafka'),
    draw: (random) => ({ lasts: random.between(0, 2_000) }),
  },
  'database-kill': {
    what: 'kill -9 of a database server, and a new start',
    weight: 4,
    resource: 'server',
    targets: ({ servers, sinks }) => servers.filter((name) => sinks.includes(name)),
    draw: (random) => ({ lasts: random.between(0, 3_000) }),
  },
  'registry-kill': {
    what: 'kill -9 of the schema registry, and a new start',
    weight: 1,
    resource: 'server',
    targets: ({ servers }) => servers.filter((name) => name === 'registry'),
    draw: (random) => ({ lasts: random.between(0, 3_000) }),
  },
  'link-cut': {
    what: 'connections to a server are reset',
    amount: 'percent of the connections',
    weight: 14,
    resource: 'link',
    targets: ({ links }) => links,
    draw: (random) => ({ amount: random.pick([25, 50, 100, 100]) }),
  },
  'link-delay': {
    what: 'everything from and to a server is late',
    amount: 'milliseconds in each direction',
    weight: 8,
    resource: 'link',
    targets: ({ links }) => links,
    draw: (random) => ({ lasts: random.between(1_000, 4_000), amount: random.between(20, 600) }),
  },
  'link-black-hole': {
    what: 'nothing gets through and nobody hangs up; afterwards what lost bytes is reset',
    weight: 6,
    resource: 'link',
    targets: ({ links }) => links,
    draw: (random) => ({ lasts: random.between(1_000, 5_000) }),
  },
  'link-half-open': {
    what: "the server's end of each connection is gone, the client's is silent; new connections work",
    weight: 6,
    resource: 'link',
    targets: ({ links }) => links,
    draw: (random) => ({ lasts: random.between(1_000, 8_000) }),
  },
  'link-refuse': {
    what: 'connections to a server are reset and new ones refused',
    weight: 4,
    resource: 'link',
    targets: ({ links }) => links,
    draw: (random) => ({ lasts: random.between(500, 3_000) }),
  },
  'reply-lost': {
    what: 'a request reaches the server, its answer is lost with the connection',
    weight: 6,
    resource: 'link',
    targets: ({ links }) => links,
    draw: () => ({}),
  },
  'commit-unsent': {
    what: 'the connection dies before COMMIT reaches the database',
    weight: 8,
    resource: 'commit',
    targets: ({ commitLinks }) => commitLinks,
    draw: () => ({}),
  },
  'commit-unanswered': {
    what: 'the database commits, the answer is lost',
    weight: 8,
    resource: 'commit',
    targets: ({ commitLinks }) => commitLinks,
    draw: () => ({}),
  },
  'commit-late': {
    what: 'the connection dies at COMMIT, which still reaches the database later',
    amount: 'milliseconds later',
    weight: 5,
    resource: 'commit',
    targets: ({ commitLinks }) => commitLinks,
    draw: (random) => ({ amount: random.between(100, 3_000) }),
  },
} as const satisfies Readonly<Record<string, KindSpec>>

export const faultKinds = Object.keys(catalog) as readonly FaultKind[]

export function specOf(kind: FaultKind): KindSpec {
  return catalog[kind]
}

/** Faults with the same key never overlap. */
export function resourceOf({ kind, target }: Fault): string {
  const { resource } = specOf(kind)
  return `${resource} ${resource === 'group' ? target.split('/')[0] : target}`
}

/** The sinks whose consumers a fault can hold up. */
export function affectedSinks({ target }: Fault, sinks: readonly string[]): readonly string[] {
  const named = sinks.filter((sink) => target === sink || target.startsWith(`${sink}/`))
  return named.length > 0 ? named : sinks
}

function consumers({ sinks, processes }: Scope): string[] {
  return sinks.flatMap((sink) => Array.from({ length: processes }, (_, i) => `${sink}/${i}`))
}
