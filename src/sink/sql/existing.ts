/** A table as the database's catalog describes it. */
export interface ExistingTable {
  readonly columns: readonly ExistingColumn[]
  readonly primaryKey: readonly string[]
  /** Columns of every unique index, the primary key's included. */
  readonly uniqueKeys: readonly (readonly string[])[]
  /** Why rows and offsets cannot be kept together in it (not transactional, not a table); undefined: they can. */
  readonly unfit: string | undefined
}

export interface ExistingColumn {
  readonly name: string
  /** As DDL would say it: `numeric(10,2)`, `int(11) unsigned`. */
  readonly nativeType: string
  /** Type name without arguments, lower case: `numeric`, `int`. */
  readonly base: string
  /** Length, or precision and scale; empty when the type has none. */
  readonly args: readonly number[]
  readonly unsigned: boolean
  readonly collation: string | undefined
  readonly nullable: boolean
  /** A value comes by itself: default, identity, auto-increment. */
  readonly hasDefault: boolean
  readonly generated: boolean
}
