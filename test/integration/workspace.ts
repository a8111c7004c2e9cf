import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAdmin } from '../../src/kafka/open.ts'
import { servers } from './servers.ts'

/** A folder, and names of topics of its own; both are removed at the end. */
export class Workspace {
  readonly dir: string
  private readonly prefix: string
  private readonly topics: string[] = []

  constructor(name: string) {
    this.dir = mkdtempSync(join(tmpdir(), `etl-${name}-`))
    this.prefix = `${name}_${process.pid}_${Date.now().toString(36)}`
  }

  /** A new topic (and table) name. */
  topic(name: string): string {
    const topic = `${this.prefix}_${name}`
    this.topics.push(topic)
    return topic
  }

  file(name: string, content: string): string {
    const path = join(this.dir, name)
    writeFileSync(path, content)
    return path
  }

  schema(name: string, fields: readonly object[]): string {
    return this.file(
      `${name}.avsc`,
      JSON.stringify({ type: 'record', name: 'Row', namespace: 'com.exam', fields }),
    )
  }

  async remove(): Promise<void> {
    rmSync(this.dir, { recursive: true, force: true })
    const admin = openAdmin({ brokers: servers().kafka, clientId: 'test' })
    for (const topic of this.topics) if (await admin.topic(topic)) await admin.deleteTopic(topic)
    await admin.close()
  }
}
