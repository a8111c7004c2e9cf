import { sinkContract } from './contract.ts'

sinkContract('postgres')
