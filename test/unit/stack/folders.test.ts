import assert from 'node:assert/strict'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isOpen } from '../../../src/stack/account.ts'
import { cacheFolder } from '../../../src/stack/cache-folder.ts'
import { downloadLine } from '../../../src/stack/progress.ts'
import { socketPath } from '../../../src/stack/socket-path.ts'
import { temporaryFolder } from './temporary-folder.ts'

test('a folder is open when everyone may pass through all that exist above it', () => {
  const dir = temporaryFolder()
  const inner = join(dir, 'a', 'b')
  mkdirSync(inner, { recursive: true })
  for (const folder of [dir, join(dir, 'a'), inner]) chmodSync(folder, 0o755)
  assert.equal(isOpen(join(inner, 'not there yet')), true)
  chmodSync(join(dir, 'a'), 0o700)
  assert.equal(isOpen(inner), false)
})

test('the cache folder: ETL_CACHE_DIR, then XDG_CACHE_HOME when absolute, then the home folder', () => {
  assert.equal(cacheFolder({ ETL_CACHE_DIR: '/c', XDG_CACHE_HOME: '/x', HOME: '/h' }), '/c')
  assert.equal(cacheFolder({ XDG_CACHE_HOME: '/x', HOME: '/h' }), '/x/etl')
  assert(cacheFolder({ XDG_CACHE_HOME: 'relative', HOME: '/h' }).startsWith('/h/'))
})

test('a socket whose path the system would cut is not made', () => {
  assert.equal(socketPath('/data', 'mysql.sock'), '/data/mysql.sock')
  assert.equal(socketPath(`/${'ü'.repeat(50)}`, 'mysql.sock'), undefined)
})

test('the download line fits into 80 columns', () => {
  const line = downloadLine({ files: 95, filesDone: 12, bytes: 329e6, bytesDone: 101e6 }, 3)
  assert.equal(line, 'downloading 12/95 files, 101 of 329 MB, 34 MB/s')
})
