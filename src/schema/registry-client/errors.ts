import { ConfigError } from '../../errors.ts'

/** The registry has no schema with this id. */
export class SchemaNotFoundError extends ConfigError {
  override readonly code = 'schema_not_found'
  readonly id: number

  constructor(id: number, registryUrl: string) {
    super(`the registry has no schema with id ${id}`, {
      where: registryUrl,
      next: 'check --registry-url: was the record written with another registry?',
    })
    this.id = id
  }
}

/** The registry refused a schema that is not compatible with what the subject has. */
export class IncompatibleSchemaError extends ConfigError {
  override readonly code = 'schema_incompatible'

  constructor(subject: string, reason: string) {
    super(`the schema is not compatible with subject ${subject}`, {
      cause: new Error(reason),
      next: `etl schema check FILE --subject ${subject} names what does not fit`,
    })
  }
}
