import { Flags } from '@oclif/core'
import { EtlCommand } from '../../src/cli/command.ts'
import { stopSignal } from '../../src/cli/stop-signal.ts'
import { startGate } from '../../src/stack/secure/gate-server.ts'

/** What `etl stack up --secure` starts as a process of its own; nobody types it. */
export default class StackGate extends EtlCommand {
  static override hidden = true
  static override summary = 'HTTPS before the registry of a secured stack, and its token endpoint'
  static override examples = ['<%= config.bin %> stack gate --dir . --port 8443']
  static override flags = {
    dir: Flags.string({ description: 'folder that holds .etl/', required: true, helpValue: 'FOLDER' }),
    port: Flags.integer({ description: 'port on 127.0.0.1', required: true, min: 1, max: 65_535 }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(StackGate)
    const stop = stopSignal(() => {})
    const server = await startGate(flags.dir, flags.port)
    this.logToStderr(`listening on 127.0.0.1:${flags.port}`)
    await new Promise<void>((resolve) =>
      stop.signal.addEventListener('abort', () => resolve(), { once: true }),
    )
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    stop.dispose()
  }
}
