import { sinkContract } from './contract.ts'

sinkContract('mysql')
