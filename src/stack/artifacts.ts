import { posix } from 'node:path'
import lock from './artifacts.lock.json' with { type: 'json' }
import type { ServiceName } from './state.ts'

/** One file of a Maven repository, pinned by its content. */
export interface Artifact {
  /** `group:artifact:extension[:classifier]:version`, as Maven writes coordinates. */
  readonly coordinates: string
  /** Bytes. */
  readonly size: number
  readonly sha256: string
  /** Only for this `process.platform-process.arch`; everywhere when absent. */
  readonly platform?: string
}

export interface Coordinates {
  readonly groupId: string
  readonly artifactId: string
  readonly extension: string
  readonly classifier?: string
  readonly version: string
}

const locked: Readonly<Record<ServiceName, readonly Artifact[]>> = { ...lock, gate: [] }

/** What `service` is made of on `platform`; empty when there is no build for it. */
export function artifactsOf(
  service: ServiceName,
  platform: string = `${process.platform}-${process.arch}`,
): readonly Artifact[] {
  return locked[service].filter((artifact) => !artifact.platform || artifact.platform === platform)
}

/** Version of a service as locked: that of its first artifact. */
export function versionOf(service: ServiceName): string {
  const first = locked[service][0]
  return first ? parseCoordinates(first.coordinates).version : ''
}

export function parseCoordinates(coordinates: string): Coordinates {
  const parts = coordinates.split(':')
  const [groupId, artifactId, extension] = parts
  const version = parts.at(-1)
  if (!groupId || !artifactId || !extension || !version || parts.length < 4 || parts.length > 5) {
    throw new TypeError(`not Maven coordinates: ${coordinates}`)
  }
  const classifier = parts.length === 5 ? parts[3] : undefined
  return { groupId, artifactId, extension, ...(classifier ? { classifier } : {}), version }
}

/** Path below the root of any Maven repository, remote or `~/.m2/repository` (the default layout). */
export function repositoryPath(coordinates: string): string {
  const { groupId, artifactId, extension, classifier, version } = parseCoordinates(coordinates)
  const file = `${artifactId}-${version}${classifier ? `-${classifier}` : ''}.${extension}`
  return posix.join(...groupId.split('.'), artifactId, version, file)
}

/** Where to download from: `repository` (a mirror), else Maven Central, whose address mvn-artifact-url knows. */
export async function artifactUrl(coordinates: string, repository?: string): Promise<string> {
  if (repository !== undefined) return `${repository.replace(/\/+$/, '')}/${repositoryPath(coordinates)}`
  // Loaded here, not above: few runs download anything, and it brings an HTTP client and an XML parser along.
  const { default: loaded } = await import('mvn-artifact-url')
  // CommonJS with a `default` member: Node gives the whole module object, a bundler the function.
  const interop = loaded as unknown as ResolveUrl | { default: ResolveUrl }
  const resolveUrl = typeof interop === 'function' ? interop : interop.default
  return await resolveUrl(parseCoordinates(coordinates))
}

type ResolveUrl = (artifact: Coordinates) => Promise<string>
