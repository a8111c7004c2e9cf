import { serverFaults } from './faults.ts'

serverFaults('mysql')
