import { BatchTooLargeError } from '../errors.ts'

/** Throws when a size that compressed data declares is above the limit, before memory is taken for it. */
export function checkDecompressedSize(codec: string, bytes: number, limit: number): void {
  if (bytes > limit) throw tooLarge(codec, `${bytes} bytes`, limit)
}

/** For data that grew over the limit. */
export function tooLarge(codec: string, size: string, limit: number, cause?: unknown): BatchTooLargeError {
  return new BatchTooLargeError(
    `${codec} data of a record batch would take ${size}; the limit is ${limit} bytes`,
    {
      cause,
      next: 'look at who writes such batches; to pass this one by, set "offset" in kafka_offsets behind it while no consumer runs',
    },
  )
}
