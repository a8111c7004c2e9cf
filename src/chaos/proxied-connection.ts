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

/** Sees each piece before it is passed on, and may change its bytes. True: it has dealt with them itself. */
export interface Observer {
  readonly onRequest?: (bytes: Buffer) => boolean
  readonly onReply?: (bytes: Buffer) => boolean
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
  observer: Observer = {}
  readonly #client: Socket
  readonly #server: Socket
  readonly #requests: Direction
  readonly #replies: Direction
  readonly #onClose: () => void
  #silent = false
  #lost = false
  #swallowsAnswer = false
  readonly #resets = new Set<Socket>()

  constructor(client: Socket, server: Socket, onClose: () => void) {
    this.#client = client
    this.#server = server
    this.#onClose = onClose
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      // The other end is told by the close that follows every error.
      socket.on('error', () => socket.destroy())
    }
    client.on('close', (broken) => this.#closed(server, broken))
    server.on('close', (broken) => this.#closed(client, broken))
    this.#requests = new Direction(client, server, this, (bytes) => this.#request(bytes))
    this.#replies = new Direction(server, client, this, (bytes) => this.#reply(bytes))
  }

  /** Both ends are told at once, by RST. */
  reset(): void {
    this.#silent = false
    this.#reset(this.#client)
    this.#reset(this.#server)
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

  /** Passes on what an observer kept back; not when the other end is closed by then. */
  toServer(bytes: Buffer): void {
    this.#requests.pass(bytes)
  }

  toClient(bytes: Buffer): void {
    this.#replies.pass(bytes)
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
    this.#reset(this.#client)
    await sleep(by, undefined, { ref: false })
    this.#server.write(bytes)
    await sleep(afterLateCommit, undefined, { ref: false })
    this.#server.destroy()
  }

  #request(bytes: Buffer): boolean {
    if (this.#silent) return this.#lose()
    if (bytes === goodbye) return false
    return this.observer.onRequest?.(bytes) ?? false
  }

  #reply(bytes: Buffer): boolean {
    if (this.#silent) return this.#lose()
    if (bytes === goodbye) return false
    if (this.#swallowsAnswer) {
      this.reset()
      return true
    }
    return this.observer.onReply?.(bytes) ?? false
  }

  #lose(): true {
    this.#lost = true
    return true
  }

  #closed(other: Socket, broken: boolean): void {
    if (this.#client.destroyed && this.#server.destroyed) this.#onClose()
    if (this.#silent) this.#lost = true
    else if (broken) this.#reset(other)
  }

  /**
   * A socket that says or hears goodbye cannot be reset: libuv refuses it with EINVAL, and Node then never closes it. One that is
   * being reset must not hear it any more, nor be reset twice.
   */
  #reset(socket: Socket): void {
    if (this.#resets.has(socket)) return
    this.#resets.add(socket)
    if (socket.connecting || socket.writableEnded || socket.readableEnded) {
      socket.destroy()
      return
    }
    socket.pause()
    socket.resetAndDestroy()
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
      if (!deal(bytes)) this.pass(bytes)
    })
    from.on('end', () => {
      if (!deal(goodbye)) this.pass(goodbye)
    })
    to.on('close', () => clearTimeout(this.#timer))
  }

  pass(bytes: Buffer): void {
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
    if (bytes === goodbye || !this.#to.writable || this.#to.write(bytes)) return
    this.#from.pause()
    this.#to.once('drain', () => this.#from.resume())
  }
}
