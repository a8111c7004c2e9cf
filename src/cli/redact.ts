/**
 * Takes the passwords out of `text`, so that errors and logs can be pasted anywhere: the user part of
 * URLs (also when the password holds `@`, `:` or `/`), `password=…` in URLs and connection strings,
 * and the credentials of an Authorization header.
 */
export function redact(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):(?:(?![a-z][a-z0-9+.-]*:\/\/)\S)*@/gi, '$1:***@')
    .replace(/\b((?:ssl)?(?:password|passwd|pwd|secret|token)=)(?:"[^"]*"|'[^']*'|[^\s&;,]*)/gi, '$1***')
    .replace(/\b(authorization:\s*(?:basic|bearer)\s+)\S+/gi, '$1***')
}
