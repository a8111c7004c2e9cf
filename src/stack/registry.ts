import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { UnexpectedError } from '../errors.ts'
import { cacheFolder } from './cache-folder.ts'
import { loopback } from './ports.ts'
import { probeRegistry } from './probe.ts'
import type { Service } from './service.ts'
import { unpackOnce, unpackTarGz } from './unpack.ts'

/** Apicurio Registry; its data is one H2 file. Clients use its Confluent-compatible API. */
export const registry: Service<'registry'> = {
  name: 'registry',
  label: 'Apicurio Registry',
  usualPort: 8081,
  extraPorts: () => 0,
  needsJava: true,
  refusesRoot: false,
  stopSignal: 'SIGTERM',

  async prepare({ artifacts: [archive], data, port, java }) {
    if (!archive) throw new UnexpectedError('the lock names no Apicurio Registry')
    const name = basename(archive, '.tar.gz')
    const home = await unpackOnce(join(cacheFolder(), 'unpacked', name), (to) => unpackTarGz(archive, to))
    await mkdir(data, { recursive: true, mode: 0o700 })
    return {
      command: java ?? 'java',
      args: [
        '-Xmx256m',
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        '-jar',
        join(home, name.replace(/-all$/, '-runner.jar')),
      ],
      env: {
        ...process.env,
        APICURIO_STORAGE_KIND: 'sql',
        APICURIO_STORAGE_SQL_KIND: 'h2',
        APICURIO_DATASOURCE_URL: `jdbc:h2:file:${join(data, 'registry')}`,
        APICURIO_UI_ENABLED: 'false',
        QUARKUS_HTTP_HOST: loopback,
        QUARKUS_HTTP_PORT: String(port),
        QUARKUS_HTTP_ACCESS_LOG_ENABLED: 'false',
        QUARKUS_BANNER_ENABLED: 'false',
      },
      cwd: data,
    }
  },

  // In a secured stack clients go through the gate, which has TLS and basic authentication.
  describe: (process, { gatePort }) => ({
    ...process,
    url: gatePort === undefined ? openUrl(process.port) : `https://${loopback}:${gatePort}${apiPath}`,
  }),
  probe: ({ port }) => probeRegistry(openUrl(port)),
  address: ({ url }) => url,
}

const apiPath = '/apis/ccompat/v7'

function openUrl(port: number): string {
  return `http://${loopback}:${port}${apiPath}`
}
