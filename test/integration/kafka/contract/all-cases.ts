import { assigning } from './assigning.ts'
import { closing } from './closing.ts'
import { delivery, topicErrors } from './delivery.ts'
import { madeAnew, outOfRange } from './log-changes.ts'
import { rebalances } from './rebalances.ts'
import { batchSizes, codecCases, damage } from './record-batches.ts'
import type { Cases } from './test-bed.ts'
import { abortCases, openTransaction, randomTransactions } from './transactions.ts'

/** What every way of reading promises. */
export const logCases: Cases = {
  ...abortCases,
  ...randomTransactions,
  ...codecCases,
  ...batchSizes,
  ...damage,
  ...outOfRange,
  ...madeAnew,
}

/** What a member of a group promises besides: of records and partitions, */
export const sharingCases: Cases = { ...delivery, ...openTransaction, ...topicErrors, ...rebalances }

/** and of its beginning and end. */
export const lifeCases: Cases = { ...assigning, ...closing }
