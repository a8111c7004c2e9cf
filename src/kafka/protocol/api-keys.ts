/** https://kafka.apache.org/protocol#protocol_api_keys, those that we send by ourselves. */
export const ApiKey = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  offsetFetch: 9,
  joinGroup: 11,
  initProducerId: 22,
  addPartitionsToTxn: 24,
  addOffsetsToTxn: 25,
  endTxn: 26,
  txnOffsetCommit: 28,
  incrementalAlterConfigs: 44,
} as const
