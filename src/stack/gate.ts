import { mkdir } from 'node:fs/promises'
import { ownProgram } from './own-program.ts'
import { loopback } from './ports.ts'
import { probeGate } from './probe.ts'
import type { Service } from './service.ts'
import { gateName } from './state.ts'

/** The HTTPS server of a secured stack, a process of our own: see secure/gate-server.ts. */
export const gate: Service<typeof gateName> = {
  name: gateName,
  label: 'TLS gate',
  usualPort: 8443,
  extraPorts: () => 0,
  needsJava: false,
  refusesRoot: false,
  stopSignal: 'SIGTERM',

  async prepare({ dir, port, data }) {
    await mkdir(data, { recursive: true, mode: 0o700 })
    return { ...ownProgram(['stack', 'gate', '--dir', dir, '--port', String(port)]), cwd: data }
  },

  describe: (process) => ({ ...process, url: `https://${loopback}:${process.port}` }),
  probe: ({ port }) => probeGate(port),
  address: ({ url }) => url,
}
