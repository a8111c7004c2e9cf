import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What becomes of one COMMIT. */
export type CommitFault =
  /** The server never gets it. */
  | { readonly kind: 'unsent' }
  /** The server gets it; its answer is lost. */
  | { readonly kind: 'unanswered' }
  /** The client sees its connection die at once; the server gets COMMIT after so many milliseconds. */
  | { readonly kind: 'late'; readonly by: number }

/** Each returns true when it has dealt with the bytes itself. */
export interface ConnectionEvents {
  onRequest(bytes: Buffer): boolean
  onReply(): boolean
  onClose(): void
}

/** Stands for the FIN that closes one direction. */
const goodbye = Buffer.alloc(0)
/** Bytes that may wait in one direction before its sender is told to wait. */
const maxWaiting = 1 << 20
/** Milliseconds that a server has to answer a COMMIT that came late. */
const afterLateCommit = 2_000

/** One client, one server, and what happens between them. */
export class ProxiedConnection {
  delay = 0
  readonly #client: Socket
  readonly #server: Socket
  readonly #events: ConnectionEvents
  #silent = false
  #lost = false
  #swallowsAnswer = false

  constructor(client: Socket, server: Socket, events: ConnectionEvents) {
    this.#client = client
    this.#server = server
    this.#events = events
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      // The other end is told by the close that follows every error.
      socket.on('error', () => socket.destroy())
    }
    client.on('close', (broken) => this.#closed(server, broken))
    server.on('close', (broken) => this.#closed(client, broken))
    new Direction(client, server, this, (bytes) => this.#request(bytes))
    new Direction(server, client, this, (bytes) => this.#reply(bytes))
  }

  /** Both ends are told at once, by RST. */
  reset(): void {
    this.#silent = false
    this.#client.resetAndDestroy()
    this.#server.resetAndDestroy()
  }

  silence(): void {
    this.#silent = true
  }

  /** Ends a silence. Bytes that were lost in it cannot be had again: then the connection is reset. */
  hear(): void {
    if (this.#lost) this.reset()
    else this.#silent = false
  }

  /** The server's end is closed, the client's stays open and silent. */
  loseServer(): void {
    this.#silent = true
    this.#lost = true
    this.#server.destroy()
  }

  loseCommit(fault: CommitFault, bytes: Buffer, commitAt: number): void {
    if (fault.kind === 'unanswered') {
      this.#swallowsAnswer = true
      this.#server.write(bytes)
      return
    }
    this.#server.write(bytes.subarray(0, commitAt))
    if (fault.kind === 'unsent') this.reset()
    else void this.#commitLater(bytes.subarray(commitAt), fault.by)
  }

  async #commitLater(bytes: Buffer, by: number): Promise<void> {
    // The client's close must not take the server's end with it.
    this.#silent = true
    this.#client.resetAndDestroy()
    await sleep(by, undefined, { ref: false })
    this.#server.write(bytes)
    await sleep(afterLateCommit, undefined, { ref: false })
    this.#server.destroy()
  }

  #request(bytes: Buffer): boolean {
    if (this.#silent) return this.#lose()
    return this.#events.onRequest(bytes)
  }

  #reply(bytes: Buffer): boolean {
    if (this.#silent) return this.#lose()
    if (bytes === goodbye) return false
    if (this.#swallowsAnswer) {
      this.reset()
      return true
    }
    return this.#events.onReply()
  }

  #lose(): true {
    this.#lost = true
    return true
  }

  #closed(other: Socket, broken: boolean): void {
    if (this.#client.destroyed && this.#server.destroyed) this.#events.onClose()
    if (this.#silent) this.#lost = true
    else if (broken) other.resetAndDestroy()
  }
}

/** Passes bytes on in order, late when the connection says so, and not faster than they are taken. */
class Direction {
  readonly #to: Socket
  readonly #from: Socket
  readonly #connection: ProxiedConnection
  readonly #queue: { readonly bytes: Buffer; readonly due: number }[] = []
  #waiting = 0
  #timer: NodeJS.Timeout | undefined

  constructor(from: Socket, to: Socket, connection: ProxiedConnection, deal: (bytes: Buffer) => boolean) {
    this.#from = from
    this.#to = to
    this.#connection = connection
    from.on('data', (bytes) => {
      if (!deal(bytes)) this.#pass(bytes)
    })
    from.on('end', () => {
      if (!deal(goodbye)) this.#pass(goodbye)
    })
    to.on('close', () => clearTimeout(this.#timer))
  }

  #pass(bytes: Buffer): void {
    const { delay } = this.#connection
    if (delay === 0 && this.#queue.length === 0) {
      this.#write(bytes)
      return
    }
    this.#queue.push({ bytes, due: performance.now() + delay })
    this.#waiting += bytes.length
    if (this.#waiting > maxWaiting) this.#from.pause()
    this.#timer ??= setTimeout(() => this.#flush(), delay)
  }

  #flush(): void {
    this.#timer = undefined
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      const left = first.due - performance.now()
      if (left > 1) {
        this.#timer = setTimeout(() => this.#flush(), left)
        return
      }
      this.#queue.shift()
      this.#waiting -= first.bytes.length
      this.#write(first.bytes)
    }
    this.#from.resume()
  }

  #write(bytes: Buffer): void {
    if (bytes === goodbye) this.#to.end()
    if (bytes === goodbye || this.#to.destroyed || this.#to.write(bytes)) return
    this.#from.pause()
    this.#to.once('drain', () => this.#from.resume())
  }
}
