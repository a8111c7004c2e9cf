import { type ByteReader, readWhole } from './byte-reader.ts'
import { Misfit } from './errors.ts'
import type { ArrayPlan, MapPlan, Plan, RecordPlan } from './resolution.ts'
import { enumReader, type Read, scalarJsonReader } from './scalar-reader.ts'
import { branchOf, enter, minBytesOf, type Skip, SkipCompiler } from './skip.ts'

/**
 * Compiles plans to functions that read a value as JSON text, in the form that `compileJsonEncoder` takes back:
 * int and long as numbers with all their digits, decimal as a number with all decimal places, float and double as the
 * shortest number that gives the same double ("NaN", "Infinity", "-Infinity" as text), bytes and fixed as base64,
 * date, time and timestamps in ISO 8601 (zoned ones in UTC with Z), uuid and enum as text, unions as the bare value, records
 * as objects with the fields' original names in the order of the writer, added defaults last.
 */
export class JsonReaderCompiler {
  readonly #skips: SkipCompiler
  readonly #records = new Map<RecordPlan, Read<string>>()

  constructor(skips = new SkipCompiler()) {
    this.#skips = skips
  }

  compile(plan: Plan): Read<string> {
    switch (plan.kind) {
      case 'scalar':
        return scalarJsonReader(plan)
      case 'enum': {
        const read = enumReader(plan)
        return (reader) => `"${read(reader)}"`
      }
      case 'array':
        return this.#array(plan)
      case 'map':
        return this.#map(plan)
      case 'record':
        return this.#records.get(plan) ?? this.#record(plan)
      case 'choice': {
        const branches = plan.branches.map((branch) => this.compile(branch))
        return (reader) => branchOf(branches, reader)(reader)
      }
      case 'refused':
        return () => {
          throw new Misfit(plan.reason)
        }
    }
  }

  #array(plan: ArrayPlan): Read<string> {
    const readItem = this.compile(plan.items)
    const minBytes = minBytesOf(plan.writerItems)
    return (reader) => {
      let text = '['
      let index = 0
      enter(reader)
      try {
        for (let count = reader.blockCount(minBytes); count > 0; count = reader.blockCount(minBytes)) {
          for (let i = 0; i < count; i++) {
            text += index === 0 ? readItem(reader) : `,${readItem(reader)}`
            index++
            reader.limitText(text)
          }
        }
      } catch (error) {
        throw error instanceof Misfit ? error.within(index) : error
      }
      reader.depth--
      return `${text}]`
    }
  }

  #map(plan: MapPlan): Read<string> {
    const readValue = this.compile(plan.values)
    const minBytes = 1 + minBytesOf(plan.writerValues)
    const readEntry = (reader: ByteReader) => {
      const key = reader.string()
      try {
        return `${JSON.stringify(key)}:${readValue(reader)}`
      } catch (error) {
        throw error instanceof Misfit ? error.within(key) : error
      }
    }
    return (reader) => {
      let text = '{'
      enter(reader)
      for (let count = reader.blockCount(minBytes); count > 0; count = reader.blockCount(minBytes)) {
        for (let i = 0; i < count; i++) {
          text += text === '{' ? readEntry(reader) : `,${readEntry(reader)}`
          reader.limitText(text)
        }
      }
      reader.depth--
      return `${text}}`
    }
  }

  #record(plan: RecordPlan): Read<string> {
    const fields: { name: string; label: string; read: Read<string> | undefined; skip: Skip }[] = []
    let added = ''
    const read: Read<string> = (reader) => {
      let text = '{'
      let i = 0
      enter(reader)
      try {
        for (; i < fields.length; i++) {
          const field = fields[i] as (typeof fields)[number]
          if (field.read === undefined) field.skip(reader)
          else
            text += text === '{' ? field.label + field.read(reader) : `,${field.label}${field.read(reader)}`
          reader.limitText(text)
        }
      } catch (error) {
        throw error instanceof Misfit ? error.within(fields[i]?.name ?? '') : error
      }
      reader.depth--
      if (added !== '') text += text === '{' ? added : `,${added}`
      reader.limitText(text)
      return `${text}}`
    }
    this.#records.set(plan, read)
    for (const { writer, field, plan: inner } of plan.steps) {
      const name = (field ?? writer).originalName
      fields.push({
        name,
        label: `${JSON.stringify(name)}:`,
        read: inner === undefined ? undefined : this.compile(inner),
        skip: this.#skips.compile(writer.type),
      })
    }
    added = plan.added
      .map(({ field, bytes, plan: inner }) => {
        return `${JSON.stringify(field.originalName)}:${readWhole(this.compile(inner), bytes)}`
      })
      .join(',')
    return read
  }
}
