import { serverFaults } from './faults.ts'

serverFaults('postgres')
