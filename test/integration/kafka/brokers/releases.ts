import type { Artifact } from '../../../../src/stack/artifacts.ts'
import { artifactsOf } from '../../../../src/stack/artifacts.ts'
import { cacheFolder } from '../../../../src/stack/cache-folder.ts'
import { cachedFile } from '../../../../src/stack/download.ts'
import { fetchArtifacts } from '../../../../src/stack/fetch-artifacts.ts'
import locked from '../../../fixtures/kafka-releases.lock.json' with { type: 'json' }

/** Older releases of Kafka that tests run against; pinned by lock-releases.ts. */
export type OlderRelease = keyof typeof locked
export const olderReleases = Object.keys(locked) as OlderRelease[]

/** Class path of a broker: the release that `etl stack` runs, or an older one. Downloads what the cache lacks. */
export async function brokerJars(release?: OlderRelease): Promise<string[]> {
  const artifacts: readonly Artifact[] = release ? locked[release] : artifactsOf('kafka')
  const cache = cacheFolder()
  await fetchArtifacts(artifacts, {
    cache,
    repository: process.env.ETL_MAVEN_REPOSITORY || undefined,
    onProgress: () => {},
    onWait: (text) => process.stderr.write(`${text}\n`),
  })
  return artifacts.map((artifact) => cachedFile(cache, artifact))
}
