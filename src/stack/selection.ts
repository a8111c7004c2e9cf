import { UsageError } from '../errors.ts'
import { type ServiceName, serviceNames, servicesOf } from './state.ts'

/** Services by name, each once, in their usual order; all when none is named. Throws UsageError. */
export function parseServices(names: readonly string[]): ServiceName[] {
  const wanted = names.map((name) => name.trim()).filter((name) => name !== '')
  for (const name of wanted) refuseUnknown(name)
  return wanted.length === 0 ? [...serviceNames] : servicesOf(true).filter((name) => wanted.includes(name))
}

/** `kafka=19092`. Throws UsageError. */
export function parsePorts(values: readonly string[]): Partial<Record<ServiceName, number>> {
  const ports: Partial<Record<ServiceName, number>> = {}
  for (const value of values) {
    const [name = '', port = '', ...rest] = value.split('=')
    const number = Number(port)
    if (rest.length > 0 || !/^\d+$/.test(port) || number < 1 || number > 65_535) {
      throw new UsageError(`--port wants SERVICE=PORT with a port from 1 to 65535, not "${value}"`, {
        next: 'for example: --port kafka=19092',
      })
    }
    ports[refuseUnknown(name)] = number
  }
  return ports
}

function refuseUnknown(name: string): ServiceName {
  const known = servicesOf(true).find((service) => service === name)
  if (known) return known
  throw new UsageError(`there is no service "${name}"`, { next: `services: ${serviceNames.join(', ')}` })
}
