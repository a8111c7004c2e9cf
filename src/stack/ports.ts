import { createServer } from 'node:net'
import { UsageError } from '../errors.ts'

export const loopback = '127.0.0.1'

/** True when a server could listen on this port of the loopback address now. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return await new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen({ host: loopback, port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** The first free port from `preferred` upwards that is not in `taken`; adds it there. */
export async function pickPort(preferred: number, taken: Set<number>): Promise<number> {
  for (let port = preferred; port < preferred + 1000 && port < 65_536; port++) {
    if (taken.has(port) || !(await isFree(port))) continue
    taken.add(port)
    return port
  }
  throw new UsageError(`no free port from ${preferred} to ${Math.min(preferred + 999, 65_535)}`)
}
