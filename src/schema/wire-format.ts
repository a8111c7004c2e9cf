import { InputError } from '../errors.ts'

/**
 * Confluent wire format: magic byte 0, schema id (4 bytes, big-endian), Avro binary.
 * https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
 */
export const wireHeaderLength = 5

export function encodeWireFormat(schemaId: number, payload: Uint8Array): Buffer {
  const message = Buffer.allocUnsafe(wireHeaderLength + payload.length)
  writeWireHeader(message, schemaId)
  message.set(payload, wireHeaderLength)
  return message
}

/** Writes the five header bytes at `offset` of a buffer that the payload goes into. */
export function writeWireHeader(message: Buffer, schemaId: number, offset = 0): void {
  message[offset] = 0
  message.writeUInt32BE(schemaId, offset + 1)
}

/**
 * Schema id of a message; its Avro binary begins at `wireHeaderLength`.
 * @throws InputError when the message is not in the wire format
 */
export function schemaIdOf(message: Uint8Array): number {
  const [magic, a, b, c, d] = message
  if (magic === undefined || a === undefined || b === undefined || c === undefined || d === undefined) {
    throw new InputError(
      `not in the registry's wire format: ${message.length} bytes, but magic byte and schema id take ${wireHeaderLength}`,
    )
  }
  if (magic !== 0) {
    throw new InputError(`not in the registry's wire format: it begins with byte ${magic} instead of 0`)
  }
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}

/** Splits a message into schema id and Avro binary (a view, not a copy). Throws InputError like `schemaIdOf`. */
export function decodeWireFormat(message: Uint8Array): { schemaId: number; payload: Uint8Array } {
  return { schemaId: schemaIdOf(message), payload: message.subarray(wireHeaderLength) }
}
