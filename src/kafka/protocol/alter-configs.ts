import type { WireRequest } from '../kafkajs/types.ts'
import { ApiKey } from './api-keys.ts'
import { message } from './message.ts'

export interface AlterConfigsResult {
  readonly errorCode: number
  readonly errorMessage: string | null
}

const topicResource = 2
const set = 0

/**
 * IncrementalAlterConfigs v0 (KIP-339): sets entries of one topic and leaves the others as they are, which the
 * older AlterConfigs cannot. https://kafka.apache.org/protocol#The_Messages_IncrementalAlterConfigs
 */
export function alterTopicConfigRequest(
  topic: string,
  entries: ReadonlyMap<string, string>,
): WireRequest<AlterConfigsResult> {
  return message<AlterConfigsResult>({
    apiKey: ApiKey.incrementalAlterConfigs,
    apiVersion: 0,
    apiName: 'IncrementalAlterConfigs',
    flexible: false,
    write(body) {
      body.array([topic], () => {
        body.int8(topicResource).string(topic)
        body.array([...entries], ([name, value]) => body.string(name).int8(set).string(value))
      })
      body.boolean(false) // validate_only
    },
    read(body) {
      const throttle = body.int32()
      const results = body.array(() => {
        const result = { errorCode: body.int16(), errorMessage: body.string() }
        body.int8()
        body.string()
        return result
      })
      return { throttle, result: results[0] ?? { errorCode: -1, errorMessage: 'empty response' } }
    },
  })
}
