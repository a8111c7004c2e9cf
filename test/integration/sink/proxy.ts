import type { Observer, ProxiedConnection } from '../../../src/chaos/proxied-connection.ts'
import { Relay } from '../../../src/chaos/relay.ts'
import { TransactionScanner } from '../../../src/chaos/transaction-scanner.ts'
import type { SinkConfig } from '../../../src/sink/sink.ts'

/** What happens to the next COMMIT; `freeze`: as of a stopped process, nothing gets through any more, and nobody hangs up. */
type Fault = 'unsent' | 'unanswered' | 'freeze'

/** A proxy in front of a database that loses one COMMIT. */
export class CommitProxy extends Relay {
  readonly #kind: SinkConfig['kind']
  #fault: Fault | undefined
  /** Also takes no connection after the fault, until `heal()`. */
  #staysDown = false
  #down = false
  triggered = 0
  #onTrigger = (): void => {}

  private constructor(config: SinkConfig) {
    super(config)
    this.#kind = config.kind
  }

  /** A proxy in front of `config`'s server, and the address that goes through it. */
  static async open(config: SinkConfig): Promise<{ proxy: CommitProxy; config: SinkConfig }> {
    const proxy = new CommitProxy(config)
    return { proxy, config: { ...config, host: '127.0.0.1', port: await proxy.listen() } }
  }

  arm(fault: Fault, staysDown = false): void {
    this.#fault = fault
    this.#staysDown = staysDown
  }

  /** Resolves when the armed fault has struck. */
  struck(): Promise<void> {
    return new Promise((resolve) => {
      this.#onTrigger = resolve
    })
  }

  heal(): void {
    this.#down = false
  }

  protected override observe(connection: ProxiedConnection): Observer {
    if (this.#down) connection.reset()
    const scanner = new TransactionScanner(this.#kind, '')
    return {
      onRequest: (bytes) => {
        const { commitAt } = scanner.scan(bytes)
        const fault = commitAt < 0 ? undefined : this.#takeFault()
        if (fault === 'freeze') connection.silence()
        else if (fault !== undefined) connection.loseCommit({ kind: fault }, bytes, commitAt)
        return fault !== undefined
      },
    }
  }

  #takeFault(): Fault | undefined {
    const fault = this.#fault
    this.#fault = undefined
    if (fault !== undefined) {
      this.triggered++
      this.#onTrigger()
      this.#down = this.#staysDown
    }
    return fault
  }
}
