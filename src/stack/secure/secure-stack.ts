import { ConfigError } from '../../errors.ts'
import type { SecureState, ServiceName } from '../state.ts'
import { defaultConfig } from './config-files.ts'
import { isSecure, prepareSecureFiles, type SecureFiles } from './files.ts'

/**
 * Certificates and passwords of the stack in `dir`, undefined for one without --secure. What a stack is, it stays: its
 * data holds the passwords. `withData` names a service that has data already. Throws ConfigError when an open stack shall become
 * a secured one.
 */
export function secureStack(
  dir: string,
  wanted: boolean,
  withData: ServiceName | undefined,
): SecureFiles | undefined {
  if (isSecure(dir)) return prepareSecureFiles(dir)
  if (!wanted) return undefined
  if (withData !== undefined) {
    throw new ConfigError('this stack was made without --secure', {
      where: dir,
      cause: new Error(`${withData} has data of it`),
      next: 'etl stack up --secure --dir FOLDER   (or delete the old one: etl stack down --purge)',
    })
  }
  return prepareSecureFiles(dir)
}

/** What other commands find in the state. */
export function secureState(files: SecureFiles): SecureState {
  return { folder: files.folder, config: defaultConfig(files) }
}
