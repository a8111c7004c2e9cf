import { type ExecFileException, execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { root } from '../integration/etl.ts'

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Where {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

/** Runs a program to its end, whatever its exit code. */
export function ran(program: string, args: readonly string[], { cwd, env }: Where): Promise<Ran> {
  return new Promise((resolve, reject) => {
    execFile(
      program,
      args,
      { cwd, env, maxBuffer: 64 << 20 },
      (err: ExecFileException | null, stdout, stderr) => {
        if (err && typeof err.code !== 'number') reject(err)
        else resolve({ code: Number(err?.code ?? 0), stdout, stderr })
      },
    )
  })
}

/** Runs a program that must succeed. */
export async function must(program: string, args: readonly string[], where: Where): Promise<Ran> {
  const result = await ran(program, args, where)
  if (result.code !== 0) {
    throw new Error(
      `${[program, ...args].join(' ')} exited with ${result.code}\n${result.stdout}\n${result.stderr}`,
    )
  }
  return result
}

/** The single binary: the one that `ETL_TEST_BINARY` names, or a new one in a temporary folder. */
export async function builtBinary(): Promise<string> {
  if (process.env.ETL_TEST_BINARY) return join(root, process.env.ETL_TEST_BINARY)
  const out = temporaryFolder('build')
  await must(process.execPath, [join(root, 'bin/build.ts'), '--out', out], { cwd: root, env: process.env })
  return join(out, 'etl')
}

/** A project that has nothing but the packed npm package, installed; returns the `etl` in it. */
export async function installedPackage(): Promise<string> {
  const project = temporaryFolder('package')
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` }
  const { stdout } = await must('npm', ['pack', '--json', '--silent', '--pack-destination', project], {
    cwd: root,
    env,
  })
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  await must('npm', ['init', '--yes', '--silent'], { cwd: project, env })
  await must('npm', ['install', '--silent', '--no-audit', join(project, filename)], { cwd: project, env })
  return join(project, 'node_modules/.bin/etl')
}

const temporary: string[] = []

/** A new empty folder, until removeTemporaryFolders: a binary is more than 100 MB. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `etl-${name}-`))
  temporary.push(folder)
  return folder
}

export function removeTemporaryFolders(): void {
  for (const folder of temporary) rmSync(folder, { recursive: true, force: true })
}
