import { readdir, readFile, readlink } from 'node:fs/promises'

/** State of a listening socket in /proc/net/tcp. */
const listening = '0A'

/**
 * Whether process `pid` itself listens on this port; undefined where the system does not tell (it does on Linux: proc_pid_net(5)). Another
 * program may have taken the port a moment before, and answers instead.
 */
export async function listensOn(pid: number, port: number): Promise<boolean | undefined> {
  if (process.platform !== 'linux') return undefined
  try {
    const sockets = await listenersOf(port)
    for (const name of await readdir(`/proc/${pid}/fd`)) {
      const target = await readlink(`/proc/${pid}/fd/${name}`).catch(() => '') // closed since
      const [, inode] = /^socket:\[(\d+)\]$/.exec(target) ?? []
      if (inode !== undefined && sockets.has(inode)) return true
    }
    return false
  } catch {
    return undefined // another user's process, or gone: whoever asks looks at that, too
  }
}

/** Inodes of the sockets that listen on the port, on any address. */
async function listenersOf(port: number): Promise<Set<string>> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const inodes = new Set<string>()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readFile(table, 'utf8').catch(() => '') // a kernel without IPv6
    for (const line of text.split('\n')) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
      if (state === listening && local.endsWith(suffix) && inode !== undefined) inodes.add(inode)
    }
  }
  return inodes
}
