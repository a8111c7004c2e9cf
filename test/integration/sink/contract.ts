import { after, before, describe } from 'node:test'
import { openSink } from '../../../src/sink/open.ts'
import { servers } from '../servers.ts'
import { alters } from './contract/alters.ts'
import { books } from './contract/books.ts'
import { claims } from './contract/claims.ts'
import { commits } from './contract/commits.ts'
import { conflicts } from './contract/conflicts.ts'
import { connections } from './contract/connections.ts'
import { plans } from './contract/plans.ts'
import { poison } from './contract/poison.ts'
import { refusals } from './contract/refusals.ts'
import { stops } from './contract/stops.ts'
import { types } from './contract/types.ts'
import { upsertGuard } from './contract/upsert-guard.ts'
import { upserts } from './contract/upserts.ts'
import { zombies } from './contract/zombies.ts'
import { createDatabase } from './database.ts'
import type { Context } from './fixtures.ts'

/** What every sink promises, on a real server. */
export function sinkContract(kind: Context['kind']): void {
  describe(`sink contract: ${kind}`, () => {
    let context: Context | undefined
    const get = (): Context => {
      if (context === undefined) throw new Error('the database is not there yet')
      return context
    }
    before(async () => {
      const database = await createDatabase(servers()[kind])
      context = { kind, database, sink: openSink(database.config) }
    })
    after(async () => {
      await context?.sink.close()
      // A test that failed may have left a lane open, which would keep the process alive.
      await context?.database.killOthers()
      await context?.database.drop()
    })
    claims(get)
    zombies(get)
    commits(get)
    poison(get)
    refusals(get, kind)
    conflicts(get)
    alters(get)
    connections(get)
    stops(get)
    books(get)
    upserts(get)
    upsertGuard(get)
    types(get)
    plans(get)
  })
}
