import { config } from '../fixture.ts'
import { lifeCases } from './all-cases.ts'
import { groupReader } from './subject.ts'
import { contractSuite } from './suite.ts'

contractSuite(groupReader, () => config, lifeCases)
