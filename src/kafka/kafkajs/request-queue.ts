import type { RequestQueue } from './types.ts'

/** Milliseconds after which queued requests are looked at again when no throttling is in effect. */
const checkInterval = 10

/**
 * Replaces RequestQueue.scheduleCheckPendingRequests of kafkajs 2.2.4 (src/network/requestQueue/index.js).
 *
 * Upstream arms its timer even when nothing is pending, with `throttledUntil - now`, a negative delay: Node 24
 * warns (TimeoutNegativeWarning), turns it into 1 ms, and the callback arms the next one, for ever: 5 % of a CPU
 * for each idle connection. https://github.com/tulios/kafkajs/issues/1704, /1751, pull requests 1755 and
 * 1768 (open). Here the timer exists only while requests wait.
 *
 * test/unit/kafka/kafkajs.test.ts holds the replaced file to its known hash.
 */
export function repairRequestQueue(prototype: RequestQueue): void {
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.throttleCheckTimeoutId || this.pending.length === 0) return
    const throttled = this.throttledUntil - Date.now()
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null
        this.checkPendingRequests()
      },
      throttled > 0 ? throttled : checkInterval,
    )
  }
}
