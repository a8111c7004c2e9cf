import { Flags } from '@oclif/core'
import type { ChaosSink, Places } from '../src/chaos/links.ts'
import { planFaults, selectKinds } from '../src/chaos/plan.ts'
import { runChaos } from '../src/chaos/run.ts'
import { consumerProcesses } from '../src/chaos/workload.ts'
import { chaosDocument, chaosProgress, chaosSummary, kindsHelp, planTable } from '../src/cli/chaos-output.ts'
import { EtlCommand } from '../src/cli/command.ts'
import { durationFlag, kafkaFlags, registryFlags } from '../src/cli/flags.ts'
import { progressLine } from '../src/cli/progress.ts'
import { stopSignal } from '../src/cli/stop-signal.ts'
import { Context } from '../src/config/context.ts'
import { ConfigError, ExitCode } from '../src/errors.ts'
import { UpProgress } from '../src/stack/progress.ts'

/** Exit code of a process that Ctrl-C ended, as shells report it. */
const interrupted = 130

export default class Chaos extends EtlCommand {
  static override summary = 'kill, freeze and cut everything while records flow, and prove none is lost'
  static override description =
    `Starts servers of its own (or takes yours with --existing), produces and consumes all the time, and injects faults
from a seeded list at random moments. Then it waits until everything is consumed and compares every record of the log with every row.
With --existing no server is killed: only etl's own processes and, by proxies, its connections. What it makes (topic, tables, groups
named chaos_…) is removed again. Exit code: 0 nothing lost, doubled, altered or out of order · 3 something was · 4 it came to a stop · 5 servers could not be started or reached · 130 Ctrl-C

Faults:
${kindsHelp()}`

  static override examples = [
    { description: 'fifty faults on servers of its own', command: '<%= config.bin %> chaos' },
    { description: 'the long proof', command: '<%= config.bin %> chaos --faults 1000 --seed 1' },
    {
      description: 'only commits that go wrong, on one database',
      command:
        '<%= config.bin %> chaos --sink postgres --faults-only commit-unsent,commit-unanswered,commit-late',
    },
    { description: 'on your own servers', command: '<%= config.bin %> chaos --existing --faults 200' },
    { description: 'what would be done', command: '<%= config.bin %> chaos --seed 7 --faults 20 --dry-run' },
  ]

  static override flags = {
    faults: Flags.integer({
      description: 'how many faults',
      default: 50,
      min: 1,
      max: 100_000,
      helpValue: 'N',
    }),
    seed: Flags.integer({
      description: 'the same seed gives the same plan; default: a random one',
      min: 0,
      helpValue: 'N',
    }),
    sink: Flags.option({
      char: 's',
      options: ['postgres', 'mysql', 'both'] as const,
      description: 'databases that records flow into',
      default: 'both',
    })(),
    'faults-only': Flags.string({ description: 'no other faults than these', helpValue: 'FAULT,…' }),
    skip: Flags.string({ description: 'none of these faults', helpValue: 'FAULT,…' }),
    partitions: Flags.integer({ description: 'partitions of the topic', default: 6, min: 1, max: 100 }),
    'session-timeout': durationFlag({
      description:
        'a consumer that is silent for so long loses its partitions; default: 3s, with --existing 6s',
    }),
    patience: durationFlag({
      description: 'how long a partition may stand still before the run is given up',
      default: 240_000,
      defaultHelp: async () => '240s',
    }),
    existing: Flags.boolean({ description: 'use the configured servers (etl.yaml, ETL_…, etl stack)' }),
    'keep-logs': Flags.boolean({ description: 'keep the logs also when nothing was found' }),
    'dry-run': Flags.boolean({ description: 'print the plan, do nothing' }),
    ...kafkaFlags,
    ...registryFlags,
  }

  async run(): Promise<object> {
    const { flags } = await this.parse(Chaos)
    const seed = flags.seed ?? Math.floor(Math.random() * 2 ** 31)
    const sinks = flags.sink === 'both' ? (['postgres', 'mysql'] as const) : [flags.sink]
    const existing = flags.existing ? placesOf(new Context(flags), sinks) : undefined
    // Kafka's own lower limit is 6 s (group.min.session.timeout.ms); etl stack's is lower.
    const sessionTimeout = flags['session-timeout'] ?? (existing ? 6_000 : 3_000)
    const faults = planFaults({
      seed,
      count: flags.faults,
      kinds: selectKinds(list(flags['faults-only']), list(flags.skip)),
      scope: { ...scopeOf(sinks, existing), sessionTimeout },
    })
    const again = sameRun(seed, flags)
    if (flags['dry-run']) {
      this.log(`${planTable(faults)}\n\nthe same plan: ${again}`)
      return { seed, faults }
    }
    const line = progressLine(process.stderr)
    const stop = stopSignal(() => line.print('ending processes and servers'))
    const report = await runChaos({
      seed,
      faults,
      sinks,
      existing,
      partitions: flags.partitions,
      sessionTimeout,
      patience: flags.patience,
      keepLogs: flags['keep-logs'],
      reporter: new UpProgress(line),
      signal: stop.signal,
      onProgress: (progress) => line.update(chaosProgress(progress)),
      note: (text) => line.print(text),
    }).finally(() => {
      line.done()
      stop.dispose()
    })
    this.log(chaosSummary(report, again))
    process.exitCode = {
      ok: ExitCode.ok,
      failed: ExitCode.verificationFailed,
      untested: ExitCode.behind,
      interrupted,
    }[report.verdict]
    return chaosDocument(report)
  }
}

/** The command line of the same plan. What it says of servers and databases is in it: the plan depends on them. */
function sameRun(seed: number, flags: SameRunFlags): string {
  const given = [
    flags.sink === 'both' ? [] : ['--sink', flags.sink],
    flags['faults-only'] === undefined ? [] : ['--faults-only', flags['faults-only']],
    flags.skip === undefined ? [] : ['--skip', flags.skip],
    flags['session-timeout'] === undefined ? [] : ['--session-timeout', `${flags['session-timeout']}ms`],
    flags.existing ? ['--existing'] : [],
  ]
  return ['etl chaos --seed', seed, '--faults', flags.faults, ...given.flat()].join(' ')
}

interface SameRunFlags {
  readonly faults: number
  readonly sink: string
  readonly 'faults-only'?: string | undefined
  readonly skip?: string | undefined
  readonly 'session-timeout'?: number | undefined
  readonly existing: boolean
}

function list(names: string | undefined): string[] {
  return (names ?? '').split(',').flatMap((name) => name.trim() || [])
}

/** One database of each kind that is asked for, and where the rest is. */
function placesOf(context: Context, sinks: readonly ChaosSink['name'][]): Places {
  const known = context.sinks()
  return {
    kafka: context.kafka(),
    registry: context.registry(),
    sinks: sinks.map((kind) => {
      const sink = known.find(({ config }) => config.kind === kind)
      if (sink) return { name: kind, ref: sink.name, config: sink.config }
      throw new ConfigError(`no ${kind} database is configured`, {
        next: `--sink ${known[0]?.config.kind ?? 'NAME'}, or without --existing`,
      })
    }),
  }
}

function scopeOf(sinks: readonly ChaosSink['name'][], existing: Places | undefined) {
  const clear = sinks.filter((name) => !existing?.sinks.some((sink) => sink.name === name && sink.config.tls))
  const registry = existing?.registry.url.startsWith('https:') ? [] : ['registry']
  return {
    sinks,
    processes: consumerProcesses,
    links: ['kafka', ...registry, ...clear],
    commitLinks: clear,
    servers: existing ? [] : ['kafka', 'registry', ...sinks],
  }
}
