import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/**
 * Where downloads are kept for all projects of this user: `ETL_CACHE_DIR`, else `etl` below
 * `XDG_CACHE_HOME`, else the platform's cache folder.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.ETL_CACHE_DIR) return resolve(env.ETL_CACHE_DIR)
  // The XDG specification: a relative path is invalid and ignored.
  if (env.XDG_CACHE_HOME?.startsWith('/')) return join(env.XDG_CACHE_HOME, 'etl')
  const home = env.HOME || homedir()
  return process.platform === 'darwin' ? join(home, 'Library', 'Caches', 'etl') : join(home, '.cache', 'etl')
}
