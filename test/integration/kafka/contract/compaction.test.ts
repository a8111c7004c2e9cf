import { config } from '../fixture.ts'
import { compaction } from './compaction.ts'
import { groupReader, logReader } from './subject.ts'
import { contractSuite } from './suite.ts'

// A file of its own, because it waits for Kafka's cleaner most of the time.
for (const subject of [groupReader, logReader]) contractSuite(subject, () => config, compaction)
