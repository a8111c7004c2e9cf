/** kafkajs ships types for its public interface only; internals.ts gives these modules the types that we rely on. */
declare module 'kafkajs/src/*' {
  const value: unknown
  export = value
}
