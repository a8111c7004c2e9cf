import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Breaker, type BreakerOptions, type Wait } from '../../../src/engine/consume/breaker.ts'
import { mergeHealth } from '../../../src/engine/consume/server-health.ts'
import { UnexpectedError, UnreachableError } from '../../../src/errors.ts'

const never = new AbortController().signal
const away = () => new UnreachableError('away')
const quick = (options: BreakerOptions = {}) => new Breaker('database', { delay: () => 1, ...options })

/** A server that fails the first `failures` calls, and remembers how many were under way at once. */
class Server {
  calls = 0
  atOnce = 0
  most = 0
  failures: number

  constructor(failures: number) {
    this.failures = failures
  }

  call = async (): Promise<string> => {
    this.calls++
    this.most = Math.max(this.most, ++this.atOnce)
    await new Promise((resolve) => setImmediate(resolve))
    this.atOnce--
    if (this.failures-- > 0) throw away()
    return 'answer'
  }
}

/** Three failures open it. */
async function opened(breaker: Breaker, server: Server): Promise<AbortController> {
  const stop = new AbortController()
  const waits: Wait[] = []
  const call = breaker.run(server.call, stop.signal, (wait) => waits.push(wait))
  call.catch(() => undefined)
  while (breaker.health.breaker === 'closed') await new Promise((resolve) => setImmediate(resolve))
  return stop
}

describe('Breaker', () => {
  it('repeats a call until the server answers, and tells of every wait', async () => {
    const breaker = quick()
    const waits: Wait[] = []
    const server = new Server(2)
    assert.equal(await breaker.run(server.call, never, (wait) => waits.push(wait)), 'answer')
    assert.deepEqual(
      waits.map((wait) => [wait.server, wait.attempts, wait.error.message]),
      [
        ['database', 1, 'away'],
        ['database', 2, 'away'],
      ],
    )
    assert.equal(breaker.health.openings, 0)
  })

  it('opens after three failures in a row, of all callers together; then one tries for all', async () => {
    const breaker = quick()
    const server = new Server(20)
    const calls = Array.from({ length: 8 }, () => breaker.run(server.call, never, () => {}))
    while (breaker.health.breaker === 'closed') await new Promise((resolve) => setImmediate(resolve))
    server.most = 0
    while (server.atOnce > 0) await new Promise((resolve) => setImmediate(resolve))
    server.most = 0
    while (server.failures > 0) {
      await new Promise((resolve) => setImmediate(resolve))
      assert(server.most <= 1, `${server.most} calls at once while the breaker was open`)
    }
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(['answer']))
    const { breaker: state, openings, since, attempts, nextTry } = breaker.health
    assert.deepEqual([state, openings, since, attempts, nextTry], ['closed', 1, undefined, 0, undefined])
  })

  it('says how it stands while it is open', async () => {
    const breaker = quick({ delay: (attempt) => (attempt < 2 ? 1 : 60_000) })
    const began = Date.now()
    const stop = await opened(breaker, new Server(3))
    const { breaker: state, since = 0, attempts, nextTry = 0, openings, error } = breaker.health
    assert.deepEqual([state, attempts, openings, error?.message], ['open', 3, 1, 'away'])
    assert(since >= began && nextTry > Date.now())
    stop.abort()
  })

  it('lets the next in line try when the one whose turn it is was stopped', async () => {
    const breaker = quick()
    const stop = new AbortController()
    let probes = 0
    const stopped = breaker.run(
      async () => {
        if (breaker.health.breaker === 'half-open') {
          probes++
          stop.abort()
        }
        throw away()
      },
      stop.signal,
      () => {},
    )
    const failed = assert.rejects(stopped, UnreachableError)
    while (breaker.health.breaker === 'closed') await new Promise((resolve) => setImmediate(resolve))
    const other = breaker.run(
      async () => 'answer',
      never,
      () => {},
    )
    await failed
    assert.equal(await other, 'answer')
    assert.equal(probes, 1)
    assert.equal(breaker.health.breaker, 'closed')
  })

  it('rejects who is stopped while waiting with what it waits for', async () => {
    const breaker = quick({ delay: (attempt) => (attempt < 2 ? 1 : 60_000) })
    const first = await opened(breaker, new Server(9))
    const stop = new AbortController()
    const second = breaker.run(
      async () => 'never called',
      stop.signal,
      () => {},
    )
    stop.abort()
    await assert.rejects(second, /away/)
    first.abort()
  })

  it('closes on any answer, also on an error that is no outage', async () => {
    const breaker = quick()
    let calls = 0
    const call = breaker.run(
      async () => {
        if (++calls <= 3) throw away()
        throw new UnexpectedError('the table is gone')
      },
      never,
      () => {},
    )
    await assert.rejects(call, /the table is gone/)
    assert.equal(breaker.health.breaker, 'closed')
  })

  it('does not open for a failure that only one caller has', async () => {
    const breaker = quick({ localTo: () => 'kafka' })
    const server = new Server(10)
    const waits: string[] = []
    assert.equal(await breaker.run(server.call, never, (wait) => waits.push(wait.server)), 'answer')
    assert.deepEqual(
      waits,
      Array.from({ length: 10 }, () => 'kafka'),
    )
    assert.deepEqual([breaker.health.openings, breaker.health.attempts], [0, 0])
  })

  it('gives up when the server is away for longer than allowed, for all who wait', async () => {
    const breaker = quick({ retryFor: 20 })
    const calls = [1, 2, 3, 4, 5].map(() =>
      breaker.run(
        async () => Promise.reject(away()),
        never,
        () => {},
      ),
    )
    for (const call of calls) await assert.rejects(call, /gave up after 0 s \(--retry-for\): away/)
    assert.equal(breaker.health.gaveUp, true)
  })

  it('gives up at the first failure when nothing is allowed', async () => {
    let calls = 0
    const breaker = quick({ retryFor: 0 })
    const call = breaker.run(
      async () => {
        calls++
        throw away()
      },
      never,
      () => {},
    )
    await assert.rejects(call, /gave up/)
    assert.equal(calls, 1)
  })
})

describe('mergeHealth', () => {
  it('shows the worst state, the earliest times and the longest absence of all members', () => {
    const base = { server: 'database', attempts: 1, openings: 1, gaveUp: false, error: undefined } as const
    const [merged] = mergeHealth([
      { ...base, breaker: 'closed', since: undefined, nextTry: undefined, awayMs: 10 },
      { ...base, breaker: 'open', since: 5, nextTry: 9, awayMs: 30 },
      { ...base, breaker: 'half-open', since: 3, nextTry: 12, awayMs: 20, gaveUp: true },
    ])
    assert.deepEqual(merged, {
      server: 'database',
      breaker: 'open',
      since: 3,
      attempts: 3,
      nextTry: 9,
      openings: 3,
      awayMs: 30,
      gaveUp: true,
      error: undefined,
    })
  })
})
