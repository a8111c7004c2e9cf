import { UnreachableError } from '../../../src/errors.ts'
import { openSink } from '../../../src/sink/open.ts'
import type { SinkConfig } from '../../../src/sink/sink.ts'
import { batch, claim, type Place, plainRows } from './fixtures.ts'

/** What this process is told, as JSON in its only argument. */
export interface FrozenOwnerTask {
  readonly config: SinkConfig
  readonly place: Place
  readonly idleInTransaction: number
}

/**
 * A process that owns a partition: claims it, writes offsets 0 to 2, as often as it takes while the database is away, and prints what
 * became of it. The test stops it (SIGSTOP) in the middle of that.
 */
async function own({ config, place, idleInTransaction }: FrozenOwnerTask): Promise<string> {
  const sink = openSink(config, { idleInTransaction })
  const lane = await claim(sink, place)
  try {
    for (;;) {
      try {
        await lane.commit(batch(0n, plainRows(0n, 3)))
        return 'committed'
      } catch (err) {
        if (!(err instanceof UnreachableError)) return (err as Error).name
      }
    }
  } finally {
    await lane.release()
    await sink.close()
  }
}

process.stdout.write(await own(JSON.parse(process.argv[2] ?? '') as FrozenOwnerTask))
