import xxhash from 'xxhash-wasm'

/** 128 bits of a text: XXH64 with two seeds. https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md */
export interface Digest {
  readonly high: bigint
  readonly low: bigint
}

export type DigestOf = (texts: readonly (string | null)[]) => Digest

/** Digests of rows and keys as canonical texts. JSON keeps them apart from each other, and null from ''. */
export async function textDigest(): Promise<DigestOf> {
  const { h64 } = await xxhash()
  return (texts) => {
    const text = JSON.stringify(texts)
    return { high: h64(text, 1n), low: h64(text, 2n) }
  }
}
