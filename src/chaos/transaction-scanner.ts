/** Protocols whose transactions can be seen in the bytes that a client sends. */
export type SqlProtocol = 'postgres' | 'mysql'

/** What a piece of a client's bytes holds. */
export interface TransactionEvents {
  /** It ends with, or holds, a statement that writes rows to the table. */
  readonly writes: boolean
  /** Where the first message begins that commits; 0 when it began in earlier bytes; -1: there is none. */
  readonly commitAt: number
}

/** Beginning and end of a message are enough to know it by, however long it is. */
const kept = 96
const sslRequest = 80_877_103
const query = 'Q'.charCodeAt(0)
const parse = 'P'.charCodeAt(0)
const comQuery = 3

/**
 * Reads the frames that a client sends on one connection and finds COMMIT, and the INSERT of rows into one table. Knows frames, not SQL:
 * a text that ends with the one as a statement of its own, or begins with the other.
 *
 * PostgreSQL: type byte, int32 length that counts itself; the first message of a connection has no type ("Message Formats" in the
 * frontend/backend protocol). MySQL: int24 little-endian length and a sequence number, then the command byte ("Protocol::Packet").
 */
export class TransactionScanner {
  readonly #protocol: SqlProtocol
  readonly #table: string
  /** PostgreSQL's messages have a type only after the startup message. */
  #started: boolean
  #header: number[] = []
  /** Bytes of the message's body that have not come yet. */
  #left = 0
  #type = 0
  #head = Buffer.alloc(0)
  #tail = Buffer.alloc(0)

  constructor(protocol: SqlProtocol, table: string) {
    this.#protocol = protocol
    this.#table = table
    this.#started = protocol === 'mysql'
  }

  scan(bytes: Buffer): TransactionEvents {
    let writes = false
    let commitAt = -1
    let messageAt = 0
    for (let at = 0; at < bytes.length; ) {
      if (this.#left === 0) {
        if (this.#header.length === 0) messageAt = at
        this.#header.push(bytes[at++] as number)
        if (this.#header.length < this.#headerSize) continue
        this.#begin(Buffer.from(this.#header))
      } else {
        const end = Math.min(bytes.length, at + this.#left)
        this.#take(bytes.subarray(at, end))
        at = end
      }
      if (this.#left > 0) continue
      if (this.#isStatement) {
        const head = text(this.#head)
        writes ||= /^\W*INSERT\s/i.test(head) && head.includes(this.#table)
        if (commitAt < 0 && /(^|;)\s*COMMIT[\s;]*$/i.test(text(this.#tail))) commitAt = messageAt
      }
      this.#end()
    }
    return { writes, commitAt }
  }

  get #headerSize(): number {
    return this.#protocol === 'postgres' && this.#started ? 5 : 4
  }

  get #isStatement(): boolean {
    if (this.#protocol === 'mysql') return this.#head[0] === comQuery
    return this.#type === query || this.#type === parse
  }

  #begin(header: Buffer): void {
    if (this.#protocol === 'mysql') {
      this.#left = header.readUIntLE(0, 3)
    } else if (this.#started) {
      this.#type = header[0] as number
      this.#left = Math.max(0, header.readInt32BE(1) - 4)
    } else {
      this.#left = Math.max(0, header.readInt32BE(0) - 4)
    }
  }

  #take(body: Buffer): void {
    if (this.#head.length < kept) this.#head = Buffer.concat([this.#head, body]).subarray(0, kept)
    this.#tail = Buffer.concat([this.#tail, body.subarray(-kept)]).subarray(-kept)
    this.#left -= body.length
  }

  #end(): void {
    const asksForTls = this.#head.length >= 4 && this.#head.readInt32BE(0) === sslRequest
    if (!this.#started && !asksForTls) this.#started = true
    this.#header = []
    this.#type = 0
    this.#head = Buffer.alloc(0)
    this.#tail = Buffer.alloc(0)
  }
}

/** What separates statements, and the bytes around them (COM_QUERY, ends of strings, Parse's number of types), are one here. */
function text(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll('\u0003', ';').replaceAll('\0', ';')
}
