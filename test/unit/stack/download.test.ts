import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { UnexpectedError, UnreachableError } from '../../../src/errors.ts'
import { type Artifact, repositoryPath } from '../../../src/stack/artifacts.ts'
import { cachedFile, type DownloadOptions, download } from '../../../src/stack/download.ts'
import { fetchArtifacts } from '../../../src/stack/fetch-artifacts.ts'
import { temporaryFolder } from './temporary-folder.ts'

const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251))
const artifact = artifactOf('org.example:part:jar:1.0', content)

function artifactOf(coordinates: string, bytes: Buffer): Artifact {
  return { coordinates, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** A Maven repository that answers as `handle` says; counts what it is asked. */
async function repository(handle: Handler): Promise<{ url: string; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    handle(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/maven2`, requests }
}

/** Serves `content`, by range where asked. */
const serve: Handler = (request, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  if (from > 0) {
    const range = `bytes ${from}-${content.length - 1}/${content.length}`
    response.writeHead(206, { 'content-range': range }).end(content.subarray(from))
  } else response.writeHead(200).end(content)
}

function optionsFor(url: string): DownloadOptions & { cache: string; counted: () => number } {
  let sum = 0
  return {
    cache: temporaryFolder(),
    repository: url,
    localRepository: join(temporaryFolder(), 'none'),
    onBytes: (bytes) => {
      sum += bytes
    },
    counted: () => sum,
  }
}

function writePart(cache: string, bytes: Buffer): string {
  const part = `${cachedFile(cache, artifact)}.part`
  mkdirSync(dirname(part), { recursive: true })
  writeFileSync(part, bytes)
  return part
}

test('a file is downloaded into the repository layout, and the second time not asked for', async () => {
  const { url, requests } = await repository(serve)
  const options = optionsFor(url)
  const file = await download(artifact, options)
  assert.deepEqual(readFileSync(file), content)
  assert.equal(file, join(options.cache, 'artifacts', repositoryPath(artifact.coordinates)))
  assert.equal(options.counted(), content.length)
  await download(artifact, options)
  assert.equal(requests.length, 1)
})

test('an interrupted download goes on where it stopped', async () => {
  const { url, requests } = await repository(serve)
  const options = optionsFor(url)
  writePart(options.cache, content.subarray(0, 123_456))
  assert.deepEqual(readFileSync(await download(artifact, options)), content)
  assert.equal(requests[0]?.headers.range, 'bytes=123456-')
  assert.equal(options.counted(), content.length)
})

test('a server that knows no ranges sends the whole file, which replaces the piece', async () => {
  const { url } = await repository((_, response) => response.writeHead(200).end(content))
  const options = optionsFor(url)
  writePart(options.cache, Buffer.alloc(1000, 1))
  assert.deepEqual(readFileSync(await download(artifact, options)), content)
  assert.equal(options.counted(), content.length)
})

test('a connection that breaks is taken up again, from where it broke', async () => {
  let first = true
  const { url, requests } = await repository((request, response) => {
    if (!first) return serve(request, response)
    first = false
    response.writeHead(200, { 'content-length': content.length })
    response.write(content.subarray(0, 100_000))
    // What is still under way when a connection breaks may be lost: break it when something has arrived.
    const part = `${cachedFile(options.cache, artifact)}.part`
    const look = setInterval(() => {
      if (!existsSync(part) || statSync(part).size === 0) return
      clearInterval(look)
      response.destroy()
    }, 5)
  })
  const options = optionsFor(url)
  assert.deepEqual(readFileSync(await download(artifact, options)), content)
  assert.equal(requests.length, 2)
  assert.match(requests[1]?.headers.range ?? '', /^bytes=[1-9]\d*-$/)
  assert.equal(options.counted(), content.length)
})

test('a file with another content is refused and not kept', async () => {
  const { url } = await repository((_, response) => response.end(Buffer.alloc(content.length, 9)))
  const options = optionsFor(url)
  await assert.rejects(download(artifact, options), UnexpectedError)
  assert.equal(existsSync(cachedFile(options.cache, artifact)), false)
  assert.equal(existsSync(`${cachedFile(options.cache, artifact)}.part`), false)
})

test('a damaged piece of an earlier download is found by the checksum', async () => {
  const { url } = await repository(serve)
  const options = optionsFor(url)
  writePart(options.cache, Buffer.alloc(1000, 1))
  await assert.rejects(download(artifact, options), UnexpectedError)
  assert.deepEqual(readFileSync(await download(artifact, options)), content, 'the next try starts anew')
})

test('404 is final: asked once, and the URL is in the error', async () => {
  const { url, requests } = await repository((_, response) => response.writeHead(404).end())
  await assert.rejects(
    download(artifact, optionsFor(url)),
    (err) =>
      err instanceof UnreachableError && err.where === `${url}/${repositoryPath(artifact.coordinates)}`,
  )
  assert.equal(requests.length, 1)
})

test('user and password of a mirror travel in a header and are not in the error', async () => {
  const { url, requests } = await repository((_, response) => response.writeHead(403).end())
  const mirror = url.replace('http://', 'http://me:s%40cret@')
  await assert.rejects(
    download(artifact, optionsFor(mirror)),
    (err) => err instanceof UnreachableError && !JSON.stringify({ ...err }).includes('cret'),
  )
  assert.equal(requests[0]?.headers.authorization, `Basic ${Buffer.from('me:s@cret').toString('base64')}`)
})

test('a local Maven repository that has the file saves the download; one with another content does not', async () => {
  const { url, requests } = await repository(serve)
  const local = temporaryFolder()
  const copy = join(local, repositoryPath(artifact.coordinates))
  mkdirSync(dirname(copy), { recursive: true })
  writeFileSync(copy, content)
  const options = { ...optionsFor(url), localRepository: local }
  assert.deepEqual(readFileSync(await download(artifact, options)), content)
  assert.equal(requests.length, 0)

  writeFileSync(copy, Buffer.alloc(content.length))
  const others = { ...optionsFor(url), localRepository: local }
  assert.deepEqual(readFileSync(await download(artifact, others)), content)
  assert.equal(requests.length, 1)
})

test('six files are under way at a time, and the last report says that all is there', {
  timeout: 60_000,
}, async () => {
  // Answers nobody until six wait: fewer lanes would hang, more would be seen.
  const waiting: ServerResponse[] = []
  let answered = 0
  const { url } = await repository((_, response) => {
    waiting.push(response)
    assert(waiting.length <= 6)
    if (waiting.length < 6 && answered + waiting.length < 20) return
    answered += waiting.length
    for (const held of waiting.splice(0)) held.end(content)
  })
  const artifacts = Array.from({ length: 20 }, (_, i) => artifactOf(`org.example:part-${i}:jar:1.0`, content))
  const reports: { filesDone: number; bytesDone: number }[] = []
  await fetchArtifacts(artifacts, {
    ...optionsFor(url),
    onProgress: (progress) => reports.push(progress),
    onWait: assert.fail,
  })
  assert.deepEqual(reports.at(-1), {
    files: 20,
    filesDone: 20,
    bytes: 20 * content.length,
    bytesDone: 20 * content.length,
  })
})
