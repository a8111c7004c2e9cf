import assert from 'node:assert/strict'
import { test } from 'node:test'
import lock from '../../../src/stack/artifacts.lock.json' with { type: 'json' }
import {
  artifactsOf,
  artifactUrl,
  parseCoordinates,
  repositoryPath,
  versionOf,
} from '../../../src/stack/artifacts.ts'

test('coordinates with and without a classifier become paths of the default repository layout', () => {
  assert.equal(
    repositoryPath('org.apache.kafka:kafka_2.13:jar:4.3.1'),
    'org/apache/kafka/kafka_2.13/4.3.1/kafka_2.13-4.3.1.jar',
  )
  assert.equal(
    repositoryPath('io.apicurio:apicurio-registry-app:tar.gz:all:3.0.9'),
    'io/apicurio/apicurio-registry-app/3.0.9/apicurio-registry-app-3.0.9-all.tar.gz',
  )
})

test('text that is not coordinates is refused', () => {
  for (const text of ['', 'a:b', 'a:b:jar', 'a::jar:1', 'a:b:c:d:e:f']) {
    assert.throws(() => parseCoordinates(text), TypeError, text)
  }
})

test('every locked artifact has one path for repository, mirror and cache', async () => {
  for (const { coordinates } of Object.values(lock).flat()) {
    const path = repositoryPath(coordinates)
    assert.equal(
      await artifactUrl(coordinates, 'http://mirror.example/maven2'),
      `http://mirror.example/maven2/${path}`,
    )
    assert.equal(
      await artifactUrl(coordinates, 'http://mirror.example/maven2/'),
      `http://mirror.example/maven2/${path}`,
    )
    assert.match(await artifactUrl(coordinates), new RegExp(`^https://.*/${path.replaceAll('.', '\\.')}$`))
  }
})

test('the lock pins content, and each file once', () => {
  const all = Object.values(lock).flat()
  for (const { coordinates, size, sha256 } of all) {
    assert.match(sha256, /^[0-9a-f]{64}$/, coordinates)
    assert(size > 0, coordinates)
  }
  assert.equal(new Set(all.map(({ coordinates }) => coordinates)).size, all.length)
})

test('a platform gets its own builds, and those that run everywhere', () => {
  assert.equal(artifactsOf('kafka', 'linux-x64').length, artifactsOf('kafka', 'darwin-arm64').length)
  assert.match(artifactsOf('postgres', 'linux-x64')[0]?.coordinates ?? '', /linux-amd64/)
  assert.match(artifactsOf('postgres', 'darwin-arm64')[0]?.coordinates ?? '', /darwin-arm64v8/)
  assert.deepEqual(artifactsOf('mysql', 'darwin-arm64'), [])
  assert.equal(artifactsOf('postgres', 'linux-x64').length, 1)
})

test('the class path starts with Kafka itself, so its version is that of the service', () => {
  assert.match(artifactsOf('kafka')[0]?.coordinates ?? '', /:kafka_2\.13:/)
  assert.equal(versionOf('kafka'), '4.3.1')
})
