import { ConfigError } from '../errors.ts'

const address = /^(?:\[[0-9a-fA-F:.]+\]|[^:[\]\s/=]+):\d{1,5}$/

/**
 * `kafka.addressMap` of etl.yaml, and over it `ETL_KAFKA_ADDRESS_MAP` (`host:port=host:port`, with commas between them).
 * Undefined when neither has an entry. Throws ConfigError for what is no address.
 */
export function addressMap(
  file: Readonly<Record<string, string>> | undefined,
  text = process.env.ETL_KAFKA_ADDRESS_MAP,
): Record<string, string> | undefined {
  const entries = [...Object.entries(file ?? {}).map(checked('kafka.addressMap')), ...fromText(text ?? '')]
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

function fromText(text: string): (readonly [string, string])[] {
  const pairs = text.split(',').map((pair) => pair.trim())
  return pairs
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [from = '', to = '', ...rest] = pair.split('=')
      return rest.length > 0 ? ([pair, ''] as const) : ([from.trim(), to.trim()] as const)
    })
    .map(checked('ETL_KAFKA_ADDRESS_MAP'))
}

function checked(where: string): (entry: readonly [string, string]) => readonly [string, string] {
  return ([from, to]) => {
    if (address.test(from) && address.test(to)) return [from, to]
    throw new ConfigError(`"${from}${to === '' ? '' : `=${to}`}" does not map one HOST:PORT to another`, {
      where,
      next: 'ETL_KAFKA_ADDRESS_MAP=broker1:9092=127.0.0.1:19092,broker2:9092=127.0.0.1:19093',
    })
  }
}
