import type { TlsSettings } from '../tls.ts'

/** A Confluent-compatible schema registry. https://docs.confluent.io/platform/current/schema-registry/develop/api.html */
export interface SchemaRegistry {
  /** Schema text and references by id; cached for ever. Throws SchemaNotFoundError for an unknown id. */
  byId(id: number): Promise<RegisteredSchema>
  /** Latest version of a subject; undefined when there is none. */
  latest(subject: string): Promise<SubjectVersion | undefined>
  version(subject: string, version: number): Promise<SubjectVersion | undefined>
  versions(subject: string): Promise<number[]>
  subjects(): Promise<string[]>
  /** Idempotent: the same schema under the same subject gives the same id. */
  register(subject: string, schema: RegisteredSchema): Promise<number>
  /** The version under which this schema is already registered; undefined when it is not. */
  lookup(subject: string, schema: RegisteredSchema): Promise<SubjectVersion | undefined>
  /** The subject's compatibility level, or the registry's. */
  compatibilityLevel(subject: string): Promise<CompatibilityLevel>
}

export interface RegisteredSchema {
  /** Avro schema as JSON text. */
  readonly schema: string
  readonly references?: readonly SchemaReference[]
}

export interface SchemaReference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

export interface SubjectVersion extends RegisteredSchema {
  readonly subject: string
  readonly id: number
  readonly version: number
}

export const compatibilityLevels = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
] as const
export type CompatibilityLevel = (typeof compatibilityLevels)[number]

export interface RegistryConfig {
  /** Base URL of the Confluent API, e.g. http://127.0.0.1:8081/apis/ccompat/v7. Credentials are not in it. */
  readonly url: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Bearer token, instead of user name and password. */
  readonly token?: string | undefined
  readonly tls?: TlsSettings | undefined
}
