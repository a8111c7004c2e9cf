import { join } from 'node:path'
import type { Artifact } from './artifacts.ts'
import { type DownloadOptions, download, isCached } from './download.ts'
import { withLock } from './folder-lock.ts'

/** How far the downloads are; all figures of the files that were missing at the start. */
export interface DownloadProgress {
  readonly files: number
  readonly filesDone: number
  readonly bytes: number
  readonly bytesDone: number
}

export interface FetchOptions extends Omit<DownloadOptions, 'onBytes'> {
  readonly onProgress: (progress: DownloadProgress) => void
  readonly onWait: (text: string) => void
}

const parallel = 6

/** Brings all `artifacts` into the cache, several at a time; the first failure ends it. */
export async function fetchArtifacts(artifacts: readonly Artifact[], options: FetchOptions): Promise<void> {
  if ((await missing(artifacts, options.cache)).length === 0) return
  await withLock(
    join(options.cache, 'download.lock'),
    () => fetchMissing(artifacts, options),
    ({ pid }) => options.onWait(`process ${pid} is downloading into ${options.cache}, waiting for it`),
  )
}

async function fetchMissing(artifacts: readonly Artifact[], options: FetchOptions): Promise<void> {
  // The large ones first, so that none is left alone at the end.
  const queue = (await missing(artifacts, options.cache)).sort((a, b) => b.size - a.size)
  const files = queue.length
  const bytes = queue.reduce((sum, artifact) => sum + artifact.size, 0)
  let filesDone = 0
  let bytesDone = 0
  const report = () => options.onProgress({ files, filesDone, bytes, bytesDone })
  const onBytes = (count: number) => {
    bytesDone += count
    report()
  }
  const lanes = Array.from({ length: Math.min(parallel, files) }, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      await download(next, { ...options, onBytes })
      filesDone += 1
      report()
    }
  })
  await Promise.all(lanes).finally(() => queue.splice(0))
}

async function missing(artifacts: readonly Artifact[], cache: string): Promise<Artifact[]> {
  const cached = await Promise.all(artifacts.map((artifact) => isCached(cache, artifact)))
  return artifacts.filter((_, i) => !cached[i])
}
