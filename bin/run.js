#!/usr/bin/env node
// What `etl` starts when it was installed from npm: the bundle that bin/build.ts made.
import { existsSync } from 'node:fs'
import * as module from 'node:module'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const bundle = new URL('../dist/etl.cjs', import.meta.url)

if (major < 22 || (major === 22 && minor < 15)) {
  fail(`etl needs Node.js 22.15 or newer; this is ${process.version}`, 'node --version')
} else if (!existsSync(bundle)) {
  fail('this checkout has no bundle yet', 'npm run build')
} else {
  // V8's compiled code is kept between runs, so that starting does not parse the whole bundle again.
  module.enableCompileCache()
  module.createRequire(import.meta.url)(bundle.pathname)
}

/** @param {string} message @param {string} next */
function fail(message, next) {
  process.stderr.write(`Error: ${message}\n  next:  ${next}\n`)
  process.exitCode = 78
}
