// Writes test/fixtures/kafka-releases.lock.json: node test/integration/kafka/brokers/lock-releases.ts. Needs mvn.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Artifact } from '../../../../src/stack/artifacts.ts'

/** The last release before 4, and the first one of 3, which knows no topic ids in Fetch (they came in 3.1). */
const releases = ['3.9.1', '3.0.2']

const pom = (release: string) => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>etl</groupId><artifactId>kafka</artifactId><version>${release}</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${release}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
    <dependency><groupId>ch.qos.reload4j</groupId><artifactId>reload4j</artifactId><version>1.2.25</version></dependency>
  </dependencies>
</project>
`

/** As Maven resolves it, in class path order. */
function resolved(release: string): Artifact[] {
  const folder = mkdtempSync(join(tmpdir(), 'etl-releases-'))
  try {
    writeFileSync(join(folder, 'pom.xml'), pom(release))
    const list = join(folder, 'list.txt')
    const goal = ['dependency:list', '-DincludeScope=runtime', '-DoutputAbsoluteArtifactFilename=true']
    execFileSync('mvn', ['-q', '-B', '-f', join(folder, 'pom.xml'), ...goal, `-DoutputFile=${list}`], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    // group:artifact:type[:classifier]:version:scope:file, padded; a module's name may follow after " -- ".
    const lines = readFileSync(list, 'utf8').matchAll(/^\s+(\S+):(?:compile|runtime):(\/.*?)(?: -- .*)?$/gm)
    const found = [...lines].map(([, coordinates = '', file = '']) => {
      const content = readFileSync(file)
      const sha256 = createHash('sha256').update(content).digest('hex')
      return { coordinates, size: content.length, sha256 }
    })
    return found.sort((a, b) => (a.coordinates < b.coordinates ? -1 : 1))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const lock = Object.fromEntries(releases.map((release) => [release, resolved(release)]))
const file = join(import.meta.dirname, '..', '..', '..', 'fixtures', 'kafka-releases.lock.json')
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
