/** Replaces the password of every URL in `text`, so that errors and logs can be pasted anywhere. */
export function redact(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s@/]+@/gi, '$1:***@')
}
