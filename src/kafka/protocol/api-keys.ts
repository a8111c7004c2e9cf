/** https://kafka.apache.org/protocol#protocol_api_keys, those that we send by ourselves. */
export const ApiKey = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  joinGroup: 11,
  incrementalAlterConfigs: 44,
} as const
