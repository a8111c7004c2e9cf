import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'

export function compress(bytes: Buffer): Buffer {
  return zstdCompressSync(bytes)
}

export function decompress(bytes: Buffer, limit: number): Buffer {
  return zstdDecompressSync(bytes, { maxOutputLength: limit })
}
