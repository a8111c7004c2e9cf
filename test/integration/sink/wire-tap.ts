import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { SinkConfig } from '../../../src/sink/sink.ts'

/**
 * A TCP proxy in front of a database that listens in: which statements the client sends, which errors the server answers with.
 * And it can hold a statement, or its answer, for as long as a test wants.
 */
export class WireTap {
  readonly #kind: SinkConfig['kind']
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Statements in the order in which they were sent. */
  statements: string[] = []
  /** SQLSTATEs or error numbers that the server answered with. */
  errors: string[] = []
  /** Awaited before a statement goes to the server. */
  beforeServer: (statement: string) => Promise<void> | void = () => {}
  /** Awaited before the first answer to a statement goes to the client. */
  beforeClient: (statement: string) => Promise<void> | void = () => {}

  private constructor({ kind, host, port }: SinkConfig) {
    this.#kind = kind
    this.#server = createServer((client) => this.#pipe(client, connect({ host, port })))
  }

  /** A tap in front of `config`'s server, and the address that goes through it. */
  static async open(config: SinkConfig): Promise<{ tap: WireTap; config: SinkConfig }> {
    const tap = new WireTap(config)
    await new Promise<void>((resolve) => tap.#server.listen(0, '127.0.0.1', resolve))
    const { port } = tap.#server.address() as AddressInfo
    return { tap, config: { ...config, host: '127.0.0.1', port } }
  }

  /** Forgets what was heard, and holds nothing any more. */
  reset(): void {
    this.statements = []
    this.errors = []
    this.beforeServer = () => {}
    this.beforeClient = () => {}
  }

  /** Hangs up on every client. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #pipe(client: Socket, server: Socket): void {
    const heard = wire[this.#kind]()
    const hangUp = (): void => {
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', hangUp)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        hangUp()
      })
    }
    let unanswered: string | undefined
    relay(client, server, async (bytes) => {
      for (const statement of heard.statements(bytes)) {
        this.statements.push(statement)
        unanswered = statement
        await this.beforeServer(statement)
      }
    })
    relay(server, client, async (bytes) => {
      this.errors.push(...heard.errors(bytes))
      const statement = unanswered
      unanswered = undefined
      if (statement !== undefined) await this.beforeClient(statement)
    })
  }
}

/** Passes bytes on, in order, each after `before`. */
function relay(from: Socket, to: Socket, before: (bytes: Buffer) => Promise<void>): void {
  let last: Promise<void> = Promise.resolve()
  from.on('data', (bytes) => {
    last = last.then(async () => {
      await before(bytes)
      if (!to.destroyed) to.write(bytes)
    })
    last.catch(() => to.destroy())
  })
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
