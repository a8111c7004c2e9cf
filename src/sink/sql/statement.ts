/** A value bound to a statement. */
export type SqlParam = string | number | bigint | boolean | Buffer | null

/**
 * One SQL statement with its parameters kept apart from its text. Both dialects read the same text: identifiers are in
 * double quotes (MySQL sessions run with ANSI_QUOTES), and each session renders the parameters its own way.
 */
export class Sql {
  /** One more than `params`: the text before, between and after them. */
  readonly texts: readonly string[]
  readonly params: readonly SqlParam[]

  constructor(texts: readonly string[], params: readonly SqlParam[]) {
    this.texts = texts
    this.params = params
  }

  /** The text with every parameter replaced by what `placeholder` returns for it. */
  render(placeholder: (param: SqlParam, index: number) => string): string {
    let text = this.texts[0] ?? ''
    for (let i = 0; i < this.params.length; i++) {
      text += placeholder(this.params[i] ?? null, i) + (this.texts[i + 1] ?? '')
    }
    return text
  }
}

/** Tag of a statement: values become parameters, nested statements are spliced in. */
export function sql(texts: TemplateStringsArray, ...values: readonly (SqlParam | Sql)[]): Sql {
  const outTexts: string[] = [texts[0] ?? '']
  const outParams: SqlParam[] = []
  const append = (text: string): void => {
    outTexts.push((outTexts.pop() ?? '') + text)
  }
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? null
    if (value instanceof Sql) {
      append(value.texts[0] ?? '')
      for (let p = 0; p < value.params.length; p++) {
        outParams.push(value.params[p] ?? null)
        outTexts.push(value.texts[p + 1] ?? '')
      }
    } else {
      outParams.push(value)
      outTexts.push('')
    }
    append(texts[i + 1] ?? '')
  }
  return new Sql(outTexts, outParams)
}

/** Text that is SQL already. Never for anything that came from outside. */
export function raw(text: string): Sql {
  return new Sql([text], [])
}

export function join(parts: readonly Sql[], separator: string): Sql {
  const [first, ...rest] = parts
  return rest.reduce((all, part) => sql`${all}${raw(separator)}${part}`, first ?? raw(''))
}

/** A quoted identifier; a quote inside it is doubled. */
export function ident(name: string): Sql {
  return raw(quoted(name))
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
