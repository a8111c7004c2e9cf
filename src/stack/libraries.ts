import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ConfigError } from '../errors.ts'
import { readOsRelease } from './java.ts'

/** Debian's packages of the libraries that the downloaded servers take from the system. */
const debianPackages: Readonly<Record<string, string>> = {
  'libstdc++.so.6': 'libstdc++6',
  'libgcc_s.so.1': 'libgcc-s1',
  'libcrypt.so.1': 'libcrypt1',
  'libsystemd.so.0': 'libsystemd0',
  'libcap.so.2': 'libcap2',
  'libgcrypt.so.20': 'libgcrypt20',
  'libgpg-error.so.0': 'libgpg-error0',
  'liblz4.so.1': 'liblz4-1',
  'liblzma.so.5': 'liblzma5',
  'libzstd.so.1': 'libzstd1',
}

/** Throws ConfigError that names what to install when `program` cannot be loaded on this system. */
export async function checkLibraries(label: string, program: string): Promise<void> {
  try {
    await promisify(execFile)(program, ['--version'], { timeout: 20_000 })
  } catch (err) {
    const { stderr = '', message, code } = err as { stderr?: string; message: string; code?: string | number }
    const missing = await missingLibraries(program, stderr)
    if (missing.length > 0) throw notInstalled(label, missing)
    throw new ConfigError(`${label} does not run on this system`, {
      where: program,
      // ENOENT for a file that exists: its loader is missing, as on a system without glibc.
      cause: new Error(
        code === 'ENOENT' ? 'it was built for another C library (glibc)' : stderr.trim() || message,
      ),
      next: 'use the servers of compose.yaml, or any others by --brokers and etl.yaml',
    })
  }
}

/** ldd names all of them; where there is no ldd, the loader's message names the first. */
async function missingLibraries(program: string, stderr: string): Promise<string[]> {
  const first = /error while loading shared libraries: (\S+):/.exec(stderr)?.[1]
  if (first === undefined) return []
  try {
    const { stdout } = await promisify(execFile)('ldd', [program])
    const all = [...stdout.matchAll(/^\s*(\S+) => not found$/gm)].flatMap((match) => match[1] ?? [])
    return all.length > 0 ? all : [first]
  } catch {
    return [first]
  }
}

function notInstalled(label: string, missing: readonly string[]): ConfigError {
  const packages = missing.flatMap((library) => debianPackages[library] ?? [])
  const debian = /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readOsRelease())
  return new ConfigError(`${label} lacks system libraries: ${missing.join(', ')}`, {
    next:
      debian && packages.length === missing.length
        ? `${process.getuid?.() === 0 ? '' : 'sudo '}apt-get install -y ${packages.join(' ')}`
        : 'install the packages that hold them',
  })
}
