import type { Observer, ProxiedConnection } from '../../../src/chaos/proxied-connection.ts'
import { Relay } from '../../../src/chaos/relay.ts'
import type { SinkConfig } from '../../../src/sink/sink.ts'

/**
 * A proxy in front of a database that listens in: which statements the client sends, which errors the server answers with.
 * And it can hold a statement, or its answer, for as long as a test wants.
 */
export class WireTap extends Relay {
  readonly #kind: SinkConfig['kind']
  /** Statements in the order in which they were sent. */
  statements: string[] = []
  /** SQLSTATEs or error numbers that the server answered with. */
  errors: string[] = []
  /** Awaited before a statement goes to the server. */
  beforeServer: (statement: string) => Promise<void> | void = () => {}
  /** Awaited before the first answer to a statement goes to the client. */
  beforeClient: (statement: string) => Promise<void> | void = () => {}

  private constructor(config: SinkConfig) {
    super(config)
    this.#kind = config.kind
  }

  /** A tap in front of `config`'s server, and the address that goes through it. */
  static async open(config: SinkConfig): Promise<{ tap: WireTap; config: SinkConfig }> {
    const tap = new WireTap(config)
    return { tap, config: { ...config, host: '127.0.0.1', port: await tap.listen() } }
  }

  /** Forgets what was heard, and holds nothing any more. */
  reset(): void {
    this.statements = []
    this.errors = []
    this.beforeServer = () => {}
    this.beforeClient = () => {}
  }

  protected override observe(connection: ProxiedConnection): Observer {
    const heard = wire[this.#kind]()
    const hangUp = () => connection.reset()
    let unanswered: string | undefined
    return {
      onRequest: inOrder(hangUp, async (bytes) => {
        for (const statement of heard.statements(bytes)) {
          this.statements.push(statement)
          unanswered = statement
          await this.beforeServer(statement)
        }
        connection.toServer(bytes)
      }),
      onReply: inOrder(hangUp, async (bytes) => {
        this.errors.push(...heard.errors(bytes))
        const statement = unanswered
        unanswered = undefined
        if (statement !== undefined) await this.beforeClient(statement)
        connection.toClient(bytes)
      }),
    }
  }
}

/** Deals with one piece after the other. */
function inOrder(hangUp: () => void, deal: (bytes: Buffer) => Promise<void>): (bytes: Buffer) => true {
  let last: Promise<void> = Promise.resolve()
  return (bytes) => {
    last = last.then(() => deal(bytes))
    last.catch(hangUp)
    return true
  }
}

interface Listener {
  /** Texts of the statements that end in these bytes. */
  statements(bytes: Buffer): string[]
  /** Codes of the errors that end in these bytes. */
  errors(bytes: Buffer): string[]
}

const wire: Readonly<Record<SinkConfig['kind'], () => Listener>> = { postgres, mysql }

/** Messages: a type byte, which only the startup message lacks, then a length that counts itself. Protocol 3.0, without TLS. */
function postgres(): Listener {
  const frontend = splitter((buffer, first) => {
    const head = first ? 0 : 1
    return buffer.length < head + 4 ? undefined : head + buffer.readInt32BE(head)
  })
  const backend = splitter((buffer) => (buffer.length < 5 ? undefined : 1 + buffer.readInt32BE(1)))
  return {
    statements: (bytes) =>
      frontend(bytes).flatMap((message) => {
        const type = String.fromCharCode(message[0] ?? 0)
        const body = message.toString('utf8', 5)
        if (type === 'Q') return [body.split('\0')[0] ?? '']
        return type === 'P' ? [body.split('\0')[1] ?? ''] : []
      }),
    errors: (bytes) =>
      backend(bytes).flatMap((message) => {
        if (message[0] !== 'E'.charCodeAt(0)) return []
        const fields = message.toString('utf8', 5).split('\0')
        return [fields.find((field) => field.startsWith('C'))?.slice(1) ?? '']
      }),
  }
}

/** Packets: three bytes of length, a sequence number that is 0 for a command, the payload. */
function mysql(): Listener {
  const packet = (buffer: Buffer) => (buffer.length < 4 ? undefined : 4 + buffer.readUIntLE(0, 3))
  const [client, server] = [splitter(packet), splitter(packet)]
  const query = 3
  return {
    statements: (bytes) =>
      client(bytes)
        .filter((message) => message[3] === 0 && message[4] === query)
        .map((message) => message.toString('utf8', 5)),
    errors: (bytes) =>
      server(bytes)
        // No row begins with this byte.
        .filter((message) => message[4] === 0xff)
        .map((message) => String(message.readUInt16LE(5))),
  }
}

/** Puts pieces together to whole messages; `size` says how long the first message in the buffer is. */
function splitter(size: (buffer: Buffer, first: boolean) => number | undefined): (bytes: Buffer) => Buffer[] {
  let rest: Buffer = Buffer.alloc(0)
  let first = true
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    const messages: Buffer[] = []
    for (;;) {
      const length = size(rest, first)
      if (length === undefined || rest.length < length) return messages
      messages.push(rest.subarray(0, length))
      rest = rest.subarray(length)
      first = false
    }
  }
}
