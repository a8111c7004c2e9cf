import { gunzipSync, gzipSync } from 'node:zlib'

export function compress(bytes: Buffer): Buffer {
  return gzipSync(bytes)
}

export function decompress(bytes: Buffer, limit: number): Buffer {
  return gunzipSync(bytes, { maxOutputLength: limit })
}
