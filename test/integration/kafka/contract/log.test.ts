import { config } from '../fixture.ts'
import { logCases } from './all-cases.ts'
import { groupReader, logReader } from './subject.ts'
import { contractSuite } from './suite.ts'

for (const subject of [groupReader, logReader]) contractSuite(subject, () => config, logCases)
