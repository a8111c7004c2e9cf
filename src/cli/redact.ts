import { withoutSecrets } from '../config/secrets.ts'

/**
 * Takes the passwords out of `text`, so that errors and logs can be pasted anywhere: the user part of
 * URLs (also when the password holds `@`, `:` or `/`), `password=…` in URLs and connection strings,
 * the credentials of an Authorization header, and every secret that this process has read, wherever it stands.
 * Takes linear time: the text may quote what a stranger sent.
 */
export function redact(text: string): string {
  return withoutUserInfo(withoutSecrets(text))
    .replace(/\b((?:ssl)?(?:password|passwd|pwd|secret|token)=)(?:"[^"]*"|'[^']*'|[^\s&;,]*)/gi, '$1***')
    .replace(/\b(authorization:\s*(?:basic|bearer)\s+)\S+/gi, '$1***')
}

/** `scheme://user:***@host`: up to the last `@` before a blank or the next URL, since a password may hold one. */
function withoutUserInfo(text: string): string {
  let clean = ''
  let done = 0
  for (let at = text.indexOf('://'); at >= 0; ) {
    const next = text.indexOf('://', at + 3)
    const colon = endOfUser(text, at + 3)
    if (text[colon] === ':' && (next < 0 || colon < next)) {
      const rest = text.slice(colon, next < 0 ? undefined : schemeStart(text, next, colon + 1))
      const host = (/^\S*/.exec(rest)?.[0] ?? '').lastIndexOf('@')
      if (host >= 0) {
        clean += `${text.slice(done, colon)}:***`
        done = colon + host
      }
    }
    at = next
  }
  return clean + text.slice(done)
}

function endOfUser(text: string, from: number): number {
  const stop = /[\s:/@]/g
  stop.lastIndex = from
  return stop.exec(text)?.index ?? text.length
}

/** Where the scheme before `://` begins, `least` at the least. */
function schemeStart(text: string, at: number, least: number): number {
  let start = at
  while (start > least && /[a-z0-9+.-]/i.test(text[start - 1] as string)) start--
  while (start < at && !/[a-z]/i.test(text[start] as string)) start++
  return start
}
