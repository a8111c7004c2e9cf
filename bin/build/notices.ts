import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The licence texts of every package that the bundle holds parts of, as their licences ask for. */
export function thirdPartyNotices(root: string, inputs: readonly string[]): string {
  const folders = new Set<string>()
  for (const input of inputs) {
    const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]
    if (folder) folders.add(folder)
  }
  return [...folders]
    .sort()
    .map((folder) => notice(join(root, folder)))
    .join('\n')
}

function notice(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  const text = file && existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8').trim() : ''
  return `${'-'.repeat(80)}\n${name} ${version} (${license})\n\n${text}\n`
}
