import type { WireRequest } from '../kafkajs/types.ts'
import { WireReader, WireWriter } from './wire.ts'

interface MessageDefinition<T> {
  readonly apiKey: number
  readonly apiVersion: number
  readonly apiName: string
  /** Flexible versions (KIP-482) have tagged fields in both headers. */
  readonly flexible: boolean
  /** Bytes of the body, as far as known; saves growing. */
  readonly sizeHint?: number
  write(body: WireWriter): void
  /** Throttle time in milliseconds that the broker asked for (KIP-219), and the result. */
  read(body: WireReader): { throttle: number; result: T }
}

/** A request of ours in the form that a kafkajs connection sends. */
export function message<T>(definition: MessageDefinition<T>): WireRequest<T> {
  const { apiKey, apiVersion, apiName, flexible } = definition
  return {
    request: {
      apiKey,
      apiVersion,
      apiName,
      encode: async () => {
        const body = new WireWriter(definition.sizeHint ?? 256)
        if (flexible) body.noTags() // the part of request header v2 that header v1 lacks
        definition.write(body)
        return body
      },
    },
    response: {
      decode: async (payload: Buffer) => {
        const body = new WireReader(payload)
        if (flexible) body.skipTags() // response header v1
        const { throttle, result } = definition.read(body)
        return { clientSideThrottleTime: throttle, result }
      },
      parse: async (decoded: { result: T }) => decoded.result,
    },
  }
}
