/** What the user may say about the types. Paths are those that `--explain` shows: `a.b`, `list[]`, `map{}`. */
export interface InferOptions {
  /** Full name of the record, without namespace. */
  readonly name: string
  readonly namespace?: string | undefined
  /** Numbers with a fraction become decimal instead of double. */
  readonly decimals?: boolean
  /** No timestamps, dates and uuids: every string stays a string. */
  readonly plainStrings?: boolean
  /** Objects at these paths are maps. */
  readonly maps?: readonly string[]
  /** Objects are maps only at the paths in `maps`, never by their looks. */
  readonly noMaps?: boolean
  /** Strings at these paths are base64 of bytes. */
  readonly base64?: readonly string[]
}
