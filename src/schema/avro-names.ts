/** Avro's naming rules (specification, "Names"). */

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/

export function isAvroName(name: string): boolean {
  return namePattern.test(name)
}

export function isAvroFullName(name: string): boolean {
  return name.split('.').every(isAvroName)
}

/** `name` in `namespace`; a name with dots is full already. */
export function fullNameOf(name: string, namespace: string | undefined): string {
  return name.includes('.') || !namespace ? name : `${namespace}.${name}`
}

/** Everything before the last dot; undefined where there is none. */
export function namespaceOf(fullName: string): string | undefined {
  const dot = fullName.lastIndexOf('.')
  return dot > 0 ? fullName.slice(0, dot) : undefined
}

/** Everything after the last dot. */
export function shortNameOf(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1)
}
