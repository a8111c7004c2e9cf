/** Topic ids (KIP-516) are UUIDs; as text they are what Kafka's own tools print: URL-safe base64 without padding. */

export const zeroUuid = Buffer.alloc(16)

/** '' for the zero UUID, which stands for none. */
export function topicIdText(id: Buffer): string {
  return id.equals(zeroUuid) ? '' : id.toString('base64url')
}

export function topicIdBytes(text: string): Buffer {
  return Buffer.from(text, 'base64url')
}
