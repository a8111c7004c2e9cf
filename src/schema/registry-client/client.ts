import { InputError, UnexpectedError } from '../../errors.ts'
import { jsonText, parseJson } from '../json-text.ts'
import {
  type CompatibilityLevel,
  compatibilityLevels,
  type RegisteredSchema,
  type RegistryConfig,
  type SchemaReference,
  type SchemaRegistry,
  type SubjectVersion,
} from '../registry.ts'
import { IncompatibleSchemaError, SchemaNotFoundError } from './errors.ts'
import { type HttpTimes, type RegistryAnswer, RegistryHttp } from './http.ts'

/** A registry that speaks Confluent's API; known to work with Apicurio Registry (…/apis/ccompat/v7). */
export interface RegistryClient extends SchemaRegistry {
  /** Closes the kept-alive connections. Idle ones do not keep the process running. */
  close(): void
}

/** Nothing is connected until the first call. Throws ConfigError for a URL that is none. */
export function openRegistry(config: RegistryConfig, times: Partial<HttpTimes> = {}): RegistryClient {
  return new ConfluentRegistry(new RegistryHttp(config, times))
}

/** Error codes of the API: the subject, the version or the schema does not exist. */
const notFoundCodes = [40401, 40402, 40403]

class ConfluentRegistry implements RegistryClient {
  private readonly http: RegistryHttp
  /** An id and a version never change what they mean. */
  private readonly ids = new Map<number, Promise<RegisteredSchema>>()
  private readonly known = new Map<string, SubjectVersion>()

  constructor(http: RegistryHttp) {
    this.http = http
  }

  byId(id: number): Promise<RegisteredSchema> {
    const cached = this.ids.get(id)
    if (cached) return cached
    const fetched = this.fetchById(id)
    this.ids.set(id, fetched)
    // A failure is not remembered; whoever asked for the id gets it.
    fetched.catch(() => this.ids.delete(id))
    return fetched
  }

  latest(subject: string): Promise<SubjectVersion | undefined> {
    return this.fetchVersion(subject, 'latest')
  }

  async version(subject: string, version: number): Promise<SubjectVersion | undefined> {
    return this.known.get(`${version} ${subject}`) ?? (await this.fetchVersion(subject, String(version)))
  }

  async versions(subject: string): Promise<number[]> {
    const answer = await this.http.call('GET', `/subjects/${encodeURIComponent(subject)}/versions`)
    const body = this.found(answer) ?? []
    return Array.isArray(body) ? body.map(Number).sort((a, b) => a - b) : this.surprise('versions', answer)
  }

  async subjects(): Promise<string[]> {
    const answer = await this.http.call('GET', '/subjects')
    const body = this.found(answer)
    return Array.isArray(body) ? body.map(String).sort() : this.surprise('subjects', answer)
  }

  async register(subject: string, schema: RegisteredSchema): Promise<number> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`
    const answer = await this.http.call('POST', path, requestBody(schema))
    const reason = messageOf(answer)
    if (answer.status === 409) throw new IncompatibleSchemaError(subject, reason)
    if (answer.status === 422) {
      throw new InputError(`the registry does not take the schema for ${subject}`, {
        cause: new Error(reason),
      })
    }
    const { id } = this.object('register', answer)
    return typeof id === 'number' ? id : this.surprise('register', answer)
  }

  async lookup(subject: string, schema: RegisteredSchema): Promise<SubjectVersion | undefined> {
    const answer = await this.http.call(
      'POST',
      `/subjects/${encodeURIComponent(subject)}`,
      requestBody(schema),
    )
    return this.found(answer) === undefined ? undefined : this.subjectVersion(answer)
  }

  async compatibilityLevel(subject: string): Promise<CompatibilityLevel> {
    const own = await this.http.call('GET', `/config/${encodeURIComponent(subject)}?defaultToGlobal=true`)
    const answer = own.status === 404 ? await this.http.call('GET', '/config') : own
    const body = this.object('config', answer)
    const level = body.compatibilityLevel ?? body.compatibility
    return compatibilityLevels.find((known) => known === level) ?? this.surprise('config', answer)
  }

  close(): void {
    this.http.close()
  }

  private async fetchById(id: number): Promise<RegisteredSchema> {
    const answer = await this.http.call('GET', `/schemas/ids/${id}`)
    if (this.found(answer) === undefined) throw new SchemaNotFoundError(id, this.http.url)
    return this.registeredSchema(answer)
  }

  private async fetchVersion(subject: string, version: string): Promise<SubjectVersion | undefined> {
    const answer = await this.http.call('GET', `/subjects/${encodeURIComponent(subject)}/versions/${version}`)
    if (this.found(answer) === undefined) return undefined
    const found = this.subjectVersion(answer)
    this.known.set(`${found.version} ${subject}`, found)
    return found
  }

  /** The body; undefined when the registry says that there is no such thing. */
  private found(answer: RegistryAnswer): unknown {
    const { error_code: code } = (answer.body ?? {}) as { error_code?: unknown }
    if (answer.status === 404 && notFoundCodes.includes(Number(code))) return undefined
    return answer.status === 200 && answer.body !== undefined ? answer.body : this.surprise('answer', answer)
  }

  private object(call: string, answer: RegistryAnswer): Record<string, unknown> {
    const { status, body } = answer
    if (status !== 200 || typeof body !== 'object' || body === null) return this.surprise(call, answer)
    return body as Record<string, unknown>
  }

  private subjectVersion(answer: RegistryAnswer): SubjectVersion {
    const { subject, id, version } = this.object('version', answer)
    if (typeof subject !== 'string' || typeof id !== 'number' || typeof version !== 'number') {
      return this.surprise('version', answer)
    }
    return { ...this.registeredSchema(answer), subject, id, version }
  }

  private registeredSchema(answer: RegistryAnswer): RegisteredSchema {
    const { schema, schemaType = 'AVRO', references } = this.object('schema', answer)
    if (typeof schema !== 'string') return this.surprise('schema', answer)
    if (schemaType !== 'AVRO') {
      throw new InputError(`the schema is ${String(schemaType)}; etl reads Avro`, {
        where: this.http.url,
        next: 'name a subject whose schema is Avro',
      })
    }
    const list = Array.isArray(references) ? (references as SchemaReference[]) : []
    return list.length > 0
      ? { schema, references: list.map(({ name, subject, version }) => ({ name, subject, version })) }
      : { schema }
  }

  private surprise(call: string, answer: RegistryAnswer): never {
    throw new UnexpectedError(`the schema registry's answer (${call}) is not understood`, {
      where: this.http.url,
      cause: new Error(`HTTP ${answer.status}: ${messageOf(answer)}`),
      next: 'check --registry-url: Confluent http://HOST:8081, Apicurio http://HOST:8080/apis/ccompat/v7',
    })
  }
}

/** White space is taken out, so that the same schema is the same text to every registry. */
function requestBody({ schema, references }: RegisteredSchema): object {
  const text = jsonText(parseJson(schema, { where: 'schema' }))
  return { schema: text, schemaType: 'AVRO', ...(references?.length ? { references } : {}) }
}

function messageOf({ body, text, location }: RegistryAnswer): string {
  if (location !== undefined) return `it leads to ${location}; redirects are not followed`
  if (body === undefined) return 'the answer is not JSON'
  const { message, detail } = (body ?? {}) as { message?: unknown; detail?: unknown }
  const said = [message, detail].filter((part) => typeof part === 'string').join(': ')
  return said ? said.slice(0, 500) : text
}
