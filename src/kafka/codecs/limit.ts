import { CorruptBatchError } from '../errors.ts'

/** Throws when a size that compressed data declares is above the limit, before memory is taken for it. */
export function checkDecompressedSize(codec: string, bytes: number, limit: number): void {
  if (bytes > limit) {
    throw new CorruptBatchError(
      `${codec} data of a record batch would take ${bytes} bytes; the limit is ${limit}`,
    )
  }
}
