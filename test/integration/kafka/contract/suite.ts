import { suite, test } from 'node:test'
import type { KafkaConfig } from '../../../../src/kafka/config.ts'
import type { Subject } from './subject.ts'
import { type Cases, TestBed } from './test-bed.ts'

/** Registers the cases as tests of one subject. `cluster`: asked when a test starts. */
export function contractSuite(subject: Subject, cluster: () => KafkaConfig, cases: Cases): void {
  suite(`${subject.name} keeps the contract`, () => {
    for (const [name, run] of Object.entries(cases)) {
      test(name, (t) => run(new TestBed(t, cluster(), subject)))
    }
  })
}
