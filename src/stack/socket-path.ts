import { join } from 'node:path'

/** sun_path of unix(7) holds 108 bytes on Linux and 104 elsewhere, the final zero included. */
const longest = 103

/** A unix socket in `folder`; undefined where the system's limit for such paths would not take it. */
export function socketPath(folder: string, name: string): string | undefined {
  const path = join(folder, name)
  return Buffer.byteLength(path) <= longest ? path : undefined
}
