import { ConfigError } from '../../errors.ts'

const defaultPort = 9092

/** `host`, `host:port` or `[v6]:port`. Throws ConfigError. */
export function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]+))(?::(\d{1,5}))?$/.exec(text.trim())
  const host = match?.[1] ?? match?.[2]
  const port = match?.[3] === undefined ? defaultPort : Number(match[3])
  if (host === undefined || port < 1 || port > 65_535) {
    throw new ConfigError(`'${text}' is not a broker address`, { next: 'write brokers as host:port' })
  }
  return { host, port }
}
