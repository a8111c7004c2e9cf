import { after, before, suite } from 'node:test'
import { OwnCluster } from '../brokers/own-cluster.ts'
import { brokerRestart, leaderChange } from './brokers.ts'
import { groupReader, logReader } from './subject.ts'
import { contractSuite } from './suite.ts'

for (const [what, nodes, casesOf] of [
  ['one broker', 1, brokerRestart],
  ['two brokers', 2, leaderChange],
] as const) {
  suite(`a cluster of ${what} that the test kills`, () => {
    let cluster: OwnCluster
    let stop: () => unknown = () => {}
    before(async () => {
      cluster = await OwnCluster.start({ after: (clean) => (stop = clean) }, { nodes })
    })
    after(() => stop())
    for (const subject of [groupReader, logReader]) {
      contractSuite(
        subject,
        () => cluster.config,
        casesOf(() => cluster),
      )
    }
  })
}
