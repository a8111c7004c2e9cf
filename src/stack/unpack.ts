import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar'
import xz from 'xz-decompress'
import { openPromise as openZip } from 'yauzl'

/**
 * Unpacks an archive once: `fill` gets an empty folder, which takes its final name only when it is complete.
 * Returns the folder.
 */
export async function unpackOnce(folder: string, fill: (draft: string) => Promise<void>): Promise<string> {
  if (existsSync(folder)) return folder
  const draft = `${folder}.${process.pid}`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true, mode: 0o755 })
  await fill(draft)
  try {
    await rename(draft, folder)
  } catch (err) {
    // Another process was faster: its folder is as good.
    if (!existsSync(folder)) throw err
    await rm(draft, { recursive: true, force: true })
  }
  return folder
}

export async function unpackTarGz(archive: string, to: string): Promise<void> {
  await pipeline(createReadStream(archive), untar(to))
}

/** The first entry of the jar whose name ends with `.txz`, a tar archive compressed with xz. */
export async function unpackTxzOfJar(jar: string, to: string): Promise<void> {
  const zip = await openZip(jar, { lazyEntries: true, autoClose: false })
  try {
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith('.txz')) continue
      const packed = Readable.toWeb(await zip.openReadStreamPromise(entry)) as ReadableStream<Uint8Array>
      const plain = new xz.XzReadableStream(packed) as Parameters<typeof Readable.fromWeb>[0]
      await pipeline(Readable.fromWeb(plain), untar(to))
      return
    }
  } finally {
    zip.close()
  }
  throw new Error(`${basename(jar)} holds no .txz`)
}

/** The entries of a jar below `prefix` that `wanted` accepts, without the prefix; those in `bin/` can be run. */
export async function unpackJar(
  jar: string,
  to: string,
  prefix: RegExp,
  wanted: (path: string) => boolean,
): Promise<void> {
  const zip = await openZip(jar, { lazyEntries: true, autoClose: false })
  try {
    // yauzl refuses names that would leave the folder (absolute, or with `..`).
    for await (const entry of zip.eachEntry()) {
      const path = entry.fileName.replace(prefix, '')
      if (path === entry.fileName || path.endsWith('/') || !wanted(path)) continue
      const file = join(to, path)
      await mkdir(dirname(file), { recursive: true, mode: 0o755 })
      await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(file))
      await chmod(file, path.startsWith('bin/') ? 0o755 : 0o644)
    }
  } finally {
    zip.close()
  }
}

/** Not with the archive's owners; readable for the user that a database runs as, whatever our umask. */
function untar(cwd: string) {
  return extract({ cwd, preserveOwner: false, processUmask: 0o022 })
}
