import { once } from 'node:events'
import type { Readable } from 'node:stream'
import type { SqlRow } from '../sql/session.ts'

/** Rows that the client keeps before it stops reading from the server. */
export const bufferedRows = 64

/** What the server sends of an unbuffered result, by pages of what has arrived. `wait` guards each wait for more. */
export async function* streamRows(
  rows: Readable,
  wait: (more: Promise<unknown>) => Promise<unknown>,
): AsyncGenerator<readonly SqlRow[]> {
  for (;;) {
    const page: SqlRow[] = []
    while (page.length < bufferedRows) {
      const row = rows.read() as SqlRow | null
      if (row === null) break
      page.push(row)
    }
    if (page.length > 0) yield page
    else if (rows.readableEnded) return
    else await wait(moreOf(rows))
  }
}

async function moreOf(rows: Readable): Promise<void> {
  if (rows.errored) throw rows.errored
  const done = new AbortController()
  try {
    // `once` rejects with the stream's error.
    await Promise.race([
      once(rows, 'readable', { signal: done.signal }),
      once(rows, 'end', { signal: done.signal }),
    ])
  } finally {
    done.abort()
  }
}
